// RFC 4180: fields in quotes may hold separators, line breaks and, doubled, quotes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mailroom/sources/record_format.hpp>

namespace mailroom {

struct CsvSettings {
  char separator = ',';
  bool header = true;                          // the first record names the columns
  std::vector<std::string> names;              // the columns' names where there is no header; none: the event's fields
  std::map<std::string, std::string> columns;  // event field -> column; the others are found by name
  std::vector<std::string> nulls = {""};       // read as absent (a text field that can't be absent: as empty)
  bool trim = false;                           // blanks and tabs around fields
  std::size_t max_record = 64 * 1024;          // bytes of a record of several lines
};

// Columns are matched to fields without regard to case, '_' and blanks. Columns that match no field are passed over.
// A record whose quoting is broken is refused together with its first line only: the next record begins at the line
// after, so that a stray quote takes no good lines with it. Blank lines are passed over.
class CsvFormat final : public RecordFormat {
 public:
  // Throws BadValue if the event has a field that can't be read from a text, or the settings name fields it has not.
  CsvFormat(const EventType& event, CsvSettings settings);

  bool begin_file(LineReader& lines, const std::string& path) override;
  [[nodiscard]] bool has_header() const override { return settings_.header; }
  Taken take(LineReader& lines, EventBatch& events, std::string& reason) override;

 private:
  enum class Split : std::uint8_t { good, open, broken };
  // Completes the reader's record and calls put(column, field) for its fields. `wait` and `dirty` as in Taken.
  template <class Put>
  Taken split_record(LineReader& lines, std::string& reason, Put&& put);
  template <class Put>
  Split split(std::string_view text, std::string& reason, Put&& put);
  template <class Put>
  Split split_quoted(std::string_view text, std::string& reason, Put&& put);
  void put_field(std::size_t column, std::string_view text);
  // Finds each field's column. Throws BadValue naming `where`.
  void map_columns(const std::vector<std::string>& columns, const std::string& where);

  static constexpr std::size_t no_field = static_cast<std::size_t>(-1);

  const EventType& event_;
  CsvSettings settings_;
  std::vector<std::size_t> field_of_column_;
  std::vector<std::optional<std::string_view>> fields_;  // of the record, in the schema's order
  std::string unescaped_;
};

}  // namespace mailroom
