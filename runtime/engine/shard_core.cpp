#include "runtime/engine/shard_core.hpp"

#include <algorithm>
#include <fmt/format.h>

#include <mailroom/errors.hpp>

namespace mailroom::runtime {

ShardCore::ShardCore(const ShardSetup& setup)
    : plan_(*setup.plan),
      shard_(setup.shard),
      planned_(setup.plan->shards[setup.shard]),
      stage_(setup.plan->stage_of(setup.shard)),
      name_(setup.plan->shard_name(setup.shard)),
      journal_(setup.journal),
      port_(*setup.port),
      counters_(*setup.counters),
      setup_(setup),
      event_clock_(setup.plan->topology.clock == ClockKind::events),
      outbox_(*setup.plan, setup.shard, setup.journal, *setup.port, *setup.channels, setup.make_spill) {
  for (const auto id : planned_.inputs) {
    Input input;
    input.planned = &plan_.channel(id);
    const auto& edge = plan_.edges[input.planned->edge];
    input.feedback = edge.feedback;
    input.from_source = edge.from_source;
    input.lateness_us = plan_.topology.stages[edge.from_stage].lateness.count();
    input.consumed.channel = id;
    input.counters = &(*setup.channels)[plan_.channel_index[id]];
    if (input_index_.size() <= id) input_index_.resize(id + 1, 0);
    input_index_[id] = static_cast<std::uint32_t>(inputs_.size());
    inputs_.push_back(input);
  }
  if (journal_ != nullptr) write_ = std::make_unique<JournalWrite>(journal_->new_write());
}

void ShardCore::prepare() {
  if (journal_ == nullptr) return;
  if (auto record = journal_->read_shard(planned_.id)) record_ = std::move(*record);
  ++record_.epoch;
  clock_ = record_.clock;
  for (auto& input : inputs_) {
    for (const auto& consumed : record_.consumed)
      if (consumed.channel == input.planned->id) input.consumed = consumed;
    input.consumed.channel = input.planned->id;
    input.arrived = input.consumed.sequence;
    input.counters->processed.set(input.consumed.processed);
    input.counters->dead_lettered.set(input.consumed.dead_lettered);
    input.counters->parked.set(input.consumed.parked);
  }
  outbox_.recover(record_, setup_.consumed_by_receiver);
  // The new epoch is written before any work: a COMMIT of an older owner can be told from ours.
  JournalWrite open = journal_->new_write();
  open.put_shard(planned_.id, record_);
  journal_->commit(open);
}

void ShardCore::begin() {
  guarded([this] {
    for (const auto id : planned_.outputs) outbox_.on_credit(id, 0);  // what was under way begins to flow again
    work();
    need_flush();
  });
}

void ShardCore::on_delivery(Delivery delivery) {
  guarded([&] {
    ++deliveries_received_;
    auto* input = find_input(delivery.parcel.channel);
    if (input == nullptr)
      throw ScenarioError(
          fmt::format("{} got a batch on channel {}, which is none of its own", name_, delivery.parcel.channel));
    Work item;
    item.parcel = std::move(delivery.parcel);
    item.input = input;
    item.sent_us = delivery.sent_us;
    if (item.parcel.batch) {
      const auto size = item.parcel.batch->size();
      const auto last = item.parcel.first_sequence + size - 1;
      const auto first_expected = input->arrived + 1;
      input->counters->arrived.add(size);
      if (item.parcel.first_sequence - item.parcel.skipped > first_expected) {
        counters_.order_violations.add();
        throw CorruptData(
            fmt::format("{} expected sequence {} on its channel from {} and got {}: events are missing in between",
                        name_, first_expected, plan_.shard_name(input->planned->from), item.parcel.first_sequence));
      }
      if (last < first_expected) {  // delivered twice: the first one counts
        counters_.order_violations.add();
        input->credit_due += static_cast<std::uint32_t>(size);
        owes_credit_ = true;
        need_flush();
        return;
      }
      // After a restart the first parcel may be done in part.
      item.next = static_cast<std::uint32_t>(
          first_expected > item.parcel.first_sequence ? first_expected - item.parcel.first_sequence : 0);
      input->arrived = last;
      input->idle = false;
      const auto left = size - item.next;
      input->counters->inbox.add(left);
      counters_.depth.set(counters_.depth.get() + left);
      if (counters_.depth.get() > counters_.high_water.get()) counters_.high_water.set(counters_.depth.get());
    }
    inbox_.push_back(std::move(item));
    work();
  });
}

void ShardCore::on_credit(ChannelId channel, std::uint32_t events) {
  guarded([&] {
    outbox_.on_credit(channel, events);
    if (!outbox_.blocked()) work();
    if (outbox_.owes_time()) need_flush();
  });
}

void ShardCore::on_flush() {
  flush_pending_ = false;
  guarded([&] {
    work();
    if (has_to_commit()) commit();
    if (event_clock_) announce_time();
    if (counters_.state.load(std::memory_order_relaxed) == ShardState::working) set_state(ShardState::idle);
  });
}

void ShardCore::stop() {
  guarded([&] {
    if (has_to_commit()) commit();
  });
  stopped_ = true;
  set_state(ShardState::stopped);
}

StateAnswer ShardCore::answer(const StateQuestion& question) {
  return {AskOutcome::keeps_no_state, {}, fmt::format("stage '{}' keeps no states", question.stage)};
}

QuietReport ShardCore::quiet_report() const {
  QuietReport report;
  report.quiet = stopped_ || (inbox_.empty() && !has_to_commit() && outbox_.pending() == 0 && !flush_pending_ && at_rest());
  report.deliveries_sent = outbox_.deliveries();
  report.deliveries_received = deliveries_received_;
  report.timers = counters_.timers.get();
  return report;
}

void ShardCore::need_flush() {
  if (flush_pending_) return;
  flush_pending_ = true;
  port_.flush_later();
}

void ShardCore::finish_parcel(Work& item) {
  auto& input = *item.input;
  if (item.parcel.batch) {
    const auto size = static_cast<std::uint32_t>(item.parcel.batch->size());
    input.consumed.sequence = std::max(input.consumed.sequence, item.parcel.first_sequence + size - 1);
    input.credit_due += size;
    owes_credit_ = true;
    if (journal_ != nullptr) finished_.emplace_back(input.planned->id, item.parcel.first_sequence);
  }
  if (!event_clock_) return;
  if (!item.parcel.batch && item.parcel.watermark == idle_watermark) {
    input.idle = input.arrived == input.consumed.sequence;  // else it has begun again meanwhile
  } else if (item.parcel.watermark > input.consumed.watermark) {
    input.consumed.watermark = item.parcel.watermark;
    if (!item.parcel.batch) input.idle = false;
  } else {
    return;
  }
  advance_clock();
  need_flush();
}

bool ShardCore::all_idle() const {
  bool any = false;
  for (const auto& input : inputs_) {
    if (input.feedback) continue;
    if (!input.idle) return false;
    any = true;
  }
  return any;
}

void ShardCore::announce_time() {
  outbox_.announce_watermark(outgoing_watermark());
  if (all_idle()) outbox_.announce_idle();
}

void ShardCore::advance_clock() {
  // If all are idle nobody holds anything back.
  const bool idle = all_idle();
  auto lowest = idle ? Timestamp::min() : Timestamp::max();
  for (const auto& input : inputs_) {
    if (input.feedback || (!idle && input.idle)) continue;
    lowest = idle ? std::max(lowest, input.consumed.watermark) : std::min(lowest, input.consumed.watermark);
  }
  if (lowest != Timestamp::max()) finite_clock_ = std::max(finite_clock_, lowest);
  clock_ = std::max(clock_, lowest);
}

void ShardCore::commit() {
  auto* write = journal_ != nullptr ? write_.get() : nullptr;
  collect_changes(write);
  outbox_.collect(write, record_, outgoing_watermark(),
                  [this](ChannelId channel, const EventBatch& batch, std::size_t index) {
                    auto held = hold(batch, index, {}, 0, 0);
                    held.kind = "overflow";
                    held.origin = plan_.stage_of(plan_.channel(channel).to).name;
                    held.reason = fmt::format("the mailbox of {} is full and its overflow policy is \"reject\"",
                                              plan_.shard_name(plan_.channel(channel).to));
                    bury(std::move(held), nullptr);
                  });
  if (write != nullptr) {
    for (const auto& [channel, sequence] : finished_) write->erase_parcel(channel, sequence);
    record_.consumed.resize(inputs_.size());
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      auto& consumed = inputs_[i].consumed;
      consumed.processed = inputs_[i].counters->processed.get();
      consumed.dead_lettered = inputs_[i].counters->dead_lettered.get();
      consumed.parked = inputs_[i].counters->parked.get();
      record_.consumed[i] = consumed;
    }
    ++record_.commit;
    record_.clock = clock_;
    write->put_shard(planned_.id, record_);
    journal_->commit(*write);
    finished_.clear();
  }
  counters_.commits.add();
  counters_.out.set(outbox_.emitted());
  uncommitted_ = 0;
  owes_credit_ = false;
  outbox_.release();
  for (auto& input : inputs_) {
    if (input.credit_due == 0) continue;
    port_.give_credit(input.planned->from, input.planned->id, input.credit_due);
    input.credit_due = 0;
  }
}

