// The laws of the windows of credit, for any interleaving of emissions, commits and credit, under each overflow policy.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <map>
#include <rapidcheck/gtest.h>

#include "runtime/engine/outbox.hpp"
#include "tests/runtime/engine/engine_fixture.hpp"

namespace mailroom::runtime::test {
namespace {

// Notes what goes out; the outbox calls nothing else.
class NotingPort final : public ShardPort {
 public:
  std::vector<Delivery> delivered;
  void deliver(ShardIndex, Delivery delivery) override { delivered.push_back(std::move(delivery)); }
  void give_credit(ShardIndex, ChannelId, std::uint32_t) override {}
  void flush_later() override {}
  void wake_after(std::int64_t) override {}
  void order_due_after(std::int64_t) override {}
  void wake_after_others() override {}
  void request_sync() override {}
  void order_work(std::uint32_t, WorkOrder) override {}
  void restart_workers() override {}
  void escalate(const std::string&) override {}
  void stop_node(const std::string&) override {}
  void source_ended() override {}
  [[nodiscard]] std::int64_t now_us() const override { return 0; }
  [[nodiscard]] Timestamp wall() const override { return {}; }
};

class SpillInMemory final : public Spill {
 public:
  void append(const Parcel& parcel) override { parcels_.push_back(parcel); }
  std::optional<Parcel> read() override {
    if (parcels_.empty()) return std::nullopt;
    auto first = std::move(parcels_.front());
    parcels_.pop_front();
    return first;
  }

