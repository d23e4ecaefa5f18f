#include "runtime/engine/arrival_watch.hpp"

#include <limits>

#include "runtime/engine/key_of_event.hpp"

namespace mailroom::runtime {

ArrivalWatch::ArrivalWatch(const Plan& plan, ShardIndex shard, ShardCounters& counters, ShardTelemetry& telemetry)
    : plan_(plan),
      shard_(shard),
      stage_(plan.stage_of(shard)),
      counters_(counters),
      telemetry_(telemetry),
      watch_(std::chrono::microseconds(stage_.watch_order->grace).count()) {}

void ArrivalWatch::see(const PlannedChannel& channel, const EventBatch& batch, std::uint32_t first, std::int64_t now_us) {
  const auto& readers = stage_.watch_order->readers;
  for (auto i = first; i < batch.size(); ++i) {
    const auto& type = batch.type(i);
    const auto read = readers[type.index()];
    if (read == nullptr) continue;
    const auto& fields = stage_.keys[type.index()];
    KeyScratch scratch;
    const auto key = !fields || fields->readers.empty() ? std::string_view()
                                                        : read_key(*fields, batch.event(i), scratch, composed_key_);
    found_.clear();
    watch_.see(channel.id, batch.meta(i).key_hash, key, read(batch.event(i)), now_us, found_);
    for (auto& finding : found_) {
      TelemetryEvent event;
      event.key = key;
      event.type = &type;
      event.trace = batch.meta(i).trace;
      event.sequence = static_cast<std::uint64_t>(finding.number);
      tell(finding, now_us, std::move(event));
      mark(batch.meta(i).trace);
    }
  }
}

void ArrivalWatch::expire(std::int64_t now_us, bool all) {
  found_.clear();
  watch_.expire(all ? std::numeric_limits<std::int64_t>::max() : now_us, found_);
  for (auto& finding : found_) tell(finding, now_us, {});
}

void ArrivalWatch::tell(OrderWatch::Finding& finding, std::int64_t now_us, TelemetryEvent event) {
  event.at_us = now_us;
  event.shard = shard_;
  event.from = plan_.channel(finding.channel).from;
  switch (finding.kind) {
    case OrderWatch::Finding::Kind::late:
      event.kind = EventKind::late;
      event.highest = finding.highest;
      if (finding.belonged_us != 0) event.belonged_us = finding.belonged_us;
      counters_.late.add();
      break;
    case OrderWatch::Finding::Kind::duplicate:
      event.kind = EventKind::duplicate;
      if (finding.first_us != 0) event.first_us = finding.first_us;
      counters_.duplicates.add();
      break;
    case OrderWatch::Finding::Kind::gap:
      event.kind = EventKind::gap;
      event.first = finding.first;
      event.last = finding.last;
      event.gap = finding.gap;
      break;
    case OrderWatch::Finding::Kind::gap_filled:
      event.kind = EventKind::gap_filled;
      event.gap = finding.gap;
      event.left = finding.left;
      break;
    case OrderWatch::Finding::Kind::gap_final:
      event.kind = EventKind::gap_final;
      event.gap = finding.gap;
      event.left = finding.left;
      event.key = std::move(finding.key);
      if (finding.early) event.text = "given up before its grace time: too many gaps are open";
      counters_.missing.add(finding.left);
      break;
  }
  telemetry_.events.push(std::move(event));
}

}  // namespace mailroom::runtime
