// Texts that others wrote (an exception's what(), a field of an event), made fit to be kept and shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mailroom::runtime {

// What is kept of the reason of a dead letter or a parked event, in bytes.
inline constexpr std::size_t most_of_a_reason = 4096;

// At most so many bytes of it, and no half of a UTF-8 character; what was cut off is said: "abc... (5,000,000 bytes)".
std::string cut_text(std::string_view text, std::size_t most);
// A newline as \n, ESC as \x1b: control characters, also those of the second half (U+0080 to U+009F), drive a terminal.
std::string without_controls(std::string_view text);

}  // namespace mailroom::runtime
