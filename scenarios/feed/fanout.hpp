// Carries it out. Keyed by chunk: the followers in it, and the orders not yet done, in their order. A chunk tells `slice`
// followers at a time and then lets others have a turn: a celebrity who becomes ordinary again blocks nobody. One who
// leaves while orders are under way gets nothing more, one who joins gets nothing of before: that came with his joining.
#pragma once

#include "scenarios/feed/events.hpp"

namespace feed {

struct FanOutOptions {
  std::int64_t slice = 256;                              // followers told in one go
  microseconds pause = std::chrono::milliseconds(1);     // until the next
};
MAILROOM_OPTIONS(FanOutOptions, slice, pause)

struct Member {
  std::int64_t reader = 0, since = 0, joined = 0;  // joined: the number of orders before
};
MAILROOM_STRUCT(Member, reader, since, joined)

struct Job {
  std::int64_t order_number = 0, told_up_to = 0;  // readers up to this one have it
  Spread order;
};
MAILROOM_STRUCT(Job, order_number, told_up_to, order)

struct Chunk {
  std::int64_t chunk = 0, orders = 0, done = 0, cancelled = 0;
  bool waits = false;           // for its next turn
  std::vector<Member> members;  // by reader
  std::vector<Job> jobs;
};
MAILROOM_STATE(Chunk, chunk, orders, done, cancelled, waits, members, jobs)

class FanOut : public mailroom::Actor<Chunk> {
 public:
  using Options = FanOutOptions;
  using Emits = mailroom::Events<Arrival, FanOutTally>;
  explicit FanOut(const FanOutOptions& options);

  void on(const Spread& order, Chunk& chunk, mailroom::Context& context) noexcept;
  void on(const Due& due, Chunk& chunk, mailroom::Context& context) noexcept;

 private:
  // Tells who has not got it yet, as far as the slice goes; `told` so far in this turn. True: all have it.
  bool tell(const Spread& order, std::int64_t order_number, std::int64_t& told_up_to, std::int64_t& told, Chunk& chunk, mailroom::Context& context) const;
  void wait_for_turn(Chunk& chunk, mailroom::Context& context) const;
  FanOutOptions options_;
};
MAILROOM_ACTOR(FanOut, Spread, Due)

}  // namespace feed
