#include "runtime/telemetry/live_line.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "runtime/telemetry/human_text.hpp"

namespace mailroom::runtime {
namespace {

// An input that has stalled has no end to foretell, and its rate decays towards 0.
constexpr double longest_time_left_s = 100 * 3600;

std::string rate_text(const std::optional<double>& rate) {
  return rate ? human_number(static_cast<std::uint64_t>(*rate)) + " events/s" : "- events/s";
}

}  // namespace

LiveLine::Figures LiveLine::figures(const TelemetrySnapshot& snapshot) {
  Figures figures;
  std::uint64_t events = 0, done = 0, total = 0;
  bool totals_known = !snapshot.sources.empty();
  for (const auto& source : snapshot.sources) {
    events += source.events;
    if (source.total && *source.total > 0) {
      done += std::min(source.done, *source.total);
      total += *source.total;
    } else {
      totals_known = false;
    }
  }
  if (totals_known && total > 0) figures.done = static_cast<double>(done) / static_cast<double>(total);

  if (last_us_ != 0 && snapshot.uptime_us > last_us_) {
    const auto seconds = static_cast<double>(snapshot.uptime_us - last_us_) / 1e6;
    // Half of the old at each second: steady to the eye, quick to follow.
    const auto fresh = 1.0 - 1.0 / (1.0 + seconds);
    const auto events_rate = static_cast<double>(events - std::min(events, last_events_)) / seconds;
    rate_ = rate_ == 0 ? events_rate : rate_ + fresh * (events_rate - rate_);
    if (figures.done) {
      const auto rate = (*figures.done - last_done_) / seconds;
      done_rate_ = done_rate_ == 0 ? rate : done_rate_ + fresh * (rate - done_rate_);
      const auto left = 1.0 - *figures.done;
      if (left > 0 && done_rate_ * longest_time_left_s > left)
        figures.left_us = static_cast<std::uint64_t>(left / done_rate_ * 1e6);
    }
    figures.rate = rate_;
  }
  last_us_ = snapshot.uptime_us;
  last_events_ = events;
  last_done_ = figures.done.value_or(0);

  std::uint64_t queued = 0, retries = 0, dead = 0, waiting = 0, parked = 0, timers = 0;
  const ShardSnapshot* fullest = nullptr;
  for (const auto& shard : snapshot.shards) {
    queued += shard.depth;
    retries += shard.retries;
    dead += shard.dead_letters;
    waiting += shard.waiting;
    parked += shard.parked;
    timers += shard.timers;
    if (shard.state == ShardState::stuck)
      figures.rest += fmt::format(", {}/{} STUCK in {}", shard.stage, shard.shard, shard.busy_with);
    if (shard.capacity > 0 && (fullest == nullptr || shard.depth * fullest->capacity > fullest->depth * shard.capacity))
      fullest = &shard;
  }
  auto counts = fmt::format("{} queued", human_number(queued));
  if (fullest != nullptr && fullest->depth * 2 > fullest->capacity)
    counts +=
        fmt::format(" ({}/{} {}% full)", fullest->stage, fullest->shard, fullest->depth * 100 / fullest->capacity);
  if (waiting > 0) counts += fmt::format(", {} wait for a retry", human_number(waiting));
  if (retries > 0) counts += fmt::format(", {} retries", human_number(retries));
  if (dead > 0) counts += fmt::format(", {} dead letters", human_number(dead));
  if (parked > 0) counts += fmt::format(", {} parked", human_number(parked));
  if (timers > 0) counts += fmt::format(", {} timers", human_number(timers));
  figures.rest = counts + figures.rest;
  return figures;
}

std::string LiveLine::terminal(const TelemetrySnapshot& snapshot, std::size_t columns) {
  const auto f = figures(snapshot);
  std::string line;
  if (f.done) {
    constexpr std::size_t width = 20;
    const auto full = static_cast<std::size_t>(*f.done * width);
    line = fmt::format("[{}{}] {:3.0f}%  ", std::string(full, '#'), std::string(width - full, '.'), *f.done * 100);
  }
  line += rate_text(f.rate);
  if (f.left_us) line += fmt::format(", {} left", human_duration(f.left_us));
  line += "  " + f.rest;
  if (line.size() >= columns) {
    auto keep = columns == 0 ? 0 : columns - 1;
    while (keep > 0 && (static_cast<unsigned char>(line[keep]) & 0xC0) == 0x80) --keep;  // no half UTF-8 letter
    line.resize(keep);
  }
  return line;
}

std::string LiveLine::plain(const TelemetrySnapshot& snapshot) {
  const auto f = figures(snapshot);
  auto line = snapshot.topology + ": ";
  if (f.done) line += fmt::format("{:.0f}% read, ", *f.done * 100);
  line += rate_text(f.rate);
  if (f.left_us) line += fmt::format(", {} left", human_duration(f.left_us));
  return line + ", " + f.rest;
}

}  // namespace mailroom::runtime
