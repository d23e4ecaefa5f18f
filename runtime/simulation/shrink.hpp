// Makes a case that breaks a law as small as it can: the fewest faults and events with which the same law still breaks.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "runtime/simulation/simulation.hpp"

namespace mailroom::runtime {

struct Shrunk {
  SimulationCase what;
  SimulationResult result;
  std::uint64_t runs = 0;
};

// Takes away faults, then events, in halves, quarters, ... down to single ones, as long as `law` still breaks (Zeller and
// Hildebrandt, Simplifying and isolating failure-inducing input, 2002: ddmin, here on the complement only), and lets the
// faults that are left come sooner. Stops after `most_runs`. `go_on` is asked before each run.
Shrunk shrink(const Simulation& simulation, const SimulationCase& broken, const std::string& law, std::uint64_t most_runs = 2'000,
              const std::function<bool()>& go_on = {});

}  // namespace mailroom::runtime
