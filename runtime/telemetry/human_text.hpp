// Numbers and durations as people read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mailroom::runtime {

// 1234567 -> "1,234,567"
std::string human_number(std::uint64_t number);
// 12 us, 3.4 ms, 1.2 s, 4 min 10 s, 2 h 5 min; "-" for unknown.
std::string human_duration(std::optional<std::uint64_t> microseconds);

}  // namespace mailroom::runtime
