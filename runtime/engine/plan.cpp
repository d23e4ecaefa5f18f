#include "runtime/engine/plan.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "runtime/engine/journal_fit.hpp"

namespace mailroom::runtime {

std::string Plan::shard_name(ShardIndex shard) const {
  return fmt::format("{}/{}", stage_of(shard).name, shards[shard].number);
}

std::shared_ptr<const Plan> make_plan(Topology topology, Journal* journal) {
  auto plan = std::make_shared<Plan>();
  plan->topology = std::move(topology);
  const auto& stages = plan->topology.stages;
  const auto types = EventTypes::all().size();

  for (std::size_t s = 0; s < stages.size(); ++s) {
    plan->first_shard.push_back(static_cast<ShardIndex>(plan->shards.size()));
    for (std::uint32_t n = 0; n < stages[s].shards; ++n) {
      PlannedShard shard;
      shard.stage = s;
      shard.number = n;
      shard.id = journal ? journal->shard_id(stages[s].name, n) : static_cast<ShardId>(plan->shards.size() + 1);
      plan->shards.push_back(std::move(shard));
    }
  }

  plan->routes.resize(stages.size());
  for (auto& by_type : plan->routes) by_type.resize(types);
  for (std::size_t to = 0; to < stages.size(); ++to) {
    std::uint32_t producers = 0;
    for (const auto& input : stages[to].inputs) producers += stages[input.from].shards;
    for (const auto& input : stages[to].inputs) {
      const auto& from = stages[input.from];
      PlannedEdge edge{input.from, to, input.feedback, from.kind == StageKind::source,
                       input.feedback ? Overflow::spill : stages[to].mailbox.overflow};
      const auto edge_index = plan->edges.size();
      plan->edges.push_back(edge);
      const auto first_output = static_cast<std::uint32_t>(plan->shards[plan->first_shard[input.from]].outputs.size());
      for (std::uint32_t p = 0; p < from.shards; ++p) {
        for (std::uint32_t c = 0; c < stages[to].shards; ++c) {
          PlannedChannel channel;
          channel.edge = edge_index;
          channel.from = plan->first_shard[input.from] + p;
          channel.to = plan->first_shard[to] + c;
          channel.id = journal ? journal->channel_id(from.name, p, stages[to].name, c)
                               : static_cast<ChannelId>(plan->channels.size() + 1);
          channel.credit = std::max<std::uint32_t>(1, stages[to].mailbox.capacity / std::max(1u, producers));
          channel.output = static_cast<std::uint32_t>(plan->shards[channel.from].outputs.size());
          plan->shards[channel.from].outputs.push_back(channel.id);
          if (plan->channel_index.size() <= channel.id) plan->channel_index.resize(channel.id + 1);
          plan->channel_index[channel.id] = static_cast<std::uint32_t>(plan->channels.size());
          plan->channels.push_back(channel);
        }
      }
      for (const auto* type : input.events) {
        Route route;
        route.edge = edge_index;
        route.to_stage = to;
        route.shards = stages[to].shards;
        if (type->index() < stages[to].keys.size() && stages[to].keys[type->index()] &&
            !stages[to].keys[type->index()]->readers.empty())
          route.key = &*stages[to].keys[type->index()];
        route.first_output = first_output;
        plan->routes[input.from][type->index()].push_back(route);
      }
    }
  }
  // The inputs of a shard in the order of its stage's "from": channels were made receiver by receiver in that order.
  for (auto& channel : plan->channels) {
    auto& inputs = plan->shards[channel.to].inputs;
    channel.input = static_cast<std::uint32_t>(inputs.size());
    inputs.push_back(channel.id);
  }

  if (journal) fit_to_journal(*plan, *journal);
  return plan;
}

}  // namespace mailroom::runtime
