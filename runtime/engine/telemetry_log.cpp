#include "runtime/engine/telemetry_log.hpp"

#include <algorithm>

namespace mailroom::runtime {

void TelemetryLog::add(TelemetryEvent event) {
  const std::lock_guard lock(mutex_);
  event.at_us = clock_.wall().micros;
  number(std::move(event));
}

void TelemetryLog::number(TelemetryEvent event) {
  event.id = events_.next;
  if (event.gap) {
    const auto name = std::pair(event.shard.value_or(0), *event.gap);
    if (event.kind == EventKind::gap) {
      gaps_[name] = event.id;
      // The word of a gap's end may be dropped; and who followed its beginning no longer keeps it.
      if (gaps_.size() > 2 * kept) std::erase_if(gaps_, [&](const auto& gap) { return gap.second + kept < event.id; });
      event.gap.reset();
    } else {
      const auto opened = gaps_.find(name);
      if (opened == gaps_.end()) {
        event.gap.reset();  // its beginning was dropped
      } else {
        event.gap = opened->second;
        if (event.kind == EventKind::gap_final || event.left.value_or(0) == 0) gaps_.erase(opened);
      }
    }
  }
  events_.add(std::move(event));
}

void TelemetryLog::collect(std::vector<ShardTelemetry>& shards) {
  const std::lock_guard lock(mutex_);
  // Shards read the steady clock alone; what is told has the wall's time.
  const auto to_wall = clock_.wall().micros - clock_.steady_us();
  const auto shift = [&](std::int64_t& us) { us = us == 0 ? 0 : us + to_wall; };
  collected_.clear();
  events_.dropped = spans_.dropped = 0;
  for (auto& shard : shards) {
    shard.events.drain([&](TelemetryEvent event) {
      shift(event.at_us);
      if (event.belonged_us) shift(*event.belonged_us);
      if (event.first_us) shift(*event.first_us);
      collected_.push_back(std::move(event));
    });
    shard.spans.drain([&](Span span) {
      shift(span.entered_us);
      shift(span.started_us);
      shift(span.ended_us);
      spans_.add(std::move(span));
    });
    events_.dropped += shard.events.dropped();
    spans_.dropped += shard.spans.dropped();
  }
  std::stable_sort(collected_.begin(), collected_.end(),
                   [](const auto& a, const auto& b) { return a.at_us < b.at_us; });
  for (auto& event : collected_) number(std::move(event));
  collected_.clear();
}

template <class T>
TelemetryLog::Following<T> TelemetryLog::List<T>::from(std::uint64_t number, std::size_t most) const {
  Following<T> following;
  const auto first = next - items.size();
  following.dropped = dropped;
  following.missed = number < first ? first - number : 0;
  const auto begin = std::clamp(number, first, next);
  const auto end = std::min<std::uint64_t>(next, begin + most);
  following.items.assign(items.begin() + static_cast<std::ptrdiff_t>(begin - first),
                         items.begin() + static_cast<std::ptrdiff_t>(end - first));
  following.next = end;
  return following;
}

TelemetryLog::Following<TelemetryEvent> TelemetryLog::events_from(std::uint64_t from, std::size_t most) const {
  const std::lock_guard lock(mutex_);
  return events_.from(from, most);
}

TelemetryLog::Following<Span> TelemetryLog::spans_from(std::uint64_t from, std::size_t most) const {
  const std::lock_guard lock(mutex_);
  return spans_.from(from, most);
}

std::uint64_t TelemetryLog::next_event() const {
  const std::lock_guard lock(mutex_);
  return events_.next;
}

std::uint64_t TelemetryLog::next_span() const {
  const std::lock_guard lock(mutex_);
  return spans_.next;
}

}  // namespace mailroom::runtime
