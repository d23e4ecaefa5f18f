// An amount of money in a currency's minor unit (pence, cents): exact, two decimals.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace mailroom {

// Arithmetic throws std::overflow_error instead of wrapping.
struct Money {
  std::int64_t minor = 0;

  constexpr auto operator<=>(const Money&) const = default;
  // "-11062.06"
  [[nodiscard]] std::string to_string() const;
  // A decimal number with at most two significant decimals ("2.55", "2.1", "3", "1.500"). Throws BadValue.
  [[nodiscard]] static Money parse(std::string_view text);
};

Money operator+(Money a, Money b);
Money operator-(Money a, Money b);
Money operator-(Money a);
Money operator*(Money a, std::int64_t times);
inline Money operator*(std::int64_t times, Money a) { return a * times; }
inline Money& operator+=(Money& a, Money b) { return a = a + b; }
inline Money& operator-=(Money& a, Money b) { return a = a - b; }

}  // namespace mailroom
