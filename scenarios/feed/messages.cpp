#include "scenarios/feed/messages.hpp"

#include <charconv>
#include <fmt/format.h>

#include <mailroom/seeded_choice.hpp>

namespace feed {

namespace {

constexpr std::int64_t per_line = 10;  // numbers of actions that a line may use

bool parse(std::string_view text, std::int64_t (&fields)[3]) {
  const auto* at = text.data();
  const auto* end = at + text.size();
  for (auto& field : fields) {
    while (at != end && *at == ' ') ++at;
    const auto [stop, error] = std::from_chars(at, end, field);
    if (error != std::errc{} || (stop != end && *stop != ' ' && *stop != '\r')) return false;
    at = stop;
  }
  return at == end || *at == '\r';
}

}  // namespace

MessageNetwork::MessageNetwork(const MessageOptions& options, const mailroom::SourceSettings& settings)
    : seed_(options.seed), path_(settings.path) {}

void MessageNetwork::seek(const nlohmann::json& position) {
  file_.close();
  line_ = 0;
  done_ = 0;
  actions_.clear();
  follows_.clear();
  latest_post_.clear();
  if (position.is_null()) return;
  // Who follows whom, and the latest posts, come from the lines before.
  mailroom::SourceBatch passed;
  while (line_ < position.at("line").get<std::uint64_t>())
    if (!next_line(passed)) throw mailroom::StorageError(fmt::format("{}: line {} was read before and is not there", path_, line_ + 1));
  done_ = position.at("action").get<std::size_t>();
}

bool MessageNetwork::next_line(mailroom::SourceBatch& batch) {
  if (!file_.is_open()) {
    file_.clear();
    file_.open(path_);
    if (!file_) throw mailroom::StorageError(fmt::format("{}: can't be opened", path_));
  }
  std::string text;
  if (!std::getline(file_, text)) return false;
  ++line_;
  actions_.clear();
  done_ = 0;
  std::int64_t fields[3];
  if (parse(text, fields)) {
    actions_of(fields[0], fields[1], {fields[2] * 1'000'000});
  } else if (line_ > 1) {  // the first may be a heading
    batch.dirty.push_back({fmt::format("{}:{}", path_, line_), "expected three integers: from, to, unix time", text.substr(0, 4096)});
  }
  return true;
}

void MessageNetwork::actions_of(std::int64_t from, std::int64_t to, Timestamp at) {
  auto number = static_cast<std::int64_t>(line_) * per_line;
  mailroom::SeededChoice choice(seed_, {"line"}, line_);
  const auto act = [&](Kind kind, std::int64_t target, std::vector<std::int64_t> mentions = {}) {
    actions_.push_back({++number, at, kind, from, target, std::move(mentions)});
  };
  if (follows_.insert(static_cast<std::uint64_t>(from) << 32 | static_cast<std::uint64_t>(to & 0xFFFF'FFFF)).second) act(Kind::follow, to);
  if (choice.chance(0.02))
    if (const auto mine = latest_post_.find(from); mine != latest_post_.end()) act(Kind::remove, mine->second);
  act(Kind::post, 0, {to});
  latest_post_[from] = number;
  if (const auto theirs = latest_post_.find(to); theirs != latest_post_.end()) act(choice.chance(0.3) ? Kind::comment : Kind::like, theirs->second);
  if (choice.chance(0.015)) act(Kind::unfollow, to);
  if (choice.chance(0.005)) act(Kind::block, to);
  if (choice.chance(0.003)) act(Kind::unblock, to);
  if (choice.chance(0.05)) act(Kind::read, 0);
}

mailroom::ReadStatus MessageNetwork::read(mailroom::SourceBatch& batch, std::size_t max_events) {
  const auto& type = mailroom::event_type_of<Action>();
  while (batch.events.size() < max_events) {
    if (done_ < actions_.size()) {
      auto action = actions_[done_++];
      batch.events.append_move(type, &action, {});
    } else if (!next_line(batch)) {
      return mailroom::ReadStatus::end;
    }
  }
  return mailroom::ReadStatus::more;
}

}  // namespace feed
