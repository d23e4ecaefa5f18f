// The snapshot as JSON: for `mailroom run --summary json`, and for whoever reads telemetry elsewhere.
#pragma once

#include <nlohmann/json.hpp>

#include "runtime/telemetry/snapshot.hpp"

namespace mailroom::runtime {

// Names carry their units; what is unknown is null. Histograms are [[upper bound in us, count], ...] without empty
// buckets, with p50_us and p99_us beside them.
nlohmann::json to_json(const TelemetrySnapshot& snapshot);

}  // namespace mailroom::runtime
