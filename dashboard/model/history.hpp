// What was, in memory: eight hours of every stage and shard within a stated bound. Nothing here is per event.
//
//   totals, stages   one sample each 250 ms for the last 10 minutes, one each 2 s for 8 hours
//   shards, edges    one each 1 s for the last 2 minutes, and one each `long_step_us()` for 8 hours: 1 s, or longer where
//                    that would pass `shard_bytes` (10,000 shards: 46 s)
// A stage costs 270 KB, a shard of a small topology 20 B a second: 200 stages and 10,000 shards stay below 300 MB.
// A lost minute is a hole (NaN), never a line through it.
#pragma once

#include <deque>
#include <functional>
#include <limits>
#include <vector>

#include "dashboard/source/frames.hpp"

namespace mailroom::dashboard {

inline constexpr Micros history_us = 8LL * 3600 * second_us;
inline constexpr float not_known = std::numeric_limits<float>::quiet_NaN();

// Rates in events per second, waits in microseconds; NaN: unknown.
struct StageSample {
  float in = not_known, out = not_known, wait_p99_us = not_known;
  float depth = not_known;  // the sum over its shards
};
// So many since the run began. A double counts exactly to 2^53; NaN: unknown.
struct Counts {
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  double ingested = unknown;    // by the sources
  double disordered = unknown;  // late, duplicate, missing, order breaks
  double dead_letters = unknown, restarts = unknown;
};
struct TotalSample {
  float ingest = not_known, out = not_known, queued = not_known, wait_p99_us = not_known;
  float disorder = not_known;  // anomalies a second: late, duplicate, missing, order breaks
  float retries = not_known;   // a second
  Counts so_far;
};
struct ShardSample {
  float in = not_known, out = not_known, wait_p99_us = not_known;
  std::int32_t depth = -1;
  std::uint16_t restarts = 0;
  ShardState state = ShardState::unknown;
};
struct EdgeSample {
  float rate = not_known;
  std::int32_t in_flight = -1;
  bool blocked = false;
};

// A row of samples at equal steps, the oldest forgotten. A time without a sample reads as Sample().
template <typename Sample>
class Series {
 public:
  Series(Micros step_us, std::size_t most) : step_us_(step_us), most_(most) {}
  // Times may not fall; a second sample within one step replaces the first.
  void push(Micros at_us, const Sample& sample) {
    const auto slot = at_us / step_us_;
    if (samples_.empty()) first_slot_ = slot;
    const auto place = slot - first_slot_;
    if (place < 0) return;
    const auto size = static_cast<std::int64_t>(samples_.size());
    if (place < size) { samples_[static_cast<std::size_t>(place)] = sample; return; }
    if (place - size > static_cast<std::int64_t>(most_)) { samples_.clear(); first_slot_ = slot; }
    else for (auto at = size; at < place; ++at) add(Sample());
    add(sample);
  }
  [[nodiscard]] const Sample* at(Micros at_us) const {  // nullptr: outside
    const auto place = at_us / step_us_ - first_slot_;
    return samples_.empty() || place < 0 || place >= static_cast<std::int64_t>(samples_.size()) ? nullptr : &samples_[static_cast<std::size_t>(place)];
  }
  [[nodiscard]] bool empty() const { return samples_.empty(); }
  [[nodiscard]] Micros first_us() const { return first_slot_ * step_us_; }
  [[nodiscard]] Micros last_us() const { return (first_slot_ + static_cast<std::int64_t>(samples_.size()) - 1) * step_us_; }
  [[nodiscard]] Micros step_us() const { return step_us_; }
  void clear() { samples_.clear(); }

 private:
  void add(const Sample& sample) {
    samples_.push_back(sample);
    if (samples_.size() > most_) { samples_.pop_front(); ++first_slot_; }
  }
  Micros step_us_;
  std::size_t most_;
  std::int64_t first_slot_ = 0;
  std::deque<Sample> samples_;
};

// Two series of one thing: fine and short, coarse and long.
template <typename Sample>
class Track {
 public:
  static constexpr Micros fine_us = 250'000, coarse_us = 2 * second_us;
  void push_fine(Micros at_us, const Sample& sample) { fine_.push(at_us, sample); }
  void push_coarse(Micros at_us, const Sample& sample) { coarse_.push(at_us, sample); }
  // The grain at which a window that begins there can be drawn: all of it in fine steps, or in coarse ones.
  [[nodiscard]] const Series<Sample>& from(Micros begin_us) const {
    return !fine_.empty() && (begin_us >= fine_.first_us() || coarse_.empty() || fine_.first_us() <= coarse_.first_us() + coarse_us) ? fine_ : coarse_;
  }
  [[nodiscard]] Sample at(Micros at_us) const {
    const auto* sample = fine_.at(at_us);
    if (!sample) sample = coarse_.at(at_us);
    return sample ? *sample : Sample();
  }
  [[nodiscard]] Micros first_us() const { return coarse_.empty() ? (fine_.empty() ? 0 : fine_.first_us()) : coarse_.first_us(); }
  [[nodiscard]] Micros last_us() const { return fine_.empty() ? 0 : fine_.last_us(); }

 private:
  Series<Sample> fine_{fine_us, 10 * 60 * 4}, coarse_{coarse_us, static_cast<std::size_t>(history_us / coarse_us)};
};

// All shards and edges at one moment.
struct Moment {
  Micros at_us = unknown_value;
  std::vector<ShardSample> shards;
  std::vector<EdgeSample> edges;
};

class Moments {
 public:
  static constexpr std::size_t shard_bytes = 192 << 20;
  static constexpr Micros recent_step_us = second_us, recent_us = 120 * second_us;
  void reset(std::size_t shards, std::size_t edges);
  void push(Moment moment);
  // The last moment at or before that time, if it is not more than one step (at least 3 s) older: nullptr is a hole.
  [[nodiscard]] const Moment* at(Micros at_us) const;
  [[nodiscard]] Micros long_step_us() const { return long_step_us_; }
  // One shard over a window, oldest first, at the finest grain kept there.
  void each(Micros from_us, Micros to_us, const std::function<void(const Moment&)>& visit) const;

 private:
  std::deque<Moment> recent_, long_;
  Micros long_step_us_ = second_us;
};

}  // namespace mailroom::dashboard
