// The timers of one shard, by due time, then by the order in which they were set. A timer with a name can be
// replaced and cancelled, within its key. There may be one for every key, and most of them for a time far off, so each is
// kept small: its event as the bytes of its archive, behind its key and name. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <mailroom/key_hash.hpp>

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
    // At the end: there most timers of one time go.
    queue_.emplace_hint(queue_.end(), place, Packed(timer));
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
    const auto first = queue_.begin();
    auto timer = first->second.unpack(first->first);
    queue_.erase(first);
    if (!timer.name.empty()) named_.erase(full_name(timer.key, timer.name));
    return timer;
  }
  [[nodiscard]] std::size_t size() const noexcept { return queue_.size(); }

 private:
  using Place = std::pair<Timestamp, std::uint64_t>;  // due, ordinal

  class Packed {
   public:
    explicit Packed(const HeldEvent& timer)
        : key_size_(static_cast<std::uint32_t>(timer.key.size())), name_size_(static_cast<std::uint32_t>(timer.name.size())) {
      scratch_.assign(timer.key).append(timer.name);
      if (timer.event) {
        type_ = &timer.event->type(0);
        trace_ = timer.event->meta(0).trace;
        timer.event->columns().front().events->encode(scratch_);
      }
      size_ = static_cast<std::uint32_t>(scratch_.size());
      text_ = std::make_unique_for_overwrite<char[]>(size_);
      scratch_.copy(text_.get(), size_);
    }
    [[nodiscard]] HeldEvent unpack(const Place& place) const {
      const std::string_view text(text_.get(), size_);
      HeldEvent timer;
      timer.due = place.first;
      timer.ordinal = place.second;
      timer.key = text.substr(0, key_size_);
      timer.name = text.substr(key_size_, name_size_);
      if (type_ == nullptr) return timer;
      auto event = std::make_shared<EventBatch>();
      event->column(*type_).decode(text.substr(key_size_ + name_size_), 1, type_->version());
      EventMeta meta;
      meta.time = timer.due;
      meta.trace = trace_;
      meta.key_hash = hash_key(timer.key);
      event->adopt_last(*type_, meta);
      timer.event = std::move(event);
      return timer;
    }

   private:
    static inline thread_local std::string scratch_;
    const EventType* type_ = nullptr;
    TraceId trace_ = 0;
    std::unique_ptr<char[]> text_;  // key, name, event
    std::uint32_t size_ = 0, key_size_, name_size_;
  };

  // The length keeps ("a", "bc") and ("ab", "c") apart.
  [[nodiscard]] static std::string full_name(std::string_view key, std::string_view name) {
    auto full = std::to_string(key.size()) + ":";
    full.append(key).append(name);
    return full;
  }
  std::map<Place, Packed> queue_;
  std::unordered_map<std::string, Place> named_;
};

}  // namespace mailroom::runtime
