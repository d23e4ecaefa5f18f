// Is this text? And how to show it where it is not.
#pragma once

#include <string>
#include <string_view>

namespace mailroom {

// The index of the first byte that is a NUL or no part of well-formed UTF-8; npos if all is text.
std::size_t first_byte_not_text(std::string_view bytes) noexcept;

// `bytes` as UTF-8 text, whatever they are: what is no text is written \xE9. Cut to at most `max` bytes of input,
// never inside a character.
std::string as_text(std::string_view bytes, std::size_t max = std::string_view::npos);

}  // namespace mailroom
