// A bounded queue from one writer to one reader, without locks. What does not fit is dropped and counted: the writer
// never waits.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace mailroom::runtime {

// Takes no memory until the first push(). Lamport's queue for one producer and one consumer (1983).
template <class T>
class SingleWriterRing {
 public:
  static constexpr std::uint64_t capacity = 1024;

  // The writer's thread.
  void push(T item) {
    const auto head = head_.load(std::memory_order_relaxed);
    if (head - tail_.load(std::memory_order_acquire) == capacity) {
      dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      return;
    }
    if (!items_) items_ = std::make_unique<T[]>(capacity);
    items_[head % capacity] = std::move(item);
    head_.store(head + 1, std::memory_order_release);
  }
  // The reader's thread. Takes all that is there.
  template <class Take>
  void drain(Take&& take) {
    const auto head = head_.load(std::memory_order_acquire);
    auto tail = tail_.load(std::memory_order_relaxed);
    for (; tail != head; ++tail) take(std::exchange(items_[tail % capacity], T{}));
    tail_.store(tail, std::memory_order_release);
  }
  // So far. Any thread.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  std::unique_ptr<T[]> items_;  // the reader sees it behind head_
  alignas(64) std::atomic<std::uint64_t> head_{0};
  alignas(64) std::atomic<std::uint64_t> tail_{0};
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace mailroom::runtime
