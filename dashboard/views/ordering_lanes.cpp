#include "dashboard/views/ordering_lanes.hpp"

#include <algorithm>
#include <cmath>

namespace mailroom::dashboard {

QString mark_text(MarkKind kind) {
  constexpr std::array<const char*, mark_kinds> names = {"late", "missing", "duplicate", "retried", "skipped"};
  return QLatin1String(names[static_cast<std::size_t>(kind)]);
}

std::int64_t Lane::disorder() const {
  std::int64_t sum = 0;
  for (const auto count : counts) sum += count;
  return sum;
}

double Lane::share() const {
  const auto bad = disorder();
  const auto came = bad - counts[static_cast<std::size_t>(MarkKind::missing)];
  // More marks than arrivals: they came faster than the rates could tell.
  if (!known || arrived + static_cast<double>(bad) <= 0 || arrived < static_cast<double>(came)) return std::numeric_limits<double>::quiet_NaN();
  // What is missing did not arrive; copies, tries and late ones did.
  const auto lost = static_cast<double>(counts[static_cast<std::size_t>(MarkKind::missing)]);
  return std::min(1.0, static_cast<double>(bad) / std::max(static_cast<double>(bad), arrived + lost));
}

void OrderingLanes::build(const NodeModel& node, const Filters& filters, Micros begin_us, Micros end_us) {
  const auto shards = static_cast<std::size_t>(node.shard_count());
  if (lanes_.size() != shards) lanes_.assign(shards, {});
  else for (const int shard : touched_) { lanes_[static_cast<std::size_t>(shard)].marks.clear(); lanes_[static_cast<std::size_t>(shard)].counts.fill(0); }
  touched_.clear();
  struct Place { std::size_t lane, mark; };
  std::unordered_map<std::int64_t, Place> gaps;
  const bool filtered = !filters.empty();
  node.events().each(begin_us, end_us, [&](const Event& event) {
    if (event.shard < 0 || static_cast<std::size_t>(event.shard) >= shards) return true;
    if (event.kind == EventKind::gap_filled || event.kind == EventKind::gap_final) {
      if (const auto found = gaps.find(event.gap); found != gaps.end()) {
        auto& mark = lanes_[found->second.lane].marks[found->second.mark];
        if (event.left != unknown_value) mark.count = event.left;
        else if (event.kind == EventKind::gap_filled) mark.count = std::max<std::int64_t>(0, mark.count - 1);
        if (event.kind == EventKind::gap_final) mark.final = true;
      }
      return true;
    }
    if (!is_disorder(event.kind)) return true;
    if (filtered && !filters.passes_event(node, event)) return true;
    Mark mark{MarkKind::late, true, event.at_us, unknown_value, 1, event.id};
    switch (event.kind) {
      case EventKind::late: mark.belonged_us = event.belonged_us; break;
      case EventKind::duplicate: mark.kind = MarkKind::duplicate; break;
      case EventKind::retry: mark.kind = MarkKind::retried; break;
      case EventKind::skip: mark.kind = MarkKind::skipped; break;
      default:
        mark.kind = MarkKind::missing;
        mark.final = false;
        if (event.first != unknown_value && event.last >= event.first) mark.count = event.last - event.first + 1;
    }
    auto& lane = lanes_[static_cast<std::size_t>(event.shard)];
    if (lane.marks.empty()) touched_.push_back(event.shard);
    if (mark.kind == MarkKind::missing) gaps[event.id] = {static_cast<std::size_t>(event.shard), lane.marks.size()};
    lane.marks.push_back(mark);
    return true;
  });
  for (const int shard : touched_) {
    auto& lane = lanes_[static_cast<std::size_t>(shard)];
    std::erase_if(lane.marks, [](const Mark& mark) { return mark.kind == MarkKind::missing && mark.count <= 0; });  // filled: the late ones show it
    for (const auto& mark : lane.marks) lane.counts[static_cast<std::size_t>(mark.kind)] += mark.count;
  }
}

void OrderingLanes::count_arrivals(const NodeModel& node, const std::vector<int>& shards, Micros begin_us, Micros end_us) {
  for (auto& lane : lanes_) { lane.arrived = 0; lane.known = false; }
  Micros before = unknown_value;
  const auto longest = node.moments().long_step_us() + second_us;
  node.moments().each(begin_us, end_us, [&](const Moment& moment) {
    // A rate holds for the time back to the moment before it, or to the window's begin.
    const auto since = before == unknown_value ? std::max(begin_us, moment.at_us - Moments::recent_step_us) : std::max(before, moment.at_us - longest);
    const double seconds = static_cast<double>(moment.at_us - since) / 1e6;
    before = moment.at_us;
    for (const int shard : shards) {
      const auto at = static_cast<std::size_t>(shard);
      if (at >= moment.shards.size() || at >= lanes_.size() || std::isnan(moment.shards[at].in)) continue;
      lanes_[at].arrived += static_cast<double>(moment.shards[at].in) * seconds;
      lanes_[at].known = true;
    }
  });
  // A run that lies wholly in the window has its counters: they know of a burst that ended before there was a rate.
  if (node.hello().started_us == unknown_value || node.hello().started_us < begin_us || node.last_us() == unknown_value || end_us < node.last_us()) return;
  for (const int shard : shards) {
    const auto in = node.row(shard)[ShardColumn::in];
    if (in == unknown_value || !has(shard)) continue;
    lanes_[static_cast<std::size_t>(shard)].arrived = static_cast<double>(in);
    lanes_[static_cast<std::size_t>(shard)].known = true;
  }
}

std::array<std::int64_t, mark_kinds> OrderingLanes::totals(const std::vector<int>& shards) const {
  std::array<std::int64_t, mark_kinds> made{};
  for (const int shard : shards)
    if (has(shard))
      for (std::size_t kind = 0; kind < mark_kinds; ++kind) made[kind] += lane(shard).counts[kind];
  return made;
}

const Event* event_of(const NodeModel& node, const Mark& mark) {
  const Event* found = nullptr;
  node.events().each(mark.at_us, mark.at_us, [&](const Event& event) {
    if (event.id == mark.id) found = &event;
    return !found;
  });
  return found;
}

}  // namespace mailroom::dashboard