void ShardCore::bury(HeldEvent held, Input* input) {
  held.ordinal = record_.next_ordinal++;
  held.when = port_.wall();
  counters_.dead_letters.add();
  if (input != nullptr) input->counters->dead_lettered.add();
  ++uncommitted_;
  if (journal_ != nullptr)
    put_held(HeldReason::dead, held);
  else
    setup_.dead_letters->add({stage_.name, planned_.number, std::move(held)});
}

ShardCore::Input* ShardCore::find_input(ChannelId channel) noexcept {
  if (channel >= input_index_.size() || inputs_.empty()) return nullptr;
  auto& input = inputs_[input_index_[channel]];
  return input.planned->id == channel ? &input : nullptr;
}

ShardCore::Input* ShardCore::input_of(ChannelId channel) { return find_input(channel); }

HeldEvent ShardCore::hold(const EventBatch& batch, std::size_t index, std::string_view key, ChannelId channel,
                          std::uint64_t sequence) {
  HeldEvent held;
  auto single = std::make_shared<EventBatch>();
  single->append_copy(batch.type(index), batch.event(index), batch.meta(index));
  held.event = std::move(single);
  held.key = key;
  held.channel = channel;
  held.sequence = sequence;
  return held;
}

void ShardCore::put_held(HeldReason table, const HeldEvent& event) {
  if (write_) write_->put_held(table, planned_.id, event);
}

void ShardCore::erase_held(HeldReason table, std::uint64_t ordinal) {
  if (write_) write_->erase_held(table, planned_.id, ordinal);
}

void ShardCore::fail(const std::string& reason) {
  if (stopped_) return;
  stopped_ = true;
  set_state(ShardState::stopped);
  port_.stop_node(fmt::format("{}: {}", name_, reason));
}

}  // namespace mailroom::runtime
