#include <mailroom/sources/utf8.hpp>

#include <cstdint>
#include <cstring>
#include <fmt/format.h>
#include <iterator>

namespace mailroom {
namespace {

// The length of the well-formed character at the front (Unicode 15, table 3-7); 0 if there is none.
std::size_t character_length(std::string_view bytes) noexcept {
  const auto at = [&](std::size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u; };
  const auto follows = [&](std::size_t i) { return (at(i) & 0xC0) == 0x80; };
  const auto first = at(0);
  if (first < 0x80) return first == 0 ? 0 : 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && at(1) < 0xA0;
    const bool surrogate = first == 0xED && at(1) > 0x9F;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && at(1) < 0x90;
    const bool beyond = first == 0xF4 && at(1) > 0x8F;
    return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::size_t first_byte_not_text(std::string_view bytes) noexcept {
  constexpr std::uint64_t high = 0x8080808080808080u, low = 0x0101010101010101u;
  std::size_t i = 0;
  while (i < bytes.size()) {
    if (bytes.size() - i >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + i, 8);
      // Neither a high bit nor a zero byte: eight plain characters.
      if (((word | (word - low)) & high) == 0) {
        i += 8;
        continue;
      }
    }
    const auto length = character_length(bytes.substr(i, 4));
    if (length == 0) return i;
    i += length;
  }
  return std::string_view::npos;
}

std::string as_text(std::string_view bytes, std::size_t max) {
  std::string text;
  std::size_t i = 0;
  while (i < bytes.size() && i < max) {
    const auto length = character_length(bytes.substr(i, 4));
    if (length == 0) {
      fmt::format_to(std::back_inserter(text), "\\x{:02X}", static_cast<unsigned char>(bytes[i++]));
      continue;
    }
    if (i + length > max) break;
    text.append(bytes.substr(i, length));
    i += length;
  }
  return text;
}

}  // namespace mailroom
