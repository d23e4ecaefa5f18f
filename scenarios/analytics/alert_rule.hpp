// When an error rate is alarming; shared with the checker.
#pragma once

#include "scenarios/analytics/events.hpp"

namespace analytics {

struct AlertOptions {
  double times = 4;              // as often as usual
  double at_least = 0.05;        // and in any case so often
  std::int64_t of_requests = 20;  // in minutes with as many requests
  double weight = 0.1;           // of a minute in what is usual: an exponentially weighted mean
};
MAILROOM_OPTIONS(AlertOptions, times, at_least, of_requests, weight)

struct UsualErrors {
  double rate = 0;
  std::int64_t minutes = 0;
};
MAILROOM_STATE(UsualErrors, rate, minutes)

inline bool is_alert(const AlertOptions& options, const UsualErrors& usual, double rate, std::int64_t requests) {
  return requests >= options.of_requests && rate >= options.at_least && rate >= options.times * usual.rate;
}
inline void learn(const AlertOptions& options, UsualErrors& usual, double rate) {
  usual.rate = usual.minutes == 0 ? rate : usual.rate + options.weight * (rate - usual.rate);
  ++usual.minutes;
}

}  // namespace analytics
