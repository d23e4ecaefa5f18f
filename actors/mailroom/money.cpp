#include <fmt/format.h>
#include <stdexcept>

#include <mailroom/errors.hpp>
#include <mailroom/money.hpp>

namespace mailroom {
namespace {

std::int64_t checked(bool overflow, std::int64_t value) {
  if (overflow) throw std::overflow_error("an amount of money beyond 92,233,720,368,547,758.07");
  return value;
}

}  // namespace

Money operator+(Money a, Money b) {
  std::int64_t r = 0;
  const bool overflow = __builtin_add_overflow(a.minor, b.minor, &r);
  return {checked(overflow, r)};
}
Money operator-(Money a, Money b) {
  std::int64_t r = 0;
  const bool overflow = __builtin_sub_overflow(a.minor, b.minor, &r);
  return {checked(overflow, r)};
}
Money operator-(Money a) { return Money{} - a; }
Money operator*(Money a, std::int64_t times) {
  std::int64_t r = 0;
  const bool overflow = __builtin_mul_overflow(a.minor, times, &r);
  return {checked(overflow, r)};
}

std::string Money::to_string() const {
  const auto magnitude = minor < 0 ? 0 - static_cast<std::uint64_t>(minor) : static_cast<std::uint64_t>(minor);
  return fmt::format("{}{}.{:02}", minor < 0 ? "-" : "", magnitude / 100, magnitude % 100);
}

Money Money::parse(std::string_view text) {
  const auto refuse = [&] {
    throw BadValue(fmt::format("expected money such as \"2.55\", found \"{}\"", text.substr(0, 60)));
  };
  auto rest = text;
  const bool negative = !rest.empty() && rest.front() == '-';
  if (negative) rest.remove_prefix(1);
  const auto point = rest.find('.');
  const auto whole = rest.substr(0, point);
  const auto decimals = point == std::string_view::npos ? std::string_view{} : rest.substr(point + 1);
  if (whole.empty() || (point != std::string_view::npos && decimals.empty())) refuse();
  std::int64_t value = 0;
  const auto push = [&](char digit) {
    if (digit < '0' || digit > '9') refuse();
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, digit - '0', &value))
      refuse();  // downwards: the negative range is larger
  };
  for (const char c : whole) push(c);
  for (std::size_t i = 0; i < 2; ++i) push(i < decimals.size() ? decimals[i] : '0');
  for (std::size_t i = 2; i < decimals.size(); ++i)
    if (decimals[i] != '0') refuse();
  if (negative) return {value};
  std::int64_t positive = 0;
  if (__builtin_sub_overflow(std::int64_t{0}, value, &positive)) refuse();
  return {positive};
}

}  // namespace mailroom
