// What the engine knows of itself at one moment: plain values, for the summary, the live line, the HTTP face
// and the dashboard. Counters only ever rise within one run of a node (durable books: within the journal's life).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mailroom::runtime {

// Log-linear: 4 buckets per power of two, from 1 us up; the last bucket holds all beyond 54 min. Bucket i holds the
// values above upper_bound(i - 1) up to and including upper_bound(i) (Histogram in shard_counters.hpp); below 4 us
// some buckets share a bound and stay empty.
struct HistogramSnapshot {
  static constexpr std::size_t buckets = 128;
  std::array<std::uint64_t, buckets> counts{};
  [[nodiscard]] std::uint64_t total() const;
  // The upper bound of the bucket that holds quantile q (0..1), in microseconds; nullopt when empty.
  [[nodiscard]] std::optional<std::uint64_t> quantile_us(double q) const;
  HistogramSnapshot& operator+=(const HistogramSnapshot& other);
  HistogramSnapshot& operator-=(const HistogramSnapshot& earlier);
};

enum class ShardState : std::uint8_t {
  idle,
  working,
  blocked_downstream,
  retrying,
  restarting,
  stuck,
  stopped,
  finished,
  paused  // by an operator
};
std::string_view to_string(ShardState state);

struct ShardSnapshot {
  std::string stage;
  std::uint32_t shard = 0;
  ShardState state = ShardState::idle;
  std::uint64_t depth = 0;  // events in the mailbox: sent to it and not done
  std::uint64_t high_water = 0;
  std::uint64_t capacity = 0;
  std::uint64_t in = 0, out = 0;  // events taken to their end; events emitted
  std::uint64_t failures = 0;     // handler calls that threw (Rejected not counted)
  std::uint64_t retries = 0, restarts = 0, dead_letters = 0, dropped = 0, parked = 0, waiting = 0, timers = 0;
  std::uint64_t unrouted = 0;                            // emitted, but no stage takes that type
  std::uint64_t order_violations = 0, order_breaks = 0;  // breaks: skips that the topology asked for
  // Of the numbers that its producers give ("watch_order"): below one that had come, come before, never come.
  std::uint64_t late = 0, duplicates = 0, missing = 0;
  std::uint64_t commits = 0;
  std::uint64_t keys = 0;        // states in memory
  HistogramSnapshot wait, work;  // per event, microseconds: in the mailbox / in the actor
  std::string busy_with;         // while stuck: the event type
  // Over the last whole second in which the sampler looked; nullopt: nothing was handled in it.
  struct Recent {
    std::optional<std::uint64_t> p50_us, p99_us;
  };
  Recent recent_wait, recent_work;
};

struct EdgeSnapshot {
  std::string from, to;
  std::uint64_t sent = 0, processed = 0, dead_lettered = 0, parked = 0, in_flight = 0;
  std::uint64_t dropped_oldest = 0, dropped_newest = 0, rejected = 0;
  bool blocked = false;  // a producing shard has no credit for what it has emitted, and stands still
  [[nodiscard]] std::uint64_t dropped() const { return dropped_oldest + dropped_newest + rejected; }
  // sent - (processed + dead_lettered + dropped + parked + in_flight); anything but 0 at rest is an alarm.
  [[nodiscard]] std::int64_t difference() const;
};

struct SourceSnapshot {
  std::string stage;
  std::uint64_t events = 0, dirty = 0, done = 0;
  std::optional<std::uint64_t> total;
  std::string unit;
  bool ended = false;
};

struct TelemetrySnapshot {
  std::string topology;
  std::string node;
  bool durable = false;
  std::int64_t wall_us = 0;  // microseconds since 1970 UTC
  std::uint64_t uptime_us = 0;
  std::uint64_t commits = 0, syncs = 0;
  HistogramSnapshot sync_time;
  std::vector<ShardSnapshot> shards;
  std::vector<EdgeSnapshot> edges;
  std::vector<SourceSnapshot> sources;
};

}  // namespace mailroom::runtime
