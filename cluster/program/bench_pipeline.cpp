#include "cluster/program/bench_pipeline.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>
#include <vector>

#include <mailroom/mailroom.hpp>

#include "cluster/program/bench_customers.hpp"

namespace mailroom::program {
namespace {

std::int64_t steady_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// 64 bytes, as the peers' benchmarks have it.
struct BenchPayment {
  std::uint64_t customer = 0;
  std::uint64_t number = 0;  // per customer, from 1
  std::int64_t cents = 0;
  std::int64_t due_ns = 0;  // with a rate: when it was to be given, steady clock
  std::uint64_t merchant = 0, card = 0, terminal = 0, flags = 0;
};
MAILROOM_EVENT(BenchPayment, customer, number, cents, due_ns, merchant, card, terminal, flags)

struct BenchTotal {
  std::uint64_t customer = 0;
  std::uint64_t number = 0;
  std::int64_t total = 0;
  std::int64_t due_ns = 0;
  std::uint64_t merchant = 0, card = 0, terminal = 0, flags = 0;
};
MAILROOM_EVENT(BenchTotal, customer, number, total, due_ns, merchant, card, terminal, flags)

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
    context.emit(BenchTotal{payment.customer, payment.number, account.total, payment.due_ns, payment.merchant,
                            payment.card, payment.terminal, payment.flags});
  }
};
MAILROOM_ACTOR(BenchTotals, BenchPayment)

// The same with a text: for other sizes.
struct BenchLetter {
  std::uint64_t customer = 0;
  std::uint64_t number = 0;
  std::string text;
};
MAILROOM_EVENT(BenchLetter, customer, number, text)

class BenchForward : public Actor<> {
 public:
  using Emits = Events<BenchLetter>;
  void on(const BenchLetter& letter, Context& context) { context.emit(letter); }
};
MAILROOM_ACTOR(BenchForward, BenchLetter)

class BenchCount : public Actor<BenchAccount> {
 public:
  using Emits = Events<BenchLetter>;
  void on(const BenchLetter& letter, BenchAccount& account, Context& context) {
    ++account.payments;
    context.emit(letter);
  }
};
MAILROOM_ACTOR(BenchCount, BenchLetter)

std::atomic<std::uint64_t> generated{0};  // in this process, for the sink that waits for a backlog

struct BenchGeneratorOptions {
  std::uint64_t events = 1'000'000;
  std::uint32_t customers = 10'000;
  std::uint32_t event_bytes = 64;
  double rate = 0;
};
MAILROOM_OPTIONS(BenchGeneratorOptions, events, customers, event_bytes, rate)

class BenchGenerator : public Source {
 public:
  using Options = BenchGeneratorOptions;
  using Emits = Events<BenchPayment, BenchLetter>;

  explicit BenchGenerator(const Options& options)
      : options_(options), customers_(options.customers), numbers_(options.customers, 0) {
    if (options_.event_bytes > 16) text_.assign(options_.event_bytes - 16, 'x');
  }

  ReadStatus read(SourceBatch& batch, std::size_t max_events) override {
    auto end = std::min<std::uint64_t>(options_.events, next_ + max_events);
    if (options_.rate > 0) {
      const auto now = steady_ns();
      if (begun_ns_ == 0) begun_ns_ = now;
      const auto due = static_cast<std::uint64_t>(static_cast<double>(now - begun_ns_) / 1e9 * options_.rate);
      end = std::min(end, std::max(next_, due));
    }
    options_.event_bytes == 64 ? give_payments(batch, end) : give_letters(batch, end);
    generated.store(next_, std::memory_order_relaxed);
    if (next_ == options_.events) return ReadStatus::end;
    return options_.rate > 0 && batch.events.size() < max_events ? ReadStatus::idle : ReadStatus::more;
  }
  [[nodiscard]] nlohmann::json position() const override { return next_; }
  void seek(const nlohmann::json& position) override {
    const auto to = position.get<std::uint64_t>();
    std::fill(numbers_.begin(), numbers_.end(), 0);
    for (next_ = 0; next_ < to; ++next_) ++numbers_[customers_.of(next_)];
  }
  [[nodiscard]] SourceProgress progress() const override { return {next_, options_.events, "events"}; }
  [[nodiscard]] std::chrono::microseconds idle_wait() const override { return std::chrono::microseconds(500); }

 private:
  static EventMeta meta_of(std::uint64_t n) {
    EventMeta meta;
    meta.time = Timestamp{static_cast<std::int64_t>(n + 1)};
    return meta;
  }
  void give_payments(SourceBatch& batch, std::uint64_t end) {
    static const auto& type = event_type_of<BenchPayment>();
    for (; next_ < end; ++next_) {
      const auto customer = customers_.of(next_);
      const auto due =
          options_.rate > 0 ? begun_ns_ + static_cast<std::int64_t>(static_cast<double>(next_) * 1e9 / options_.rate)
                            : 0;
      BenchPayment payment{customer, ++numbers_[customer], 1 + static_cast<std::int64_t>(next_ % 997), due, 7, 8, 9,
                           10};
      batch.events.append_move(type, &payment, meta_of(next_));
    }
  }
  void give_letters(SourceBatch& batch, std::uint64_t end) {
    static const auto& type = event_type_of<BenchLetter>();
    for (; next_ < end; ++next_) {
      const auto customer = customers_.of(next_);
      BenchLetter letter{customer, ++numbers_[customer], text_};
      batch.events.append_move(type, &letter, meta_of(next_));
    }
  }

