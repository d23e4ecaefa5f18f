#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <mailroom/json.hpp>
#include <mailroom/nearest_name.hpp>
#include <mailroom/text.hpp>

namespace mailroom {

void refuse_json(const std::string& path, std::string_view expected, const nlohmann::json& found) {
  auto shown = found.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (shown.size() > 100) shown = shown.substr(0, 97) + "...";
  throw BadValue(path.empty() ? fmt::format("expected {}, found {}", expected, shown)
                              : fmt::format("field \"{}\": expected {}, found {}", path, expected, shown));
}

void refuse_unknown_members(const nlohmann::json& value, const std::string& path,
                            const std::vector<std::string_view>& known) {
  for (const auto& [name, member] : value.items()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const auto full = path.empty() ? name : path + "." + name;
    const auto nearest = nearest_name(name, known);
    throw BadValue(nearest.empty()
                       ? fmt::format("unknown field \"{}\"; expected one of: {}", full, fmt::join(known, ", "))
                       : fmt::format("unknown field \"{}\"; did you mean \"{}\"?", full, nearest));
  }
}

std::chrono::microseconds parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
  struct Unit {
    std::string_view name;
    std::int64_t micros;
  };
  if (error == std::errc{} && number >= 0)
    for (const auto& [name, micros] : {Unit{"us", 1}, Unit{"ms", 1'000}, Unit{"s", 1'000'000}, Unit{"m", 60'000'000},
                                       Unit{"h", 3'600'000'000}, Unit{"d", 86'400'000'000}}) {
      std::int64_t total = 0;
      if (unit == name && !__builtin_mul_overflow(number, micros, &total)) return std::chrono::microseconds(total);
    }
  throw BadValue(fmt::format("expected a duration such as \"250ms\", \"15s\", \"2m\", \"1h\" or \"1d\", found \"{}\"",
                             text.substr(0, 60)));
}

std::string duration_to_text(std::chrono::microseconds duration) {
  const auto count = static_cast<std::int64_t>(duration.count());
  struct Unit {
    std::string_view name;
    std::int64_t micros;
  };
  for (const auto& [name, micros] : {Unit{"d", 86'400'000'000}, Unit{"h", 3'600'000'000}, Unit{"m", 60'000'000},
                                     Unit{"s", 1'000'000}, Unit{"ms", 1'000}})
    if (count != 0 && count % micros == 0) return fmt::format("{}{}", count / micros, name);
  return fmt::format("{}us", count);
}

}  // namespace mailroom
