// One trace as rows: a visit of the event to a shard each, below the visit that sent it there, with the path that took the time.
#pragma once

#include "dashboard/model/node_model.hpp"

namespace mailroom::dashboard {

struct Visit {
  Span span;
  int parent = -1;         // row; -1: where the trace begins, or its sender was not kept
  int depth = 0;
  bool critical = false;   // on the path that ended last
  Micros late_behind = unknown_value;  // it arrived late: the highest sequence that had been seen before it
  [[nodiscard]] Micros begin_us() const { return span.entered_us != unknown_value ? span.entered_us : span.started_us; }
  [[nodiscard]] Micros end_us() const { return span.ended_us != unknown_value ? span.ended_us : std::max(span.started_us, begin_us()); }
  [[nodiscard]] Micros waited_us() const;  // unknown_value: not said
  [[nodiscard]] Micros worked_us() const;
  [[nodiscard]] bool lost() const;    // it went no further, and is not tried again here
  [[nodiscard]] bool failed() const;  // it was tried again
};

struct TraceRows {
  QString trace, key, event;
  std::int64_t sequence = unknown_value, tries = unknown_value;
  Micros begin_us = unknown_value, end_us = unknown_value;
  Micros waited_us = unknown_value, worked_us = unknown_value;    // the sums over all visits; those side by side count twice
  Micros path_waited_us = 0, path_worked_us = 0;                  // on the critical path
  std::vector<Visit> visits;  // each behind its parent
  [[nodiscard]] Micros total_us() const { return begin_us == unknown_value ? unknown_value : end_us - begin_us; }
  [[nodiscard]] QString outcome() const;  // "done", "lost", "tried again"
};

[[nodiscard]] TraceRows trace_rows(const NodeModel& node, const QString& trace);

}  // namespace mailroom::dashboard
