#include "runtime/topology/load_topology.hpp"

#include <mailroom/topology_rule.hpp>
#include <mailroom/window_options.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

#include "runtime/topology/json_document.hpp"
#include "runtime/topology/library_loader.hpp"
#include "runtime/topology/object_reader.hpp"
#include "runtime/topology/policies.hpp"
#include "runtime/topology/problem_list.hpp"
#include "runtime/topology/resolve_edges.hpp"
#include "runtime/topology/stage_reader.hpp"

namespace mailroom::runtime {
namespace fs = std::filesystem;

namespace {

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}
constexpr const char* name_rule = "a name of at most 64 characters a-z, 0-9, _ and -";

// False if one could not be loaded.
bool load_libraries(ObjectReader& top, const fs::path& folder, const LoadOptions& options, Topology& topology,
                    ProblemList& problems) {
  const auto* member = top.member("library");
  if (member == nullptr) return true;
  bool all = true;
  std::vector<std::pair<std::string, std::string>> names;
  if (member->is_string()) {
    names.emplace_back(member->get<std::string>(), top.at("library"));
  } else if (member->is_array() && !member->empty()) {
    for (std::size_t i = 0; i < member->size(); ++i) {
      if ((*member)[i].is_string())
        names.emplace_back((*member)[i].get<std::string>(), top.at("library") + "/" + std::to_string(i));
      else
        top.wrong("library", (*member)[i], "the name of a library");
    }
  } else {
    top.wrong("library", *member, "the name of a library, or a list of them");
  }
  for (const auto& [name, pointer] : names) {
    topology.libraries.push_back(name);
    if (!options.load_libraries) continue;
    if (const auto wrong = load_library(name, folder, options.library_path)) {
      problems.error(pointer, *wrong);
      all = false;
    }
  }
  return all;
}

// The stages in the order of the file: nlohmann keeps objects by name.
std::vector<std::string> in_file_order(const nlohmann::json& stages, const JsonDocument& document) {
  std::vector<std::string> names;
  for (const auto& [name, value] : stages.items()) names.push_back(name);
  std::stable_sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    return document.line_of("/stages/" + pointer_part(a)) < document.line_of("/stages/" + pointer_part(b));
  });
  return names;
}

// Which source --input is meant for; empty if that is wrong, which is then reported.
std::string input_stage(const nlohmann::json& stages, const LoadOptions& options, ProblemList& problems) {
  if (!options.input) return {};
  std::vector<std::string> sources;
  for (const auto& [name, value] : stages.items())
    if (value.is_object() && value.contains("source")) sources.push_back(name);
  const auto equals = options.input->find('=');
  if (equals != std::string::npos) {
    const auto name = options.input->substr(0, equals);
    if (std::find(sources.begin(), sources.end(), name) != sources.end()) return name;
    problems.error("/stages", fmt::format("--input {}: no source is called \"{}\"", *options.input, name));
    return {};
  }
  if (sources.size() == 1) return sources.front();
  problems.error("/stages", fmt::format("--input {}: the topology has {} sources; say which one, as --input STAGE=PATH",
                                        *options.input, sources.size()));
  return {};
}

// What speaks of event time where the machine's clock rules.
void check_clock(const Topology& topology, const std::vector<WrittenStage>& stages, ProblemList& problems) {
  if (topology.clock == ClockKind::events) return;
  bool times_in_events = false;
  for (const auto& written : stages) {
    times_in_events = times_in_events || !written.stage.time_field.empty();
    if (written.stage.idle_after.count() > 0)
      problems.warning(written.pointer + "/idle_after",
                       "there are no watermarks without \"clock\": \"events\", so none that an idle source could hold back");
    if (written.stage.max_ahead.count() > 0)
      problems.warning(written.pointer + "/max_ahead",
                       "there are no watermarks without \"clock\": \"events\", so none that an event could move too far");
  }
  if (!times_in_events) return;
  for (const auto& written : stages) {
    const auto& handles = written.stage.handles;
    if (std::find(handles.begin(), handles.end(), &event_type_of<WindowDue>()) != handles.end())
      problems.warning(written.pointer,
                       fmt::format("\"{}\" keeps windows, which end by the machine's clock here: events whose time has passed are late. "
                                   "To read what was recorded earlier say \"clock\": \"events\"",
                                   written.stage.name));
  }
}

