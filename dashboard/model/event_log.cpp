#include "dashboard/model/event_log.hpp"

#include <algorithm>

namespace mailroom::dashboard {

void EventLog::add(const Event& event) {
  ++added_;
  // Nearly always the newest; several shards' lists may be a little out of step.
  auto place = events_.end();
  while (place != events_.begin() && std::prev(place)->at_us > event.at_us) --place;
  events_.insert(place, event);
  if (events_.size() > most) {
    events_.pop_front();
    ++forgotten_;
  }
}

void EventLog::each(Micros from_us, Micros to_us, const std::function<bool(const Event&)>& visit) const {
  auto at = std::lower_bound(events_.begin(), events_.end(), from_us, [](const Event& each, Micros time) { return each.at_us < time; });
  for (; at != events_.end() && at->at_us <= to_us; ++at)
    if (!visit(*at)) return;
}

std::int64_t EventLog::count(EventKind kind, Micros from_us, Micros to_us) const {
  std::int64_t found = 0;
  each(from_us, to_us, [&](const Event& event) { found += event.kind == kind; return true; });
  return found;
}

}  // namespace mailroom::dashboard
