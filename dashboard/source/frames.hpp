// The frames of docs/telemetry-protocol.md, version 1, decoded. What a frame leaves out or sets to null is `unknown`
// (-1) in a number and empty in a text; it is never 0.
#pragma once

#include <QString>
#include <QStringList>
#include <array>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

namespace mailroom::dashboard {

using Micros = std::int64_t;  // since 1970 UTC by the node's clock, or a span of time
inline constexpr Micros second_us = 1'000'000;
inline constexpr std::int64_t unknown_value = -1;

enum class ShardState : std::uint8_t {
  idle, working, blocked_downstream, retrying, restarting, stuck, stopped, finished, paused, unknown
};
// As a person reads it: "backpressure" for blocked_downstream.
[[nodiscard]] QString state_text(ShardState state);

enum class StageKind : std::uint8_t { source, actor, workers, sink, unknown };

struct Supervision {
  QString strategy;  // one_for_one, one_for_all, rest_for_one
  std::int64_t restarts = unknown_value;
  Micros within_us = unknown_value;
};

struct StageInfo {
  QString name, type, overflow, ordering;
  StageKind kind = StageKind::unknown;
  std::int64_t shards = unknown_value, capacity = unknown_value;  // capacity: of one shard's mailbox, in events
  std::optional<Supervision> supervision;
  std::int64_t retries = unknown_value;  // on_failure
  QString then;
  Micros deadline_us = unknown_value;
  QString watched_field;  // watch_order; empty: the channel's own sequences
  Micros grace_us = unknown_value;
};

struct ShardName { int stage = -1; std::int64_t number = 0; };

struct EdgeInfo {
  int from = -1, to = -1;  // stages
  QStringList events;
  bool feedback = false;
};

struct Hello {
  QString program, node, topology, role;
  bool durable = false;
  Micros started_us = unknown_value, wall_us = unknown_value;
  double rate_hz = 0;
  std::int64_t trace_one_in = unknown_value;
  std::optional<Supervision> supervision;
  std::vector<StageInfo> stages;
  std::vector<ShardName> shards;  // its index names a shard in all other frames
  std::vector<EdgeInfo> edges;
};
// Whether both are of one run and name the same stages, shards and edges: what came under one can be read under the other.
[[nodiscard]] bool same_run(const Hello& one, const Hello& other);

// In the order of the protocol's `shard_columns`; a node that sends others is mapped by their names.
enum class ShardColumn : std::uint8_t {
  state, depth, high_water, in, out, failures, retries, restarts, dead_letters, dropped, parked, waiting, timers,
  unrouted, order_violations, order_breaks, late, duplicates, missing, commits, keys, wait_p50_us, wait_p99_us,
  work_p50_us, work_p99_us, busy_with
};
inline constexpr std::size_t shard_columns = 25;  // the numbers; busy_with is a text and stands apart
extern const std::array<const char*, shard_columns + 1> shard_column_names;

struct ShardRow {
  int index = -1;
  std::array<std::int64_t, shard_columns> values;
  QString busy_with;
  ShardRow() { values.fill(unknown_value); }
  [[nodiscard]] std::int64_t operator[](ShardColumn column) const { return values[static_cast<std::size_t>(column)]; }
  [[nodiscard]] std::int64_t& operator[](ShardColumn column) { return values[static_cast<std::size_t>(column)]; }
  [[nodiscard]] ShardState state() const;
};

enum class EdgeColumn : std::uint8_t {
  sent, processed, dead_lettered, parked, in_flight, dropped_oldest, dropped_newest, rejected, blocked
};
inline constexpr std::size_t edge_columns = 9;  // blocked: 0 or 1
extern const std::array<const char*, edge_columns> edge_column_names;

struct EdgeRow {
  int index = -1;
  std::array<std::int64_t, edge_columns> values;
  EdgeRow() { values.fill(unknown_value); }
  [[nodiscard]] std::int64_t operator[](EdgeColumn column) const { return values[static_cast<std::size_t>(column)]; }
  [[nodiscard]] std::int64_t& operator[](EdgeColumn column) { return values[static_cast<std::size_t>(column)]; }
};

enum class SourceColumn : std::uint8_t { events, dirty, done, total, ended };
inline constexpr std::size_t source_columns = 5;  // ended: 0 or 1
extern const std::array<const char*, source_columns> source_column_names;

struct SourceRow {
  int stage = -1;
  std::array<std::int64_t, source_columns> values;
  SourceRow() { values.fill(unknown_value); }
  [[nodiscard]] std::int64_t operator[](SourceColumn column) const { return values[static_cast<std::size_t>(column)]; }
  [[nodiscard]] std::int64_t& operator[](SourceColumn column) { return values[static_cast<std::size_t>(column)]; }
};

struct Gauges {
  std::int64_t frame = unknown_value;
  Micros wall_us = unknown_value, uptime_us = unknown_value;
  bool full = false;
  std::int64_t commits = unknown_value, syncs = unknown_value, sync_p99_us = unknown_value, cpu_us = unknown_value, rss_bytes = unknown_value,
               clients = unknown_value, letters_forgotten = unknown_value;
  std::vector<ShardRow> shards;
  std::vector<EdgeRow> edges;
  std::vector<SourceRow> sources;
};

enum class EventKind : std::uint8_t {
  late, duplicate, gap, gap_filled, gap_final, retry, skip, park, dead_letter, shed, restart, escalate, stuck, unstuck,
  pause, resume, stopping, ended, other
};
extern const std::array<const char*, 18> event_kind_names;  // as the protocol spells them; `other` has none

struct Event {
  std::int64_t id = unknown_value;
  Micros at_us = unknown_value;
  EventKind kind = EventKind::other;
  int shard = -1, from = -1;  // indices of Hello::shards; from: the producing shard
  int stage = -1;             // where a stage and not a shard is meant (pause, escalate)
  QString key, event, trace, text, letter, reason_kind;
  std::int64_t sequence = unknown_value, attempt = unknown_value, highest = unknown_value, first = unknown_value, last = unknown_value,
               gap = unknown_value, left = unknown_value, count = unknown_value;
  Micros belonged_us = unknown_value, first_us = unknown_value, delay_us = unknown_value;
};
struct EventList { std::int64_t dropped = 0; std::vector<Event> events; };

enum class Outcome : std::uint8_t { done, failed, rejected, dead_letter, parked, shed, emitted, unknown };
extern const std::array<const char*, 7> outcome_names;

struct Span {
  QString trace, event, key, text;
  int shard = -1, from = -1;
  std::int64_t sequence = unknown_value, attempt = unknown_value;
  Micros entered_us = unknown_value, started_us = unknown_value, ended_us = unknown_value;
  Outcome outcome = Outcome::unknown;
};
struct SpanList { std::int64_t dropped = 0; std::vector<Span> spans; };

struct UnknownFrame {};  // of a later minor version: to be passed over
using Frame = std::variant<UnknownFrame, Hello, Gauges, EventList, SpanList>;

}  // namespace mailroom::dashboard
