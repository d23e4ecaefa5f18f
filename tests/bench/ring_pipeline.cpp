#include <array>
#include <atomic>
#include <thread>
#include <unordered_map>

#include "tests/bench/workload.hpp"

namespace bench {
namespace {

// One writer, one reader; a full ring holds the writer up as a full mailbox would. A slot is a batch.
class Ring {
 public:
  using Batch = std::vector<Payment>;
  Batch& begin_write() {
    while (written_.load(std::memory_order_relaxed) - read_.load(std::memory_order_acquire) == slots)
      std::this_thread::yield();
    return batches_[written_.load(std::memory_order_relaxed) % slots];
  }
  void end_write() { written_.store(written_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }
  Batch& begin_read() {
    while (written_.load(std::memory_order_acquire) == read_.load(std::memory_order_relaxed)) std::this_thread::yield();
    return batches_[read_.load(std::memory_order_relaxed) % slots];
  }
  void end_read() { read_.store(read_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

 private:
  static constexpr std::size_t slots = mailbox_events / batch_events;
  std::array<Batch, slots> batches_;
  alignas(64) std::atomic<std::size_t> written_{0};
  alignas(64) std::atomic<std::size_t> read_{0};
};

}  // namespace

Measured run_ring(const Shape& shape) {
  const Stopwatch stopwatch;
  Ring ring;
  std::thread front([&] {
    Generator generator(shape.events, shape.customers);
    while (!generator.ended()) {
      auto& batch = ring.begin_write();
      batch.clear();
      while (batch.size() < batch_events && !generator.ended()) {
        const auto payment = generator.next();
        if (is_valid(payment)) batch.push_back(payment);
      }
      ring.end_write();
    }
    ring.begin_write().clear();  // the end
    ring.end_write();
  });
  std::unordered_map<std::uint64_t, Account> accounts;
  OrderChecker checker(shape.customers);
  while (true) {
    const auto& batch = ring.begin_read();
    if (batch.empty()) break;
    for (const auto& payment : batch) checker.see(add_up(payment, accounts[payment.customer]));
    ring.end_read();
  }
  front.join();
  checker.expect(shape.events);
  return stopwatch.read();
}

}  // namespace bench
