// Rate limit and throttle per key: so many events a second, with bursts. A limit refuses what is too much, a throttle
// lets it wait, in order.
//
//   struct Caller { mailroom::TokenBucket bucket; std::vector<Call> waiting; };
//   MAILROOM_STATE(Caller, bucket, waiting)
//   mailroom::RateLimit limit_{10, 20};                                          10 a second, 20 at once
//
//   if (!limit_.take(caller.bucket, context.now())) throw mailroom::Rejected("too many calls");       limit
//
//   on(Call):        limit_.pass(call, caller.bucket, caller.waiting, context);                       throttle
//   on(ThrottleDue): limit_.release(caller.bucket, caller.waiting, context);     name ThrottleDue in MAILROOM_ACTOR
//
// A token bucket (as in ITU-T I.371's leaky bucket, seen from the other side), by the topology's clock. What waits is in
// the key's state, which is copied before each event: for long queues let the mailbox hold them back instead.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>
#include <vector>

#include <mailroom/mailroom.hpp>

namespace mailroom {

// A member of a key's state.
struct TokenBucket {
  double used = 0;  // of the burst
  Timestamp at;     // when that was so
};
MAILROOM_STRUCT(TokenBucket, used, at)

// The throttle's own timer.
struct ThrottleDue {
  bool due = true;
};
MAILROOM_EVENT(ThrottleDue, due)

class RateLimit {
 public:
  // Throws BadValue unless both are positive and `burst` is at least 1.
  RateLimit(double per_second, double burst) : per_second_(per_second), burst_(burst) {
    if (!(per_second > 0) || !(burst >= 1)) throw BadValue("a rate limit needs a rate above 0 and a burst of at least 1");
  }

  // Takes a token; false: there is none now. Time that goes back is taken as standing still.
  bool take(TokenBucket& bucket, Timestamp now) const {
    if (now > bucket.at) {
      const auto seconds = bucket.at == Timestamp{} ? 0.0 : static_cast<double>((now - bucket.at).count()) / 1e6;
      bucket.used = bucket.at == Timestamp{} ? 0.0 : std::max(0.0, bucket.used - seconds * per_second_);
      bucket.at = now;
    }
    if (bucket.used + 1 > burst_ + 1e-9) return false;
    bucket.used += 1;
    return true;
  }
  // From bucket.at until there is a token.
  [[nodiscard]] std::chrono::microseconds until_next(const TokenBucket& bucket) const {
    return std::chrono::microseconds(static_cast<std::int64_t>(std::ceil(std::max(0.0, bucket.used + 1 - burst_) / per_second_ * 1e6)));
  }

  // Emits the event, or lets it wait behind those that do.
  template <class E>
  void pass(const E& event, TokenBucket& bucket, std::vector<E>& waiting, Context& context) const {
    if (waiting.empty() && take(bucket, context.now())) {
      context.emit(event);
      return;
    }
    if (waiting.empty()) context.after(until_next(bucket), ThrottleDue{}, "throttle");
    waiting.push_back(event);
  }
  template <class E>
  void release(TokenBucket& bucket, std::vector<E>& waiting, Context& context) const {
    std::size_t passed = 0;
    while (passed < waiting.size() && take(bucket, context.now())) context.emit(std::move(waiting[passed++]));
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(passed));
    if (!waiting.empty()) context.after(std::max(until_next(bucket), std::chrono::microseconds(1)), ThrottleDue{}, "throttle");
  }

 private:
  const double per_second_, burst_;
};

}  // namespace mailroom
