// The CAF shell of a shard. It owns nothing but the way messages take: user code runs inside the ShardCore,
// which lets no exception out, so the shell, and with it its mailbox, outlives every failure.
#pragma once

#include <caf/all.hpp>

#include "runtime/engine/address_book.hpp"
#include "runtime/engine/clock.hpp"
#include "runtime/engine/messages.hpp"
#include "runtime/engine/shard_core.hpp"

namespace mailroom::runtime {

// A shard's way out, as CAF messages.
class CafShardPort final : public ShardPort {
 public:
  CafShardPort(const AddressBook& book, const Clock& clock, const Plan& plan, ShardIndex shard)
      : book_(book), clock_(clock), plan_(plan), shard_(shard) {}
  void attach(caf::event_based_actor* self) { self_ = self; }

  void deliver(ShardIndex to, Delivery delivery) override {
    self_->send(book_.shards[to], DeliveryMail{std::move(delivery)});
  }
  void give_credit(ShardIndex to, ChannelId channel, std::uint32_t events) override {
    self_->send(book_.shards[to], CreditMail{channel, events});
  }
  void flush_later() override { self_->send(self_, FlushMail{}); }
  void wake_after(std::int64_t microseconds) override {
    if (microseconds <= 0)
      self_->send(self_, WakeMail{});
    else
      self_->delayed_send(self_, std::chrono::microseconds(microseconds), WakeMail{});
  }
  void order_due_after(std::int64_t microseconds) override {
    self_->delayed_send(self_, std::chrono::microseconds(std::max<std::int64_t>(1, microseconds)), OrderDueMail{});
  }
  void wake_after_others() override { self_->send(book_.turns, TurnMail{shard_}); }
  void request_sync() override { self_->send(book_.syncer, SyncRequestMail{shard_}); }
  void order_work(std::uint32_t worker, WorkOrder order) override {
    self_->send(book_.workers[shard_][worker], WorkOrderMail{std::move(order)});
  }
  void restart_workers() override {
    for (const auto& worker : book_.workers[shard_]) self_->send(worker, RestartMail{});
  }
  void escalate(const std::string& reason) override {
    self_->send(book_.supervisors[plan_.shards[shard_].stage], FailureMail{plan_.shards[shard_].number, reason});
  }
  void stop_node(const std::string& reason) override { self_->send(book_.conductor, StopNodeMail{reason}); }
  void source_ended() override { self_->send(book_.conductor, SourceEndedMail{}); }
  [[nodiscard]] std::int64_t now_us() const override { return clock_.steady_us(); }
  [[nodiscard]] Timestamp wall() const override { return clock_.wall(); }

 private:
  const AddressBook& book_;
  const Clock& clock_;
  const Plan& plan_;
  const ShardIndex shard_;
  caf::event_based_actor* self_ = nullptr;
};

class ShardActor final : public caf::event_based_actor {
 public:
  ShardActor(caf::actor_config& config, ShardCore& core, CafShardPort& port, const AddressBook& book, ShardIndex shard)
      : caf::event_based_actor(config), core_(core), book_(book), shard_(shard) {
    port.attach(this);
  }

 protected:
  caf::behavior make_behavior() override {
    set_default_handler(caf::drop);
    return {
        [this](DeliveryMail& mail) { core_.on_delivery(std::move(mail.delivery)); },
        [this](const CreditMail& mail) { core_.on_credit(mail.channel, mail.events); },
        [this](const FlushMail&) { core_.on_flush(); },
        [this](const WakeMail&) { core_.on_wake(); },
        [this](const SyncedMail&) { core_.on_synced(); },
        [this](WorkResultMail& mail) { core_.on_work_result(std::move(mail.result)); },
        [this](const RestartMail&) { core_.restart(); },
        [this](const AskMail& mail) { mail.answer->give(core_.answer(mail.question)); },
        [this](const OrderDueMail&) { core_.on_order_due(); },
        [this](const PauseMail& mail) { core_.pause(mail.paused); },
        [this](const HeldMail& mail) { mail.outcome->add(core_.change_held(mail.change)); },
        [this](const ProbeMail& mail) {
          send(book_.conductor, QuietMail{mail.round, core_.quiet_report()});
        },
        [this](const BeginMail&) { core_.begin(); },
        [this](const StopReadingMail&) { core_.stop_reading(); },
        [this](const StopShardMail&) {
          core_.stop();
          send(book_.conductor, ShardStoppedMail{shard_});
        },
    };
  }

 private:
  ShardCore& core_;
  const AddressBook& book_;
  const ShardIndex shard_;
};

}  // namespace mailroom::runtime
