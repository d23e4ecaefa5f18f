// Joins two streams: pairs of one key whose times are close enough.
//
//   class BidsOfAuction : public mailroom::IntervalJoin<BidsOfAuction, Auction, Bid> {
//    public:
//     using Emits = mailroom::Events<BidOnItem>;
//     using IntervalJoin::IntervalJoin;
//     void join(const Auction& auction, const Bid& bid, mailroom::Context& context) { context.emit(...); }
//   };
//   MAILROOM_ACTOR(BidsOfAuction, Auction, Bid, mailroom::JoinExpires)
//
//   "key": { "Auction": "id", "Bid": "auction" },
//   "options": { "before": "0s", "after": "1h" }        the Bid's time is from Auction's - before to Auction's + after
//   "allowed_lateness": "10s"                            how far behind Context::reached() an event is still taken
//
// Each pair is joined once, whichever comes first; its event time is that of the later one. What stays alone for as long as
// a partner may come goes to  void unmatched(const Auction&, mailroom::Context&)  or  unmatched(const Bid&, ...)  if there is
// one. A late event goes to  void late(const Auction&, mailroom::Context&)  (or Bid) if there is one, else it is refused and
// becomes a dead letter.
//
// Cost: an event waits in its key's state for `after` (left), `before` (right), and the allowed lateness; a look at each that
// waits for each that comes, so choose keys of which few wait. No copy of the state is made before an event; it is
// encoded once a commit. One durable timer a key.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include <mailroom/typed_actor.hpp>

namespace mailroom {

// What the actor sends itself when something has waited long enough.
struct JoinExpires {
  Timestamp due;
};
MAILROOM_EVENT(JoinExpires, due)

struct JoinOptions {
  std::chrono::microseconds before{0}, after{0};
  std::chrono::microseconds allowed_lateness{0};

  void check() const;  // throws BadValue
};
MAILROOM_OPTIONS(JoinOptions, before, after, allowed_lateness)

template <class Event>
struct WaitingPartner {
  Timestamp time;
  bool matched = false;
  Event event{};
};
template <class Left, class Right>
struct JoinState {
  std::vector<WaitingPartner<Left>> left{};
  std::vector<WaitingPartner<Right>> right{};
  std::optional<Timestamp> timer{};
};

template <class Derived, class Left, class Right>
class IntervalJoin : public Actor<JoinState<Left, Right>> {
 public:
  using Options = JoinOptions;
  using State = JoinState<Left, Right>;
  static constexpr bool strong_guarantee = true;

  explicit IntervalJoin(const JoinOptions& options) : options_(options) {}
  static void check_options(const JoinOptions& options) { options.check(); }

  void on(const Left& left, State& state, Context& context) {
    take(left, state.left, state.right, options_.after, state, context,
         [&](const Right& right) { derived().join(left, right, context); },
         [&](Timestamp time, Timestamp right) { return close(time, right); });
  }
  void on(const Right& right, State& state, Context& context) {
    take(right, state.right, state.left, options_.before, state, context,
         [&](const Left& left) { derived().join(left, right, context); },
         [&](Timestamp time, Timestamp left) { return close(left, time); });
  }
  void on(const JoinExpires&, State& state, Context& context) {
    const auto now = context.now(), due = context.event_time();
    // First what may throw, then the state.
    tell_unmatched(state.left, options_.after, due, context);
    tell_unmatched(state.right, options_.before, due, context);
    context.rebase(due);
    const auto expire = [&](auto& waiting, std::chrono::microseconds wait) {
      std::erase_if(waiting, [&](const auto& one) { return expires(one.time, wait) <= now; });
    };
    expire(state.left, options_.after);
    expire(state.right, options_.before);
    state.timer.reset();
    if (state.left.empty() && state.right.empty()) return context.forget();
    auto next = Timestamp::max();
    for (const auto& one : state.left) next = std::min(next, expires(one.time, options_.after));
    for (const auto& one : state.right) next = std::min(next, expires(one.time, options_.before));
    set_timer(next, state, context);
  }

 private:
  Derived& derived() { return static_cast<Derived&>(*this); }
  [[nodiscard]] bool close(Timestamp left, Timestamp right) const {
    return right >= left - options_.before && right <= left + options_.after;
  }
  // Later than the last moment at which a partner may come.
  [[nodiscard]] Timestamp expires(Timestamp time, std::chrono::microseconds wait) const {
    return time + wait + options_.allowed_lateness + std::chrono::milliseconds(1);
  }
  void set_timer(Timestamp due, State& state, Context& context) {
    if (state.timer && due >= *state.timer) return;
    context.at(due, JoinExpires{due}, "expire");
    state.timer = due;
  }

  template <class Event, class Own, class Others, class Join, class Close>
  void take(const Event& event, Own& own, Others& others, std::chrono::microseconds wait, State& state, Context& context,
            Join&& join, Close&& is_close) {
    const auto time = context.event_time();
    if (context.reached() > time + options_.allowed_lateness) {
      if constexpr (requires(Derived & d) { d.late(event, context); })
        derived().late(event, context);
      else
        throw Rejected("too late to be joined: time had reached " + context.reached().to_string());
      return;
    }
    bool matched = false;
    for (const auto& other : others) {
      if (!is_close(time, other.time)) continue;
      matched = true;
      context.rebase(std::max(time, other.time));
      join(other.event);
    }
    context.rebase(time);
    own.push_back({time, matched, event});
    set_timer(expires(time, wait), state, context);
    if (matched)
      for (auto& other : others)
        if (is_close(time, other.time)) other.matched = true;
  }
  template <class Waiting>
  void tell_unmatched(const Waiting& waiting, std::chrono::microseconds wait, Timestamp due, Context& context) {
    for (const auto& one : waiting) {
      if constexpr (requires(Derived & d) { d.unmatched(one.event, context); }) {
        if (one.matched || expires(one.time, wait) > context.now()) continue;
        context.rebase(due);
        derived().unmatched(one.event, context);
      }
    }
  }
  const JoinOptions options_;
};

template <class E>
constexpr auto mailroom_fields(const WaitingPartner<E>*) {
  using W = WaitingPartner<E>;
  return std::make_tuple(field("time", &W::time), field("matched", &W::matched), field("event", &W::event));
}
template <class E>
constexpr std::string_view mailroom_name(const WaitingPartner<E>*) { return name_of<E>(); }
template <class E>
constexpr DescribedAs mailroom_described_as(const WaitingPartner<E>*) { return DescribedAs::value; }

template <class L, class R>
constexpr auto mailroom_fields(const JoinState<L, R>*) {
  using S = JoinState<L, R>;
  return std::make_tuple(field("left", &S::left), field("right", &S::right), field("timer", &S::timer));
}
template <class L, class R>
constexpr std::string_view mailroom_name(const JoinState<L, R>*) { return name_of<L>(); }
template <class L, class R>
constexpr DescribedAs mailroom_described_as(const JoinState<L, R>*) { return DescribedAs::state; }

}  // namespace mailroom
