#include "runtime/topology/stage_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace mailroom::runtime {
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t max_shards = 1024;

// "Ledgr is not a known actor; did you mean "Ledger"?"
template <class List>
std::string unknown(const char* what, const std::string& name, const List& list, const char* hint) {
  std::vector<std::string> names;
  for (const auto* entry : list) {
    if constexpr (requires { entry->name(); })
      names.push_back(entry->name());
    else
      names.push_back(entry->name);
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  const auto nearest = nearest_name(name, views);
  if (!nearest.empty()) return fmt::format("no {} is called \"{}\"; did you mean \"{}\"?", what, name, nearest);
  return fmt::format("no {} is called \"{}\"; known are: {}. {}", what, name,
                     names.empty() ? std::string("none") : fmt::format("{}", fmt::join(names, ", ")), hint);
}
constexpr const char* library_hint =
    "Is its library named in \"library\", and is it declared there by its MAILROOM_ macro?";

template <class Type>
void read_options(ObjectReader& reader, const Type& type, Stage& stage, ProblemList& problems) {
  if (const auto* options = reader.member("options")) {
    if (!options->is_object()) return reader.wrong("options", *options, "an object { ... }");
    stage.options = *options;
  }
  try {
    type.check_options(stage.options);
  } catch (const std::exception& error) {
    problems.error(reader.at("options"), error.what());
  }
}

void read_from(ObjectReader& reader, WrittenStage& written, ProblemList& problems) {
  const auto* from = reader.member("from");
  if (from == nullptr) {
    problems.error(written.pointer, "\"from\" is missing: the stages whose events it takes, such as [\"orders\"]");
    return;
  }
  const auto add = [&](const nlohmann::json& entry, const std::string& pointer) {
    WrittenEdge edge;
    edge.pointer = pointer;
    if (entry.is_string()) {
      edge.stage = entry.get<std::string>();
    } else if (entry.is_object()) {
      ObjectReader object(entry, pointer, problems);
      object.text("stage", edge.stage);
      if (const auto* events = object.member("events")) {
        if (!events->is_array() || events->empty())
          object.wrong("events", *events, "a list of event types");
        else
          for (const auto& event : *events) {
            if (event.is_string())
              edge.events.push_back(event.get<std::string>());
            else
              object.wrong("events", event, "the name of an event type");
          }
      }
      if (const auto* feedback = object.member("feedback")) {
        if (feedback->is_boolean())
          edge.feedback = feedback->get<bool>();
        else
          object.wrong("feedback", *feedback, "true or false");
      }
      object.refuse_unknown();
      if (edge.stage.empty()) {
        problems.error(pointer, "\"stage\" is missing: the name of the stage whose events it takes");
        return;
      }
    } else {
      problems.error(pointer,
                     "found " + ObjectReader::found(entry) +
                         ", expected a stage's name, or {\"stage\": ..., \"events\": [...], \"feedback\": true}");
      return;
    }
    for (const auto& other : written.from)
      if (other.stage == edge.stage) {
        problems.error(pointer,
                       fmt::format("\"{}\" is in \"from\" twice; name it once, with all its \"events\"", edge.stage));
        return;
      }
    written.from.push_back(std::move(edge));
  };
  if (from->is_string()) {
    add(*from, reader.at("from"));
  } else if (!from->is_array() || from->empty()) {
    reader.wrong("from", *from, "a list of stages, such as [\"orders\"]");
  } else {
    for (std::size_t i = 0; i < from->size(); ++i) add((*from)[i], reader.at("from") + "/" + std::to_string(i));
  }
}

const EventType* event_named(ObjectReader& reader, const char* member, bool types_missing, ProblemList& problems) {
  std::string name;
  reader.text(member, name);
  if (name.empty()) return nullptr;
  const auto* type = EventTypes::find(name);
  if (type == nullptr && !types_missing)
    problems.error(reader.at(member), unknown("event type", name, EventTypes::all(), library_hint));
  return type;
}

void read_source(ObjectReader& reader, WrittenStage& written, const fs::path& folder,
                 const std::optional<std::string>& input, bool types_missing, ProblemList& problems) {
  auto& stage = written.stage;
  stage.kind = StageKind::source;
  stage.ordering = Ordering::total;
  std::string type_name, path;
  reader.text("source", type_name);
  stage.source = SourceTypes::find(type_name);
  if (stage.source == nullptr) {
    if (!type_name.empty() && !types_missing)
      problems.error(reader.at("source"), unknown("source", type_name, SourceTypes::all(), library_hint));
    written.broken = true;
  }
  const auto* event = event_named(reader, "event", types_missing, problems);
  reader.text("path", path);
  if (input)
    path = fs::absolute(*input).string();
  else if (!path.empty() && fs::path(path).is_relative())
    path = (folder / path).string();
  stage.path = path;
  reader.text("time", stage.time_field);
  reader.duration("lateness", stage.lateness);
  reader.duration("idle_after", stage.idle_after);
  reader.duration("max_ahead", stage.max_ahead);
  const bool believed_given = reader.member("believed_after") != nullptr;
  reader.number("believed_after", 1, 1'000'000, stage.believed_after);
  if (believed_given && reader.member("max_ahead") == nullptr)
    problems.error(reader.at("believed_after"), "it goes with \"max_ahead\": how many events in a row beyond it are believed");
  reader.number("shards", 1, max_shards, stage.shards);
  if (stage.source == nullptr) {
    reader.member("options");
    return;
  }
  read_options(reader, *stage.source, stage, problems);
  std::vector<const EventType*> more;
  if (stage.source->more_events) {
    try {
      more = stage.source->more_events(stage.options);
    } catch (const std::exception&) {
      // check_options has said so already
    }
  }
  if (stage.source->needs_event) {
    if (event != nullptr) {
      stage.emits = {event};
      stage.source_event = event;
    } else {
      if (reader.member("event") == nullptr)
        problems.error(written.pointer,
                       fmt::format("\"event\" is missing: the type of event that the {} source makes", type_name));
      written.broken = true;
    }
  } else {
    stage.emits = stage.source->emits;
    if (event != nullptr && std::find(stage.emits.begin(), stage.emits.end(), event) == stage.emits.end())
      problems.error(reader.at("event"), fmt::format("the source \"{}\" does not make {}", type_name, event->name()));
    stage.source_event = event;
  }
  for (const auto* type : more)
    if (std::find(stage.emits.begin(), stage.emits.end(), type) == stage.emits.end()) stage.emits.push_back(type);
  if (stage.source->needs_path && path.empty())
    problems.error(written.pointer, fmt::format("\"path\" is missing: the {} source needs a file", type_name));

  stage.time_readers.resize(EventTypes::all().size(), nullptr);
  if (!stage.time_field.empty())
    for (const auto* type : stage.emits) {
      stage.time_readers[type->index()] = type->time_reader(stage.time_field);
      if (stage.time_readers[type->index()] != nullptr) continue;
      std::vector<std::string_view> times;
      for (const auto& field : type->schema().fields)
        if (field.kind == FieldKind::time && !field.optional) times.push_back(field.name);
      problems.error(reader.at("time"),
                     fmt::format("{} has no time field \"{}\"; its time fields: {}", type->name(), stage.time_field,
                                 times.empty() ? std::string("none") : fmt::format("{}", fmt::join(times, ", "))));
    }
}

std::string fields_of_kind(const EventType& type, FieldKind kind) {
  std::vector<std::string_view> names;
  for (const auto& field : type.schema().fields)
    if (field.kind == kind && !field.optional) names.push_back(field.name);
  return names.empty() ? std::string("none") : fmt::format("{}", fmt::join(names, ", "));
}

// A stage served by workers: which job next, and until when.
void read_worker_queue(ObjectReader& reader, WrittenStage& written, bool shards_given, ProblemList& problems) {
  auto& stage = written.stage;
  if (!written.workers_given) stage.workers = 4;
  if (shards_given && stage.shards != 1)
    problems.error(reader.at("shards"), "a stage with \"workers\" is one queue; give \"workers\" instead of \"shards\"");
  stage.shards = 1;
  if (const auto* blocking = reader.member("blocking")) {
    if (blocking->is_boolean())
      stage.blocking = blocking->get<bool>();
    else
      reader.wrong("blocking", *blocking, "true or false");
  }
  if (stage.actor->stateful)
    problems.error(reader.at(stage.key_in_order ? "workers" : "ordering"),
                   fmt::format("{} keeps state, which belongs to a key: give it a \"key\" and \"shards\", or \"ordering\": \"total\"",
                               stage.actor->name));
  std::string priority;
  reader.text("priority", priority);
  if (!priority.empty()) {
    stage.priorities.resize(EventTypes::all().size(), nullptr);
    for (const auto* type : stage.actor->handles)
      if ((stage.priorities[type->index()] = type->number_reader(priority)) == nullptr)
        problems.error(reader.at("priority"), fmt::format("{} has no integer field \"{}\"; its integer fields: {}", type->name(), priority,
                                                          fields_of_kind(*type, FieldKind::integer)));
  }
  std::string expires;
  reader.text("expires", expires);
  if (expires.empty()) return;
  if (expires.front() >= '0' && expires.front() <= '9') {
    reader.duration("expires", stage.expires_after);
    return;
  }
  stage.expires_at.resize(EventTypes::all().size(), nullptr);
  for (const auto* type : stage.actor->handles)
    if ((stage.expires_at[type->index()] = type->time_reader(expires)) == nullptr)
      problems.error(reader.at("expires"),
                     fmt::format("found \"{}\", expected a duration such as \"30s\", or a time field of {}; its time fields: {}", expires,
                                 type->name(), fields_of_kind(*type, FieldKind::time)));
}

void read_actor(ObjectReader& reader, WrittenStage& written, bool types_missing, ProblemList& problems) {
  auto& stage = written.stage;
  stage.kind = StageKind::actor;
  std::string type_name;
  reader.text("actor", type_name);
  stage.actor = ActorTypes::find(type_name);
  if (stage.actor == nullptr) {
    if (!type_name.empty() && !types_missing)
      problems.error(reader.at("actor"), unknown("actor", type_name, ActorTypes::all(), library_hint));
    written.broken = true;
  }
  read_from(reader, written, problems);
  written.key = reader.member("key");
  written.ordering_given = reader.member("ordering") != nullptr;
  reader.choice("ordering", ordering_names, stage.ordering);
  const bool shards_given = reader.member("shards") != nullptr;
  reader.number("shards", 1, max_shards, stage.shards);
  written.workers_given = reader.member("workers") != nullptr;
  reader.number("workers", 1, max_shards, stage.workers);
  read_mailbox(reader, stage.mailbox, problems);
  read_on_failure(reader, stage.on_failure, problems);
  read_supervision(reader, stage.supervision, problems);
  reader.duration("deadline", stage.deadline);
  reader.number("resident_keys", 1, 1'000'000'000, stage.resident_keys);
  read_watch_order(reader, stage.watch_order, problems);
  if (stage.actor == nullptr) {
    for (const auto* member : {"options", "blocking", "priority", "expires"}) reader.member(member);
    return;
  }
  read_options(reader, *stage.actor, stage, problems);
  stage.emits = stage.actor->emits;

  if (!written.ordering_given && written.key == nullptr)
    problems.error(written.pointer,
                   "say how its events are ordered: \"key\" (events of a key in order), \"ordering\": \"total\" "
                   "(all in order, one shard) or \"ordering\": \"none\" (workers, no order)");
  if (stage.ordering == Ordering::key && written.ordering_given && written.key == nullptr)
    problems.error(reader.at("ordering"),
                   "\"ordering\": \"key\" needs a \"key\": the field, or fields, by which events are ordered");
  if (stage.ordering == Ordering::total) {
    if (shards_given && stage.shards != 1)
      problems.error(reader.at("shards"), fmt::format("found {}; \"ordering\": \"total\" has one shard", stage.shards));
    stage.shards = 1;
  }
  if (stage.ordering == Ordering::none && written.key != nullptr)
    problems.error(reader.at("key"),
                   "\"ordering\": \"none\" takes events in any order and has no \"key\"; leave \"ordering\" out and give "
                   "\"key\" and \"workers\" for jobs that are in order for each key");
  if (stage.ordering == Ordering::key && written.workers_given) {
    stage.ordering = Ordering::none;
    stage.key_in_order = true;
  }
  if (stage.ordering == Ordering::none) {
    if (stage.watch_order)
      problems.error(reader.at("watch_order"), "workers promise no order between keys, so there is none to watch");
    read_worker_queue(reader, written, shards_given, problems);
  } else {
    for (const auto* member : {"workers", "blocking", "priority", "expires"})
      if (reader.member(member) != nullptr)
        problems.error(reader.at(member), fmt::format("\"{}\" is of workers: it goes with \"ordering\": \"none\", or with a \"key\" and "
                                                      "\"workers\" in place of \"shards\"", member));
    stage.workers = 0;
  }
}

void read_sink(ObjectReader& reader, WrittenStage& written, const LoadOptions& options, bool types_missing,
               ProblemList& problems) {
  auto& stage = written.stage;
  stage.kind = StageKind::sink;
  stage.ordering = Ordering::total;
  stage.shards = 1;
  std::string type_name;
  reader.text("sink", type_name);
  stage.sink = SinkTypes::find(type_name);
  if (stage.sink == nullptr) {
    if (!type_name.empty() && !types_missing)
      problems.error(reader.at("sink"), unknown("sink", type_name, SinkTypes::all(), library_hint));
    written.broken = true;
  }
  read_from(reader, written, problems);
  reader.text("path", stage.path);
  if (!stage.path.empty() && fs::path(stage.path).is_relative()) stage.path = (options.output / stage.path).string();
  read_mailbox(reader, stage.mailbox, problems);
  if (stage.sink == nullptr) {
    reader.member("options");
    return;
  }
  if (stage.sink->needs_path && stage.path.empty())
    problems.error(written.pointer, fmt::format("\"path\" is missing: the {} sink needs a file", type_name));
  read_options(reader, *stage.sink, stage, problems);
}

}  // namespace

StageDefaults read_defaults(ObjectReader& top, ProblemList& problems) {
  StageDefaults defaults;
  if (const auto* member = top.member("defaults")) {
    ObjectReader reader(*member, top.at("defaults"), problems);
    read_mailbox(reader, defaults.mailbox, problems);
    read_on_failure(reader, defaults.on_failure, problems);
    read_supervision(reader, defaults.supervision, problems);
    reader.duration("deadline", defaults.deadline);
    reader.number("resident_keys", 1, 1'000'000'000, defaults.resident_keys);
    reader.number("shards", 1, max_shards, defaults.shards);
    reader.refuse_unknown();
  }
  return defaults;
}

WrittenStage read_stage(const std::string& name, const nlohmann::json& value, const std::string& pointer,
                        const StageDefaults& defaults, const fs::path& topology_folder, const LoadOptions& options,
                        bool takes_input, ProblemList& problems) {
  WrittenStage written;
  written.pointer = pointer;
  auto& stage = written.stage;
  stage.name = name;
  stage.mailbox = defaults.mailbox;
  stage.on_failure = defaults.on_failure;
  stage.supervision = defaults.supervision;
  stage.deadline = defaults.deadline;
  stage.resident_keys = defaults.resident_keys;
  stage.shards = defaults.shards;

  ObjectReader reader(value, pointer, problems);
  written.broken = !reader.usable();
  if (written.broken) return written;
  std::string description;
  reader.text("description", description);
  const int kinds =
      (value.contains("source") ? 1 : 0) + (value.contains("actor") ? 1 : 0) + (value.contains("sink") ? 1 : 0);
  if (kinds != 1) {
    problems.error(pointer, kinds == 0
                                ? "what is it? Expected one of \"source\", \"actor\", \"sink\""
                                : "it is more than one of \"source\", \"actor\", \"sink\"; a stage is one of them");
    written.broken = true;
    return written;
  }
  if (value.contains("actor")) {
    read_actor(reader, written, defaults.types_missing, problems);
  } else if (value.contains("sink")) {
    read_sink(reader, written, options, defaults.types_missing, problems);
  } else {
    stage.shards = 1;
    const auto* with_input = reader.member("with_input");
    // The other definition is checked as well: --input must not be the first to find out.
    WrittenStage other;
    other.stage = stage;
    other.pointer = reader.at("with_input");
    std::optional<std::string> input;
    if (takes_input && options.input) {
      const auto equals = options.input->find('=');
      input = equals == std::string::npos ? *options.input : options.input->substr(equals + 1);
      std::error_code error;
      if (!fs::exists(*input, error)) {
        problems.error(pointer, fmt::format("--input {}: there is no such file or folder", *input));
        written.broken = true;
      }
    }
    if (with_input != nullptr) {
      ObjectReader other_reader(*with_input, other.pointer, problems);
      if (other_reader.usable()) {
        read_source(other_reader, other, topology_folder, input ? input : std::optional<std::string>("."),
                    defaults.types_missing, problems);
        other_reader.refuse_unknown();
      }
    }
    if (input && with_input == nullptr) {
      read_source(reader, written, topology_folder, input, defaults.types_missing, problems);
      if (stage.source != nullptr && !stage.source->needs_path)
        problems.error(pointer, "--input was given, and this source reads no file; give it a \"with_input\" that does");
    } else {
      read_source(reader, written, topology_folder, std::nullopt, defaults.types_missing, problems);
    }
    if (input && with_input != nullptr) {
      const bool broken = written.broken || other.broken;
      written.stage = std::move(other.stage);
      written.broken = broken;
    }
  }
  reader.refuse_unknown();
  return written;
}

}  // namespace mailroom::runtime
