#include "runtime/engine/supervision.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace mailroom::runtime {

std::chrono::microseconds BackoffPlan::delay(unsigned attempt, double drawn) const {
  const auto doublings = static_cast<int>(std::min(attempt, 40u)) - 1;
  const auto nominal = std::min(std::ldexp(static_cast<double>(backoff_.first.count()), std::max(0, doublings)),
                                static_cast<double>(backoff_.longest.count()));
  const auto factor = 1.0 - backoff_.jitter + 2.0 * backoff_.jitter * drawn;
  return std::chrono::microseconds(static_cast<std::int64_t>(nominal * 1000.0 * factor));
}

SupervisorLogic::SupervisorLogic(const SupervisionPolicy& policy, std::vector<std::string> children)
    : policy_(policy), backoff_(policy.backoff), children_(std::move(children)), pending_(children_.size(), 0) {}

SupervisorLogic::Decision SupervisorLogic::on_failure(std::size_t child, std::int64_t now_us, double drawn) {
  Decision decision;
  if (pending_[child] > 0) return decision;
  const auto window_us = std::chrono::duration_cast<std::chrono::microseconds>(policy_.within).count();
  while (!restarts_.empty() && now_us - restarts_.front() > window_us) restarts_.pop_front();
  if (restarts_.size() >= policy_.restarts) {
    decision.escalate = true;
    decision.reason =
        fmt::format("{} failed again after {} restarts within {} ms, which is all that its supervision allows",
                    children_[child], policy_.restarts, policy_.within.count());
    restarts_.clear();  // a restart from above begins a new count
    attempt_ = 0;
    return decision;
  }
  restarts_.push_back(now_us);
  const auto first = policy_.strategy == Strategy::one_for_all ? 0 : child;
  const auto last = policy_.strategy == Strategy::one_for_one ? child + 1 : children_.size();
  for (auto c = first; c < last; ++c) {
    decision.restart.push_back(c);
    ++pending_[c];
  }
  // Not the restarts within the window: waits longer than it would be forgotten while they last.
  if (now_us - running_since_us_ > window_us) attempt_ = 0;
  decision.delay = backoff_.delay(++attempt_, drawn);
  running_since_us_ = std::max(running_since_us_, now_us + decision.delay.count());
  return decision;
}

void SupervisorLogic::restarted(const std::vector<std::size_t>& children) {
  for (const auto child : children)
    if (pending_[child] > 0) --pending_[child];
}

}  // namespace mailroom::runtime
