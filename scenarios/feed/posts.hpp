// Keyed by post: who likes it, how often it was commented, and the news of that for its author, told once per person
// and coalesced by windows of time. What is said of a removed post is passed over.
#pragma once

#include "scenarios/feed/events.hpp"

namespace feed {

struct PostsOptions {
  microseconds window = std::chrono::minutes(15);  // news within it are one notification; as in graph
};
MAILROOM_OPTIONS(PostsOptions, window)

struct Liker {
  std::int64_t user = 0;
  bool likes = false;
};
MAILROOM_STRUCT(Liker, user, likes)

struct Untold {
  About about = About::like;
  Who who;
  Timestamp until;
};
MAILROOM_STRUCT(Untold, about, who, until)

struct Thread {
  std::int64_t post = 0, author = 0, likes = 0, comments = 0;
  bool removed = false;
  std::vector<Liker> likers;  // by user; also who likes it no longer: he was told of
  std::vector<Untold> untold;
};
MAILROOM_STATE(Thread, post, author, likes, comments, removed, likers, untold)

class Posts : public mailroom::Actor<Thread> {
 public:
  using Options = PostsOptions;
  using Emits = mailroom::Events<Interacted, News, PostTally>;
  // Each handler refuses and emits first: many likers need not be copied for one more.
  static constexpr bool strong_guarantee = true;
  explicit Posts(const PostsOptions& options) : options_(options) {}

  // Throws Rejected if somebody else removes it.
  void on(const Publish& publish, Thread& thread, mailroom::Context& context);
  // Throws Rejected if there is no such post.
  void on(const React& react, Thread& thread, mailroom::Context& context);
  void on(const Due& due, Thread& thread, mailroom::Context& context);

 private:
  void mention(const std::vector<std::int64_t>& users, Who who, Timestamp at, std::int64_t post, mailroom::Context& context) const;
  void tell_later(About about, const React& react, Thread& thread, mailroom::Context& context) const;
  PostsOptions options_;
};
MAILROOM_ACTOR(Posts, Publish, React, Due)

}  // namespace feed
