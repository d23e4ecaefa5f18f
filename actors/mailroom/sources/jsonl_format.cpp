#include <mailroom/sources/jsonl_format.hpp>

#include <algorithm>
#include <fmt/format.h>

#include <mailroom/errors.hpp>
#include <mailroom/json.hpp>
#include <mailroom/nearest_name.hpp>
#include <mailroom/sources/utf8.hpp>

namespace mailroom {
namespace {

constexpr std::size_t max_depth = 256;  // what shows or writes a value again does so recursively

bool too_deep(std::string_view text) {
  if (text.size() <= 2 * max_depth) return false;
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      else if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > max_depth) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

// The library's "[json.exception...] parse error at line 1, column 5: syntax error while parsing value - invalid literal; ...".
std::string in_words(const nlohmann::json::exception& error) {
  std::string_view text = error.what();
  if (const auto dash = text.find(" - "); dash != std::string_view::npos) text.remove_prefix(dash + 3);
  else if (const auto bracket = text.find("] "); bracket != std::string_view::npos) text.remove_prefix(bracket + 2);
  return std::string(text);
}

}  // namespace

JsonlFormat::JsonlFormat(std::vector<const EventType*> events, std::string type_field)
    : events_(std::move(events)), type_field_(std::move(type_field)) {}

const EventType& JsonlFormat::type_of(const nlohmann::json& value) const {
  if (type_field_.empty()) return *events_.front();
  if (!value.is_object()) refuse_json({}, "an object", value);
  const auto found = value.find(type_field_);
  std::vector<std::string_view> names;
  for (const auto* event : events_) names.emplace_back(event->name());
  const auto expected = fmt::format("one of {}", fmt::join(names, ", "));
  if (found == value.end()) throw BadValue(fmt::format("field \"{}\": missing, expected {}", type_field_, expected));
  if (found->is_string())
    for (const auto* event : events_)
      if (event->name() == found->get_ref<const std::string&>()) return *event;
  refuse_json(type_field_, expected, *found);
}

RecordFormat::Taken JsonlFormat::take(LineReader& lines, EventBatch& events, std::string& reason) {
  auto text = lines.record();
  if (lines.at_file_start() && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.find_first_not_of(" \t") == std::string_view::npos) return Taken::blank;
  if (const auto bad = first_byte_not_text(text); bad != std::string_view::npos) {
    reason = fmt::format("byte {} of the line is \\x{:02X}, expected UTF-8 text", bad + 1, static_cast<unsigned char>(text[bad]));
    return Taken::dirty;
  }
  if (too_deep(text)) {
    reason = fmt::format("found lists and objects nested deeper than {}, expected fewer levels", max_depth);
    return Taken::dirty;
  }
  try {
    const auto value = nlohmann::json::parse(text);
    const auto& type = type_of(value);
    type.append_from_json(value, events.column(type));
    events.adopt_last(type, {});
    return Taken::event;
  } catch (const BadValue& error) {
    reason = error.what();
  } catch (const nlohmann::json::parse_error& error) {
    reason = fmt::format("not JSON at column {}: {}", error.byte, in_words(error));
  } catch (const nlohmann::json::exception& error) {
    reason = fmt::format("not usable as JSON: {}", in_words(error));
  }
  return Taken::dirty;
}

}  // namespace mailroom
