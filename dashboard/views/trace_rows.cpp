#include "dashboard/views/trace_rows.hpp"

#include <algorithm>
#include <functional>

namespace mailroom::dashboard {

Micros Visit::waited_us() const {
  return span.attempt > 1 || span.entered_us == unknown_value || span.started_us == unknown_value || span.outcome == Outcome::emitted ? unknown_value : std::max<Micros>(0, span.started_us - span.entered_us);
}
Micros Visit::delayed_us() const { return span.attempt <= 1 || span.entered_us == unknown_value || span.started_us == unknown_value ? unknown_value : std::max<Micros>(0, span.started_us - span.entered_us); }
Micros Visit::worked_us() const { return span.started_us == unknown_value || span.ended_us == unknown_value ? unknown_value : std::max<Micros>(0, span.ended_us - span.started_us); }
bool Visit::lost() const { return span.outcome == Outcome::rejected || span.outcome == Outcome::dead_letter || span.outcome == Outcome::shed; }
bool Visit::failed() const { return span.outcome == Outcome::failed; }

QString TraceRows::outcome() const {
  bool letter = false, shed = false, parked = false;
  for (const auto& visit : visits) {
    shed = shed || visit.span.outcome == Outcome::shed;
    letter = letter || (visit.lost() && visit.span.outcome != Outcome::shed);
    parked = parked || visit.span.outcome == Outcome::parked;
  }
  return letter ? QStringLiteral("dead letter") : shed ? QStringLiteral("shed") : parked ? QStringLiteral("parked") : tries > 1 ? QStringLiteral("done, try %1").arg(tries) : QStringLiteral("done");
}

bool TraceRows::only_trouble() const {
  return std::all_of(visits.begin(), visits.end(), [](const Visit& visit) { return visit.failed() || visit.lost() || visit.out_of_order || visit.span.attempt > 1 || visit.span.outcome == Outcome::parked; });
}

TraceRows trace_rows(const NodeModel& node, const QString& trace) {
  TraceRows made;
  made.trace = trace;
  const auto& spans = node.traces().spans(trace);  // by their begin
  if (spans.empty()) return made;
  std::vector<Visit> visits;
  for (const auto& span : spans) {
    Visit visit;
    visit.span = span;
    // Its sender: the newest visit before it to the shard that it came from, rather one that was done.
    for (auto at = visits.size(); at-- > 0 && span.from >= 0;) {
      if (visits[at].span.shard != span.from) continue;
      if (visit.parent < 0) visit.parent = static_cast<int>(at);
      if (!visits[at].failed()) { visit.parent = static_cast<int>(at); break; }
    }
    if (made.key.isEmpty()) made.key = span.key;
    if (made.event.isEmpty()) made.event = span.event;
    if (made.sequence == unknown_value) made.sequence = span.sequence;
    made.tries = std::max(made.tries, span.attempt);
    if (visit.begin_us() != unknown_value) made.begin_us = made.begin_us == unknown_value ? visit.begin_us() : std::min(made.begin_us, visit.begin_us());
    made.end_us = std::max(made.end_us, visit.end_us());
    const auto add = [](Micros& to, Micros value) { if (value != unknown_value) to = to == unknown_value ? value : to + value; };
    add(made.waited_us, visit.waited_us());
    add(made.delayed_us, visit.delayed_us());
    add(made.worked_us, visit.worked_us());
    visits.push_back(std::move(visit));
  }
  node.events().each(made.begin_us - second_us, made.end_us + second_us, [&](const Event& event) {
    if (event.trace == trace && (event.kind == EventKind::late || event.kind == EventKind::duplicate || event.kind == EventKind::gap))
      for (auto& visit : visits)
        if (visit.span.shard == event.shard && visit.span.attempt <= 1) {
          visit.out_of_order = true;
          if (event.kind == EventKind::late) visit.late_behind = event.highest != unknown_value ? event.highest : 0;
          break;
        }
    return true;
  });
  // Back from what ended last: to the try before, else to the sender.
  auto last = static_cast<int>(std::max_element(visits.begin(), visits.end(), [](const Visit& a, const Visit& b) { return a.end_us() < b.end_us(); }) - visits.begin());
  while (last >= 0 && !visits[static_cast<std::size_t>(last)].critical) {
    auto& visit = visits[static_cast<std::size_t>(last)];
    visit.critical = true;
    made.path_waited_us += std::max<Micros>(0, visit.waited_us());
    made.path_delayed_us += std::max<Micros>(0, visit.delayed_us());
    made.path_worked_us += std::max<Micros>(0, visit.worked_us());
    int before = visit.parent;
    for (int at = last - 1; at >= 0 && visit.span.attempt > 1; --at) {
      const auto& other = visits[static_cast<std::size_t>(at)].span;
      if (other.shard == visit.span.shard && other.from == visit.span.from && other.sequence == visit.span.sequence && other.attempt < visit.span.attempt) { before = at; break; }
    }
    last = before;
  }
  // Each behind its parent, by time. Without recursion: a chain may be a thousand visits long.
  std::vector<std::vector<int>> children(visits.size());
  std::vector<int> open;
  for (std::size_t at = visits.size(); at-- > 0;) {
    if (visits[at].parent >= 0) children[static_cast<std::size_t>(visits[at].parent)].push_back(static_cast<int>(at));
    else open.push_back(static_cast<int>(at));
  }
  std::vector<int> row_of(visits.size(), -1);
  while (!open.empty()) {
    const auto at = static_cast<std::size_t>(open.back());
    open.pop_back();
    auto visit = std::move(visits[at]);
    row_of[at] = static_cast<int>(made.visits.size());
    visit.parent = visit.parent < 0 ? -1 : row_of[static_cast<std::size_t>(visit.parent)];
    visit.depth = visit.parent < 0 ? 0 : made.visits[static_cast<std::size_t>(visit.parent)].depth + 1;
    made.visits.push_back(std::move(visit));
    open.insert(open.end(), children[at].begin(), children[at].end());  // the last is the earliest
  }
  return made;
}

}  // namespace mailroom::dashboard
