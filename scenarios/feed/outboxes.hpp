// Keyed by author: his latest posts, for readers who pull.
#pragma once

#include "scenarios/feed/events.hpp"

namespace feed {

struct OutboxesOptions {
  std::int64_t length = 50;  // as in authors and timelines
};
MAILROOM_OPTIONS(OutboxesOptions, length)

struct Outbox {
  std::vector<Post> posts;
};
MAILROOM_STATE(Outbox, posts)

class Outboxes : public mailroom::Actor<Outbox> {
 public:
  using Options = OutboxesOptions;
  using Emits = mailroom::Events<Pulled>;
  explicit Outboxes(const OutboxesOptions& options) : options_(options) {}

  void on(const Outgoing& outgoing, Outbox& outbox, mailroom::Context& context) noexcept;
  void on(const Pull& pull, Outbox& outbox, mailroom::Context& context) noexcept;

 private:
  OutboxesOptions options_;
};
MAILROOM_ACTOR(Outboxes, Outgoing, Pull)

}  // namespace feed
