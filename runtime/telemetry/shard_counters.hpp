// The counters that a running shard keeps. Written by the one thread that runs the shard (relaxed stores,
// no read-modify-write on the bus), read by the sampler at any time.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/telemetry/snapshot.hpp"

namespace mailroom::runtime {

// A counter with one writer.
class Counter {
 public:
  void add(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }
  // For a writer that knows nothing of telemetry.
  [[nodiscard]] std::atomic<std::uint64_t>& atomic() noexcept { return value_; }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Histogram {
 public:
  // Counts `n` events of `microseconds` each. One writer.
  void record(std::uint64_t microseconds, std::uint64_t n = 1) noexcept { counts_[bucket(microseconds)].add(n); }
  [[nodiscard]] HistogramSnapshot snapshot() const;
  [[nodiscard]] static std::size_t bucket(std::uint64_t microseconds) noexcept;
  // The largest value that the bucket holds (the last one's is only where it would end); bucket(upper_bound_us(i)) == i
  // for every bucket that a value can be in.
  [[nodiscard]] static std::uint64_t upper_bound_us(std::size_t bucket) noexcept;

 private:
  std::array<Counter, HistogramSnapshot::buckets> counts_;
};

struct alignas(64) ShardCounters {
  Counter depth, high_water, in, out, failures, retries, restarts, dead_letters, dropped, parked, waiting, timers,
      unrouted, order_violations, order_breaks, late, duplicates, missing, commits, keys,
      handled;  // handler calls: finds one that does not return
  std::atomic<ShardState> state{ShardState::idle};
  std::atomic<std::int64_t> busy_since_us{0};  // 0: not at work
  std::atomic<std::uint16_t> busy_type{0};     // EventType::index of what is being handled
  Histogram wait, work;
};

}  // namespace mailroom::runtime
