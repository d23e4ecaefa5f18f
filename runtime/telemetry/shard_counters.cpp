#include "runtime/telemetry/shard_counters.hpp"

#include <bit>

namespace mailroom::runtime {

// Bucket 0 holds 0 and 1; from there each power of two is cut into four.
std::size_t Histogram::bucket(std::uint64_t microseconds) noexcept {
  if (microseconds <= 1) return 0;
  const auto x = microseconds - 1;  // upper bounds are inclusive
  const auto power = static_cast<unsigned>(std::bit_width(x)) - 1;
  const auto quarter = power >= 2 ? (x >> (power - 2)) & 3 : (x << (2 - power)) & 3;
  const auto index = 1 + power * 4 + static_cast<std::size_t>(quarter);
  return index < HistogramSnapshot::buckets ? index : HistogramSnapshot::buckets - 1;
}

std::uint64_t Histogram::upper_bound_us(std::size_t bucket) noexcept {
  if (bucket == 0) return 1;
  const auto power = (bucket - 1) / 4, quarter = (bucket - 1) % 4;
  return ((std::uint64_t{4} + quarter + 1) << power) / 4 +
         (((std::uint64_t{4} + quarter + 1) << power) % 4 != 0 ? 1 : 0);
}

HistogramSnapshot Histogram::snapshot() const {
  HistogramSnapshot snapshot;
  for (std::size_t i = 0; i < counts_.size(); ++i) snapshot.counts[i] = counts_[i].get();
  return snapshot;
}

}  // namespace mailroom::runtime
