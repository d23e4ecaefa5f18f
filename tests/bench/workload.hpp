// The benchmark's workload without Mailroom: what `mailroom bench` runs, as plain structs and functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <sys/resource.h>
#include <vector>

#include "cluster/program/bench_customers.hpp"

namespace bench {

// 64 bytes, field by field as BenchPayment and BenchTotal of `mailroom bench`.
struct Payment {
  std::uint64_t customer, number;
  std::int64_t cents;
  std::uint64_t merchant, card, terminal, batch, flags;
};
struct Total {
  std::uint64_t customer, number;
  std::int64_t total;
  std::uint64_t merchant, card, terminal, batch, flags;
};
struct Account {
  std::int64_t total = 0;
  std::uint64_t payments = 0;
};

constexpr std::size_t batch_events = 1024;    // as Outbox::max_batch
constexpr std::size_t mailbox_events = 8192;  // as `mailroom bench --capacity`

inline bool is_valid(const Payment& payment) { return payment.cents > 0; }

inline Total add_up(const Payment& payment, Account& account) {
  account.total += payment.cents;
  ++account.payments;
  return {payment.customer, payment.number, account.total, payment.merchant, payment.card, payment.terminal,
          payment.batch, payment.flags};
}

// Keys spread over shards, as an engine must: neighbours don't stay together.
inline std::uint32_t shard_of(std::uint64_t customer, std::uint32_t shards) {
  customer = (customer ^ (customer >> 33)) * 0xFF51AFD7ED558CCDull;  // murmur3's finalizer (Appleby, 2011)
  return static_cast<std::uint32_t>((customer >> 32) * shards >> 32);
}

class Generator {
 public:
  Generator(std::uint64_t events, std::uint32_t customers)
      : events_(events), customers_(customers), numbers_(customers, 0) {}
  [[nodiscard]] bool ended() const noexcept { return next_ == events_; }
  Payment next() {
    const auto customer = customers_.of(next_);
    Payment payment{customer, ++numbers_[customer], 1 + static_cast<std::int64_t>(next_ % 997), 7, 8, 9, 10, 11};
    ++next_;
    return payment;
  }

 private:
  const std::uint64_t events_;
  std::uint64_t next_ = 0;
  const mailroom::program::BenchCustomers customers_;
  std::vector<std::uint64_t> numbers_;
};

class OrderChecker {
 public:
  explicit OrderChecker(std::uint32_t customers) : last_(customers, 0) {}
  void see(const Total& total) {
    if (total.number != last_[total.customer] + 1) ++out_of_order_;
    last_[total.customer] = total.number;
    ++events_;
  }
  // Throws if an event is missing or came out of order: a benchmark of a wrong result says nothing.
  void expect(std::uint64_t events) const {
    if (events_ != events || out_of_order_ != 0) throw std::runtime_error("events are missing or out of order");
  }

 private:
  std::vector<std::uint64_t> last_;
  std::uint64_t events_ = 0, out_of_order_ = 0;
};

struct Measured {
  double seconds = 0, cpu_seconds = 0;
};
class Stopwatch {
 public:
  [[nodiscard]] Measured read() const {
    return {std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count(), cpu() - cpu_};
  }

 private:
  static double cpu() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  double cpu_ = cpu();
};

struct Shape {
  std::uint64_t events = 4'000'000;
  std::uint32_t customers = 10'000, shards = 8;
};

// raw_caf_pipeline.cpp: the pipeline written by hand on CAF: actors, batches and credit, nothing else.
Measured run_raw_caf(const Shape& shape);
// ring_pipeline.cpp: two threads and a ring between them, the least that uses both cores.
Measured run_ring(const Shape& shape);

}  // namespace bench