 private:
  std::deque<Parcel> parcels_;
};

class OutboxLaw : public EngineTest {  // for its topologies
 public:
  void TestBody() override {}
  using EngineTest::load;
  using EngineTest::pipeline;
};

ShardIndex source_of(const Plan& plan) { return plan.first_shard[*plan.topology.stage_index("in")]; }

RC_GTEST_PROP(OutboxLaws, CreditBoundsWhatIsUnderWayAndNothingGoesMissing, ()) {
  const auto policy = *rc::gen::element<std::string>("backpressure", "spill", "drop_oldest", "drop_newest", "reject");
  const auto capacity = *rc::gen::inRange(1, 20);
  const auto plan = make_plan(OutboxLaw::load(OutboxLaw::pipeline(
                                  fmt::format(R"({{"shards": 2, "mailbox": {{"capacity": {}, "overflow": "{}"}}}})", capacity, policy))),
                              nullptr);
  NotingPort port;
  std::vector<ChannelCounters> counters(plan->channels.size());
  Outbox outbox(*plan, source_of(*plan), nullptr, port, counters, [] { return std::make_unique<SpillInMemory>(); });
  ShardRecord record;
  struct Way {
    std::int64_t under_way = 0, sent = 0, delivered = 0, shed = 0;
    std::uint64_t next = 1;
    std::int64_t last_number = -1;
  };
  std::map<ChannelId, Way> ways;
  std::map<ChannelId, std::int64_t> rejected;
  std::int64_t number = 0, committed = 0;

  const auto look = [&] {
    for (auto& delivery : port.delivered) {
      auto& way = ways[delivery.parcel.channel];
      const auto size = static_cast<std::int64_t>(delivery.parcel.batch->size());
      way.under_way += size;
      way.delivered += size;
      RC_ASSERT(way.under_way <= static_cast<std::int64_t>(plan->channel(delivery.parcel.channel).credit));
      RC_ASSERT(delivery.parcel.first_sequence - delivery.parcel.skipped <= way.next);
      RC_ASSERT(delivery.parcel.first_sequence >= way.next);
      way.next = delivery.parcel.first_sequence + delivery.parcel.batch->size();
      for (std::size_t i = 0; i < delivery.parcel.batch->size(); ++i) {
        const auto& note = *static_cast<const Note*>(delivery.parcel.batch->event(i));
        RC_ASSERT(note.number > way.last_number);
        way.last_number = note.number;
      }
    }
    port.delivered.clear();
  };
  const auto commit = [&] {
    committed += static_cast<std::int64_t>(outbox.staged());
    outbox.collect(nullptr, record, {}, [&](ChannelId channel, const EventBatch&, std::size_t) { ++rejected[channel]; });
    outbox.release();
    look();
  };

  for (auto steps = *rc::gen::inRange(0, 60); steps > 0; --steps) {
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        for (auto events = *rc::gen::inRange(1, 12); events > 0; --events) {
          Note note{fmt::format("key {}", *rc::gen::inRange(0, 5)), number++};
          RC_ASSERT(outbox.emit(event_type_of<Note>(), &note, {}, 0) == 1u);
        }
        break;
      case 1: {  // a handler that throws: what it emitted never was
        outbox.mark();
        const auto before = outbox.staged();
        for (auto events = *rc::gen::inRange(1, 4); events > 0; --events) {
          Note note{"key 1", number};
          outbox.emit(event_type_of<Note>(), &note, {}, 0);
        }
        outbox.rollback();
        RC_ASSERT(outbox.staged() == before);
        break;
      }
      case 2: commit(); break;
      default:
        for (auto& [channel, way] : ways)
          if (const auto back = *rc::gen::inRange<std::int64_t>(0, way.under_way + 1); back > 0) {
            way.under_way -= back;
            outbox.on_credit(channel, static_cast<std::uint32_t>(back));
          }
        look();
    }
  }
  // All is consumed: everything that was not shed goes out.
  commit();
  for (bool moved = true; moved;) {
    moved = false;
    for (auto& [channel, way] : ways)
      if (way.under_way > 0) {
        moved = true;
        outbox.on_credit(channel, static_cast<std::uint32_t>(std::exchange(way.under_way, 0)));
      }
    look();
  }
  RC_ASSERT(outbox.pending() == 0u);
  RC_ASSERT(!outbox.blocked());
  std::int64_t out = 0, shed = 0, letters = 0;
  for (const auto& channel : counters) {
    shed += static_cast<std::int64_t>(channel.dropped_oldest.get() + channel.dropped_newest.get() + channel.rejected.get());
    RC_ASSERT(channel.sent.get() == channel.delivered.get() + channel.dropped_oldest.get() + channel.dropped_newest.get() + channel.rejected.get());
    RC_ASSERT(channel.pending.get() == 0u);
  }
  for (const auto& [channel, way] : ways) out += way.delivered;
  for (const auto& [channel, count] : rejected) letters += count;
  RC_ASSERT(out + shed == committed);
  RC_ASSERT(shed == 0 || policy.starts_with("drop") || policy == "reject");
  RC_ASSERT(policy != "reject" || letters == shed);
}

// A producer's outbox over a journal, and receivers that take what it delivers, or refuse it, as a shard does. Each can be
// killed between two commits, and started with another policy and capacity.
class DurableOutbox {
 public:
  void start(const std::string& policy, int capacity) {
    policy_ = policy;
    outbox_.reset();
    port_.delivered.clear();  // what was under way to the receivers is gone with the process
    disk_->kill();
    journal_ = Journal::open(std::make_unique<MemoryStore>(disk_));
    plan_ = make_plan(OutboxLaw::load(OutboxLaw::pipeline(
                          fmt::format(R"({{"shards": 2, "mailbox": {{"capacity": {}, "overflow": "{}"}}}})", capacity, policy))),
                      journal_.get());
    counters_ = std::vector<ChannelCounters>(plan_->channels.size());
    record_ = journal_->read_shard(producer().id).value_or(ShardRecord{});
    committed_ = 0;
    for (const auto& sent : record_.sent) committed_ += sent.sent;
    for (auto& [channel, receiver] : receivers_) receiver.arrived.clear(), receiver.last = receiver.done.sequence;
    outbox_ = std::make_unique<Outbox>(*plan_, source_of(*plan_), journal_.get(), port_, counters_, [] { return nullptr; });
    outbox_->recover(record_, [&](ChannelId channel) { return receivers_[channel].done; });
    for (const auto id : producer().outputs) outbox_->on_credit(id, 0);
    take_deliveries();
  }
  void emit(const std::string& key) {
    Note note{key, ++number_};
    RC_ASSERT(outbox_->emit(event_type_of<Note>(), &note, {}, 0) == 1u);
  }
  void commit() {
    committed_ += static_cast<std::int64_t>(outbox_->staged());
    std::map<ChannelId, std::uint64_t> sent_before;
    for (const auto id : producer().outputs) sent_before[id] = counters(id).sent.get();
    auto write = journal_->new_write();
    outbox_->collect(&write, record_, {}, [&](ChannelId, const EventBatch&, std::size_t) { ++rejected_; });
    write.put_shard(producer().id, record_);
    journal_->commit(write);
    // Whatever waited before: where shedding makes room no more is kept than fits.
    for (const auto id : producer().outputs)
      if (policy_ == "drop_oldest" && counters(id).sent.get() > sent_before[id]) {
        RC_ASSERT(counters(id).pending.get() <= plan_->channel(id).credit);
        std::uint64_t kept = 0;
        const auto& receiver = receivers_[id];
        journal_->scan_parcels(id, receiver.last + 1, [&](const Parcel& parcel) {
          kept += parcel.batch->size();
          return true;
        });
        RC_ASSERT(kept <= plan_->channel(id).credit);
      }
    outbox_->release();
    take_deliveries();
  }
  // A receiver does so many of the events that have arrived, commits, and gives the credit of whole parcels back.
  void consume(std::uint64_t events) {
    for (auto& [id, receiver] : receivers_) {
      std::uint32_t credit = 0;
      auto write = journal_->new_write();
      for (auto left = events; left > 0 && !receiver.arrived.empty();) {
        const auto& parcel = receiver.arrived.front();
        const auto last = parcel.first_sequence + parcel.batch->size() - 1;
        auto next = std::max(receiver.done.sequence + 1, parcel.first_sequence);
        for (; next <= last && left > 0; ++next, --left) {
          const auto& note = *static_cast<const Note*>(parcel.batch->event(next - parcel.first_sequence));
          RC_ASSERT(note.number > receiver.last_number);
          receiver.last_number = note.number;
          ++receiver.done.processed;
          receiver.done.sequence = next;
        }
        if (next <= last) break;
        write.erase_parcel(id, parcel.first_sequence);
        credit += static_cast<std::uint32_t>(parcel.batch->size());
        receiver.arrived.pop_front();
      }
      ShardRecord record;
      receiver.done.channel = id;
      record.consumed.push_back(receiver.done);
      write.put_shard(plan_->shards[plan_->channel(id).to].id, record);
      journal_->commit(write);
      if (credit > 0) outbox_->on_credit(id, credit);
    }
    take_deliveries();
  }
  void finish() {
    commit();
    const auto under_way = [&] {
      return std::any_of(receivers_.begin(), receivers_.end(), [](const auto& receiver) { return !receiver.second.arrived.empty(); });
    };
    while (under_way()) consume(std::numeric_limits<std::uint64_t>::max());
    RC_ASSERT(outbox_->pending() == 0u);
    RC_ASSERT(!outbox_->blocked());
    std::uint64_t done = 0, shed = 0, rejected = 0;
    for (const auto id : producer().outputs) {
      const auto& channel = counters(id);
      const auto gone = channel.dropped_oldest.get() + channel.dropped_newest.get() + channel.rejected.get();
      RC_ASSERT(channel.sent.get() == receivers_[id].done.processed + gone);
      RC_ASSERT(channel.pending.get() == 0u);
      done += receivers_[id].done.processed;
      shed += gone;
      rejected += channel.rejected.get();
    }
    RC_ASSERT(static_cast<std::int64_t>(done + shed) == committed_);
    RC_ASSERT(rejected == rejected_);
  }

