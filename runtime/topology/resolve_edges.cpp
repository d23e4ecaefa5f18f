#include "runtime/topology/resolve_edges.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <set>

namespace mailroom::runtime {
namespace {

bool contains(const std::vector<const EventType*>& list, const EventType* type) {
  return std::find(list.begin(), list.end(), type) != list.end();
}
std::string names_of(const std::vector<const EventType*>& list) {
  std::vector<std::string> names;
  for (const auto* type : list) names.push_back(type->name());
  return names.empty() ? "nothing" : fmt::format("{}", fmt::join(names, ", "));
}
std::vector<std::string_view> views_of(const std::vector<const EventType*>& list) {
  std::vector<std::string_view> names;
  for (const auto* type : list) names.push_back(type->name());
  return names;
}

class Resolver {
 public:
  Resolver(std::vector<WrittenStage>& stages, ProblemList& problems) : stages_(stages), problems_(problems) {
    for (std::size_t i = 0; i < stages.size(); ++i) index_[stages[i].stage.name] = i;
  }

  void run() {
    for (std::size_t i = 0; i < stages_.size(); ++i) resolve_inputs(i);
    for (auto& written : stages_)
      if (!written.broken) {
        resolve_keys(written);
        if (written.stage.watch_order) resolve_watch_order(written);
      }
    check_cycles();
    check_reach();
    check_unused();
    for (const auto& written : stages_) check_capacity(written);
    check_paths();
  }

 private:
  void resolve_inputs(std::size_t to) {
    auto& written = stages_[to];
    for (const auto& edge : written.from) {
      const auto found = index_.find(edge.stage);
      if (found == index_.end()) {
        std::vector<std::string_view> names;
        for (const auto& [name, i] : index_) names.push_back(name);
        const auto nearest = nearest_name(edge.stage, names);
        problems_.error(edge.pointer, nearest.empty() ? fmt::format("no stage is called \"{}\"; there are: {}",
                                                                    edge.stage, fmt::join(names, ", "))
                                                      : fmt::format("no stage is called \"{}\"; did you mean \"{}\"?",
                                                                    edge.stage, nearest));
        unresolved_ = true;
        continue;
      }
      const auto& from = stages_[found->second];
      if (from.stage.kind == StageKind::sink && !from.broken) {
        problems_.error(edge.pointer, fmt::format("\"{}\" is a sink: nothing comes out of it", edge.stage));
        continue;
      }
      if (from.broken || written.broken) {
        // Its types are not known; the edge still counts for reach and cycles.
        written.stage.inputs.push_back({found->second, {}, edge.feedback});
        continue;
      }
      Edge resolved{found->second, {}, edge.feedback};
      const bool is_sink = written.stage.kind == StageKind::sink;
      if (edge.events.empty()) {
        for (const auto* type : from.stage.emits)
          if (is_sink || contains(written.stage.actor->handles, type)) resolved.events.push_back(type);
        if (resolved.events.empty()) {
          if (from.stage.emits.empty())
            problems_.error(
                edge.pointer,
                fmt::format("\"{}\" emits nothing: its actor {} has no \"using Emits = mailroom::Events<...>\"",
                            edge.stage, from.stage.actor != nullptr ? from.stage.actor->name : ""));
          else
            problems_.error(edge.pointer, fmt::format("nothing fits: \"{}\" emits {}, and {} handles {}", edge.stage,
                                                      names_of(from.stage.emits), written.stage.actor->name,
                                                      names_of(written.stage.actor->handles)));
        }
      } else {
        for (const auto& name : edge.events) {
          const auto* type = EventTypes::find(name);
          if (type == nullptr || !contains(from.stage.emits, type)) {
            const auto nearest = nearest_name(name, views_of(from.stage.emits));
            problems_.error(
                edge.pointer,
                fmt::format("\"{}\" does not emit {}; it emits {}{}", edge.stage, name, names_of(from.stage.emits),
                            nearest.empty() ? "" : fmt::format("; did you mean \"{}\"?", nearest)));
          } else if (!is_sink && !contains(written.stage.actor->handles, type)) {
            problems_.error(edge.pointer, fmt::format("{} does not handle {}; it handles {}", written.stage.actor->name,
                                                      name, names_of(written.stage.actor->handles)));
          } else {
            resolved.events.push_back(type);
          }
        }
      }
      if (!resolved.events.empty()) written.stage.inputs.push_back(std::move(resolved));
    }
    auto& handles = written.stage.handles;
    for (const auto& input : written.stage.inputs)
      for (const auto* type : input.events)
        if (!contains(handles, type)) handles.push_back(type);
    if (written.stage.actor != nullptr) {
      for (const auto* type : written.stage.actor->handles) {
        if (contains(handles, type)) continue;
        handles.push_back(type);  // it may come by the actor's own timers
      }
    }
  }

