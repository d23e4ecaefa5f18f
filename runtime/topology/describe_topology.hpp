// A checked topology for people and for scripts.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "runtime/topology/topology.hpp"

namespace mailroom::runtime {

// What `mailroom check` prints: a line a stage, in the order of the file.
std::string describe(const Topology& topology);
// The same as JSON, every default filled in.
nlohmann::json to_json(const Topology& topology);

}  // namespace mailroom::runtime
