// What a supervisor decides, as plain logic: restart whom, when, or give the failure to the parent.
// Restart intensity as in Erlang/OTP's supervisors (intensity and period): more than N restarts within the window
// and the supervisor gives up, which is a failure of its own for its parent.
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
  // `now_us` must not go back; `drawn` uniform in [0, 1).
  Decision on_failure(std::size_t child, std::int64_t now_us, double drawn);
  // The restart of these has been carried out.
  void restarted(const std::vector<std::size_t>& children);

 private:
  const SupervisionPolicy policy_;
  const BackoffPlan backoff_;
  const std::vector<std::string> children_;
  std::vector<bool> pending_;
  std::deque<std::int64_t> restarts_;  // times within the window
};

}  // namespace mailroom::runtime