  void resolve_keys(WrittenStage& written) {
    auto& stage = written.stage;
    stage.keys.resize(EventTypes::all().size());
    if (stage.kind == StageKind::source) return;
    for (const auto* type : stage.handles) stage.keys[type->index()] = KeyFields{};
    if (written.key == nullptr || stage.kind == StageKind::sink || (stage.ordering == Ordering::none && !stage.key_in_order)) return;

    const auto pointer = written.pointer + "/key";
    const auto& key = *written.key;
    std::set<const EventType*> arriving;
    for (const auto& input : stage.inputs) arriving.insert(input.events.begin(), input.events.end());
    for (const auto* type : stage.handles) {
      const nlohmann::json* spec = &key;
      auto spec_pointer = pointer;
      if (key.is_object()) {
        const auto found = key.find(type->name());
        if (found == key.end()) {
          if (arriving.contains(type))
            problems_.error(pointer, fmt::format("no key is given for {}, which arrives here", type->name()));
          continue;
        }
        spec = &*found;
        spec_pointer += "/" + type->name();
      }
      std::vector<std::string> fields;
      if (spec->is_string())
        fields.push_back(spec->get<std::string>());
      else if (spec->is_array())
        for (const auto& field : *spec)
          if (field.is_string()) fields.push_back(field.get<std::string>());
      if (fields.empty() || (spec->is_array() && fields.size() != spec->size())) {
        problems_.error(spec_pointer, "found " + ObjectReader::found(*spec) +
                                          ", expected a field such as \"customer\", several as [\"a\", \"b\"], "
                                          "or by event type {\"Event\": \"field\"}");
        return;
      }
      // A type that only comes by a timer keeps the key that it was set on; it needs no such field.
      if (!arriving.contains(type) && !key.is_object()) continue;
      KeyFields resolved;
      for (const auto& field : fields) {
        const auto reader = type->key_reader(field);
        if (!reader) {
          problems_.error(spec_pointer, why_no_key(*type, field));
          resolved.readers.clear();
          break;
        }
        resolved.names.push_back(field);
        resolved.readers.push_back(reader);
      }
      if (!resolved.readers.empty()) stage.keys[type->index()] = std::move(resolved);
    }
    if (key.is_object())
      for (const auto& [name, spec] : key.items()) {
        const auto views = views_of(stage.handles);
        if (std::find(views.begin(), views.end(), name) != views.end()) continue;
        const auto nearest = nearest_name(name, views);
        problems_.error(pointer + "/" + pointer_part(name),
                        fmt::format("{} does not handle {}{}", stage.actor->name, name,
                                    nearest.empty() ? "" : fmt::format("; did you mean \"{}\"?", nearest)));
      }
  }

  void resolve_watch_order(WrittenStage& written) {
    auto& stage = written.stage;
    auto& watch = *stage.watch_order;
    if (watch.sequence.empty() || stage.handles.empty()) return;  // said already
    watch.readers.assign(EventTypes::all().size(), nullptr);
    const auto pointer = written.pointer + "/watch_order/sequence";
    bool watched = false;
    std::vector<std::string> able;
    for (const auto* type : stage.handles) {
      watch.readers[type->index()] = type->number_reader(watch.sequence);
      watched = watched || watch.readers[type->index()] != nullptr;
      for (const auto& field : type->schema().fields)
        if (type->number_reader(field.name) != nullptr) able.push_back(type->name() + "." + field.name);
    }
    if (!watched)
      problems_.error(pointer,
                      fmt::format("no event that arrives here has an integer field \"{}\"; integer fields: {}",
                                  watch.sequence, able.empty() ? std::string("none") : fmt::format("{}", fmt::join(able, ", "))));
  }

  static std::string why_no_key(const EventType& type, const std::string& field) {
    std::vector<std::string_view> able;
    for (const auto& candidate : type.schema().fields)
      if (type.key_reader(candidate.name)) able.push_back(candidate.name);
    const auto list = able.empty() ? std::string("none of its fields can")
                                   : fmt::format("fields that can: {}", fmt::join(able, ", "));
    if (const auto* known = type.schema().field(field))
      return fmt::format("field \"{}\" of {} is {} and can't be a key; {}", field, type.name(), known->type, list);
    const auto nearest = nearest_name(field, able);
    return nearest.empty() ? fmt::format("{} has no field \"{}\"; {}", type.name(), field, list)
                           : fmt::format("{} has no field \"{}\"; did you mean \"{}\"?", type.name(), field, nearest);
  }

