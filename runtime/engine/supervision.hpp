// What a supervisor decides, as plain logic: restart whom, when, or give the failure to the parent.
// Restart intensity as in Erlang/OTP's supervisors (intensity and period): more than N restarts within the window
// and the supervisor gives up, which is a failure of its own for its parent (supervisor behaviour, "Maximum Restart
// Intensity", https://www.erlang.org/doc/system/sup_princ.html). OTP restarts at once; the backoff is Mailroom's own.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "runtime/topology/topology.hpp"

namespace mailroom::runtime {

// The waits between tries: first, doubled each time, at most `longest`, times a drawn jitter.
class BackoffPlan {
 public:
  explicit BackoffPlan(const Backoff& backoff) : backoff_(backoff) {}
  // `attempt` from 1; `drawn` uniform in [0, 1).
  [[nodiscard]] std::chrono::microseconds delay(unsigned attempt, double drawn) const;

 private:
  Backoff backoff_;
};

class SupervisorLogic {
 public:
  struct Decision {
    std::vector<std::size_t> restart;  // children, in order; empty if a restart that covers this is under way
    std::chrono::microseconds delay{0};
    bool escalate = false;
    std::string reason;  // of an escalation
  };

  SupervisorLogic(const SupervisionPolicy& policy, std::vector<std::string> children);
  // `now_us` must not go back; `drawn` uniform in [0, 1). The backoff grows with each restart of any child and begins
  // anew once all have run for a whole window, the waits not counted, without a failure.
  Decision on_failure(std::size_t child, std::int64_t now_us, double drawn);
  // The restart of these, as one decision named them, has been carried out.
  void restarted(const std::vector<std::size_t>& children);

 private:
  const SupervisionPolicy policy_;
  const BackoffPlan backoff_;
  const std::vector<std::string> children_;
  std::vector<unsigned> pending_;      // by child: the restarts under way that cover it (rest_for_one: they overlap)
  std::deque<std::int64_t> restarts_;  // times within the window
  unsigned attempt_ = 0;               // restarts since the last quiet window
  std::int64_t running_since_us_ = 0;  // when the last restart decided on is due
};

}  // namespace mailroom::runtime
