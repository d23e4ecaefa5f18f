#include "runtime/telemetry/snapshot.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "runtime/telemetry/shard_counters.hpp"

namespace mailroom::runtime {

std::uint64_t HistogramSnapshot::total() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::optional<std::uint64_t> HistogramSnapshot::quantile_us(double q) const {
  const auto all = total();
  if (all == 0) return std::nullopt;
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(all))));
  std::uint64_t reached = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    reached += counts[i];
    if (reached >= rank) return Histogram::upper_bound_us(i);
  }
  return Histogram::upper_bound_us(buckets - 1);
}

HistogramSnapshot& HistogramSnapshot::operator+=(const HistogramSnapshot& other) {
  for (std::size_t i = 0; i < buckets; ++i) counts[i] += other.counts[i];
  return *this;
}

HistogramSnapshot& HistogramSnapshot::operator-=(const HistogramSnapshot& earlier) {
  for (std::size_t i = 0; i < buckets; ++i) counts[i] -= std::min(counts[i], earlier.counts[i]);
  return *this;
}

std::string_view to_string(ShardState state) {
  switch (state) {
    case ShardState::idle: return "idle";
    case ShardState::working: return "working";
    case ShardState::blocked_downstream: return "blocked_downstream";
    case ShardState::retrying: return "retrying";
    case ShardState::restarting: return "restarting";
    case ShardState::stuck: return "stuck";
    case ShardState::stopped: return "stopped";
    case ShardState::finished: return "finished";
    case ShardState::paused: return "paused";
  }
  return "idle";
}

std::int64_t EdgeSnapshot::difference() const {
  // Unsigned until the end: numbers read from elsewhere may be anything, and wrap instead of overflowing.
  return static_cast<std::int64_t>(sent - (processed + dead_lettered + dropped() + parked + in_flight));
}

}  // namespace mailroom::runtime
