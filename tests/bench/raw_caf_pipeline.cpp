// The benchmark's pipeline as one would write it by hand on CAF 0.17: event-based actors, a batch a message,
// credit against overrun. No journal, supervision, retries, books, telemetry or rollback: what those cost is the
// difference to `mailroom bench`.
#include <caf/all.hpp>
#include <deque>
#include <future>
#include <unordered_map>

#include "tests/bench/workload.hpp"

namespace bench {

struct PaymentBatch {
  std::vector<Payment> events;
};
struct TotalBatch {
  std::vector<Total> events;
};
struct Credit {
  std::uint32_t receiver;
};
struct Ended {};
struct Go {};

}  // namespace bench

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bench::PaymentBatch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bench::TotalBatch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bench::Credit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bench::Ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bench::Go)

namespace bench {
namespace {

// The sending half of an actor: a partial batch for each receiver, sent when it is full or on flush(); what has no
// credit waits.
template <class Batch>
class Sender {
 public:
  // `credit`: batches that may be under way to each receiver.
  Sender(caf::event_based_actor* self, std::vector<caf::actor> receivers, std::size_t credit)
      : self_(self), lanes_(receivers.size()) {
    for (std::size_t i = 0; i < receivers.size(); ++i) {
      lanes_[i].to = receivers[i];
      lanes_[i].credit = credit;
    }
  }
  template <class Event>
  void add(std::uint32_t lane_index, const Event& event) {
    auto& lane = lanes_[lane_index];
    if (lane.open.events.capacity() == 0) lane.open.events.reserve(batch_events);
    lane.open.events.push_back(event);
    if (lane.open.events.size() == batch_events) close(lane);
  }
  void flush() {
    for (auto& lane : lanes_)
      if (!lane.open.events.empty()) close(lane);
  }
  void give_credit(std::uint32_t lane_index) {
    auto& lane = lanes_[lane_index];
    ++lane.credit;
    send_waiting(lane);
  }
  [[nodiscard]] bool held_up() const noexcept { return waiting_ > 0; }
  void end() {
    for (auto& lane : lanes_) self_->send(lane.to, Ended{});
  }

 private:
  struct Lane {
    caf::actor to;
    std::size_t credit = 0;
    Batch open;
    std::deque<Batch> waiting;
  };
  void close(Lane& lane) {
    lane.waiting.push_back(std::move(lane.open));
    lane.open = Batch{};
    ++waiting_;
    send_waiting(lane);
  }
  void send_waiting(Lane& lane) {
    while (lane.credit > 0 && !lane.waiting.empty()) {
      --lane.credit;
      --waiting_;
      self_->send(lane.to, std::move(lane.waiting.front()));
      lane.waiting.pop_front();
    }
  }
  caf::event_based_actor* self_;
  std::vector<Lane> lanes_;
  std::size_t waiting_ = 0;
};

class SinkActor : public caf::event_based_actor {
 public:
  SinkActor(caf::actor_config& config, const Shape& shape, std::promise<void>& finished)
      : caf::event_based_actor(config), shape_(shape), checker_(shape.customers), finished_(finished) {}
  caf::behavior make_behavior() override {
    return {[this](const TotalBatch& batch) {
              for (const auto& total : batch.events) checker_.see(total);
              send(caf::actor_cast<caf::actor>(current_sender()), Credit{0});
            },
            [this](Ended) {
              if (++ended_ < shape_.shards) return;
              try {
                checker_.expect(shape_.events);
                finished_.set_value();
              } catch (...) {
                finished_.set_exception(std::current_exception());
              }
              quit();
            }};
  }

 private:
  const Shape shape_;
  OrderChecker checker_;
  std::promise<void>& finished_;
  std::uint32_t ended_ = 0;
};

// Handles batches while its receivers have credit; the others wait in order.
template <class In, class Out>
class StageActor : public caf::event_based_actor {
 public:
  StageActor(caf::actor_config& config, std::uint32_t number, std::uint32_t producers, std::vector<caf::actor> to,
             std::size_t credit)
      : caf::event_based_actor(config), out_(this, std::move(to), credit), number_(number), producers_(producers) {}

  caf::behavior make_behavior() override {
    return {[this](In& batch) {
              inbox_.emplace_back(std::move(batch), caf::actor_cast<caf::actor>(current_sender()));
              work();
            },
            [this](const Credit& credit) {
              out_.give_credit(credit.receiver);
              work();
            },
            [this](Go) {
              flush_asked_ = false;
              out_.flush();
              work();
            },
            [this](Ended) {
              ++ended_;
              work();
            }};
  }

