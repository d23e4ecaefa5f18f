// "watch_order" of one shard: the numbers in its events as they arrive, and what is told about them.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "runtime/engine/plan.hpp"
#include "runtime/engine/telemetry_log.hpp"
#include "runtime/telemetry/order_watch.hpp"
#include "runtime/telemetry/shard_counters.hpp"

namespace mailroom::runtime {

// One thread.
class ArrivalWatch {
 public:
  static constexpr std::size_t most_marked = 4096;

  ArrivalWatch(const Plan& plan, ShardIndex shard, ShardCounters& counters, ShardTelemetry& telemetry);
  // The events of a batch from `first` on have come.
  void see(const PlannedChannel& channel, const EventBatch& batch, std::uint32_t first, std::int64_t now_us);
  // Gaps whose grace is over; `all`: no more will come.
  void expire(std::int64_t now_us, bool all = false);
  // When expire() is due next; 0: nothing is missing.
  [[nodiscard]] std::int64_t next_due() const noexcept { return watch_.next_due(); }
  // Whether events wait in the mailbox that came out of order: their visits are traced.
  [[nodiscard]] bool marks() const noexcept { return !marked_.empty(); }
  [[nodiscard]] bool is_marked(TraceId trace) const { return marked_.contains(trace); }
  bool take_mark(TraceId trace) { return marked_.erase(trace) > 0; }

 private:
  void mark(TraceId trace) {
    if (marked_.size() < most_marked) marked_.insert(trace);
  }
  void tell(OrderWatch::Finding& finding, std::int64_t now_us, TelemetryEvent event);

  const Plan& plan_;
  const ShardIndex shard_;
  const Stage& stage_;
  ShardCounters& counters_;
  ShardTelemetry& telemetry_;
  OrderWatch watch_;
  std::unordered_set<TraceId> marked_;
  std::vector<OrderWatch::Finding> found_;  // reused
  std::string composed_key_;
};

}  // namespace mailroom::runtime
