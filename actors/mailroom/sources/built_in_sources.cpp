#include <mailroom/sources/built_in_sources.hpp>

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

#include <mailroom/csv_separator.hpp>
#include <mailroom/describe.hpp>
#include <mailroom/json.hpp>
#include <mailroom/nearest_name.hpp>
#include <mailroom/sources/csv_format.hpp>
#include <mailroom/sources/file_input.hpp>
#include <mailroom/sources/generator.hpp>
#include <mailroom/sources/jsonl_format.hpp>
#include <mailroom/sources/record_source.hpp>
#include <mailroom/sources/stream_input.hpp>
#include <mailroom/sources/tail_input.hpp>

namespace mailroom {

// At this level, not in an unnamed namespace: the field lists are found by the types' namespace.
// The options' meaning: CsvSettings, JsonlFormat, FileInputSettings, TailInput.
struct CsvSourceOptions {
  std::string separator = ",";
  bool header = true;
  std::vector<std::string> names;
  std::map<std::string, std::string> columns;
  std::vector<std::string> null = {""};
  bool trim = false;
  std::int64_t max_record = 64 * 1024;
  std::int64_t max_line = 1024 * 1024;
  std::string pattern;
  bool follow = false;
};
MAILROOM_OPTIONS(CsvSourceOptions, separator, header, names, columns, null, trim, max_record, max_line, pattern, follow)

struct JsonlSourceOptions {
  std::string type_field;
  std::vector<std::string> events;
  std::int64_t max_line = 1024 * 1024;
  std::string pattern;
  bool follow = false;
};
MAILROOM_OPTIONS(JsonlSourceOptions, type_field, events, max_line, pattern, follow)

enum class StreamFormat : std::uint8_t { csv, jsonl };
MAILROOM_ENUM(StreamFormat, csv, jsonl)

struct StdinSourceOptions {
  StreamFormat format = StreamFormat::jsonl;
  std::string separator = ",";
  bool header = true;
  std::vector<std::string> names;
  std::map<std::string, std::string> columns;
  std::vector<std::string> null = {""};
  bool trim = false;
  std::int64_t max_record = 64 * 1024;
  std::string type_field;
  std::vector<std::string> events;
  std::int64_t max_line = 1024 * 1024;
  std::int64_t fd = 0;
};
MAILROOM_OPTIONS(StdinSourceOptions, format, separator, header, names, columns, null, trim, max_record, type_field, events, max_line, fd)

struct TailSourceOptions {
  StreamFormat format = StreamFormat::jsonl;
  std::string separator = ",";
  bool header = true;
  std::vector<std::string> names;
  std::map<std::string, std::string> columns;
  std::vector<std::string> null = {""};
  bool trim = false;
  std::int64_t max_record = 64 * 1024;
  std::string type_field;
  std::vector<std::string> events;
  std::int64_t max_line = 1024 * 1024;
  std::chrono::microseconds rotate_wait = std::chrono::seconds(1);
};
MAILROOM_OPTIONS(TailSourceOptions, format, separator, header, names, columns, null, trim, max_record, type_field, events, max_line, rotate_wait)

namespace {

std::size_t in_range(const char* field, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value >= least && value <= most) return static_cast<std::size_t>(value);
  throw BadValue(fmt::format("field \"{}\": expected {} to {}, found {}", field, least, most, value));
}

template <class Options>
std::size_t max_line_of(const Options& options) {
  return in_range("max_line", options.max_line, 16, 64 * 1024 * 1024);
}

template <class Options>
CsvSettings csv_settings(const Options& options) {
  CsvSettings settings;
  settings.separator = csv_separator(options.separator);
  if (options.header && !options.names.empty())
    throw BadValue("field \"names\": it names the columns of files without a header; expected \"header\": false with it, or \"columns\" instead of it");
  settings.header = options.header;
  settings.names = options.names;
  settings.columns = options.columns;
  settings.nulls = options.null;
  settings.trim = options.trim;
  settings.max_record = in_range("max_record", options.max_record, 16, 64 * 1024 * 1024);
  return settings;
}

template <class Options>
void check_type_field(const Options& options) {
  if (options.type_field.empty() != options.events.empty())
    throw BadValue(options.events.empty() ? "field \"events\": missing, expected with \"type_field\" the names of the event types that may come"
                                          : "field \"type_field\": missing, expected with \"events\" the member that names a line's event type");
}

// The stage's "event" and those of the options.
template <class Options>
std::vector<const EventType*> events_of(const EventType* event, const Options& options) {
  std::vector<const EventType*> events;
  if (event != nullptr) events.push_back(event);
  for (const auto& name : options.events) {
    const auto* type = EventTypes::find(name);
    if (type == nullptr) {
      const auto all = EventTypes::all();
      std::vector<std::string_view> known;
      for (const auto* other : all) known.emplace_back(other->name());
      const auto nearest = nearest_name(name, known);
      throw BadValue(fmt::format("field \"events\": there is no event type \"{}\"; {}", name,
                                 nearest.empty() ? "is its library named in \"library\"?" : fmt::format("did you mean \"{}\"?", nearest)));
    }
    if (std::find(events.begin(), events.end(), type) == events.end()) events.push_back(type);
  }
  return events;
}

template <class Options>
void check(const Options& options) {
  max_line_of(options);
  if constexpr (requires { options.separator; }) csv_settings(options);
  if constexpr (requires { options.type_field; }) check_type_field(options);
  if constexpr (requires { options.format; options.type_field; })
    if (options.format == StreamFormat::csv && !options.type_field.empty())
      throw BadValue("field \"type_field\": expected with \"format\": \"jsonl\" only");
  if constexpr (requires { options.fd; }) in_range("fd", options.fd, 0, 1'000'000);
}

template <class Options>
Options checked_options(const nlohmann::json& json) {
  auto options = from_json<Options>(json.is_null() ? nlohmann::json::object() : json);
  check(options);
  return options;
}

template <class Options>
std::unique_ptr<RecordFormat> make_format(const SourceSettings& settings, const Options& options) {
  if constexpr (requires { options.format; })
    if (options.format == StreamFormat::csv) return std::make_unique<CsvFormat>(*settings.event, csv_settings(options));
  if constexpr (requires { options.type_field; })
    return std::make_unique<JsonlFormat>(events_of(settings.event, options), options.type_field);
  else
    return std::make_unique<CsvFormat>(*settings.event, csv_settings(options));
}

template <class Options>
std::unique_ptr<Input> make_input(const SourceSettings& settings, const Options& options) {
  if constexpr (requires { options.fd; })
    return std::make_unique<StreamInput>(static_cast<int>(options.fd));
  else if constexpr (requires { options.rotate_wait; })
    return std::make_unique<TailInput>(settings.path, options.rotate_wait);
  else {
    FileInputSettings files{settings.path, {".csv"}, options.pattern, options.follow};
    if constexpr (requires { options.type_field; }) files.extensions = {".jsonl", ".ndjson"};
    return std::make_unique<FileInput>(std::move(files));
  }
}

template <class Options>
SourceType record_source_type(const std::string& name, bool needs_path) {
  SourceType type;
  type.name = name;
  type.needs_path = needs_path;
  type.options_schema = schema_of<Options>();
  type.check_options = [](const nlohmann::json& json) { (void)checked_options<Options>(json); };
  type.make = [name](const SourceSettings& settings) -> std::unique_ptr<Source> {
    if (settings.shards != 1)
      throw BadValue(fmt::format("\"shards\": the {} source reads its input in order and has one shard; found {}", name, settings.shards));
    if (settings.event == nullptr) throw BadValue(fmt::format("\"event\" is missing: the type of event that the {} source makes", name));
    const auto options = checked_options<Options>(settings.options);
    auto format = make_format(settings, options);
    return std::make_unique<RecordSource>(make_input(settings, options), std::move(format), max_line_of(options));
  };
  if constexpr (requires(const Options& options) { options.type_field; })
    type.more_events = [](const nlohmann::json& json) { return events_of(nullptr, checked_options<Options>(json)); };
  return type;
}

}  // namespace

std::vector<SourceType> built_in_sources() {
  std::vector<SourceType> types;
  types.push_back(record_source_type<CsvSourceOptions>("csv", true));
  types.push_back(record_source_type<JsonlSourceOptions>("jsonl", true));
  types.push_back(record_source_type<StdinSourceOptions>("stdin", false));
  types.push_back(record_source_type<TailSourceOptions>("tail", true));
  types.push_back(generator_source_type());
  return types;
}

}  // namespace mailroom
