// The blocked keys of a shard: for each, the event that failed and those that came after it, in order, and the
// time of the next try. One thread; times on the steady clock, in microseconds.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
#include <list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "runtime/journal/journal.hpp"

namespace mailroom::runtime {

class WaitingKeys {
 public:
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }  // events
  [[nodiscard]] std::size_t keys() const noexcept { return keys_.size(); }
  [[nodiscard]] bool contains(std::string_view key) const { return keys_.find(key) != keys_.end(); }

  // The key must not be blocked yet.
  void block(HeldEvent head, std::int64_t retry_at) {
    const auto key = head.key;
    auto& waiting = keys_[key];
    waiting.events.push_back(std::move(head));
    waiting.retry_at = retry_at;
    by_time_.emplace(retry_at, key);
    ++size_;
  }
  void append(HeldEvent next) {
    keys_.find(std::string_view(next.key))->second.events.push_back(std::move(next));
    ++size_;
  }
  [[nodiscard]] std::optional<std::int64_t> next_retry() const {
    if (by_time_.empty()) return std::nullopt;
    return by_time_.begin()->first;
  }
  // The key whose retry is due the longest.
  [[nodiscard]] std::optional<std::string> due_key(std::int64_t now) const {
    if (by_time_.empty() || by_time_.begin()->first > now) return std::nullopt;
    return by_time_.begin()->second;
  }
  [[nodiscard]] HeldEvent& front(const std::string& key) { return keys_.find(key)->second.events.front(); }
  // The key is free again when its last event is taken.
  HeldEvent pop_front(const std::string& key) {
    const auto found = keys_.find(key);
    auto held = std::move(found->second.events.front());
    found->second.events.pop_front();
    --size_;
    if (found->second.events.empty()) {
      by_time_.erase({found->second.retry_at, key});
      keys_.erase(found);
    }
    return held;
  }
  // Takes a timer out that has become due and waits behind the key's head (the head itself may be at work). Returns its
  // ordinal.
  std::optional<std::uint64_t> cancel_timer(std::string_view key, std::string_view name) {
    const auto found = keys_.find(key);
    if (found == keys_.end() || name.empty()) return std::nullopt;
    auto& events = found->second.events;
    for (auto event = std::next(events.begin()); event != events.end(); ++event) {
      if (event->channel != 0 || event->name != name) continue;
      const auto ordinal = event->ordinal;
      events.erase(event);
      --size_;
      return ordinal;
    }
    return std::nullopt;
  }
  // Puts an event in front of the first one behind the key's head (which may be at work) that `is_later`, and calls
  // `renumber` for it and for each behind it, in order. False: none is later, and nothing has been done.
  template <class IsLater, class Renumber>
  bool insert_before(HeldEvent& event, const IsLater& is_later, const Renumber& renumber) {
    const auto found = keys_.find(std::string_view(event.key));
    if (found == keys_.end()) return false;
    auto& events = found->second.events;
    auto at = std::find_if(std::next(events.begin()), events.end(), is_later);
    if (at == events.end()) return false;
    at = events.insert(at, std::move(event));
    ++size_;
    for (; at != events.end(); ++at) renumber(*at);
    return true;
  }
  void reschedule(const std::string& key, std::int64_t retry_at) {
    auto& waiting = keys_.find(key)->second;
    by_time_.erase({waiting.retry_at, key});
    waiting.retry_at = retry_at;
    by_time_.emplace(retry_at, key);
  }
  // After a restart by the supervisor: heads that had used up their retries get them back.
  void restart_attempts(unsigned retries) {
    for (auto& [key, waiting] : keys_)
      if (waiting.events.front().attempts > retries) waiting.events.front().attempts = 0;
  }

 private:
  struct Waiting {
    std::list<HeldEvent> events;  // the head stays where it is while others go
    std::int64_t retry_at = 0;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, Waiting, Hash, std::equal_to<>> keys_;
  std::set<std::pair<std::int64_t, std::string>> by_time_;
  std::size_t size_ = 0;
};

}  // namespace mailroom::runtime
