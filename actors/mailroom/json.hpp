// Described values to and from nlohmann's JSON. Errors name the path of the field: lines[3].price.
#pragma once

#include <array>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include <mailroom/errors.hpp>
#include <mailroom/fields.hpp>
#include <mailroom/money.hpp>
#include <mailroom/text.hpp>
#include <mailroom/timestamp.hpp>

namespace mailroom {

// Throws BadValue: field "path": expected ..., found ...
[[noreturn]] void refuse_json(const std::string& path, std::string_view expected, const nlohmann::json& found);
// Throws BadValue naming the unknown member and the nearest known one.
void refuse_unknown_members(const nlohmann::json& value, const std::string& path,
                            const std::vector<std::string_view>& known);

template <class T>
nlohmann::json value_to_json(const T& value) {
  if constexpr (detail::is_optional<T>)
    return value ? value_to_json(*value) : nlohmann::json(nullptr);
  else if constexpr (detail::is_vector<T>) {
    auto array = nlohmann::json::array();
    for (const auto& item : value) array.push_back(value_to_json<typename T::value_type>(item));
    return array;
  } else if constexpr (detail::is_map<T>) {
    auto object = nlohmann::json::object();
    for (const auto& [key, item] : value) object[key] = value_to_json(item);
    return object;
  } else if constexpr (Described<T>) {
    auto object = nlohmann::json::object();
    for_each_field<T>([&](const auto& f) { object[std::string(f.name)] = value_to_json(value.*(f.member)); });
    return object;
  } else if constexpr (std::is_same_v<T, bool> || std::is_integral_v<T> || std::is_floating_point_v<T>)
    return value;
  else
    return value_to_text(value);
}

template <class T>
void value_from_json(const nlohmann::json& json, T& value, const std::string& path) {
  if constexpr (detail::is_optional<T>) {
    if (json.is_null()) {
      value.reset();
    } else {
      typename T::value_type inner{};
      value_from_json(json, inner, path);
      value = std::move(inner);
    }
  } else if constexpr (detail::is_vector<T>) {
    if (!json.is_array()) refuse_json(path, "a list", json);
    value.clear();
    value.reserve(json.size());
    for (std::size_t i = 0; i < json.size(); ++i) {
      typename T::value_type item{};
      value_from_json(json[i], item, path + "[" + std::to_string(i) + "]");
      value.push_back(std::move(item));
    }
  } else if constexpr (detail::is_map<T>) {
    if (!json.is_object()) refuse_json(path, "an object", json);
    value.clear();
    for (const auto& [key, item] : json.items()) {
      typename T::mapped_type inner{};
      value_from_json(item, inner, path.empty() ? key : path + "." + key);
      value.emplace(key, std::move(inner));
    }
  } else if constexpr (Described<T>) {
    if (!json.is_object()) refuse_json(path, "an object", json);
    constexpr bool options = described_as<T>() == DescribedAs::options;
    if constexpr (options) {
      std::vector<std::string_view> known;
      for_each_field<T>([&](const auto& f) { known.push_back(f.name); });
      refuse_unknown_members(json, path, known);
    }
    for_each_field<T>([&](const auto& f) {
      const auto found = json.find(std::string(f.name));
      const auto inner_path = path.empty() ? std::string(f.name) : path + "." + std::string(f.name);
      using M = std::remove_reference_t<decltype(value.*(f.member))>;
      if (found != json.end())
        value_from_json(*found, value.*(f.member), inner_path);
      else if constexpr (!options && !detail::is_optional<M>)
        throw BadValue(fmt::format("field \"{}\": missing, expected {}", inner_path, type_in_words<M>()));
    });
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!json.is_boolean()) refuse_json(path, "true or false", json);
    value = json.get<bool>();
  } else if constexpr (std::is_integral_v<T>) {
    const auto fits = [&](auto number) { return std::in_range<T>(number); };
    if (json.is_number_unsigned() && fits(json.get<std::uint64_t>()))
      value = static_cast<T>(json.get<std::uint64_t>());
    else if (json.is_number_integer() && !json.is_number_unsigned() && fits(json.get<std::int64_t>()))
      value = static_cast<T>(json.get<std::int64_t>());
    else
      refuse_json(path, type_in_words<T>(), json);
  } else if constexpr (std::is_floating_point_v<T>) {
    if (!json.is_number()) refuse_json(path, "a number", json);
    value = json.get<T>();
  } else {
    std::string text;
    if (json.is_string())
      text = json.get<std::string>();
    else if (std::is_same_v<T, Money> && json.is_number())
      text = json.dump();  // the shortest text that gives the number back
    else
      refuse_json(path, type_in_words<T>(), json);
    try {
      value = value_from_text<T>(text);
    } catch (const BadValue& error) {
      throw BadValue(fmt::format("field \"{}\": {}", path, error.what()));
    }
  }
}

template <Described T>
T from_json(const nlohmann::json& json) {
  T value{};
  value_from_json(json, value, {});
  return value;
}

}  // namespace mailroom
