// Keyed by reader: whom he follows, and the newest posts that were pushed to him, from half as many again as a page holds up
// to three quarters: most posts are then put at the end, and nothing is moved. A page whose authors are all ordinary is made
// of these; celebrities are pulled, and so is everybody if unfollowing or removal has left fewer posts than a page while older
// ones had been let go.
//
// A cut (unfollow, block) comes straight from intake and acts at once: what is still on its way by an older follow is
// cancelled on arrival, until the `leave` that comes the long way says that nothing more is.
#pragma once

#include <optional>

#include "scenarios/feed/events.hpp"

namespace feed {

struct TimelinesOptions {
  std::int64_t length = 50;  // posts on a page; as in authors, outboxes and pages
};
MAILROOM_OPTIONS(TimelinesOptions, length)

struct Followed {
  std::int64_t author = 0, since = 0;
  bool celebrity = false;
};
MAILROOM_STRUCT(Followed, author, since, celebrity)

struct Cut {
  std::int64_t author = 0, number = 0;
};
MAILROOM_STRUCT(Cut, author, number)

struct Timeline {
  std::int64_t reader = 0, pages = 0, done = 0, cancelled = 0;
  std::int64_t let_go = 0;  // the newest post that had no room
  std::vector<Post> posts;  // some may be beyond their author's reach: looked at when it is read
  std::vector<Followed> follows;
  std::vector<Cut> cuts;
  std::vector<Interest> interests;
};
MAILROOM_STATE(Timeline, reader, pages, done, cancelled, let_go, posts, follows, cuts, interests)

// A question from outside. Its reader makes a page of it, with the posts of `pull` from their outboxes: reading.hpp.
struct ShowTimeline {
  std::int64_t most = 50;  // posts
};
MAILROOM_STRUCT(ShowTimeline, most)
struct TimelineShown {
  std::vector<Post> posts;         // pushed; newest first
  std::vector<std::int64_t> pull;  // authors whose posts are not among them
  std::vector<Interest> interests;
};
MAILROOM_STRUCT(TimelineShown, posts, pull, interests)

class Timelines : public mailroom::Actor<Timeline> {
 public:
  using Options = TimelinesOptions;
  using Emits = mailroom::Events<Pull, PageBegun, BlockAcknowledged, FanOutTally>;
  using Answers = mailroom::Events<ShowTimeline>;
  explicit Timelines(const TimelinesOptions& options);

  void on(const Arrival& arrival, Timeline& timeline, mailroom::Context& context) noexcept;
  void on(const Touch& touch, Timeline& timeline, mailroom::Context& context);
  void on(const Interacted& interacted, Timeline& timeline, mailroom::Context& context) noexcept;
  void on(const Due&, Timeline& timeline, mailroom::Context& context);
  [[nodiscard]] TimelineShown answer(const ShowTimeline& question, const Timeline& timeline, const mailroom::AnswerContext&) const;

 private:
  void keep(const Post& post, Timeline& timeline) const;
  [[nodiscard]] std::vector<Post> within_reach(const Timeline& timeline) const;
  void read(Timeline& timeline, bool last, mailroom::Context& context) const;
  TimelinesOptions options_;
};
MAILROOM_ACTOR(Timelines, Arrival, Touch, Interacted, Due)

}  // namespace feed
