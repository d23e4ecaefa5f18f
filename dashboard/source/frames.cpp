#include "dashboard/source/frames.hpp"

#include <algorithm>

namespace mailroom::dashboard {

const std::array<const char*, shard_columns + 1> shard_column_names = {
    "state", "depth", "high_water", "in", "out", "failures", "retries", "restarts", "dead_letters", "dropped", "parked",
    "waiting", "timers", "unrouted", "order_violations", "order_breaks", "late", "duplicates", "missing", "commits",
    "keys", "wait_p50_us", "wait_p99_us", "work_p50_us", "work_p99_us", "busy_with"};
const std::array<const char*, edge_columns> edge_column_names = {
    "sent", "processed", "dead_lettered", "parked", "in_flight", "dropped_oldest", "dropped_newest", "rejected", "blocked"};
const std::array<const char*, source_columns> source_column_names = {"events", "dirty", "done", "total", "ended"};
const std::array<const char*, 18> event_kind_names = {
    "late", "duplicate", "gap", "gap_filled", "gap_final", "retry", "skip", "park", "dead_letter", "shed", "restart",
    "escalate", "stuck", "unstuck", "pause", "resume", "stopping", "ended"};
const std::array<const char*, 7> outcome_names = {"done", "failed", "rejected", "dead_letter", "parked", "shed", "emitted"};

QString state_text(ShardState state) {
  constexpr const char* names[] = {"idle", "running", "backpressure", "retrying", "restarting", "stuck", "stopped", "finished", "paused", "–"};
  return QString::fromUtf8(names[static_cast<std::size_t>(state)]);
}

bool same_run(const Hello& one, const Hello& other) {
  const auto alike = [](const auto& these, const auto& those, auto same) {
    return std::equal(these.begin(), these.end(), those.begin(), those.end(), same);
  };
  return one.started_us == other.started_us && one.node == other.node && one.topology == other.topology &&
         alike(one.stages, other.stages, [](const StageInfo& a, const StageInfo& b) { return a.name == b.name; }) &&
         alike(one.shards, other.shards, [](const ShardName& a, const ShardName& b) { return a.stage == b.stage && a.number == b.number; }) &&
         alike(one.edges, other.edges, [](const EdgeInfo& a, const EdgeInfo& b) { return a.from == b.from && a.to == b.to; });
}

ShardState ShardRow::state() const {
  const auto number = (*this)[ShardColumn::state];
  return number < 0 || number >= static_cast<std::int64_t>(ShardState::unknown) ? ShardState::unknown
                                                                               : static_cast<ShardState>(number);
}

}  // namespace mailroom::dashboard
