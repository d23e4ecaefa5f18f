// The sampled traces of a node: the visits of one event to one shard after the other.
#pragma once

#include <QHash>
#include <deque>
#include <vector>

#include "dashboard/source/frames.hpp"

namespace mailroom::dashboard {

class TraceStore {
 public:
  static constexpr std::size_t most_traces = 20'000, most_spans_a_trace = 1'000;  // the oldest trace is forgotten first
  void add(const Span& span);
  void clear() { spans_.clear(); order_.clear(); }
  // In the order in which they began; empty: unknown trace.
  [[nodiscard]] const std::vector<Span>& spans(const QString& trace) const;
  // Trace ids, oldest first.
  [[nodiscard]] const std::deque<QString>& traces() const noexcept { return order_; }

 private:
  QHash<QString, std::vector<Span>> spans_;
  std::deque<QString> order_;
};

}  // namespace mailroom::dashboard
