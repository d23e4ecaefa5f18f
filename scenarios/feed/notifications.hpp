// Keyed by recipient: all news of one kind, about one post, within one window of time, as one notification. It waits for
// the end of the window, when everything of before is known: also whom the recipient had blocked by then.
#pragma once

#include "scenarios/feed/events.hpp"

namespace feed {

struct Blocking {
  std::int64_t user = 0, from = 0, to = 0;  // numbers of the actions; to 0: still
};
MAILROOM_STRUCT(Blocking, user, from, to)

struct Inbox {
  std::vector<News> pending;
  std::vector<Blocking> blocked;
};
MAILROOM_STATE(Inbox, pending, blocked)

class Notifications : public mailroom::Actor<Inbox> {
 public:
  using Emits = mailroom::Events<Notification>;

  void on(const News& news, Inbox& inbox, mailroom::Context& context) noexcept;
  void on(const Touch& touch, Inbox& inbox, mailroom::Context& context) noexcept;
  void on(const Due& due, Inbox& inbox, mailroom::Context& context);
};
MAILROOM_ACTOR(Notifications, News, Touch, Due)

// "7, 12 and 3 others liked your post 17". `who` holds each person once and is not empty.
std::string notification_text(About about, std::int64_t post, const std::vector<Who>& who);

// Each person once, by his first action; in order of these.
std::vector<Who> each_once(std::vector<Who> who);

}  // namespace feed
