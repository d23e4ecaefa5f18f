// A real message network as a feed: `feed_messages` reads lines "from to unix-time" in order of time. With his first
// message to somebody a user follows him; each message is a post that mentions the other; who answers likes, or comments,
// the other's latest post. A few then remove their previous post, unfollow or block the other: chosen by the line's number.
#pragma once

#include <fstream>
#include <unordered_map>
#include <unordered_set>

#include "scenarios/feed/events.hpp"

namespace feed {

struct MessageOptions {
  std::uint64_t seed = 1;  // of who removes, unfollows, blocks
};
MAILROOM_OPTIONS(MessageOptions, seed)

class MessageNetwork : public mailroom::Source {
 public:
  using Options = MessageOptions;
  using Emits = mailroom::Events<Action>;
  MessageNetwork(const MessageOptions& options, const mailroom::SourceSettings& settings);

  // Throws StorageError if the file can't be opened.
  mailroom::ReadStatus read(mailroom::SourceBatch& batch, std::size_t max_events) override;
  [[nodiscard]] nlohmann::json position() const override { return {{"line", line_}, {"action", done_}}; }
  void seek(const nlohmann::json& position) override;

 private:
  // The next line's actions into actions_; false at the end of the file.
  bool next_line(mailroom::SourceBatch& batch);
  void actions_of(std::int64_t from, std::int64_t to, Timestamp at);

  const std::uint64_t seed_;
  const std::string path_;
  std::ifstream file_;
  std::uint64_t line_ = 0;       // the last one read
  std::vector<Action> actions_;  // of it
  std::size_t done_ = 0;         // of them
  std::unordered_set<std::uint64_t> follows_;
  std::unordered_map<std::int64_t, std::int64_t> latest_post_;
};
MAILROOM_SOURCE(MessageNetwork, "feed_messages")

}  // namespace feed
