// The states of a shard's keys in memory: an open-addressing index (linear probing, power of two, at most 70 %
// full) over slots that never move. Looking a key up allocates nothing. With more keys than a core's cache holds, each look
// at a key waits for memory twice, at the index and at the slot; prefetch() has both on their way some events ahead.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include <mailroom/event_batch.hpp>
#include <mailroom/event_key.hpp>

namespace mailroom {

template <class State>
class KeyTable {
 public:
  struct Slot {
    std::string key;
    std::uint64_t hash = 0;
    bool used = false;
    bool integer = false;  // the key spells an int64
    bool dirty = false;   // changed since the last commit
    bool exists = false;  // the key has a state (else: looked up, or forgotten)
    bool recent = false;  // touched since the last eviction looked at it
    State state{};        // last: what a look-up reads is together
  };

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  [[nodiscard]] Slot* find(const EventKey& key) const {
    if (index_.empty()) return nullptr;
    const auto hash = key.hash();
    for (auto at = hash & mask();; at = (at + 1) & mask()) {
      const auto entry = index_[at];
      if (entry.slot == nullptr) return nullptr;
      if (entry.hash == hash && ((key.is_integer() && entry.slot->integer) || entry.slot->key == key.text()))
        return entry.slot;
    }
  }

  // For the events that follow batch[at]: they will be looked up.
  void prefetch(const EventBatch& batch, std::size_t at) const noexcept {
    if (size_ < fits_the_cache) return;
    const auto end = batch.size();
    if (at + index_ahead < end) __builtin_prefetch(&index_[batch.meta(at + index_ahead).key_hash & mask()]);
    if (at + slot_ahead < end) {
      const auto hash = batch.meta(at + slot_ahead).key_hash;
      const auto& entry = index_[hash & mask()];
      if (entry.hash != hash) return;
      const auto* slot = reinterpret_cast<const char*>(entry.slot);
      for (std::size_t line = 0; line < std::min<std::size_t>(sizeof(Slot), 256); line += 64) __builtin_prefetch(slot + line);
    }
  }

  // The key must not be in the table.
  Slot& insert(std::string_view key, std::uint64_t hash) {
    if ((size_ + 1) * 10 > index_.size() * 7) grow();
    if (free_.empty()) {
      slots_.emplace_back();
      free_.push_back(&slots_.back());
    }
    auto& slot = *free_.back();
    free_.pop_back();
    slot.key.assign(key);
    slot.hash = hash;
    std::int64_t value = 0;
    slot.integer = detail::spells_integer(key, value);
    slot.used = true;
    place(slot);
    ++size_;
    return slot;
  }

  // Removes up to `count` slots for which may_go(slot) holds, second chance first (the clock algorithm).
  template <class MayGo>
  void evict(std::size_t count, MayGo&& may_go) {
    bool removed = false;
    for (std::size_t looked = 0; count > 0 && looked < 2 * slots_.size(); ++looked) {
      hand_ = hand_ + 1 < slots_.size() ? hand_ + 1 : 0;
      auto& slot = slots_[hand_];
      if (!slot.used || !may_go(slot)) continue;
      if (slot.recent) {
        slot.recent = false;
        continue;
      }
      slot = Slot{};
      free_.push_back(&slot);
      --size_;
      --count;
      removed = true;
    }
    if (removed) rebuild(index_.size());
  }

 private:
  struct Entry {
    Slot* slot = nullptr;
    std::uint64_t hash = 0;
  };
  static constexpr std::size_t fits_the_cache = 1'024;        // keys
  static constexpr std::size_t index_ahead = 8, slot_ahead = 4;  // events
  [[nodiscard]] std::uint64_t mask() const noexcept { return index_.size() - 1; }
  void place(Slot& slot) {
    auto at = slot.hash & mask();
    while (index_[at].slot != nullptr) at = (at + 1) & mask();
    index_[at] = {&slot, slot.hash};
  }
  void grow() { rebuild(index_.empty() ? 64 : index_.size() * 2); }
  void rebuild(std::size_t size) {
    index_.assign(size, Entry{});
    for (auto& slot : slots_)
      if (slot.used) place(slot);
  }

  std::vector<Entry> index_;
  std::deque<Slot> slots_;
  std::vector<Slot*> free_;
  std::size_t size_ = 0;
  std::size_t hand_ = 0;
};

}  // namespace mailroom
