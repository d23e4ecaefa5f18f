// The generator's rows for those who need no event types: the checker and its tests.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

namespace orders {

// Every order line that a source with these GeneratorOptions gives, in order. Throws mailroom::BadValue on options that
// are none.
std::vector<nlohmann::json> generated_lines(const nlohmann::json& options);

}  // namespace orders
