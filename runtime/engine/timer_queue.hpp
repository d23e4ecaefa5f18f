// The timers of one shard, by due time, then by the order in which they were set. A timer with a name can be
// replaced and cancelled, within its key. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "runtime/journal/journal.hpp"

namespace mailroom::runtime {

class TimerQueue {
 public:
  // Returns the ordinal of the timer of the same key and name that this one replaces.
  std::optional<std::uint64_t> set(HeldEvent timer) {
    std::optional<std::uint64_t> replaced;
    if (!timer.name.empty()) replaced = cancel(timer.key, timer.name);
    load(std::move(timer));
    return replaced;
  }
  // As set(), for timers known to be different (recovery).
  void load(HeldEvent timer) {
    const Place place{timer.due, timer.ordinal};
    if (!timer.name.empty()) named_[full_name(timer.key, timer.name)] = place;
    queue_.emplace(place, std::move(timer));
  }
  std::optional<std::uint64_t> cancel(std::string_view key, std::string_view name) {
    const auto found = named_.find(full_name(key, name));
    if (found == named_.end()) return std::nullopt;
    const auto ordinal = found->second.second;
    queue_.erase(found->second);
    named_.erase(found);
    return ordinal;
  }
  [[nodiscard]] std::optional<Timestamp> next_due() const {
    if (queue_.empty()) return std::nullopt;
    return queue_.begin()->first.first;
  }
  // The first timer due at or before `now`.
  std::optional<HeldEvent> pop_due(Timestamp now) {
    if (queue_.empty() || queue_.begin()->first.first > now) return std::nullopt;
    auto node = queue_.extract(queue_.begin());
    if (!node.mapped().name.empty()) named_.erase(full_name(node.mapped().key, node.mapped().name));
    return std::move(node.mapped());
  }
  [[nodiscard]] std::size_t size() const noexcept { return queue_.size(); }

 private:
  using Place = std::pair<Timestamp, std::uint64_t>;
  // The length keeps ("a", "bc") and ("ab", "c") apart.
  [[nodiscard]] static std::string full_name(std::string_view key, std::string_view name) {
    auto full = std::to_string(key.size()) + ":";
    full.append(key).append(name);
    return full;
  }
  std::map<Place, HeldEvent> queue_;
  std::unordered_map<std::string, Place> named_;
};

}  // namespace mailroom::runtime
