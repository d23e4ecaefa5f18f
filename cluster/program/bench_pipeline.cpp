#include "cluster/program/bench_pipeline.hpp"

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <vector>

#include <mailroom/mailroom.hpp>

#include "cluster/program/bench_customers.hpp"

namespace mailroom::program {
namespace {

// 64 bytes, as the peers' benchmarks have it.
struct BenchPayment {
  std::uint64_t customer = 0;
  std::uint64_t number = 0;  // per customer, from 1
  std::int64_t cents = 0;
  std::uint64_t merchant = 0, card = 0, terminal = 0, batch = 0, flags = 0;
};
MAILROOM_EVENT(BenchPayment, customer, number, cents, merchant, card, terminal, batch, flags)

struct BenchTotal {
  std::uint64_t customer = 0;
  std::uint64_t number = 0;
  std::int64_t total = 0;
  std::uint64_t merchant = 0, card = 0, terminal = 0, batch = 0, flags = 0;
};
MAILROOM_EVENT(BenchTotal, customer, number, total, merchant, card, terminal, batch, flags)

struct BenchAccount {
  std::int64_t total = 0;
  std::uint64_t payments = 0;
};
MAILROOM_STATE(BenchAccount, total, payments)

class BenchValidate : public Actor<> {
 public:
  using Emits = Events<BenchPayment>;
  void on(const BenchPayment& payment, Context& context) {
    if (payment.cents <= 0) throw Rejected("a payment must be positive");
    context.emit(payment);
  }
};
MAILROOM_ACTOR(BenchValidate, BenchPayment)

class BenchTotals : public Actor<BenchAccount> {
 public:
  using Emits = Events<BenchTotal>;
  void on(const BenchPayment& payment, BenchAccount& account, Context& context) {
    account.total += payment.cents;
    ++account.payments;
    context.emit(BenchTotal{payment.customer, payment.number, account.total, payment.merchant, payment.card,
                            payment.terminal, payment.batch, payment.flags});
  }
};
MAILROOM_ACTOR(BenchTotals, BenchPayment)

struct BenchGeneratorOptions {
  std::uint64_t events = 1'000'000;
  std::uint32_t customers = 10'000;
};
MAILROOM_OPTIONS(BenchGeneratorOptions, events, customers)

class BenchGenerator : public Source {
 public:
  using Options = BenchGeneratorOptions;
  using Emits = Events<BenchPayment>;

  explicit BenchGenerator(const Options& options)
      : options_(options), customers_(options.customers), numbers_(options.customers, 0) {}

  ReadStatus read(SourceBatch& batch, std::size_t max_events) override {
    static const auto& type = event_type_of<BenchPayment>();
    const auto end = std::min<std::uint64_t>(options_.events, next_ + max_events);
    for (; next_ < end; ++next_) {
      const auto customer = customers_.of(next_);
      BenchPayment payment{customer, ++numbers_[customer], 1 + static_cast<std::int64_t>(next_ % 997), 7, 8, 9, 10, 11};
      EventMeta meta;
      meta.time = Timestamp{static_cast<std::int64_t>(next_ + 1)};
      batch.events.append_move(type, &payment, meta);
    }
    return next_ == options_.events ? ReadStatus::end : ReadStatus::more;
  }
  [[nodiscard]] nlohmann::json position() const override { return next_; }
  void seek(const nlohmann::json& position) override {
    const auto to = position.get<std::uint64_t>();
    std::fill(numbers_.begin(), numbers_.end(), 0);
    for (next_ = 0; next_ < to; ++next_) ++numbers_[customers_.of(next_)];
  }
  [[nodiscard]] SourceProgress progress() const override { return {next_, options_.events, "events"}; }

 private:
  const Options options_;
  const BenchCustomers customers_;
  std::vector<std::uint64_t> numbers_;
  std::uint64_t next_ = 0;
};
MAILROOM_SOURCE(BenchGenerator, "bench_generator")

std::atomic<std::uint64_t> seen_events{0}, seen_out_of_order{0};

class BenchCheckSink : public Sink {
 public:
  void write(const SinkEvent& out) override {
    const auto& total = *static_cast<const BenchTotal*>(out.event);
    if (total.customer >= last_.size()) last_.resize(total.customer + 1, 0);
    if (total.number != last_[total.customer] + 1) ++out_of_order_;
    last_[total.customer] = total.number;
    ++events_;
  }
  nlohmann::json flush() override {
    seen_events.store(events_, std::memory_order_relaxed);
    seen_out_of_order.store(out_of_order_, std::memory_order_relaxed);
    return nullptr;
  }
  void sync() override {}
  void recover(const nlohmann::json&) override {}

 private:
  std::vector<std::uint64_t> last_;
  std::uint64_t events_ = 0, out_of_order_ = 0;
};

const bool sink_registered = SinkTypes::add({"bench_check",
                                             false,
                                             {},
                                             [](const nlohmann::json&) {},
                                             [](const SinkSettings&) { return std::make_unique<BenchCheckSink>(); },
                                             false});

}  // namespace

std::string bench_topology(const BenchShape& shape) {
  const nlohmann::json mailbox = {{"capacity", shape.capacity}};
  return nlohmann::json{
      {"mailroom", 1},
      {"name", "bench"},
      {"durability", shape.durable ? "durable" : "memory"},
      {"stages",
       {{"payments",
         {{"source", "bench_generator"}, {"options", {{"events", shape.events}, {"customers", shape.customers}}}}},
        {"validate",
         {{"actor", "BenchValidate"},
          {"from", {"payments"}},
          {"key", "customer"},
          {"shards", shape.shards},
          {"mailbox", mailbox}}},
        {"totals",
         {{"actor", "BenchTotals"},
          {"from", {"validate"}},
          {"key", "customer"},
          {"shards", shape.shards},
          {"mailbox", mailbox}}},
        {"check", {{"sink", "bench_check"}, {"from", {"totals"}}, {"mailbox", {{"capacity", 4 * shape.capacity}}}}}}}}
      .dump(2);
}

BenchSeen take_bench_seen() { return {seen_events.exchange(0), seen_out_of_order.exchange(0)}; }

}  // namespace mailroom::program
