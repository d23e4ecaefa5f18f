// Described scalars to and from text (CSV fields, keys), and types in words for messages.
#pragma once

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <mailroom/errors.hpp>
#include <mailroom/fields.hpp>
#include <mailroom/money.hpp>
#include <mailroom/timestamp.hpp>

namespace mailroom {

namespace detail {
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T, class A>
inline constexpr bool is_vector<std::vector<T, A>> = true;
template <class T>
inline constexpr bool is_map = false;
template <class T, class C, class A>
inline constexpr bool is_map<std::map<std::string, T, C, A>> = true;
template <class T>
inline constexpr bool unsupported = false;
}  // namespace detail

// "15s", "250ms", "40us", "2m", "1h", "1d". Throws BadValue.
std::chrono::microseconds parse_duration(std::string_view text);
std::string duration_to_text(std::chrono::microseconds duration);

template <class T>
inline constexpr bool is_text_scalar =
    std::is_arithmetic_v<T> || std::is_same_v<T, std::string> || std::is_same_v<T, Money> ||
    std::is_same_v<T, Timestamp> || std::is_same_v<T, std::chrono::microseconds> || DescribedEnum<T>;

template <class T>
std::string type_in_words() {
  if constexpr (detail::is_optional<T>)
    return type_in_words<typename T::value_type>() + ", may be absent";
  else if constexpr (detail::is_vector<T>)
    return "list of " + type_in_words<typename T::value_type>();
  else if constexpr (detail::is_map<T>)
    return "map of " + type_in_words<typename T::mapped_type>();
  else if constexpr (Described<T>)
    return std::string(name_of<T>());
  else if constexpr (std::is_same_v<T, bool>)
    return "true or false";
  else if constexpr (std::is_integral_v<T>)
    return sizeof(T) == 8
               ? (std::is_signed_v<T> ? "integer" : "integer from 0")
               : fmt::format("integer from {} to {}", static_cast<std::int64_t>(std::numeric_limits<T>::min()),
                             static_cast<std::int64_t>(std::numeric_limits<T>::max()));
  else if constexpr (std::is_floating_point_v<T>)
    return "number";
  else if constexpr (std::is_same_v<T, std::string>)
    return "text";
  else if constexpr (std::is_same_v<T, Money>)
    return "money such as \"2.55\"";
  else if constexpr (std::is_same_v<T, Timestamp>)
    return "time such as \"2010-12-01 08:26:00\"";
  else if constexpr (std::is_same_v<T, std::chrono::microseconds>)
    return "duration such as \"250ms\"";
  else if constexpr (DescribedEnum<T>) {
    std::string words = "one of";
    for (const auto& [value, name] : mailroom_enum(static_cast<const T*>(nullptr)))
      words += fmt::format(" \"{}\"", name);
    return words;
  } else
    static_assert(detail::unsupported<T>,
                  "a field of this type can't be in a field list; see fields.hpp for those that can");
}

template <class T>
std::string value_to_text(const T& value) {
  if constexpr (std::is_same_v<T, std::string>)
    return value;
  else if constexpr (std::is_same_v<T, bool>)
    return value ? "true" : "false";
  else if constexpr (std::is_arithmetic_v<T>)
    return fmt::format("{}", value);
  else if constexpr (std::is_same_v<T, std::chrono::microseconds>)
    return duration_to_text(value);
  else if constexpr (DescribedEnum<T>) {
    for (const auto& [v, name] : mailroom_enum(static_cast<const T*>(nullptr)))
      if (v == value) return std::string(name);
    return fmt::format("{}", static_cast<std::int64_t>(value));
  } else
    return value.to_string();
}

// Throws BadValue: expected ..., found "...".
template <class T>
T value_from_text(std::string_view text) {
  const auto refuse = [&]() -> T {
    throw BadValue(fmt::format("expected {}, found \"{}\"", type_in_words<T>(), text.substr(0, 100)));
  };
  if constexpr (std::is_same_v<T, std::string>)
    return std::string(text);
  else if constexpr (std::is_same_v<T, bool>) {
    if (text == "true") return true;
    if (text == "false") return false;
    return refuse();
  } else if constexpr (std::is_arithmetic_v<T>) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return refuse();
    return value;
  } else if constexpr (std::is_same_v<T, std::chrono::microseconds>)
    return parse_duration(text);
  else if constexpr (DescribedEnum<T>) {
    for (const auto& [v, name] : mailroom_enum(static_cast<const T*>(nullptr)))
      if (name == text) return v;
    return refuse();
  } else
    return T::parse(text);
}

}  // namespace mailroom
