// The outside that sinks write to in a simulated run: a file that can be cut back, as the file sinks have it. It forgets
// what was not synced when the power fails, and remembers what anybody could have read.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <mailroom/sink.hpp>

#include "runtime/simulation/world.hpp"
#include "runtime/topology/topology.hpp"

namespace mailroom::runtime {

// One sink's file.
struct OutsideFile {
  struct Row {
    EventId event = 0;
    Timestamp time;
    std::pair<std::uint32_t, std::uint64_t> sequence;  // stream, sequence
  };
  std::vector<Row> rows;   // flushed
  std::size_t synced = 0;  // of them
  std::map<std::pair<std::uint32_t, std::uint64_t>, EventId> by_sequence;  // all that was ever flushed

  // `survives` of 1,000 parts of what is not synced are still there afterwards.
  void lose_power(std::int64_t survives) {
    rows.resize(synced + (rows.size() - synced) * static_cast<std::size_t>(survives) / 1000);
    synced = rows.size();
  }
};

// A sink type that writes to `file`. Outlived by all three.
SinkType simulated_sink(const Stage& stage, OutsideFile& file, World& world);

}  // namespace mailroom::runtime