// What the actors' authors say of the options of several stages.
void apply_rules(const std::vector<WrittenStage>& stages, ProblemList& problems) {
  std::vector<RuleCheck::Stage> actors;
  for (const auto& written : stages)
    if (written.stage.actor != nullptr) actors.push_back({written.stage.name, written.stage.actor, written.stage.options});
  RuleCheck check(std::move(actors));
  TopologyRules::apply(check);
  for (const auto& fault : check.faults())
    problems.error("/stages/" + pointer_part(fault.stage) + "/options/" + pointer_part(fault.option), fault.text);
}

LoadedTopology load(const JsonDocument& document, const std::string& file, const fs::path& folder,
                    const LoadOptions& options) {
  ProblemList problems(file, document);
  Topology topology;
  topology.file = file;
  ObjectReader top(document.value, "", problems);
  if (!top.usable()) return {std::nullopt, problems.take()};

  top.member("$schema");
  const auto* version = top.member("mailroom");
  if (version == nullptr)
    problems.error("", "\"mailroom\" is missing: the version of this format, \"mailroom\": 1");
  else if (*version != 1)
    top.wrong("mailroom", *version, "1, the version of this format");
  top.text("name", topology.name);
  if (topology.name.empty())
    problems.error("", "\"name\" is missing: what the topology is called");
  else if (!is_name(topology.name))
    problems.error("/name", fmt::format("found \"{}\", expected {}", topology.name, name_rule));
  std::string description;
  top.text("description", description);
  top.choice("durability", durability_names, topology.durability);
  if (options.durability) topology.durability = *options.durability;
  top.choice("clock", clock_names, topology.clock);
  read_supervision(top, topology.supervision, problems);
  auto defaults = read_defaults(top, problems);
  defaults.types_missing = !load_libraries(top, folder, options, topology, problems);

  std::vector<WrittenStage> stages;
  const auto* stages_json = top.member("stages");
  if (stages_json == nullptr) {
    problems.error("", "\"stages\" is missing: the stages by name");
  } else if (!stages_json->is_object() || stages_json->empty()) {
    top.wrong("stages", *stages_json, "an object with at least a source, such as {\"orders\": {\"source\": ...}}");
  } else {
    const auto takes_input = input_stage(*stages_json, options, problems);
    for (const auto& name : in_file_order(*stages_json, document)) {
      const auto pointer = "/stages/" + pointer_part(name);
      if (!is_name(name))
        problems.error(pointer, fmt::format("found the stage name \"{}\", expected {}", name, name_rule));
      stages.push_back(
          read_stage(name, (*stages_json)[name], pointer, defaults, folder, options, name == takes_input, problems));
    }
    resolve_edges(stages, problems);
    check_clock(topology, stages, problems);
    apply_rules(stages, problems);
  }
  top.refuse_unknown();

  LoadedTopology loaded;
  if (!problems.has_errors()) {
    for (auto& written : stages) topology.stages.push_back(std::move(written.stage));
    loaded.topology = std::move(topology);
  }
  loaded.problems = problems.take();
  return loaded;
}

LoadedTopology load_text(const std::string& text, const std::string& file, const fs::path& folder,
                         const LoadOptions& options) {
  std::optional<JsonSyntaxError> error;
  const auto document = parse_json_document(text, error);
  if (error)
    return {std::nullopt,
            {{Problem::Severity::error, file, error->line, "",
              fmt::format("column {}: not JSON: {}", error->column, error->text)}}};
  return load(document, file, folder, options);
}

}  // namespace

std::string to_string(const Problem& problem) {
  const auto* severity = problem.severity == Problem::Severity::error     ? "error"
                         : problem.severity == Problem::Severity::warning ? "warning"
                                                                          : "note";
  auto text = problem.file;
  if (problem.line > 0) text += fmt::format(":{}", problem.line);
  text += fmt::format(": {}: ", severity);
  if (!problem.json_path.empty()) text += problem.json_path + ": ";
  return text + problem.text;
}

LoadedTopology load_topology(const fs::path& file, const LoadOptions& options) {
  std::error_code error;
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  if (in) text << in.rdbuf();
  if (!in || fs::is_directory(file, error))
    return {
        std::nullopt,
        {{Problem::Severity::error, file.string(), 0, "",
          fmt::format("can't be read: {}", fs::is_directory(file, error) ? "it is a folder" : std::strerror(errno))}}};
  return load_text(text.str(), file.string(), file.has_parent_path() ? file.parent_path() : fs::path("."), options);
}

LoadedTopology load_topology_text(const std::string& text, const std::string& name, const LoadOptions& options) {
  return load_text(text, name, ".", options);
}

}  // namespace mailroom::runtime
