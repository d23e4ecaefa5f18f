#include "scenarios/feed/intake.hpp"

#include <fmt/format.h>

#include <mailroom/seeded_choice.hpp>

namespace feed {

std::int64_t chunk_of(std::int64_t author, std::int64_t reader, std::int64_t chunks) {
  return author * chunks + static_cast<std::int64_t>(mailroom::scramble(static_cast<std::uint64_t>(reader)) % static_cast<std::uint64_t>(chunks));
}

std::string fault_of(const Action& action) {
  constexpr std::int64_t most = std::int64_t{1} << 48;
  const auto of_users = action.kind == Kind::follow || action.kind == Kind::unfollow || action.kind == Kind::block || action.kind == Kind::unblock;
  if (action.kind == Kind::threshold) return action.target >= 0 ? "" : fmt::format("threshold {}, expected 0 or more followers", action.target);
  if (action.user < 1 || action.user > most) return fmt::format("user {}, expected 1 to {}", action.user, most);
  for (const auto mentioned : action.mentions)
    if (mentioned < 1 || mentioned > most) return fmt::format("mention of user {}, expected 1 to {}", mentioned, most);
  if (action.kind == Kind::post || action.kind == Kind::read) return "";
  if (action.target < 1 || action.target > most) return fmt::format("target {}, expected 1 to {}", action.target, most);
  if (of_users && action.target == action.user) return fmt::format("user {} means himself", action.user);
  return "";
}

Relation Intake::relation(const Action& action, std::int64_t author, std::int64_t reader, Change change) const {
  return {chunk_of(author, reader, options_.chunks), author, reader, action.number, change, action.at, threshold_};
}

std::vector<Relation> Intake::both_ways(const Action& action, Change to_target, Change to_user) const {
  return {relation(action, action.target, action.user, to_target), relation(action, action.user, action.target, to_user)};
}

Intake::Intake(const IntakeOptions& options) : options_(options) {
  if (options.chunks < 1 || options.chunks > 1024 || options.celebrity_above < 0)
    throw mailroom::BadValue("intake: expected 1 to 1024 chunks and celebrity_above 0 or more");
  const auto is = [](Kind kind) { return [kind](const Action& a) { return a.kind == kind; }; };
  const auto publish = [this](const Action& a) {
    const bool removes = a.kind == Kind::remove;
    return Publish{a.user, removes ? a.target : a.number, a.number, removes, a.at, a.mentions, threshold_};
  };
  const auto react = [](const Action& a) { return React{a.target, a.user, a.number, a.kind, a.at, a.mentions}; };
  routes_.when(is(Kind::post), publish)
      .when(is(Kind::remove), publish)
      .when(is(Kind::like), react)
      .when(is(Kind::unlike), react)
      .when(is(Kind::comment), react)
      .when(is(Kind::follow), [this](const Action& a) { return relation(a, a.target, a.user, Change::follow); })
      .when(is(Kind::unfollow), [this](const Action& a) { return relation(a, a.target, a.user, Change::unfollow); })
      .when(is(Kind::unfollow), [](const Action& a) { return Touch{a.user, a.target, a.number, Ask::cut}; })
      .when(is(Kind::block), [this](const Action& a) { return both_ways(a, Change::reader_blocks, Change::author_blocks); })
      .when(is(Kind::block), [](const Action& a) {
        return std::array{Touch{a.user, a.target, a.number, Ask::block}, Touch{a.target, a.user, a.number, Ask::cut}};
      })
      .when(is(Kind::unblock), [this](const Action& a) { return both_ways(a, Change::reader_unblocks, Change::author_unblocks); })
      .when(is(Kind::unblock), [](const Action& a) { return Touch{a.user, a.target, a.number, Ask::unblock}; })
      .when(is(Kind::read), [](const Action& a) { return Touch{a.user, 0, a.number, Ask::read}; })
      .when(is(Kind::threshold), [](const Action&) { return std::optional<Touch>{}; })  // kept here, and goes along with what follows
      .otherwise([](const Action& a) { return fmt::format("no route for action {}", a.number); });
}

void Intake::on(const Action& action, Taken& taken, mailroom::Context& context) {
  if (action.number <= taken.number)
    throw mailroom::Rejected(fmt::format("action {} came before: the last was {}", action.number, taken.number));
  if (const auto fault = fault_of(action); !fault.empty()) throw mailroom::Rejected(fault);
  taken.number = action.number;
  if (action.kind == Kind::threshold) taken.threshold = {action.target, action.number};
  threshold_ = taken.threshold.said > 0 ? taken.threshold : Threshold{options_.celebrity_above, 0};
  routes_.route(action, context);
}

}  // namespace feed
