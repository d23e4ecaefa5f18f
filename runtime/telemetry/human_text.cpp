#include "runtime/telemetry/human_text.hpp"

#include <fmt/format.h>

namespace mailroom::runtime {

std::string human_number(std::uint64_t number) {
  auto text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

std::string human_duration(std::optional<std::uint64_t> microseconds) {
  if (!microseconds) return "-";
  const auto us = *microseconds;
  if (us < 1'000) return fmt::format("{} us", us);
  // The limits are where rounding would reach the next form: 999,999 us is 1.0 s, not 1000 ms.
  const auto ms = static_cast<double>(us) / 1e3;
  if (us < 999'500) return us < 9'950 ? fmt::format("{:.1f} ms", ms) : fmt::format("{:.0f} ms", ms);
  if (us < 9'950'000) return fmt::format("{:.1f} s", static_cast<double>(us) / 1e6);
  const auto s = us / 1'000'000 + (us % 1'000'000 >= 500'000 ? 1 : 0);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {} s", s / 60, s % 60);
  return fmt::format("{} h {} min", s / 3600, s / 60 % 60);
}

}  // namespace mailroom::runtime
