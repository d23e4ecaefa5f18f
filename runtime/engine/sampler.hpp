// Reads all counters into one TelemetrySnapshot, and finds shards that have been in one handler call for
// longer than their deadline. Costs the shards nothing: they only keep counters.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/engine/channel_counters.hpp"
#include "runtime/engine/clock.hpp"
#include "runtime/engine/plan.hpp"
#include "runtime/engine/source_shard.hpp"
#include "runtime/telemetry/snapshot.hpp"

namespace mailroom::runtime {

// Everything there is to be counted in one engine.
struct EngineCounters {
  std::vector<ShardCounters> shards;           // by ShardIndex
  std::vector<ChannelCounters> channels;       // as Plan::channels
  std::vector<SourceShard::Counters> sources;  // by ShardIndex; unused but for sources
  std::vector<ShardTelemetry> telemetry;       // by ShardIndex
};

// Any thread.
TelemetrySnapshot take_snapshot(const Plan& plan, const EngineCounters& counters, const Clock& clock,
                                std::int64_t started_us);

// Fills in ShardSnapshot::recent_wait and recent_work, from the difference of two snapshots a second apart. One thread.
class RecentQuantiles {
 public:
  void update(TelemetrySnapshot& snapshot);

 private:
  struct Seen {
    HistogramSnapshot wait, work;
    ShardSnapshot::Recent recent_wait, recent_work;
  };
  std::vector<Seen> seen_;  // by shard
  std::uint64_t looked_us_ = 0;
};

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
