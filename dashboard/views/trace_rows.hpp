// One trace as rows: a visit of the event to a shard each, below the visit that sent it there, with the path that took the time.
#pragma once

#include <algorithm>

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
  bool out_of_order = false;  // late, a duplicate, or the one that left a gap
  [[nodiscard]] Micros waited_us() const;  // in the mailbox; unknown_value: not said, or it waited for its retry
  [[nodiscard]] Micros delayed_us() const;  // from the failure on until it was tried again; unknown_value: it is no retry
  [[nodiscard]] Micros worked_us() const;
  [[nodiscard]] bool lost() const;    // it went no further, and is not tried again here: a dead letter, or shed
  [[nodiscard]] bool failed() const;  // it was tried again
};

struct TraceRows {
  QString trace, key, event;
  std::int64_t sequence = unknown_value, tries = unknown_value;
  Micros begin_us = unknown_value, end_us = unknown_value;
  // The sums over all visits; those side by side count twice.
  Micros waited_us = unknown_value, delayed_us = unknown_value, worked_us = unknown_value;
  Micros path_waited_us = 0, path_delayed_us = 0, path_worked_us = 0;  // on the critical path
  std::vector<Visit> visits;  // each behind its parent
  [[nodiscard]] Micros total_us() const { return begin_us == unknown_value ? unknown_value : end_us - begin_us; }
  [[nodiscard]] QString outcome() const;  // "done", "done, try 3", "parked", "dead letter", "shed"
  [[nodiscard]] bool lost() const { return std::any_of(visits.begin(), visits.end(), [](const Visit& visit) { return visit.lost(); }); }
  // Its source told of it: it is sampled, so that all its visits are told.
  [[nodiscard]] bool from_source() const { return std::any_of(visits.begin(), visits.end(), [](const Visit& visit) { return visit.span.outcome == Outcome::emitted; }); }
  // Of an event that is not sampled only visits are told that failed, were a retry or were out of order: each of these is such a one.
  [[nodiscard]] bool only_trouble() const;
};

[[nodiscard]] TraceRows trace_rows(const NodeModel& node, const QString& trace);

}  // namespace mailroom::dashboard
