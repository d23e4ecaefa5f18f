// A source's events, read once before a simulation begins and given to it again and again without touching a file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <mailroom/source.hpp>

#include "runtime/simulation/world.hpp"
#include "runtime/topology/topology.hpp"

namespace mailroom::runtime {

// What one shard of a source gives.
struct RecordedInput {
  struct Event {
    const EventType* type;
    std::shared_ptr<const EventColumn> column;
    Timestamp time;  // as the source set it; 0: it did not
    [[nodiscard]] const void* event() const { return column->at(0); }
  };
  std::vector<Event> events;
  std::vector<DirtyInput> dirty;  // given with the first read
};

// Reads up to `most` events of the stage's shard from its real source. Throws what the source throws, and BadValue if
// the source has nothing to give and no end (a pipe, a file that is still being written).
RecordedInput record_input(const Stage& stage, std::uint32_t shard, std::size_t most);

// A source type that gives `inputs[shard]`, in pieces and with pauses as the world wants them. Outlived by both.
SourceType simulated_source(const Stage& stage, const std::vector<RecordedInput>& inputs, World& world);

}  // namespace mailroom::runtime
