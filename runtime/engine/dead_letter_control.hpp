// What an operator asks of the dead letters and parked events of a running node. Each shard changes its own, in one
// commit; this collects what they answer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/engine/dead_letter_box.hpp"
#include "runtime/engine/plan.hpp"
#include "runtime/journal/dead_letters.hpp"

namespace mailroom::runtime {

// For one shard. All that is given must fit.
struct HeldChange {
  bool discard = false;                 // else: try them again
  bool parked = false;                  // of the parking lots; tried again by whole keys
  std::vector<std::uint64_t> ordinals;  // empty: any
  std::optional<std::string> key, kind;
};

// The answers of several shards, added up. The last holder to let go gives the sum. Any thread.
class PendingDeadLetters {
 public:
  explicit PendingDeadLetters(std::function<void(DeadLetterOutcome)> give) : give_(std::move(give)) {}
  PendingDeadLetters(const PendingDeadLetters&) = delete;
  PendingDeadLetters& operator=(const PendingDeadLetters&) = delete;
  ~PendingDeadLetters() { give_(std::move(sum_)); }
  void add(DeadLetterOutcome outcome) {
    const std::lock_guard lock(mutex_);
    sum_.changed += outcome.changed;
    sum_.unchanged += outcome.unchanged;
    for (auto& refused : outcome.refused) sum_.refused.push_back(std::move(refused));
  }

 private:
  std::mutex mutex_;
  DeadLetterOutcome sum_;
  std::function<void(DeadLetterOutcome)> give_;
};

// Memory mode's letters as the journal's are shown, in order of stage, shard, ordinal.
std::vector<DeadLetter> list_boxed(const Plan& plan, std::vector<BoxedDeadLetter> letters, const DeadLetterFilter& filter);

}  // namespace mailroom::runtime
