// The anomalies, restarts and dead letters of a node, by time. Never conflated; bounded, and says what it forgot.
#pragma once

#include <deque>
#include <functional>

#include "dashboard/source/frames.hpp"

namespace mailroom::dashboard {

class EventLog {
 public:
  static constexpr std::size_t most = 200'000;  // at most about 100 MB
  void add(const Event& event);
  void clear() { events_.clear(); forgotten_ = 0; added_ = 0; }
  // Oldest first, by the node's time. `visit` returns false to stop.
  void each(Micros from_us, Micros to_us, const std::function<bool(const Event&)>& visit) const;
  // So many of a kind in that time.
  [[nodiscard]] std::int64_t count(EventKind kind, Micros from_us, Micros to_us) const;
  [[nodiscard]] const std::deque<Event>& all() const noexcept { return events_; }
  [[nodiscard]] std::int64_t forgotten() const noexcept { return forgotten_; }
  [[nodiscard]] std::int64_t added() const noexcept { return added_; }  // rises by one an event: what is new since

 private:
  std::deque<Event> events_;
  std::int64_t forgotten_ = 0, added_ = 0;
};

// What keeps order from being perfect: the kinds that leave the line of an ordering lane.
[[nodiscard]] constexpr bool is_disorder(EventKind kind) {
  return kind == EventKind::late || kind == EventKind::duplicate || kind == EventKind::gap || kind == EventKind::retry || kind == EventKind::skip;
}

}  // namespace mailroom::dashboard