  const Options options_;
  const BenchCustomers customers_;
  std::vector<std::uint64_t> numbers_;
  std::string text_;
  std::uint64_t next_ = 0;
  std::int64_t begun_ns_ = 0;
};
MAILROOM_SOURCE(BenchGenerator, "bench_generator")

// Latencies to the microsecond, up to 4 s.
class Latencies {
 public:
  void add(std::int64_t us) {
    if (counts_.empty()) counts_.resize(most);
    ++counts_[static_cast<std::size_t>(std::clamp<std::int64_t>(us, 0, most - 1))];
    ++total_;
  }
  [[nodiscard]] std::optional<BenchLatency> read() const {
    if (total_ == 0) return std::nullopt;
    return BenchLatency{at(0.5), at(0.99), at(0.999), at(1)};
  }

 private:
  static constexpr std::int64_t most = 4'000'000;
  [[nodiscard]] double at(double quantile) const {
    const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(quantile * static_cast<double>(total_)));
    std::uint64_t seen = 0;
    for (std::size_t us = 0; us < counts_.size(); ++us)
      if ((seen += counts_[us]) >= wanted) return static_cast<double>(us);
    return 0;
  }
  std::vector<std::uint32_t> counts_;
  std::uint64_t total_ = 0;
};

std::mutex seen_mutex;
BenchSeen last_seen;

class BenchCheckSink : public Sink {
 public:
  explicit BenchCheckSink(std::uint64_t backlog) : backlog_(backlog) {}
  void write(const SinkEvent& out) override {
    static const auto& letters = event_type_of<BenchLetter>();
    if (backlog_ > 0) wait_for_backlog();
    if (&out.type == &letters) {
      const auto& letter = *static_cast<const BenchLetter*>(out.event);
      see(letter.customer, letter.number);
      return;
    }
    const auto& total = *static_cast<const BenchTotal*>(out.event);
    see(total.customer, total.number);
    if (total.due_ns != 0) latencies_.add((steady_ns() - total.due_ns) / 1000);
  }
  nlohmann::json flush() override { return nullptr; }
  void sync() override {}
  void recover(const nlohmann::json&) override {}
  ~BenchCheckSink() override {
    const std::lock_guard lock(seen_mutex);
    last_seen = {events_, out_of_order_, latencies_.read()};
  }

 private:
  void see(std::uint64_t customer, std::uint64_t number) {
    if (customer >= last_.size()) last_.resize(customer + 1, 0);
    if (number != last_[customer] + 1) ++out_of_order_;
    last_[customer] = number;
    ++events_;
  }
  void wait_for_backlog() {
    while (generated.load(std::memory_order_relaxed) < backlog_)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    backlog_ = 0;
  }
  std::vector<std::uint64_t> last_;
  std::uint64_t events_ = 0, out_of_order_ = 0, backlog_;
  Latencies latencies_;
};

struct BenchSinkOptions {
  std::uint64_t backlog = 0;
};
MAILROOM_OPTIONS(BenchSinkOptions, backlog)

bool add_sink(const char* name, bool blocks) {
  return SinkTypes::add({name, false, schema_of<BenchSinkOptions>(),
                         [](const nlohmann::json& options) { (void)from_json<BenchSinkOptions>(options); },
                         [](const SinkSettings& settings) {
                           return std::make_unique<BenchCheckSink>(
                               from_json<BenchSinkOptions>(settings.options).backlog);
                         },
                         blocks});
}
const bool sinks_registered = add_sink("bench_check", false) && add_sink("bench_check_waiting", true);

}  // namespace

std::string bench_topology(const BenchShape& shape) {
  const bool letters = shape.event_bytes != 64;
  const nlohmann::json mailbox = {{"capacity", shape.capacity}};
  nlohmann::json sink_mailbox = {{"capacity", 4 * shape.capacity}};
  if (shape.backlog > 0) sink_mailbox["overflow"] = "spill";
  return nlohmann::json{
      {"mailroom", 1},
      {"name", "bench"},
      {"durability", shape.durable ? "durable" : "memory"},
      {"stages",
       {{"payments",
         {{"source", "bench_generator"},
          {"options",
           {{"events", shape.events},
            {"customers", shape.customers},
            {"event_bytes", shape.event_bytes},
            {"rate", shape.rate}}}}},
        {"validate",
         {{"actor", letters ? "BenchForward" : "BenchValidate"},
          {"from", {"payments"}},
          {"key", "customer"},
          {"shards", shape.shards},
          {"mailbox", mailbox}}},
        {"totals",
         {{"actor", letters ? "BenchCount" : "BenchTotals"},
          {"from", {"validate"}},
          {"key", "customer"},
          {"shards", shape.shards},
          {"mailbox", mailbox}}},
        {"check",
         {{"sink", shape.backlog > 0 ? "bench_check_waiting" : "bench_check"},
          {"from", {"totals"}},
          {"options", {{"backlog", shape.backlog}}},
          {"mailbox", sink_mailbox}}}}}}
      .dump(2);
}

BenchSeen take_bench_seen() {
  const std::lock_guard lock(seen_mutex);
  return std::exchange(last_seen, {});
}

}  // namespace mailroom::program
