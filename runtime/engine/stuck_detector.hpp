// Finds shards that have been in one handler call for longer than their deadline.
#pragma once

#include <functional>
#include <vector>

#include "runtime/engine/engine_counters.hpp"
#include "runtime/engine/plan.hpp"
#include "runtime/telemetry/snapshot.hpp"

namespace mailroom::runtime {

// One thread.
class StuckDetector {
 public:
  // `busy_us` 0: it has come back from the call that it was reported for.
  using Report = std::function<void(ShardIndex shard, std::int64_t busy_us)>;
  explicit StuckDetector(const Plan& plan) : seen_(plan.shards.size()) {}
  // Marks stuck shards in the snapshot and reports each incident when it begins and when it is over.
  void update(const Plan& plan, const EngineCounters& counters, std::int64_t now_us, TelemetrySnapshot& snapshot,
              const Report& report);

 private:
  struct Seen {
    std::uint64_t handled = 0;
    std::int64_t since_us = 0;
    bool busy = false, reported = false;
  };
  std::vector<Seen> seen_;
};

}  // namespace mailroom::runtime
