// Everything there is to be counted in one engine.
#pragma once

#include <vector>

#include "runtime/engine/channel_counters.hpp"
#include "runtime/engine/source_shard.hpp"
#include "runtime/engine/telemetry_log.hpp"
#include "runtime/telemetry/shard_counters.hpp"

namespace mailroom::runtime {

struct EngineCounters {
  std::vector<ShardCounters> shards;           // by ShardIndex
  std::vector<ChannelCounters> channels;       // as Plan::channels
  std::vector<SourceShard::Counters> sources;  // by ShardIndex; unused but for sources
  std::vector<ShardTelemetry> telemetry;       // by ShardIndex
};

}  // namespace mailroom::runtime
