// Memory mode's dead letters and parked events: the latest ones with their payload. Any thread.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/journal/foreign_text.hpp"
#include "runtime/journal/journal.hpp"

namespace mailroom::runtime {

struct BoxedDeadLetter {
  std::string stage;
  std::uint32_t shard = 0;
  HeldEvent held;
  bool parked = false;  // of a key's parking lot
};

class DeadLetterBox {
 public:
  // So many dead letters of all shards, and so many parked events of each.
  explicit DeadLetterBox(std::size_t keep = 10'000) : keep_(keep) {}
  [[nodiscard]] std::size_t keeps() const noexcept { return keep_; }

  // A dead letter. The oldest of a full box is forgotten.
  void add(BoxedDeadLetter letter) {
    if (letter.held.reason.size() > most_of_a_reason) letter.held.reason = cut_text(letter.held.reason, most_of_a_reason);
    const std::lock_guard lock(mutex_);
    dead_.push_back(std::move(letter));
    if (dead_.size() <= keep_) return;
    dead_.pop_front();
    ++forgotten_;
  }
  // A parked event. What a full lot gives back, its oldest, is its shard's to give up on.
  [[nodiscard]] std::optional<HeldEvent> park(BoxedDeadLetter letter) {
    const std::lock_guard lock(mutex_);
    auto& lot = parked_[{letter.stage, letter.shard}];
    lot.push_back(std::move(letter));
    if (lot.size() <= keep_) return std::nullopt;
    auto oldest = std::move(lot.front().held);
    lot.pop_front();
    return oldest;
  }
  // The dead letters, then the parked events.
  [[nodiscard]] std::vector<BoxedDeadLetter> latest() const {
    const std::lock_guard lock(mutex_);
    std::vector<BoxedDeadLetter> all(dead_.begin(), dead_.end());
    for (const auto& [shard, lot] : parked_) all.insert(all.end(), lot.begin(), lot.end());
    return all;
  }
  // Those of one shard that `choose` wants are taken out.
  template <class Choose>
  std::vector<HeldEvent> take(const std::string& stage, std::uint32_t shard, bool parked, Choose&& choose) {
    const std::lock_guard lock(mutex_);
    std::vector<HeldEvent> taken;
    std::erase_if(parked ? parked_[{stage, shard}] : dead_, [&](BoxedDeadLetter& letter) {
      if (letter.stage != stage || letter.shard != shard || !choose(letter.held)) return false;
      taken.push_back(std::move(letter.held));
      return true;
    });
    return taken;
  }
  // Dead letters that were pushed out by later ones.
  [[nodiscard]] std::uint64_t forgotten() const {
    const std::lock_guard lock(mutex_);
    return forgotten_;
  }

 private:
  const std::size_t keep_;
  mutable std::mutex mutex_;
  std::deque<BoxedDeadLetter> dead_;
  std::map<std::pair<std::string, std::uint32_t>, std::deque<BoxedDeadLetter>> parked_;  // by stage and shard
  std::uint64_t forgotten_ = 0;
};

}  // namespace mailroom::runtime
