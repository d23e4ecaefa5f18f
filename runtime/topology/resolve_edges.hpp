// Resolves "from" and "key" once all stages are known, and checks the graph: types on edges, keys, cycles, reach.
#pragma once

#include <vector>

#include "runtime/topology/problem_list.hpp"
#include "runtime/topology/stage_reader.hpp"

namespace mailroom::runtime {

void resolve_edges(std::vector<WrittenStage>& stages, ProblemList& problems);

}  // namespace mailroom::runtime
