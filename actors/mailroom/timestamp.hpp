// A moment: microseconds since 1970-01-01 00:00 UTC.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace mailroom {

struct Timestamp {
  std::int64_t micros = 0;

  constexpr auto operator<=>(const Timestamp&) const = default;
  // Before and after all moments; adding to them changes nothing.
  [[nodiscard]] static constexpr Timestamp min() { return {std::numeric_limits<std::int64_t>::min()}; }
  [[nodiscard]] static constexpr Timestamp max() { return {std::numeric_limits<std::int64_t>::max()}; }
  // "2010-12-01T08:26:00Z"; with six decimals where there are any.
  [[nodiscard]] std::string to_string() const;
  // ISO 8601: a date, or a date and a time after 'T' or a blank, with up to six decimals, and 'Z' or an offset
  // (none: UTC). Throws BadValue saying what was found.
  [[nodiscard]] static Timestamp parse(std::string_view text);
};

constexpr Timestamp operator+(Timestamp t, std::chrono::microseconds d) {
  if (t == Timestamp::min() || t == Timestamp::max()) return t;
  return {t.micros + d.count()};
}
constexpr Timestamp operator-(Timestamp t, std::chrono::microseconds d) {
  if (t == Timestamp::min() || t == Timestamp::max()) return t;
  return {t.micros - d.count()};
}
constexpr std::chrono::microseconds operator-(Timestamp a, Timestamp b) {
  return std::chrono::microseconds{a.micros - b.micros};
}

}  // namespace mailroom
