#include "runtime/engine/take_snapshot.hpp"

namespace mailroom::runtime {

TelemetrySnapshot take_snapshot(const Plan& plan, const EngineCounters& counters, const Clock& clock,
                                std::int64_t started_us) {
  TelemetrySnapshot snapshot;
  snapshot.topology = plan.topology.name;
  snapshot.durable = plan.topology.durability == Durability::durable;
  snapshot.wall_us = clock.wall().micros;
  snapshot.uptime_us = static_cast<std::uint64_t>(clock.steady_us() - started_us);

  // Consumers before producers: an event counted by its consumer is then always counted by its producer too.
  struct Books {
    std::uint64_t processed, dead_lettered, parked, inbox, waiting, arrived;
  };
  std::vector<Books> consumers;
  consumers.reserve(plan.channels.size());
  for (const auto& c : counters.channels)
    consumers.push_back(
        {c.processed.get(), c.dead_lettered.get(), c.parked.get(), c.inbox.get(), c.waiting.get(), c.arrived.get()});
  for (const auto& edge : plan.edges) {
    EdgeSnapshot books;
    books.from = plan.topology.stages[edge.from_stage].name;
    books.to = plan.topology.stages[edge.to_stage].name;
    snapshot.edges.push_back(std::move(books));
  }
  std::vector<std::uint64_t> dropped(plan.shards.size());
  for (std::size_t i = 0; i < plan.channels.size(); ++i) {
    const auto& channel = plan.channels[i];
    const auto& c = counters.channels[i];
    const auto& consumer = consumers[i];
    auto& edge = snapshot.edges[channel.edge];
    edge.processed += consumer.processed;
    edge.dead_lettered += consumer.dead_lettered;
    edge.parked += consumer.parked;
    edge.dropped_oldest += c.dropped_oldest.get();
    edge.dropped_newest += c.dropped_newest.get();
    edge.rejected += c.rejected.get();
    dropped[channel.to] += c.dropped_oldest.get() + c.dropped_newest.get() + c.rejected.get();
    const auto delivered = c.delivered.get();
    edge.in_flight += c.pending.get() + (delivered > consumer.arrived ? delivered - consumer.arrived : 0) +
                      consumer.inbox + consumer.waiting;
    edge.sent += c.sent.get();
    edge.blocked = edge.blocked || c.blocked.get() != 0;
  }

  for (std::size_t s = 0; s < plan.shards.size(); ++s) {
    const auto& stage = plan.topology.stages[plan.shards[s].stage];
    const auto& c = counters.shards[s];
    ShardSnapshot shard;
    shard.stage = stage.name;
    shard.shard = plan.shards[s].number;
    shard.state = c.state.load(std::memory_order_relaxed);
    shard.depth = c.depth.get();
    shard.high_water = c.high_water.get();
    shard.capacity = stage.kind == StageKind::source ? 0 : stage.mailbox.capacity;
    shard.in = c.in.get();
    shard.out = c.out.get();
    shard.failures = c.failures.get();
    shard.retries = c.retries.get();
    shard.restarts = c.restarts.get();
    shard.dead_letters = c.dead_letters.get();
    shard.dropped = dropped[s];
    shard.parked = c.parked.get();
    shard.waiting = c.waiting.get();
    shard.timers = c.timers.get();
    shard.unrouted = c.unrouted.get();
    shard.order_violations = c.order_violations.get();
    shard.order_breaks = c.order_breaks.get();
    shard.late = c.late.get();
    shard.duplicates = c.duplicates.get();
    shard.missing = c.missing.get();
    shard.commits = c.commits.get();
    shard.keys = c.keys.get();
    shard.wait = c.wait.snapshot();
    shard.work = c.work.snapshot();
    snapshot.commits += shard.commits;
    snapshot.shards.push_back(std::move(shard));
    if (stage.kind == StageKind::source) {
      const auto& published = counters.sources[s];
      SourceSnapshot source;
      source.stage = stage.name;
      source.events = published.events.get();
      source.dirty = published.dirty.get();
      source.done = published.done.get();
      if (published.total_known.load(std::memory_order_relaxed)) source.total = published.total.get();
      source.unit = published.unit_is_events.load(std::memory_order_relaxed) ? "events" : "bytes";
      source.ended = published.ended.load(std::memory_order_relaxed);
      snapshot.sources.push_back(std::move(source));
    }
  }
  return snapshot;
}

}  // namespace mailroom::runtime
