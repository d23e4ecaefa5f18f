// The production engine under a seed: one thread, virtual time, a simulated disk, and faults at any step.
//
//   Simulation simulation(topology, {});
//   const auto result = simulation.run(simulation.draw(seed));      // the same case: the same run, step for step
//   if (!result.violations.empty()) shrink(...)                      (shrink.hpp)
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/simulation/fault.hpp"
#include "runtime/simulation/recorded_input.hpp"
#include "runtime/simulation/world.hpp"
#include "runtime/topology/topology.hpp"

namespace mailroom::runtime {

struct SimulationOptions {
  std::size_t events = 200;  // most of one source's shard in one run
  std::size_t pool = 5000;   // read of each source's shard; runs take stretches of it
  std::set<FaultKind> faults = default_faults();
};

// All that makes a run what it is.
struct SimulationCase {
  std::uint64_t seed = 0;
  bool durable = true;
  std::uint32_t capacity = 0;       // of every mailbox; 0: as the topology says
  std::size_t resident_keys = 0;    // of every shard; 0: as the topology says
  // [stage][shard]: which of the recorded events are given, rising.
  std::vector<std::vector<std::vector<std::uint32_t>>> events;
  std::vector<Fault> faults;

  [[nodiscard]] std::size_t event_count() const;
};

struct SimulationResult {
  std::vector<Violation> violations;
  RunSize done;
  std::uint64_t faults_happened = 0, crashes = 0;
  double simulated_seconds = 0;
};

// Used by one thread; runs of one Simulation share nothing but what was read at its beginning.
class Simulation {
 public:
  // Reads the sources' events, and makes one run without faults to learn how long runs are. Throws what a source
  // throws, and BadValue where a simulation is not possible.
  Simulation(Topology topology, SimulationOptions options);

  [[nodiscard]] SimulationCase draw(std::uint64_t seed) const;
  // `narrate` hears of all that happens, as it happens.
  [[nodiscard]] SimulationResult run(const SimulationCase& what, const Narrate& narrate = {}) const;

  // Of the run without faults that the constructor made: if it breaks a law, faults are not the cause.
  [[nodiscard]] const SimulationResult& undisturbed() const { return undisturbed_; }

 private:
  Topology topology_;
  SimulationOptions options_;
  std::vector<std::vector<RecordedInput>> inputs_;  // [stage][shard]
  SimulationResult undisturbed_;
  std::size_t undisturbed_events_ = 0;
};

}  // namespace mailroom::runtime
