#include <mailroom/sources/csv_format.hpp>

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

#include <mailroom/errors.hpp>
#include <mailroom/nearest_name.hpp>
#include <mailroom/sources/utf8.hpp>

namespace mailroom {
namespace {

std::string without_case(std::string_view name) {
  std::string plain;
  for (const char c : name)
    if (c != '_' && c != ' ') plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return plain;
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool fits_in_text(const SchemaField& field) {
  return field.kind != FieldKind::list && field.kind != FieldKind::map && field.kind != FieldKind::object;
}

std::vector<std::string_view> field_names(const Schema& schema) {
  std::vector<std::string_view> names;
  for (const auto& field : schema.fields) names.push_back(field.name);
  return names;
}

}  // namespace

CsvFormat::CsvFormat(const EventType& event, CsvSettings settings)
    : event_(event), settings_(std::move(settings)), fields_(event.schema().fields.size()) {
  const auto& schema = event_.schema();
  for (const auto& field : schema.fields)
    if (!fits_in_text(field) && !field.optional)
      throw BadValue(fmt::format("event {} can't be read from CSV: its field \"{}\" is {}, expected only texts, numbers, times and the like; "
                                 "use \"jsonl\"", event_.name(), field.name, field.type));
  for (const auto& [field, column] : settings_.columns) {
    if (schema.field(field) != nullptr) continue;
    const auto nearest = nearest_name(field, field_names(schema));
    throw BadValue(fmt::format("\"columns\": event {} has no field \"{}\"; {}", event_.name(), field,
                               nearest.empty() ? fmt::format("expected one of: {}", fmt::join(field_names(schema), ", "))
                                               : fmt::format("did you mean \"{}\"?", nearest)));
  }
  if (settings_.header) return;
  auto names = settings_.names;
  if (names.empty())
    for (const auto& field : schema.fields) names.push_back(field.name);
  map_columns(names, "\"names\"");
}

void CsvFormat::map_columns(const std::vector<std::string>& columns, const std::string& where) {
  field_of_column_.assign(columns.size(), no_field);
  const auto& fields = event_.schema().fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto& field = fields[i];
    const auto named = settings_.columns.find(field.name);
    const bool is_named = named != settings_.columns.end();
    const auto& wanted = is_named ? named->second : field.name;
    const std::string* found = nullptr;
    for (std::size_t column = 0; column < columns.size(); ++column) {
      if (without_case(columns[column]) != without_case(wanted)) continue;
      if (found != nullptr)
        throw BadValue(fmt::format("{}: the columns \"{}\" and \"{}\" are both field \"{}\" of {}; say which with \"columns\": {{\"{}\": ...}} "
                                   "or rename one", where, *found, columns[column], field.name, event_.name(), field.name));
      if (field_of_column_[column] != no_field)
        throw BadValue(fmt::format("{}: column \"{}\" is both field \"{}\" and field \"{}\" of {}; expected one field for a column", where,
                                   columns[column], fields[field_of_column_[column]].name, field.name, event_.name()));
      found = &columns[column];
      field_of_column_[column] = i;
    }
    if (found != nullptr || (field.optional && !is_named)) continue;
    std::vector<std::string_view> near(columns.begin(), columns.end());
    const auto nearest = nearest_name(wanted, near);
    throw BadValue(as_text(fmt::format(
        "{}: no column \"{}\" for field \"{}\" of {} ({}); found the columns {}. {}", where, wanted, field.name, event_.name(), field.type,
        fmt::join(columns, ", "),
        nearest.empty() ? fmt::format("Name the column with \"columns\": {{\"{}\": ...}}", field.name)
                        : fmt::format("Did you mean \"columns\": {{\"{}\": \"{}\"}}?", field.name, nearest)), 4000));
  }
}

bool CsvFormat::begin_file(LineReader& lines, const std::string& path) {
  if (!settings_.header) return true;
  std::vector<std::string> columns;
  std::string reason;
  for (;;) {
    const auto status = lines.next();
    if (status == LineReader::Status::wait || status == LineReader::Status::pause) return false;
    if (status == LineReader::Status::end) return true;  // an empty file has no records either
    if (status == LineReader::Status::too_long) throw BadValue(fmt::format("{}: the first line, expected to name the columns, is longer than \"max_line\"", path));
    // Blank lines before the header, and what some programs put at the front of a UTF-8 file.
    auto text = lines.record();
    if (lines.at_file_start() && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    if (!text.empty()) break;
  }
  const auto taken = split_record(lines, reason, [&](std::size_t column, std::string_view text) {
    columns.resize(column);  // a record of several lines is begun again
    columns.emplace_back(trimmed(text));
  });
  if (taken == Taken::wait) return false;
  if (taken == Taken::dirty) throw BadValue(as_text(fmt::format("{}: the header, line {}: {}", path, lines.line(), reason)));
  map_columns(columns, path);
  return true;
}

RecordFormat::Taken CsvFormat::take(LineReader& lines, EventBatch& events, std::string& reason) {
  const auto columns = field_of_column_.size();
  std::size_t found = 0;
  const auto taken = split_record(lines, reason, [&](std::size_t column, std::string_view text) {
    found = column + 1;
    if (column < columns) put_field(column, text);
  });
  if (taken != Taken::event) return taken;
  if (found != columns) {
    reason = fmt::format("found {} columns, expected {}", found, columns);
    return Taken::dirty;
  }
  try {
    event_.append_from_text(fields_, events.column(event_));
  } catch (const BadValue& error) {
    reason = error.what();
    return Taken::dirty;
  }
  events.adopt_last(event_, {});
  return Taken::event;
}

void CsvFormat::put_field(std::size_t column, std::string_view text) {
  const auto index = field_of_column_[column];
  if (index == no_field) return;
  auto& value = fields_[index];
  for (const auto& null : settings_.nulls)
    if (text == null) {
      const auto& field = event_.schema().fields[index];
      value.reset();
      if (field.kind == FieldKind::text && !field.optional) value = std::string_view{};
      return;
    }
  value = text;
}

template <class Put>
RecordFormat::Taken CsvFormat::split_record(LineReader& lines, std::string& reason, Put&& put) {
  std::size_t bom = 0;
  auto text = lines.record();
  if (lines.at_file_start() && text.starts_with("\xEF\xBB\xBF")) bom = 3;
  const auto refuse_what_is_no_text = [&](std::string_view bytes) {
    const auto bad = first_byte_not_text(bytes);
    if (bad == std::string_view::npos) return false;
    reason = fmt::format("byte {} of the line is \\x{:02X}, expected {}", bad + 1, static_cast<unsigned char>(bytes[bad]),
                         bytes[bad] == '\0' ? "text" : "UTF-8 text; convert the file (for instance with iconv)");
    return true;
  };
  text.remove_prefix(bom);
  if (text.empty()) return Taken::blank;
  if (refuse_what_is_no_text(text)) return Taken::dirty;
  auto result = split(text, reason, put);
  if (result == Split::good) return Taken::event;
  if (result == Split::broken) return Taken::dirty;

  // A quote is open at the line's end. Well-formed records have an even number of quotes: only then is it worth a look.
  auto seen = text.size() + bom;
  bool odd = std::count(text.begin(), text.end(), '"') % 2 != 0;
  do {
    const auto status = lines.extend(settings_.max_record);
    if (status == LineReader::Status::wait) {
      lines.unread();
      return Taken::wait;
    }
    if (status != LineReader::Status::line) {
      lines.keep_first_line();
      reason += status == LineReader::Status::end ? " up to the end of the file" : fmt::format(" within {} bytes (\"max_record\")", settings_.max_record);
      return Taken::dirty;
    }
    text = lines.record();
    odd = odd != (std::count(text.begin() + static_cast<std::ptrdiff_t>(std::min(seen, text.size())), text.end(), '"') % 2 != 0);
    seen = text.size();
  } while (odd);
  text.remove_prefix(bom);
  if (!refuse_what_is_no_text(text) && split(text, reason, put) == Split::good) return Taken::event;
  lines.keep_first_line();
  return Taken::dirty;
}

template <class Put>
CsvFormat::Split CsvFormat::split(std::string_view text, std::string& reason, Put&& put) {
  if (text.find('"') != std::string_view::npos) return split_quoted(text, reason, put);
  std::size_t column = 0;
  for (;;) {
    const auto end = text.find(settings_.separator);
    const auto field = text.substr(0, end);
    put(column++, settings_.trim ? trimmed(field) : field);
    if (end == std::string_view::npos) return Split::good;
    text.remove_prefix(end + 1);
  }
}

template <class Put>
CsvFormat::Split CsvFormat::split_quoted(std::string_view text, std::string& reason, Put&& put) {
  // Fields are views into it: it must not move within a record.
  unescaped_.clear();
  unescaped_.reserve(text.size());
  const auto skip_blanks = [&](std::size_t at) {
    while (settings_.trim && at < text.size() && (text[at] == ' ' || text[at] == '\t') && text[at] != settings_.separator) ++at;
    return at;
  };
  std::size_t at = 0;
  for (std::size_t column = 0;; ++column) {
    const auto begin = skip_blanks(at);
    if (begin < text.size() && text[begin] == '"') {
      const auto inside = begin + 1;
      const auto in_buffer = unescaped_.size();
      auto from = inside;
      auto close = text.find('"', from);
      bool doubled = false;
      while (close != std::string_view::npos && close + 1 < text.size() && text[close + 1] == '"') {
        doubled = true;
        unescaped_.append(text.substr(from, close + 1 - from));
        from = close + 2;
        close = text.find('"', from);
      }
      if (close == std::string_view::npos) {
        reason = fmt::format("column {}: its quote is not closed", column + 1);
        return Split::open;
      }
      if (doubled) {
        unescaped_.append(text.substr(from, close - from));
        put(column, std::string_view(unescaped_).substr(in_buffer));
      } else {
        put(column, text.substr(inside, close - inside));
      }
      at = skip_blanks(close + 1);
      if (at == text.size()) return Split::good;
      if (text[at] != settings_.separator) {
        reason = fmt::format("column {}: found text after its closing quote, expected '{}' or the end of the line; a quote inside quotes is doubled",
                             column + 1, settings_.separator);
        return Split::broken;
      }
    } else {
      at = std::min(text.find(settings_.separator, at), text.size());
      const auto field = text.substr(begin, std::max(at, begin) - begin);
      if (field.find('"') != std::string_view::npos) {
        reason = fmt::format("column {}: found a quote inside a field without quotes; expected the field in quotes and the quote doubled", column + 1);
        return Split::broken;
      }
      put(column, settings_.trim ? trimmed(field) : field);
      if (at == text.size()) return Split::good;
    }
    ++at;
  }
}

}  // namespace mailroom
