// The snapshot as JSON: for `mailroom run --summary json`, and for whoever reads telemetry elsewhere.
#pragma once

#include <nlohmann/json.hpp>

#include "runtime/telemetry/snapshot.hpp"

namespace mailroom::runtime {

// Names carry their units; what is unknown is null. Histograms are [[upper bound in us, count], ...] without empty
// buckets, with p50_us and p99_us beside them.
nlohmann::json to_json(const TelemetrySnapshot& snapshot);

// The way back. What can be worked out (p50_us, p99_us, difference) and fields not known here are not looked at.
// Throws BadValue: names the field ("shards[1].retries"), what was found and what was expected.
TelemetrySnapshot from_json(const nlohmann::json& json);

}  // namespace mailroom::runtime
