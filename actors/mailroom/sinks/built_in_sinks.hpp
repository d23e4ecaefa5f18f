// The sinks that every program has: jsonl, csv, console, null.
#pragma once

#include <vector>

#include <mailroom/sink.hpp>

namespace mailroom {

std::vector<SinkType> built_in_sinks();

}  // namespace mailroom
