// The sources that every program has: csv, jsonl, stdin, tail, generator.
#pragma once

#include <vector>

#include <mailroom/source.hpp>

namespace mailroom {

std::vector<SourceType> built_in_sources();

}  // namespace mailroom
