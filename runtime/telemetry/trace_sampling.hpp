// Which events are traced for being one in so many.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <utility>

namespace mailroom::runtime {

// A source numbers its events from 1, and each first of N (a power of two) is traced through all stages: every stage
// knows by the number alone. N grows while so many events pass that more than `most_a_second` would be taken, so that
// tracing costs the same at any rate. What a greater N takes, a smaller one takes too: when it changes, events under way
// lose the rest of their trace at worst.
class TraceSampling {
 public:
  static constexpr std::uint64_t most_a_second = 500;

  struct Choice {
    std::uint64_t mask = 0, match = 1;  // of the number
    [[nodiscard]] bool takes(std::uint64_t trace) const noexcept { return (trace & mask) == match; }
    [[nodiscard]] bool takes_any() const noexcept { return mask != 0 || match == 0; }
  };

  // `one_in` is taken up to a power of two. 0: none; 1: all, at any rate.
  explicit TraceSampling(std::uint64_t one_in)
      : least_(one_in == 0 ? 0 : std::bit_ceil(one_in)), mask_(least_ == 0 ? 0 : least_ - 1) {}

  // Any thread. For a look at many events take it once.
  [[nodiscard]] Choice choice() const noexcept {
    return {mask_.load(std::memory_order_relaxed), least_ == 1 ? std::uint64_t{0} : std::uint64_t{1}};
  }
  // N as it was asked for.
  [[nodiscard]] std::uint64_t one_in() const noexcept { return least_; }

  // `read`: events that sources have read so far. One thread, about as often as telemetry is sampled.
  void adapt(std::uint64_t read, std::int64_t now_us) noexcept {
    if (least_ <= 1) return;
    const bool first = looked_us_ == 0;
    if (!first && now_us - looked_us_ < 50'000) return;
    const auto seconds = static_cast<double>(now_us - std::exchange(looked_us_, now_us)) / 1e6;
    const auto rate = static_cast<double>(read - std::exchange(read_, read)) / seconds;
    if (first) return;
    const auto wanted = std::bit_ceil(std::max(least_, static_cast<std::uint64_t>(rate / most_a_second)));
    const auto now = mask_.load(std::memory_order_relaxed) + 1;
    mask_.store(std::max(wanted, now / 2) - 1, std::memory_order_relaxed);  // up at once, down step by step
  }

 private:
  const std::uint64_t least_;
  std::atomic<std::uint64_t> mask_;
  std::uint64_t read_ = 0;
  std::int64_t looked_us_ = 0;
};

}  // namespace mailroom::runtime