 protected:
  virtual void handle(const In& batch, Sender<Out>& out) = 0;

 private:
  void work() {
    bool handled = false;
    while (!inbox_.empty() && !out_.held_up()) {
      auto& [batch, from] = inbox_.front();
      handle(batch, out_);
      send(from, Credit{number_});
      inbox_.pop_front();
      handled = true;
    }
    if (ended_ == producers_ && inbox_.empty()) {
      out_.flush();
      if (out_.held_up()) return;
      out_.end();
      quit();
    } else if (handled && !flush_asked_) {
      flush_asked_ = true;
      send(this, Go{});  // partial batches go out when nothing more is in the mailbox
    }
  }
  Sender<Out> out_;
  std::deque<std::pair<In, caf::actor>> inbox_;
  const std::uint32_t number_, producers_;
  std::uint32_t ended_ = 0;
  bool flush_asked_ = false;
};

class ValidateActor final : public StageActor<PaymentBatch, PaymentBatch> {
 public:
  ValidateActor(caf::actor_config& config, std::uint32_t number, std::vector<caf::actor> to, std::size_t credit)
      : StageActor(config, number, 1, to, credit), shards_(static_cast<std::uint32_t>(to.size())) {}

 protected:
  void handle(const PaymentBatch& batch, Sender<PaymentBatch>& out) override {
    for (const auto& payment : batch.events)
      if (is_valid(payment)) out.add(shard_of(payment.customer, shards_), payment);
  }

 private:
  const std::uint32_t shards_;
};

class TotalsActor final : public StageActor<PaymentBatch, TotalBatch> {
 public:
  TotalsActor(caf::actor_config& config, std::uint32_t number, std::uint32_t producers, const caf::actor& to,
              std::size_t credit)
      : StageActor(config, number, producers, {to}, credit) {}

 protected:
  void handle(const PaymentBatch& batch, Sender<TotalBatch>& out) override {
    for (const auto& payment : batch.events) out.add(0, add_up(payment, accounts_[payment.customer]));
  }

 private:
  std::unordered_map<std::uint64_t, Account> accounts_;
};

class SourceActor : public caf::event_based_actor {
 public:
  SourceActor(caf::actor_config& config, const Shape& shape, std::vector<caf::actor> to, std::size_t credit)
      : caf::event_based_actor(config),
        out_(this, std::move(to), credit),
        generator_(shape.events, shape.customers),
        shards_(shape.shards) {}
  caf::behavior make_behavior() override {
    send(this, Go{});
    return {[this](Go) {
              asked_ = false;
              produce();
            },
            [this](const Credit& credit) {
              out_.give_credit(credit.receiver);
              if (!asked_) produce();
            }};
  }

 private:
  void produce() {
    if (out_.held_up()) return;
    for (std::size_t i = 0; i < 8192 && !generator_.ended(); ++i) {  // as a source of the engine reads
      const auto payment = generator_.next();
      out_.add(shard_of(payment.customer, shards_), payment);
    }
    if (generator_.ended()) {
      out_.flush();
      if (out_.held_up()) return;
      out_.end();
      quit();
      return;
    }
    asked_ = true;
    send(this, Go{});
  }
  Sender<PaymentBatch> out_;
  Generator generator_;
  const std::uint32_t shards_;
  bool asked_ = false;
};

}  // namespace

Measured run_raw_caf(const Shape& shape) {
  const Stopwatch stopwatch;
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("stealing"));
  config.set("scheduler.max-throughput", 100u);  // as the engine's
  caf::actor_system system(config);
  std::promise<void> finished;
  constexpr auto credit = mailbox_events / batch_events;
  // A mailbox is shared by its producers.
  const auto share = std::max<std::size_t>(2, credit / shape.shards);
  const caf::actor sink = system.spawn<SinkActor>(shape, finished);
  std::vector<caf::actor> totals, validates;
  for (std::uint32_t i = 0; i < shape.shards; ++i)
    totals.push_back(system.spawn<TotalsActor>(i, shape.shards, sink, 4 * share));
  for (std::uint32_t i = 0; i < shape.shards; ++i)
    validates.push_back(system.spawn<ValidateActor>(i, totals, share));
  system.spawn<SourceActor>(shape, validates, credit);
  finished.get_future().get();
  return stopwatch.read();
}

}  // namespace bench
