#include "runtime/topology/describe_topology.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "runtime/topology/policies.hpp"

namespace mailroom::runtime {
namespace {

const char* kind_of(const Stage& stage) {
  switch (stage.kind) {
    case StageKind::source: return "source";
    case StageKind::actor: return "actor";
    case StageKind::sink: return "sink";
  }
  return "";
}
std::string type_of(const Stage& stage) {
  if (stage.actor != nullptr) return stage.actor->name;
  return stage.source != nullptr ? stage.source->name : stage.sink->name;
}
std::string from_of(const Topology& topology, const Stage& stage) {
  std::vector<std::string> names;
  for (const auto& input : stage.inputs)
    names.push_back(topology.stages[input.from].name + (input.feedback ? " (feedback)" : ""));
  return fmt::format("{}", fmt::join(names, ", "));
}
std::string key_of(const Stage& stage) {
  std::vector<std::string> keys;
  for (const auto& key : stage.keys)
    if (key && !key->names.empty()) {
      const auto text = fmt::format("{}", fmt::join(key->names, "+"));
      if (std::find(keys.begin(), keys.end(), text) == keys.end()) keys.push_back(text);
    }
  return fmt::format("{}", fmt::join(keys, ", "));
}
std::string order_of(const Stage& stage) {
  if (stage.kind != StageKind::actor) return "";
  switch (stage.ordering) {
    case Ordering::none:
      return fmt::format("{}{}, {} {}workers", stage.key_in_order ? "by " : "none", stage.key_in_order ? key_of(stage) : "", stage.workers,
                         stage.blocking ? "blocking " : "");
    case Ordering::total: return "total";
    case Ordering::key: break;
  }
  return fmt::format("by {}, {} {}", key_of(stage), stage.shards, stage.shards == 1 ? "shard" : "shards");
}
std::string failure_of(const Stage& stage) {
  if (stage.kind != StageKind::actor) return "";
  return fmt::format("{} retries, then {}", stage.on_failure.retries, name_in(then_names, stage.on_failure.then));
}

}  // namespace

std::string describe(const Topology& topology) {
  std::vector<std::vector<std::string>> rows{{"stage", "kind", "type", "from", "order", "mailbox", "on failure"}};
  for (const auto& stage : topology.stages)
    rows.push_back({stage.name, kind_of(stage), type_of(stage), from_of(topology, stage), order_of(stage),
                    stage.kind == StageKind::source
                        ? ""
                        : fmt::format("{} {}", stage.mailbox.capacity, name_in(overflow_names, stage.mailbox.overflow)),
                    failure_of(stage)});
  std::vector<std::size_t> widths(rows[0].size(), 0);
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  std::string text = fmt::format("{}: {} stages, {}, {} clock\n\n", topology.name, topology.stages.size(),
                                 name_in(durability_names, topology.durability), name_in(clock_names, topology.clock));
  for (const auto& row : rows) {
    std::string line = " ";
    for (std::size_t c = 0; c < row.size(); ++c) line += fmt::format(" {:<{}} ", row[c], widths[c]);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text + "\nNo errors.\n";
}

nlohmann::json to_json(const Topology& topology) {
  auto stages = nlohmann::json::object();
  for (const auto& stage : topology.stages) {
    nlohmann::json json = {{"kind", kind_of(stage)}, {"type", type_of(stage)}};
    if (stage.kind != StageKind::source) {
      auto from = nlohmann::json::array();
      for (const auto& input : stage.inputs) {
        auto events = nlohmann::json::array();
        for (const auto* type : input.events) events.push_back(type->name());
        from.push_back({{"stage", topology.stages[input.from].name}, {"events", events}, {"feedback", input.feedback}});
      }
      json["from"] = from;
      json["mailbox"] = {{"capacity", stage.mailbox.capacity},
                         {"overflow", name_in(overflow_names, stage.mailbox.overflow)}};
    }
    if (stage.kind == StageKind::actor) {
      json["ordering"] = name_in(ordering_names, stage.ordering);
      json["shards"] = stage.shards;
      if (stage.workers > 0) json["workers"] = stage.workers;
      if (stage.blocking) json["blocking"] = true;
      for (const auto* type : stage.handles)
        if (const auto& key = stage.keys[type->index()]; key && !key->names.empty())
          json["key"][type->name()] = key->names;
      json["on_failure"] = {{"retries", stage.on_failure.retries},
                            {"backoff", fmt::format("{}ms..{}ms", stage.on_failure.backoff.first.count(),
                                                    stage.on_failure.backoff.longest.count())},
                            {"jitter", stage.on_failure.backoff.jitter},
                            {"retrying", name_in(retrying_names, stage.on_failure.retrying)},
                            {"then", name_in(then_names, stage.on_failure.then)}};
      json["supervision"] = {{"strategy", name_in(strategy_names, stage.supervision.strategy)},
                             {"restarts", stage.supervision.restarts},
                             {"within_ms", stage.supervision.within.count()}};
      json["deadline_ms"] = stage.deadline.count();
      if (stage.watch_order)
        json["watch_order"] = {{"sequence", stage.watch_order->sequence}, {"grace_ms", stage.watch_order->grace.count()}};
    }
    if (!stage.path.empty()) json["path"] = stage.path;
    stages[stage.name] = std::move(json);
  }
  return {{"name", topology.name},
          {"durability", name_in(durability_names, topology.durability)},
          {"clock", name_in(clock_names, topology.clock)},
          {"stages", stages}};
}

}  // namespace mailroom::runtime