 private:
  struct Receiver {
    ConsumedPosition done;
    std::deque<Parcel> arrived;
    std::uint64_t last = 0;  // sequence that has arrived
    std::int64_t last_number = 0;
  };
  [[nodiscard]] const PlannedShard& producer() const { return plan_->shards[source_of(*plan_)]; }
  ChannelCounters& counters(ChannelId id) { return counters_[plan_->channel_index[id]]; }
  void take_deliveries() {
    for (auto& delivery : port_.delivered) {
      auto& parcel = delivery.parcel;
      auto& receiver = receivers_[parcel.channel];
      RC_ASSERT(parcel.first_sequence - parcel.skipped <= receiver.last + 1);  // else the node would stop
      RC_ASSERT(parcel.first_sequence + parcel.batch->size() > receiver.last + 1);
      receiver.last = parcel.first_sequence + parcel.batch->size() - 1;
      receiver.arrived.push_back(std::move(parcel));
    }
    port_.delivered.clear();
  }

  std::string policy_;
  const std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  std::unique_ptr<Journal> journal_;
  std::shared_ptr<const Plan> plan_;
  std::vector<ChannelCounters> counters_;
  NotingPort port_;
  std::unique_ptr<Outbox> outbox_;
  ShardRecord record_;
  std::map<ChannelId, Receiver> receivers_;
  std::int64_t number_ = 0, committed_ = 0;
  std::uint64_t rejected_ = 0;
};

// More small parcels wait than are read back at a time: "spill" lets them add up, and the run after it may shed them.
RC_GTEST_PROP(OutboxLaws, WhateverIsShedBeforeOrAfterARestartTheReceiverMissesNothingElse, ()) {
  DurableOutbox outbox;
  const auto pick = [](int from, int to) { return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(from, to)); };
  for (auto runs = pick(1, 5); runs > 0; --runs) {
    outbox.start(*rc::gen::weightedElement<std::string>({{1, "backpressure"}, {2, "spill"}, {3, "drop_oldest"}, {1, "drop_newest"}, {1, "reject"}}),
                 *rc::gen::element(1, 3, 20, 40));
    const auto consumes_one_in = pick(1, 20);
    for (auto steps = pick(0, 60); steps > 0; --steps) {
      for (auto events = *rc::gen::weightedElement<int>({{4, 1}, {1, 0}, {1, 9}}); events > 0; --events)
        outbox.emit(*rc::gen::weightedElement<std::string>({{3, "key 1"}, {1, "key 2"}}));
      outbox.commit();
      if (pick(0, consumes_one_in) == 0) outbox.consume(static_cast<std::uint64_t>(pick(0, 6)));
    }
    if (pick(0, 2) == 0) outbox.emit("never committed");
  }
  outbox.finish();
}

}  // namespace
}  // namespace mailroom::runtime::test
