// Memory mode's dead letters: the latest ones with their payload, all of them counted. Any thread.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <vector>

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
  explicit DeadLetterBox(std::size_t keep = 10'000) : keep_(keep) {}
  void add(BoxedDeadLetter letter) {
    const std::lock_guard lock(mutex_);
    ++count_;
    letters_.push_back(std::move(letter));
    if (letters_.size() <= keep_) return;
    letters_.pop_front();
    ++forgotten_;
  }
  [[nodiscard]] std::vector<BoxedDeadLetter> latest() const {
    const std::lock_guard lock(mutex_);
    return {letters_.begin(), letters_.end()};
  }
  // Those of one shard that `choose` wants are taken out.
  template <class Choose>
  std::vector<HeldEvent> take(std::string_view stage, std::uint32_t shard, bool parked, Choose&& choose) {
    const std::lock_guard lock(mutex_);
    std::vector<HeldEvent> taken;
    std::erase_if(letters_, [&](BoxedDeadLetter& letter) {
      if (letter.stage != stage || letter.shard != shard || letter.parked != parked || !choose(letter.held)) return false;
      taken.push_back(std::move(letter.held));
      return true;
    });
    return taken;
  }
  [[nodiscard]] std::uint64_t count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  // Of all that were counted: pushed out by later ones.
  [[nodiscard]] std::uint64_t forgotten() const {
    const std::lock_guard lock(mutex_);
    return forgotten_;
  }

 private:
  const std::size_t keep_;
  mutable std::mutex mutex_;
  std::deque<BoxedDeadLetter> letters_;
  std::uint64_t count_ = 0, forgotten_ = 0;
};

}  // namespace mailroom::runtime
