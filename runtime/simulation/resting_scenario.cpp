#include "runtime/simulation/resting_scenario.hpp"

#include <fmt/format.h>

#include <mailroom/errors.hpp>
#include <mailroom/nearest_name.hpp>

namespace mailroom::runtime {

std::size_t SimulatedScenario::stage(std::string_view name, StageKind kind, std::string_view wanted) const {
  const auto found = topology_.stage_index(name);
  if (found && topology_.stages[*found].kind == kind) return *found;
  std::vector<std::string_view> names;
  for (const auto& stage : topology_.stages)
    if (stage.kind == kind) names.push_back(stage.name);
  throw BadValue(fmt::format("\"{}\" is no {} of topology {}; there are: {}", name, wanted, topology_.name, fmt::join(names, ", ")));
}

std::vector<nlohmann::json> SimulatedScenario::input_json(std::string_view source) const {
  std::vector<nlohmann::json> events;
  for (const auto& shard : (*run_.inputs)[stage(source, StageKind::source, "source")])
    for (const auto& event : shard.events)
      events.push_back({{"event", event.type->name()}, {"data", event.type->to_json(event.event())}});
  return events;
}

std::vector<nlohmann::json> SimulatedScenario::output_json(std::string_view sink) const {
  std::vector<nlohmann::json> events;
  for (const auto& row : run_.outside[stage(sink, StageKind::sink, "sink")]->rows) {
    const auto& event = world_.events.at(row.event);
    events.push_back({{"event", event.type->name()}, {"data", event.type->to_json(event.event())}});
  }
  return events;
}

EventAtStage SimulatedScenario::told(const StageEvent& one) const {
  const auto& event = world_.events.at(one.event);
  return {topology_.stages[one.stage].name, one.key, event.type->name(), event.type->to_json(event.event())};
}

std::vector<EventAtStage> SimulatedScenario::shed() const {
  std::vector<EventAtStage> all;
  for (const auto& one : shed_) all.push_back(told(one));
  return all;
}

std::vector<EventAtStage> SimulatedScenario::given_up() const {
  std::vector<EventAtStage> all;
  for (const auto& one : run_.given_up) all.push_back(told(one));
  return all;
}

std::map<std::string, nlohmann::json> SimulatedScenario::states_json(std::string_view name) const {
  return run_.states[stage(name, StageKind::actor, "actor stage")];
}

}  // namespace mailroom::runtime
