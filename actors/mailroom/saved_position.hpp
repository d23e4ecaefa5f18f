// Reading the positions that sources and sinks have committed.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

namespace mailroom {

// An integer from 0. Throws CorruptData naming `whose` if the position has no such member: it is another source's or sink's.
std::uint64_t saved_number(const nlohmann::json& position, const char* member, std::string_view whose);

}  // namespace mailroom
