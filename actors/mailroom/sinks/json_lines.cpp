#include <mailroom/sinks/json_lines.hpp>

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <iterator>

#include <mailroom/errors.hpp>

namespace mailroom {
namespace {

void append_text(std::string_view text, std::string& out) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; });
  if (plain) {
    out += '"';
    out += text;
    out += '"';
  } else {
    out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
}

void append_object(const nlohmann::json& object, const Schema& schema, std::string& out);

void append_value(const nlohmann::json& value, const Schema* nested, std::string& out) {
  if (value.is_string()) {
    append_text(value.get_ref<const std::string&>(), out);
  } else if (value.is_number_integer() && !value.is_number_unsigned()) {
    char digits[24];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value.get<std::int64_t>()).ptr);
  } else if (nested == nullptr || !value.is_structured()) {
    out += value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  } else if (value.is_array()) {
    char before = '[';
    for (const auto& item : value) {
      out += std::exchange(before, ',');
      append_value(item, nested, out);
    }
    out += value.empty() ? "[]" : "]";
  } else {
    append_object(value, *nested, out);
  }
}

void append_members(const nlohmann::json& object, const Schema& schema, char before, std::string& out) {
  for (const auto& field : schema.fields) {
    const auto found = object.find(field.name);
    if (found == object.end()) continue;
    out += std::exchange(before, ',');
    append_text(field.name, out);
    out += ':';
    if (field.kind == FieldKind::map && field.nested && found->is_object()) {
      char between = '{';
      for (const auto& [key, item] : found->items()) {
        out += std::exchange(between, ',');
        append_text(key, out);
        out += ':';
        append_value(item, field.nested.get(), out);
      }
      out += found->empty() ? "{}" : "}";
    } else {
      append_value(*found, field.nested.get(), out);
    }
  }
  if (before == '{') out += '{';
}

void append_object(const nlohmann::json& object, const Schema& schema, std::string& out) {
  append_members(object, schema, '{', out);
  out += '}';
}

}  // namespace

JsonLines::JsonLines(const std::vector<const EventType*>& events, bool type, bool meta) : type_(type), meta_(meta) {
  for (const auto* event : events)
    for (const char* name : {"type", "meta"})
      if ((name == std::string_view("type") ? type : meta) && event->schema().field(name) != nullptr)
        throw BadValue(fmt::format("field \"{}\": event {} has a field \"{}\" of its own; expected \"{}\": false with it", name, event->name(), name, name));
}

void JsonLines::append(const SinkEvent& event, std::string& out) const {
  char before = '{';
  if (type_) {
    out += "{\"type\":";
    append_text(event.type.name(), out);
    before = ',';
  }
  append_members(event.type.to_json(event.event), event.type.schema(), before, out);
  if (meta_) {
    if (out.back() != '{') out += ',';
    fmt::format_to(std::back_inserter(out), "\"meta\":{{\"time\":\"{}\",\"trace\":\"{}:{}\"}}", event.meta.time.to_string(),
                   trace_stream(event.meta.trace), trace_sequence(event.meta.trace));
  }
  out += "}\n";
}

}  // namespace mailroom
