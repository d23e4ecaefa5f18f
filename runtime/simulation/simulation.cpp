#include "runtime/simulation/simulation.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include <mailroom/errors.hpp>

#include "runtime/simulation/simulated_run.hpp"

namespace mailroom::runtime {

std::size_t SimulationCase::event_count() const {
  std::size_t count = 0;
  for (const auto& stage : events)
    for (const auto& shard : stage) count += shard.size();
  return count;
}

Simulation::Simulation(Topology topology, SimulationOptions options) : topology_(std::move(topology)), options_(std::move(options)) {
  std::size_t events = 0;
  for (const auto& stage : topology_.stages) {
    auto& shards = inputs_.emplace_back();
    if (stage.kind != StageKind::source) continue;
    for (std::uint32_t shard = 0; shard < stage.shards; ++shard) {
      shards.push_back(record_input(stage, shard, options_.pool));
      events += shards.back().events.size() + shards.back().dirty.size();
    }
  }
  if (events == 0)
    throw BadValue(fmt::format("topology {}: its sources gave no event at all; a simulation needs some", topology_.name));
  SimulationCase calm;
  calm.durable = topology_.durability == Durability::durable;
  for (const auto& shards : inputs_) {
    auto& chosen = calm.events.emplace_back();
    for (const auto& input : shards) {
      auto& some = chosen.emplace_back();
      for (std::uint32_t i = 0; i < std::min(input.events.size(), options_.events); ++i) some.push_back(i);
    }
  }
  undisturbed_events_ = calm.event_count();
  undisturbed_ = run(calm);
}

SimulationCase Simulation::draw(std::uint64_t seed) const {
  std::mt19937_64 random(seed * 0x9E3779B97F4A7C15ull + 1);
  SimulationCase what;
  what.seed = seed;
  what.durable = topology_.durability == Durability::durable && random() % 6 != 0;
  if (random() % 2 == 0) what.capacity = static_cast<std::uint32_t>(1 + random() % (random() % 2 == 0 ? 8 : 64));
  if (random() % 2 == 0) what.resident_keys = 1 + random() % 8;
  for (const auto& shards : inputs_) {
    auto& chosen = what.events.emplace_back();
    for (const auto& input : shards) {
      auto& some = chosen.emplace_back();
      // Small runs are many and find most; large ones find what needs room.
      const auto most = std::min(input.events.size(), options_.events);
      if (most == 0) continue;
      const auto exponent = std::uniform_real_distribution<double>(0.0, std::log2(static_cast<double>(most) + 1))(random);
      const auto count = std::min<std::size_t>(most, static_cast<std::size_t>(std::exp2(exponent)));
      const auto first = random() % (input.events.size() - count + 1);
      for (std::size_t i = 0; i < count; ++i) some.push_back(static_cast<std::uint32_t>(first + i));
    }
  }
  const auto part = static_cast<double>(what.event_count()) / static_cast<double>(std::max<std::size_t>(1, undisturbed_events_));
  const auto scaled = [part](std::uint64_t whole) { return 1 + static_cast<std::uint64_t>(static_cast<double>(whole) * std::min(1.0, part) * 1.2); };
  const auto& whole = undisturbed_.done;
  const RunSize size{scaled(whole.steps), scaled(whole.calls), scaled(whole.writes), scaled(whole.syncs),
                     scaled(whole.reads), scaled(whole.sink_writes), what.event_count(), whole.microseconds};
  what.faults = draw_faults(random, options_.faults, size, what.durable);
  return what;
}

SimulationResult Simulation::run(const SimulationCase& what, const Narrate& narrate) const {
  World world(what.seed);
  world.narrate = narrate;
  auto topology = topology_;
  topology.durability = what.durable ? Durability::durable : Durability::memory;
  for (auto& stage : topology.stages) {
    if (what.capacity > 0) stage.mailbox.capacity = what.capacity;
    if (what.resident_keys > 0) stage.resident_keys = what.resident_keys;
  }
  // Repeats belong to the input: whoever sends an event twice does so whatever becomes of the node.
  auto faults = what.faults;
  std::vector<std::vector<RecordedInput>> inputs(inputs_.size());
  for (std::size_t stage = 0; stage < inputs_.size(); ++stage)
    for (std::size_t shard = 0; shard < inputs_[stage].size(); ++shard) {
      auto& input = inputs[stage].emplace_back();
      for (const auto index : what.events[stage][shard]) input.events.push_back(inputs_[stage][shard].events[index]);
      if (inputs_[stage][shard].dirty.size() > 0 && what.seed % 2 == 1) input.dirty = inputs_[stage][shard].dirty;
      for (const auto& fault : faults) {
        if (fault.kind != FaultKind::source_repeat || input.events.empty()) continue;
        const auto at = fault.at % input.events.size();
        const auto behind = std::min<std::size_t>(input.events.size(), at + 1 + fault.choice % 4);
        input.events.insert(input.events.begin() + static_cast<std::ptrdiff_t>(behind), input.events[at]);
        ++world.faults_happened;
      }
    }
  std::erase_if(faults, [](const Fault& fault) { return fault.kind == FaultKind::source_repeat; });
  world.plan(faults);
  SimulationResult result;
  {
    SimulatedRun run(topology, inputs, what, undisturbed_.done, world);
    run.run();
  }
  result.violations = std::move(world.violations);
  result.done = world.done;
  result.done.microseconds = world.clock->steady_us();
  result.faults_happened = world.faults_happened;
  result.crashes = world.crashes;
  result.simulated_seconds = static_cast<double>(world.clock->steady_us()) / 1e6;
  return result;
}

}  // namespace mailroom::runtime
