// The last second's waits and work of each shard: ShardSnapshot::recent_wait and recent_work.
#pragma once

#include <vector>

#include "runtime/telemetry/snapshot.hpp"

namespace mailroom::runtime {

// From the difference of two snapshots a second apart. One thread.
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

}  // namespace mailroom::runtime
