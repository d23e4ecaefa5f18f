#include "dashboard/model/trace_store.hpp"

namespace mailroom::dashboard {

namespace {
Micros begin_of(const Span& span) { return span.entered_us >= 0 ? span.entered_us : span.started_us; }
}  // namespace

void TraceStore::add(const Span& span) {
  if (span.trace.isEmpty()) return;
  auto found = spans_.find(span.trace);
  if (found == spans_.end()) {
    if (order_.size() >= most_traces) {
      spans_.remove(order_.front());
      order_.pop_front();
    }
    order_.push_back(span.trace);
    found = spans_.insert(span.trace, {});
  }
  auto& list = *found;
  if (list.size() >= most_spans_a_trace) return;
  auto place = list.end();
  while (place != list.begin() && begin_of(*std::prev(place)) > begin_of(span)) --place;
  list.insert(place, span);
}

const std::vector<Span>& TraceStore::spans(const QString& trace) const {
  static const std::vector<Span> none;
  const auto found = spans_.find(trace);
  return found == spans_.end() ? none : *found;
}

}  // namespace mailroom::dashboard
