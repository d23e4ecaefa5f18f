// Reads the members of one JSON object, reporting what does not fit: wrong kinds, values out of bounds, unknown
// names with the nearest known one. Absent members leave the default.
#pragma once

#include <chrono>
#include <cstdint>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <mailroom/nearest_name.hpp>
#include <mailroom/text.hpp>

#include "runtime/topology/problem_list.hpp"

namespace mailroom::runtime {

template <class E>
using EnumNames = std::vector<std::pair<const char*, E>>;

class ObjectReader {
 public:
  ObjectReader(const nlohmann::json& object, std::string pointer, ProblemList& problems)
      : object_(object), pointer_(std::move(pointer)), problems_(problems), usable_(object.is_object()) {
    if (!usable_) problems_.error(pointer_, "found " + found(object) + ", expected an object { ... }");
  }

  [[nodiscard]] bool usable() const { return usable_; }
  [[nodiscard]] std::string at(const std::string& name) const { return pointer_ + "/" + pointer_part(name); }
  // The member, whatever it is; marks the name as known.
  const nlohmann::json* member(const char* name) {
    known_.push_back(name);
    if (!usable_) return nullptr;
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  void text(const char* name, std::string& value) {
    if (const auto* m = member(name)) {
      if (m->is_string() && !m->get_ref<const std::string&>().empty())
        value = m->get<std::string>();
      else
        wrong(name, *m, "a text");
    }
  }
  void number(const char* name, std::uint64_t low, std::uint64_t high, auto& value) {
    if (const auto* m = member(name)) {
      if (m->is_number_unsigned() && m->get<std::uint64_t>() >= low && m->get<std::uint64_t>() <= high)
        value = static_cast<std::remove_reference_t<decltype(value)>>(m->get<std::uint64_t>());
      else
        wrong(name, *m, fmt::format("an integer from {} to {}", low, high));
    }
  }
  void fraction(const char* name, double& value) {
    if (const auto* m = member(name)) {
      if (m->is_number() && m->get<double>() >= 0 && m->get<double>() <= 1)
        value = m->get<double>();
      else
        wrong(name, *m, "a number from 0 to 1");
    }
  }
  template <class Duration>
  void duration(const char* name, Duration& value) {
    if (const auto* m = member(name)) {
      if (const auto read = read_duration(name, *m)) value = std::chrono::duration_cast<Duration>(*read);
    }
  }
  // "100ms..5s"
  void duration_range(const char* name, std::chrono::milliseconds& low, std::chrono::milliseconds& high) {
    const auto* m = member(name);
    if (m == nullptr) return;
    const auto expected = "a range of durations such as \"100ms..5s\"";
    if (!m->is_string()) return wrong(name, *m, expected);
    const auto& text = m->get_ref<const std::string&>();
    const auto dots = text.find("..");
    if (dots == std::string::npos) return wrong(name, *m, expected);
    try {
      const auto from = parse_duration(std::string_view(text).substr(0, dots));
      const auto to = parse_duration(std::string_view(text).substr(dots + 2));
      if (from > to) return wrong(name, *m, "a range that begins with the shorter duration");
      low = std::chrono::duration_cast<std::chrono::milliseconds>(from);
      high = std::chrono::duration_cast<std::chrono::milliseconds>(to);
    } catch (const BadValue& error) {
      problems_.error(at(name), error.what());
    }
  }
  template <class E>
  void choice(const char* name, const EnumNames<E>& names, E& value) {
    const auto* m = member(name);
    if (m == nullptr) return;
    std::vector<std::string_view> texts;
    for (const auto& [text, e] : names) {
      texts.push_back(text);
      if (m->is_string() && m->get_ref<const std::string&>() == text) {
        value = e;
        return;
      }
    }
    const auto nearest = m->is_string() ? nearest_name(m->get<std::string>(), texts) : std::string{};
    wrong(name, *m,
          fmt::format("one of \"{}\"{}", fmt::join(texts, "\", \""),
                      nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?"));
  }
  void wrong(const std::string& name, const nlohmann::json& value, const std::string& expected) {
    problems_.error(at(name), "found " + found(value) + ", expected " + expected);
  }
  // Call last: names that nobody asked for.
  void refuse_unknown() {
    if (!usable_) return;
    std::vector<std::string_view> known(known_.begin(), known_.end());
    for (const auto& [name, value] : object_.items()) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      const auto nearest = nearest_name(name, known);
      problems_.error(at(name),
                      nearest.empty()
                          ? fmt::format("unknown member \"{}\"; expected one of: {}", name, fmt::join(known, ", "))
                          : fmt::format("unknown member \"{}\"; did you mean \"{}\"?", name, nearest));
    }
  }

  [[nodiscard]] static std::string found(const nlohmann::json& value) {
    auto text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    if (text.size() > 60) text = text.substr(0, 57) + "...";
    switch (value.type()) {
      case nlohmann::json::value_t::string: return "the text " + text;
      case nlohmann::json::value_t::array: return "the list " + text;
      case nlohmann::json::value_t::object: return "the object " + text;
      default: return text;
    }
  }

 private:
  std::optional<std::chrono::microseconds> read_duration(const char* name, const nlohmann::json& value) {
    if (value.is_string()) {
      try {
        return parse_duration(value.get_ref<const std::string&>());
      } catch (const BadValue&) {
      }
    }
    wrong(name, value, "a duration such as \"250ms\", \"15s\", \"2m\", \"1h\" or \"1d\"");
    return std::nullopt;
  }

  const nlohmann::json& object_;
  const std::string pointer_;
  ProblemList& problems_;
  const bool usable_;
  std::vector<std::string> known_;
};

}  // namespace mailroom::runtime
