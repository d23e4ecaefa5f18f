// What `mailroom run` prints at its end: what each stage did, and the books of each edge.
#pragma once

#include <string>

#include "runtime/telemetry/snapshot.hpp"

namespace mailroom::runtime {

// Columns in which nothing happened are left out. `colours`: red for what is wrong.
std::string summary_table(const TelemetrySnapshot& snapshot, bool colours = false);

}  // namespace mailroom::runtime
