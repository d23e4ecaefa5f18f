// What a node tells one by one instead of counting it: everything that leaves the straight line (docs/telemetry-protocol.md),
// and spans, the visits of single events to shards. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <mailroom/event_batch.hpp>  // TraceId, EventType

namespace mailroom::runtime {

enum class EventKind : std::uint8_t {
  late,
  duplicate,
  gap,
  gap_filled,
  gap_final,
  retry,
  skip,
  park,
  dead_letter,
  shed,
  restart,
  escalate,
  stuck,
  unstuck,
  pause,
  resume,
  stopping,
  ended
};
std::string_view to_string(EventKind kind);

// Members without a meaning for the kind are absent; what each means is in docs/telemetry-protocol.md.
struct TelemetryEvent {
  std::uint64_t id = 0;      // rises by one for each event of the node; given when it is taken from its shard
  std::int64_t at_us = 0;    // wall clock; steady clock until then
  EventKind kind = EventKind::retry;
  std::optional<std::uint32_t> shard, from;  // ShardIndex
  std::string key;
  std::optional<std::uint64_t> sequence;
  const EventType* type = nullptr;
  TraceId trace = 0;         // 0: none
  unsigned attempt = 0;      // 0: absent
  std::string text, stage, letter, reason_kind;
  std::optional<std::int64_t> highest, first, last;
  std::optional<std::int64_t> belonged_us, first_us;  // as at_us
  std::optional<std::int64_t> delay_us;
  std::optional<std::uint64_t> left, count;
  std::optional<std::uint64_t> gap;  // the gap's id; its number in the shard until then
};

enum class SpanOutcome : std::uint8_t { done, failed, rejected, dead_letter, parked, shed, emitted };
std::string_view to_string(SpanOutcome outcome);

struct Span {
  TraceId trace = 0;
  std::uint32_t shard = 0;
  std::optional<std::uint32_t> from;
  const EventType* type = nullptr;
  std::string key;
  std::optional<std::uint64_t> sequence;
  unsigned attempt = 1;
  std::int64_t entered_us = 0, started_us = 0, ended_us = 0;  // 0: unknown; steady clock until it is taken from its shard
  SpanOutcome outcome = SpanOutcome::done;
  std::string text;
};

}  // namespace mailroom::runtime
