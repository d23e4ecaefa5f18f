// Who follows whom, and who has blocked whom: decided in the order of the input. Keyed by chunk: a part of one author's
// followers, so that no key grows with the author's fame. Following somebody is refused, without a word, while either
// has blocked the other; a block ends the following, both ways.
#pragma once

#include "scenarios/feed/events.hpp"

namespace feed {

struct GraphOptions {
  microseconds window = std::chrono::minutes(15);  // new followers within it are one notification
};
MAILROOM_OPTIONS(GraphOptions, window)

struct Tie {
  std::int64_t reader = 0;
  std::int64_t since = 0;  // the follow's number; 0: does not follow
  bool reader_blocks = false, author_blocks = false, told = false;
};
MAILROOM_STRUCT(Tie, reader, since, reader_blocks, author_blocks, told)

struct Fresh {
  Who who;
  Timestamp until;
};
MAILROOM_STRUCT(Fresh, who, until)

struct Ties {
  std::int64_t author = 0;
  std::vector<Tie> ties;     // by reader
  std::vector<Fresh> fresh;  // followers not yet told of
};
MAILROOM_STATE(Ties, author, ties, fresh)

class Graph : public mailroom::Actor<Ties> {
 public:
  using Options = GraphOptions;
  using Emits = mailroom::Events<Follower, News>;
  explicit Graph(const GraphOptions& options) : options_(options) {}

  void on(const Relation& relation, Ties& state, mailroom::Context& context) noexcept;
  void on(const Due& due, Ties& state, mailroom::Context& context);

 private:
  GraphOptions options_;
};
MAILROOM_ACTOR(Graph, Relation, Due)

}  // namespace feed
