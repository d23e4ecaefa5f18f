// "did you mean": the known name nearest to what was written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mailroom {

// By edit distance, two letters changed about being one edit; empty if none is near enough to be meant.
std::string nearest_name(std::string_view written, const std::vector<std::string_view>& known);

}  // namespace mailroom
