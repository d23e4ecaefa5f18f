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

RC_GTEST_PROP(OutboxLaws, CreditBoundsWhatIsUnderWayAndNothingGoesMissing, ()) {
  const auto policy = *rc::gen::element<std::string>("backpressure", "spill", "drop_oldest", "drop_newest", "reject");
  const auto capacity = *rc::gen::inRange(1, 20);
  const auto plan = make_plan(OutboxLaw::load(OutboxLaw::pipeline(
                                  fmt::format(R"({{"shards": 2, "mailbox": {{"capacity": {}, "overflow": "{}"}}}})", capacity, policy))),
                              nullptr);
  NotingPort port;
  std::vector<ChannelCounters> counters(plan->channels.size());
  Outbox outbox(*plan, 0, nullptr, port, counters, [] { return std::make_unique<SpillInMemory>(); });
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
          outbox.emit(event_type_of<Note>(), &note, {}, 0);
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

}  // namespace
}  // namespace mailroom::runtime::test
