#include "runtime/engine/stuck_detector.hpp"

namespace mailroom::runtime {

void StuckDetector::update(const Plan& plan, const EngineCounters& counters, std::int64_t now_us,
                           TelemetrySnapshot& snapshot, const Report& report) {
  for (std::size_t s = 0; s < seen_.size(); ++s) {
    auto& seen = seen_[s];
    const auto& c = counters.shards[s];
    const auto handled = c.handled.get();
    const bool busy = c.busy_since_us.load(std::memory_order_relaxed) != 0;
    if (!busy || !seen.busy || handled != seen.handled) {
      if (seen.reported) report(static_cast<ShardIndex>(s), 0);
      seen = {handled, now_us, busy, false};
      continue;
    }
    const auto& stage = plan.stage_of(static_cast<ShardIndex>(s));
    if (stage.kind != StageKind::actor || now_us - seen.since_us < std::chrono::microseconds(stage.deadline).count())
      continue;
    snapshot.shards[s].state = ShardState::stuck;
    snapshot.shards[s].busy_with = EventTypes::at(c.busy_type.load(std::memory_order_relaxed)).name();
    if (!seen.reported) {
      seen.reported = true;
      report(static_cast<ShardIndex>(s), now_us - seen.since_us);
    }
  }
}

}  // namespace mailroom::runtime
