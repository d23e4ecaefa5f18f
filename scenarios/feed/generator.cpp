#include "scenarios/feed/generator.hpp"

#include <array>
#include <cmath>

namespace feed {

using mailroom::SeededChoice;

namespace {

struct Share {
  Kind kind;
  double share;
};
constexpr std::array<Share, 10> shares{{{Kind::follow, 0.24},
                                        {Kind::post, 0.20},
                                        {Kind::like, 0.32},
                                        {Kind::comment, 0.09},
                                        {Kind::read, 0.05},
                                        {Kind::unfollow, 0.035},
                                        {Kind::remove, 0.025},
                                        {Kind::unlike, 0.02},
                                        {Kind::block, 0.012},
                                        {Kind::unblock, 0.008}}};
constexpr std::int64_t reach = 20'000;  // actions back to what is reacted to

}  // namespace

FeedGenerator::FeedGenerator(const GeneratorOptions& options)
    : options_(options), famous_(static_cast<std::size_t>(std::clamp<std::int64_t>(options.users, 2, 10'000'000)), 1.0),
      active_(static_cast<std::size_t>(std::clamp<std::int64_t>(options.users, 2, 10'000'000)), 0.4) {
  if (options.users < 2 || options.users > 10'000'000 || options.actions < 0 || options.per_second < 1 || options.per_second > 1'000'000)
    throw mailroom::BadValue("feed_generator: expected 2 to 10000000 users, actions >= 0 and 1 to 1000000 per_second");
}

Kind FeedGenerator::kind_of(std::int64_t number) const {
  const auto moves = static_cast<std::int64_t>(options_.thresholds.size());
  if (moves > 0 && options_.actions > moves && number % (options_.actions / (moves + 1)) == 0 && number / (options_.actions / (moves + 1)) <= moves)
    return Kind::threshold;
  auto left = SeededChoice(options_.seed, {"kind"}, static_cast<std::uint64_t>(number)).real();
  for (const auto& [kind, share] : shares)
    if ((left -= share) < 0) return kind;
  return Kind::read;
}

// An earlier action of that kind, more likely a recent one; 0: none is near.
std::int64_t FeedGenerator::earlier(std::int64_t number, Kind kind, SeededChoice& choice) const {
  if (number < 2) return 0;
  const auto far = static_cast<double>(std::min(number - 1, reach));
  auto at = number - static_cast<std::int64_t>(std::pow(far, choice.real()));
  for (int steps = 0; at > 0 && steps < 500; --at, ++steps)
    if (kind_of(at) == kind) return at;
  return 0;
}

std::int64_t FeedGenerator::poster(std::int64_t number) const {
  return 1 + static_cast<std::int64_t>(active_.draw(SeededChoice(options_.seed, {"poster"}, static_cast<std::uint64_t>(number)).real()));
}

Action FeedGenerator::action(std::int64_t number) const {
  SeededChoice choice(options_.seed, {"action"}, static_cast<std::uint64_t>(number));
  const auto user = [&] { return 1 + static_cast<std::int64_t>(active_.draw(choice.real())); };
  const auto somebody = [&](std::int64_t but) {
    const auto drawn = 1 + static_cast<std::int64_t>(famous_.draw(choice.real()));
    return drawn != but ? drawn : drawn % options_.users + 1;
  };
  Action action{number, options_.start + microseconds(number * 1'000'000 / options_.per_second), kind_of(number), 0, 0, {}};
  const auto undo = [&](Kind kind) {
    const auto at = earlier(number, kind, choice);
    if (at == 0) {
      action.kind = Kind::read;
      action.user = user();
      return;
    }
    const auto done = this->action(at);
    if (done.kind != kind) {  // it had nothing to undo itself
      action.kind = Kind::read;
      action.user = user();
      return;
    }
    action.user = done.user;
    action.target = done.target;
  };
  switch (action.kind) {
    case Kind::threshold: {
      const auto each = options_.actions / (static_cast<std::int64_t>(options_.thresholds.size()) + 1);
      action.target = options_.thresholds[static_cast<std::size_t>(number / each - 1)];
      break;
    }
    case Kind::read: action.user = user(); break;
    case Kind::post:
      action.user = poster(number);
      if (choice.chance(0.1)) action.mentions.push_back(somebody(action.user));
      break;
    case Kind::follow:
      action.user = user();
      action.target = somebody(action.user);
      break;
    case Kind::like:
    case Kind::comment: {
      action.user = user();
      std::int64_t most_famous = 0;
      for (int tries = 0; tries < 4; ++tries) {  // of four, that of the most famous
        const auto at = earlier(number, Kind::post, choice);
        if (at == 0 || at == action.target) continue;
        const auto author = poster(at);
        if (action.target > 0 && author >= most_famous) continue;
        action.target = at;
        most_famous = author;
      }
      if (action.target == 0) action.kind = Kind::read;
      if (action.kind == Kind::comment && choice.chance(0.1)) action.mentions.push_back(somebody(action.user));
      break;
    }
    case Kind::remove: {
      action.target = earlier(number, Kind::post, choice);
      action.user = action.target > 0 ? poster(action.target) : user();
      if (action.target == 0) action.kind = Kind::read;
      break;
    }
    case Kind::unfollow: undo(Kind::follow); break;
    case Kind::unlike: undo(Kind::like); break;
    case Kind::unblock: undo(Kind::block); break;
    case Kind::block:  // a follower somebody he follows, or the other way round
      undo(Kind::follow);
      if (action.kind == Kind::block && choice.chance(0.5)) std::swap(action.user, action.target);
      break;
  }
  return action;
}

mailroom::ReadStatus FeedGenerator::read(mailroom::SourceBatch& batch, std::size_t max_events) {
  const auto& type = mailroom::event_type_of<Action>();
  for (; next_ <= options_.actions && batch.events.size() < max_events; ++next_) {
    auto made = action(next_);
    batch.events.append_move(type, &made, {});
  }
  return next_ <= options_.actions ? mailroom::ReadStatus::more : mailroom::ReadStatus::end;
}

mailroom::SourceProgress FeedGenerator::progress() const {
  return {static_cast<std::uint64_t>(next_ - 1), static_cast<std::uint64_t>(options_.actions), "actions"};
}

}  // namespace feed
