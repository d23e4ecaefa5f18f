// Plans the fan-out. Keyed by author: how many followers each chunk holds, and the latest posts. A post of an ordinary
// author goes to every chunk that has followers; a celebrity's stays with `outboxes`, where readers pull it. An author
// changes from one to the other when next he has something to do: above the threshold, and back at three quarters of it.
#pragma once

#include "scenarios/feed/events.hpp"

namespace feed {

struct AuthorsOptions {
  std::int64_t length = 50;  // an author's latest posts that can still be read, removed ones included; as in timelines, outboxes
};
MAILROOM_OPTIONS(AuthorsOptions, length)

struct ChunkSize {
  std::int64_t chunk = 0, followers = 0;
};
MAILROOM_STRUCT(ChunkSize, chunk, followers)

struct Author {
  std::int64_t author = 0, followers = 0, sequence = 0, planned = 0;
  bool celebrity = false;
  Threshold threshold;
  std::vector<ChunkSize> chunks;  // those with followers, by chunk
  std::vector<Post> posts;
};
MAILROOM_STATE(Author, author, followers, sequence, planned, celebrity, threshold, chunks, posts)

class Authors : public mailroom::Actor<Author> {
 public:
  using Options = AuthorsOptions;
  using Emits = mailroom::Events<Spread, Outgoing, FanOutTally>;
  explicit Authors(const AuthorsOptions& options) : options_(options) {}

  void on(const Publish& publish, Author& author, mailroom::Context& context) noexcept;
  void on(const Follower& follower, Author& author, mailroom::Context& context) noexcept;
  void on(const Due&, Author& author, mailroom::Context& context);

 private:
  AuthorsOptions options_;
};
MAILROOM_ACTOR(Authors, Publish, Follower, Due)

}  // namespace feed
