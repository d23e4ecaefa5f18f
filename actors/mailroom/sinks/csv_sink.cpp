#include <mailroom/sinks/csv_sink.hpp>

#include <algorithm>
#include <fmt/format.h>

#include <mailroom/errors.hpp>

namespace mailroom {

CsvSink::CsvSink(std::string path, const std::vector<const EventType*>& events, char separator, bool header)
    : file_(std::move(path)), event_(events.empty() ? nullptr : events.front()), separator_(separator), header_(header) {
  if (events.size() != 1) {
    std::vector<std::string_view> names;
    for (const auto* event : events) names.emplace_back(event->name());
    throw BadValue(fmt::format("{}: a CSV file has the columns of one event type, and {} may arrive{}{}; name one with \"events\" in \"from\", or use \"jsonl\"",
                               file_.path(), events.size(), names.empty() ? "" : ": ", fmt::join(names, ", ")));
  }
  for (const auto& field : event_->schema().fields)
    if (field.kind == FieldKind::list || field.kind == FieldKind::map || field.kind == FieldKind::object)
      throw BadValue(fmt::format("{}: event {} can't be written as CSV: its field \"{}\" is {}, expected only texts, numbers, times and the like; "
                                 "use \"jsonl\"", file_.path(), event_->name(), field.name, field.type));
}

void CsvSink::append_record(const std::vector<std::string>& texts) {
  auto& out = file_.buffer();
  const char special[] = {separator_, '"', '\n', '\r', '\0'};
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  bool first = true;
  for (const auto& text : texts) {
    if (!first) out += separator_;
    first = false;
    // Blanks at the ends are quoted for readers that trim; a lone empty field, because its line would be blank; a byte
    // order mark's first byte, because a reader may take it for one.
    const bool edge = text.empty() ? texts.size() == 1 : blank(text.front()) || blank(text.back()) || text.front() == '\xEF';
    const bool quoted = edge || text.find_first_of(special) != std::string::npos;
    if (!quoted) {
      out += text;
      continue;
    }
    out += '"';
    for (const char c : text) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }
  out += '\n';
  file_.written();
}

void CsvSink::write(const SinkEvent& event) {
  texts_.clear();
  event_->to_text(event.event, texts_);
  append_record(texts_);
}

void CsvSink::recover(const nlohmann::json& position) {
  file_.recover(position);
  if (!header_ || file_.length() != 0) return;
  texts_.clear();
  for (const auto& field : event_->schema().fields) texts_.push_back(field.name);
  append_record(texts_);
}

}  // namespace mailroom