  // Cycles without a feedback edge, each reported once; feedback edges that close no cycle.
  void check_cycles() {
    enum class Mark { none, open, done };
    std::vector<Mark> marks(stages_.size(), Mark::none);
    std::vector<std::size_t> path;
    const auto visit = [&](auto&& self, std::size_t at) -> void {
      marks[at] = Mark::open;
      path.push_back(at);
      for (const auto& input : stages_[at].stage.inputs) {
        if (input.feedback) continue;
        if (marks[input.from] == Mark::open) {
          std::vector<std::string> names;
          const auto begin = std::find(path.begin(), path.end(), input.from);
          for (auto i = path.end(); i != begin;) names.push_back(stages_[*--i].stage.name);
          const auto cycle = fmt::format("{} -> {}", fmt::join(names, " -> "), names.front());
          problems_.error(pointer_of(at, input.from), fmt::format("the stages {} form a cycle, which can block itself; "
                                                                  "if it is meant, declare the edge that leads back: "
                                                                  "{{\"stage\": \"{}\", \"feedback\": true}}",
                                                                  cycle, stages_[input.from].stage.name));
        } else if (marks[input.from] == Mark::none) {
          self(self, input.from);
        }
      }
      path.pop_back();
      marks[at] = Mark::done;
    };
    for (std::size_t i = 0; i < stages_.size(); ++i)
      if (marks[i] == Mark::none) visit(visit, i);

    for (std::size_t to = 0; to < stages_.size(); ++to)
      for (const auto& input : stages_[to].stage.inputs)
        if (input.feedback && !leads_to(to, input.from))
          problems_.warning(
              pointer_of(to, input.from),
              fmt::format(
                  "\"feedback\" is declared, but \"{}\" takes nothing that comes from \"{}\": this edge closes no "
                  "cycle and loses its backpressure for nothing",
                  stages_[input.from].stage.name, stages_[to].stage.name));
  }

  // Whether events of `from` can reach `to`.
  [[nodiscard]] bool leads_to(std::size_t from, std::size_t to) const {
    std::vector<bool> seen(stages_.size(), false);
    std::vector<std::size_t> open{to};
    while (!open.empty()) {
      const auto at = open.back();
      open.pop_back();
      if (at == from) return true;
      if (seen[at]) continue;
      seen[at] = true;
      for (const auto& input : stages_[at].stage.inputs) open.push_back(input.from);
    }
    return false;
  }

  void check_reach() {
    if (unresolved_) return;
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      const auto& written = stages_[i];
      if (written.stage.kind == StageKind::source || written.broken || written.from.empty() ||
          written.stage.inputs.empty())
        continue;
      bool reached = false;
      for (std::size_t s = 0; s < stages_.size() && !reached; ++s)
        reached = stages_[s].stage.kind == StageKind::source && leads_to(s, i);
      if (!reached)
        problems_.error(written.pointer,
                        fmt::format("no source leads to \"{}\": it would never get an event", written.stage.name));
      bool only_feedback = std::all_of(written.stage.inputs.begin(), written.stage.inputs.end(),
                                       [](const Edge& e) { return e.feedback; });
      if (only_feedback)
        problems_.error(written.pointer + "/from",
                        "all its inputs are \"feedback\"; at least one must lead on from a source");
    }
  }

  void check_unused() {
    if (problems_.has_errors()) return;  // what is missing may be what takes them
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      const auto& stage = stages_[i].stage;
      for (const auto* type : stage.emits) {
        bool taken = false;
        for (const auto& other : stages_)
          for (const auto& input : other.stage.inputs)
            taken = taken || (input.from == i && contains(input.events, type));
        if (!taken)
          problems_.warning(
              stages_[i].pointer,
              fmt::format("\"{}\" emits {}, which no stage takes: such events are counted as unrouted and dropped",
                          stage.name, type->name()));
      }
    }
    if (std::none_of(stages_.begin(), stages_.end(),
                     [](const WrittenStage& w) { return w.stage.kind == StageKind::source; }))
      problems_.error("/stages", "there is no source: nothing would ever happen");
  }

  void check_capacity(const WrittenStage& written) {
    if (written.broken || written.stage.kind == StageKind::source) return;
    std::uint32_t producers = 0;
    for (const auto& input : written.stage.inputs) producers += stages_[input.from].stage.shards;
    if (written.stage.mailbox.capacity < producers)
      problems_.error(written.pointer + "/mailbox/capacity",
                      fmt::format("found {}; each of the {} shards that send to it needs room for at least one event, "
                                  "so it must be at least {}",
                                  written.stage.mailbox.capacity, producers, producers));
  }

  void check_paths() {
    std::map<std::string, std::string> writers;
    for (const auto& written : stages_) {
      if (written.stage.kind != StageKind::sink || written.stage.path.empty()) continue;
      const auto [found, added] = writers.emplace(written.stage.path, written.stage.name);
      if (!added)
        problems_.error(written.pointer + "/path",
                        fmt::format("\"{}\" writes to the same file; give each sink a file of its own", found->second));
    }
  }

  [[nodiscard]] std::string pointer_of(std::size_t to, std::size_t from) const {
    for (const auto& edge : stages_[to].from)
      if (edge.stage == stages_[from].stage.name) return edge.pointer;
    return stages_[to].pointer;
  }

  std::vector<WrittenStage>& stages_;
  ProblemList& problems_;
  std::map<std::string, std::size_t, std::less<>> index_;
  bool unresolved_ = false;
};

}  // namespace

void resolve_edges(std::vector<WrittenStage>& stages, ProblemList& problems) { Resolver(stages, problems).run(); }

}  // namespace mailroom::runtime
