#include "runtime/telemetry/order_watch.hpp"

#include <algorithm>

namespace mailroom::runtime {

namespace {
// Holes of one key kept once their gaps are final: what comes later still is late and no duplicate.
constexpr std::size_t most_holes_of_a_key = 64;

// b - a for a <= b, also where the difference does not fit into an int64.
std::uint64_t distance(std::int64_t a, std::int64_t b) { return static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a); }
}  // namespace

void OrderWatch::see(std::uint32_t channel, std::uint64_t key_hash, std::string_view key, std::int64_t number,
                     std::int64_t now_us, std::vector<Finding>& found) {
  if (table_.empty()) {
    table_.resize(slots);
    arrivals_.resize(arrivals);
  }
  const auto tag = key_hash ^ (channel * 0x9E3779B97F4A7C15ull);  // all 64 bits: neighbours stay apart
  auto& slot = slot_of(tag);
  const auto mix = (tag ^ static_cast<std::uint64_t>(number)) * 0xD1B54A32D192ED03ull >> 20;
  auto& arrival = arrival_of(mix);
  if (!slot.used || slot.tag != tag) {
    if (slot.used && slot.open > 0) return;
    if (slot.used && slot.holes) holes_.erase(slot.tag);
    slot = {tag, number, number, now_us, 0, true, false};
    arrival = {mix, now_us};
    return;
  }
  if (number > slot.highest) {
    if (distance(slot.highest, number) > 1) open_gap(slot, channel, key, number, now_us, found);
    slot.highest = number;
    slot.highest_us = now_us;
    arrival = {mix, now_us};
    return;
  }
  Finding finding;
  finding.channel = channel;
  finding.number = number;
  finding.highest = slot.highest;
  if (fill(slot, number, now_us, finding, found)) {
    arrival = {mix, now_us};
    return;
  }
  finding.kind = Finding::Kind::duplicate;
  finding.first_us = number == slot.highest ? slot.highest_us : arrival.mix == mix ? arrival.at_us : 0;
  found.push_back(std::move(finding));
}

void OrderWatch::open_gap(Slot& slot, std::uint32_t channel, std::string_view key, std::int64_t number,
                          std::int64_t now_us, std::vector<Finding>& found) {
  if (gaps_.size() >= most_gaps) finish(gaps_.begin(), true, found);
  auto& holes = holes_[slot.tag];
  if (holes.size() >= most_holes_of_a_key) {
    // The oldest that is no longer waited for goes; if all are, this key's oldest gap ends before its time.
    auto victim = std::find_if(holes.begin(), holes.end(), [&](const Hole& hole) { return !gaps_.contains(hole.gap); });
    if (victim == holes.end()) {
      finish(gaps_.find(holes.front().gap), true, found);
      victim = holes.begin();
    }
    holes.erase(victim);
  }
  const auto gap = next_gap_++;
  const auto missing = distance(slot.highest, number) - 1;
  holes.push_back({slot.highest + 1, number - 1, now_us, gap});
  slot.holes = true;
  ++slot.open;
  gaps_.emplace(gap, Gap{slot.tag, channel, std::string(key.substr(0, most_key)), missing, now_us + grace_us_});
  Finding finding;
  finding.kind = Finding::Kind::gap;
  finding.channel = channel;
  finding.number = number;
  finding.gap = gap;
  finding.first = slot.highest + 1;
  finding.last = number - 1;
  finding.left = missing;
  found.push_back(std::move(finding));
}

// Whether the number had not come before.
bool OrderWatch::fill(Slot& slot, std::int64_t number, std::int64_t now_us, Finding& late, std::vector<Finding>& found) {
  late.kind = Finding::Kind::late;
  if (number < slot.base) {
    if (distance(number, slot.base) > 1) {
      holes_[slot.tag].insert(holes_[slot.tag].begin(), {number + 1, slot.base - 1, slot.highest_us, 0});
      slot.holes = true;
    }
    slot.base = number;
    found.push_back(late);
    return true;
  }
  if (!slot.holes) return false;
  auto& holes = holes_[slot.tag];
  const auto hole = std::find_if(holes.begin(), holes.end(),
                                 [&](const Hole& h) { return h.first <= number && number <= h.last; });
  if (hole == holes.end()) return false;
  const auto filled = *hole;
  late.belonged_us = filled.successor_us;
  found.push_back(late);
  // What is left of it: the part below has this event for its successor.
  const bool below = filled.first < number, above = number < filled.last;
  if (below) {
    *hole = {filled.first, number - 1, now_us, filled.gap};
    if (above) holes.insert(hole + 1, {number + 1, filled.last, filled.successor_us, filled.gap});
  } else if (above) {
    *hole = {number + 1, filled.last, filled.successor_us, filled.gap};
  } else {
    holes.erase(hole);
  }
  if (holes.empty()) {
    holes_.erase(slot.tag);
    slot.holes = false;
  }
  const auto gap = gaps_.find(filled.gap);
  if (gap == gaps_.end()) return true;
  Finding finding;
  finding.kind = Finding::Kind::gap_filled;
  finding.channel = late.channel;
  finding.number = number;
  finding.gap = filled.gap;
  finding.left = --gap->second.left;
  found.push_back(std::move(finding));
  if (gap->second.left == 0) {
    --slot.open;
    gaps_.erase(gap);
  }
  return true;
}

void OrderWatch::expire(std::int64_t now_us, std::vector<Finding>& found) {
  while (!gaps_.empty() && gaps_.begin()->second.due_us <= now_us) finish(gaps_.begin(), false, found);
}

void OrderWatch::finish(std::map<std::uint64_t, Gap>::iterator gap, bool early, std::vector<Finding>& found) {
  Finding finding;
  finding.kind = Finding::Kind::gap_final;
  finding.channel = gap->second.channel;
  finding.key = std::move(gap->second.key);
  finding.gap = gap->first;
  finding.left = gap->second.left;
  finding.early = early;
  if (auto& slot = slot_of(gap->second.tag); slot.used && slot.tag == gap->second.tag && slot.open > 0) --slot.open;
  gaps_.erase(gap);
  found.push_back(std::move(finding));
}

}  // namespace mailroom::runtime
