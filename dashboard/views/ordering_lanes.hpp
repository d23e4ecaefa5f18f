// What the ordering view shows, without how: the marks of every shard's lane in a window of time. No event is left out or averaged.
#pragma once

#include <array>
#include <unordered_map>
#include <vector>

#include "dashboard/model/view_state.hpp"

namespace mailroom::dashboard {

enum class MarkKind : std::uint8_t { late, missing, duplicate, retried, skipped };
inline constexpr std::size_t mark_kinds = 5;
[[nodiscard]] QString mark_text(MarkKind kind);  // "late", "missing"

struct Mark {
  MarkKind kind;
  bool final = true;             // missing: the grace time is over
  Micros at_us;
  Micros belonged_us = unknown_value;  // late: where it belonged; unknown: not said
  std::int64_t count = 1;        // missing: so many never came, as far as the end of the window
  std::int64_t id = unknown_value;     // of the event
};

struct Lane {
  std::vector<Mark> marks;       // by time
  std::array<std::int64_t, mark_kinds> counts{};
  double arrived = 0;            // events in the window, in order or not
  bool known = false;            // something is known of what arrived
  [[nodiscard]] std::int64_t disorder() const;
  // 0..1 of what should have arrived; NaN: unknown. Above 0 where there is any disorder.
  [[nodiscard]] double share() const;
};

class OrderingLanes {
 public:
  // All events of the window. A gap counts what is still missing at the end of the window, so it shrinks as time runs.
  void build(const NodeModel& node, const Filters& filters, Micros begin_us, Micros end_us);
  // What arrived, of the shards given: from the rates of each second, or the counters of a run that is wholly in the window.
  void count_arrivals(const NodeModel& node, const std::vector<int>& shards, Micros begin_us, Micros end_us);
  [[nodiscard]] const Lane& lane(int shard) const { return lanes_[static_cast<std::size_t>(shard)]; }
  [[nodiscard]] bool has(int shard) const { return shard >= 0 && static_cast<std::size_t>(shard) < lanes_.size(); }
  [[nodiscard]] const std::vector<int>& disordered() const noexcept { return touched_; }  // shards with a mark
  // Of these shards.
  [[nodiscard]] std::array<std::int64_t, mark_kinds> totals(const std::vector<int>& shards) const;

 private:
  std::vector<Lane> lanes_;
  std::vector<int> touched_;
};

// The event of a mark; nullptr: forgotten.
[[nodiscard]] const Event* event_of(const NodeModel& node, const Mark& mark);

}  // namespace mailroom::dashboard
