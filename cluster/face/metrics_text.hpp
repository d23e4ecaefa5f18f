// A snapshot as Prometheus reads it (text exposition format 0.0.4). Names and units: docs/operations.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/telemetry/snapshot.hpp"

namespace mailroom::cluster {

// What the snapshot does not know.
struct ProcessFigures {
  std::string program;  // version
  bool ready = true;
  std::size_t clients = 0;
  std::optional<std::uint64_t> journal_bytes;  // on disk; nullopt: there is no journal
};

std::string metrics_text(const runtime::TelemetrySnapshot& snapshot, const ProcessFigures& process);

}  // namespace mailroom::cluster
