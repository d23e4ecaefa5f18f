#include <mailroom/sinks/built_in_sinks.hpp>

#include <optional>

#include <mailroom/csv_separator.hpp>
#include <mailroom/describe.hpp>
#include <mailroom/json.hpp>
#include <mailroom/sinks/console_sink.hpp>
#include <mailroom/sinks/csv_sink.hpp>
#include <mailroom/sinks/jsonl_sink.hpp>
#include <mailroom/sinks/null_sink.hpp>

namespace mailroom {

struct JsonlSinkOptions {
  std::optional<bool> type;  // absent: if several event types may arrive
  bool meta = false;
};
MAILROOM_OPTIONS(JsonlSinkOptions, type, meta)

struct CsvSinkOptions {
  std::string separator = ",";
  bool header = true;
};
MAILROOM_OPTIONS(CsvSinkOptions, separator, header)

namespace {

JsonlSinkOptions jsonl_options(const nlohmann::json& json) { return from_json<JsonlSinkOptions>(json.is_null() ? nlohmann::json::object() : json); }

CsvSinkOptions csv_options(const nlohmann::json& json) {
  auto options = from_json<CsvSinkOptions>(json.is_null() ? nlohmann::json::object() : json);
  csv_separator(options.separator);
  return options;
}

JsonLines json_lines(const SinkSettings& settings) {
  const auto options = jsonl_options(settings.options);
  return {settings.events, options.type.value_or(settings.events.size() > 1), options.meta};
}

}  // namespace

std::vector<SinkType> built_in_sinks() {
  std::vector<SinkType> types;
  types.push_back({"jsonl", true, schema_of<JsonlSinkOptions>(), [](const nlohmann::json& json) { (void)jsonl_options(json); },
                   [](const SinkSettings& settings) { return std::make_unique<JsonlSink>(settings.path, json_lines(settings)); }});
  types.push_back({"csv", true, schema_of<CsvSinkOptions>(), [](const nlohmann::json& json) { (void)csv_options(json); },
                   [](const SinkSettings& settings) {
                     const auto options = csv_options(settings.options);
                     return std::make_unique<CsvSink>(settings.path, settings.events, options.separator[0], options.header);
                   }});
  types.push_back({"console", false, schema_of<JsonlSinkOptions>(), [](const nlohmann::json& json) { (void)jsonl_options(json); },
                   [](const SinkSettings& settings) { return std::make_unique<ConsoleSink>(json_lines(settings)); }});
  types.push_back({"null", false, {}, [](const nlohmann::json& json) { if (!json.is_null()) refuse_unknown_members(json, {}, {}); },
                   [](const SinkSettings&) { return std::make_unique<NullSink>(); }});
  return types;
}

}  // namespace mailroom
