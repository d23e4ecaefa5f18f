#include "runtime/engine/recent_quantiles.hpp"

namespace mailroom::runtime {

void RecentQuantiles::update(TelemetrySnapshot& snapshot) {
  constexpr std::uint64_t second = 1'000'000;
  const bool look = seen_.empty() || snapshot.uptime_us >= looked_us_ + second;
  if (look) {
    looked_us_ = snapshot.uptime_us;
    seen_.resize(snapshot.shards.size());
  }
  const auto between = [](const HistogramSnapshot& now, HistogramSnapshot& before) {
    auto passed = now;
    passed -= before;
    before = now;
    return ShardSnapshot::Recent{passed.quantile_us(0.5), passed.quantile_us(0.99)};
  };
  for (std::size_t s = 0; s < seen_.size(); ++s) {
    auto& shard = snapshot.shards[s];
    auto& seen = seen_[s];
    if (look) {
      seen.recent_wait = between(shard.wait, seen.wait);
      seen.recent_work = between(shard.work, seen.work);
    }
    shard.recent_wait = seen.recent_wait;
    shard.recent_work = seen.recent_work;
  }
}

}  // namespace mailroom::runtime
