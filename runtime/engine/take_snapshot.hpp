// Reads all counters into one TelemetrySnapshot. Costs the shards nothing: they only keep counters.
#pragma once

#include "runtime/engine/clock.hpp"
#include "runtime/engine/engine_counters.hpp"
#include "runtime/engine/plan.hpp"
#include "runtime/telemetry/snapshot.hpp"

namespace mailroom::runtime {

// Any thread.
TelemetrySnapshot take_snapshot(const Plan& plan, const EngineCounters& counters, const Clock& clock,
                                std::int64_t started_us);

}  // namespace mailroom::runtime
