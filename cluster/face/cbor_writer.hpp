// Writes CBOR (RFC 8949), as much of it as telemetry needs: definite lengths, no floats. Appends to one buffer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom::cluster {

class CborWriter {
 public:
  explicit CborWriter(std::string& out) : out_(out) {}
  void array(std::uint64_t items) { head(4, items); }
  void map(std::uint64_t members) { head(5, members); }
  void number(std::uint64_t value) { head(0, value); }
  void integer(std::int64_t value) {
    value >= 0 ? head(0, static_cast<std::uint64_t>(value)) : head(1, ~static_cast<std::uint64_t>(value));
  }
  // Must be UTF-8 (text_of() in telemetry_frames.cpp sees to it for what users wrote).
  void text(std::string_view value) {
    head(3, value.size());
    out_.append(value);
  }
  void boolean(bool value) { out_.push_back(static_cast<char>(value ? 0xF5 : 0xF4)); }
  void null() { out_.push_back(static_cast<char>(0xF6)); }
  void maybe(const std::optional<std::uint64_t>& value) { value ? number(*value) : null(); }
  // Something written by another writer.
  void raw(std::string_view bytes) { out_.append(bytes); }

 private:
  void head(unsigned major, std::uint64_t value) {
    const auto first = static_cast<unsigned char>(major << 5);
    unsigned bytes = 0;
    if (value < 24) {
      out_.push_back(static_cast<char>(first | value));
      return;
    }
    if (value <= 0xFF) bytes = 1, out_.push_back(static_cast<char>(first | 24));
    else if (value <= 0xFFFF) bytes = 2, out_.push_back(static_cast<char>(first | 25));
    else if (value <= 0xFFFFFFFF) bytes = 4, out_.push_back(static_cast<char>(first | 26));
    else bytes = 8, out_.push_back(static_cast<char>(first | 27));
    while (bytes-- > 0) out_.push_back(static_cast<char>(value >> (8 * bytes)));
  }
  std::string& out_;
};

}  // namespace mailroom::cluster
