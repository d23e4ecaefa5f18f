#include "runtime/engine/shard_core.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

#include <mailroom/errors.hpp>

#include "runtime/journal/dead_letters.hpp"

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
      outbox_(*setup.plan, setup.shard, setup.journal, *setup.port, *setup.channels, setup.make_spill),
      telemetry_(setup.telemetry),
      sampling_(*setup.sampling) {
  for (const auto id : planned_.inputs) {
    Input input;
    input.planned = &plan_.channel(id);
    const auto& edge = plan_.edges[input.planned->edge];
    input.feedback = edge.feedback;
    input.from_source = edge.from_source;
    input.lateness_us = plan_.topology.stages[edge.from_stage].lateness.count();
    input.consumed.channel = id;
    input.counters = &(*setup.channels)[plan_.channel_index[id]];
    inputs_.push_back(input);
  }
  if (journal_ != nullptr) write_ = std::make_unique<JournalWrite>(journal_->new_write());
  if (stage_.watch_order) watch_ = std::make_unique<ArrivalWatch>(plan_, shard_, counters_, *telemetry_);
  outbox_.on_shed([this](const PlannedChannel& channel, std::uint64_t events) {
    TelemetryEvent event;
    event.kind = EventKind::shed;
    event.shard = channel.to;
    event.from = shard_;
    event.count = events;
    tell(std::move(event));
  });
}

void ShardCore::prepare(const Outbox::ConsumedByReceiver& consumed_by_receiver) {
  if (journal_ == nullptr) return;
  if (auto record = journal_->read_shard(planned_.id)) record_ = std::move(*record);
  ++record_.epoch;
  clock_ = record_.clock;
  if (clock_ != Timestamp::max()) finite_clock_ = clock_;
  for (auto& input : inputs_) {
    for (const auto& consumed : record_.consumed)
      if (consumed.channel == input.planned->id) input.consumed = consumed;
    input.consumed.channel = input.planned->id;
    input.arrived = input.consumed.sequence;
    input.counters->processed.set(input.consumed.processed);
    input.counters->dead_lettered.set(input.consumed.dead_lettered);
    input.counters->parked.set(input.consumed.parked);
  }
  // At the end of time is again who was: the record keeps the last time before it.
  if (event_clock_ && std::any_of(inputs_.begin(), inputs_.end(), [](const Input& input) { return !input.feedback; })) advance_clock();
  outbox_.recover(record_, consumed_by_receiver);
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
    auto* input = input_of(delivery.parcel.channel);
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
      if (item.parcel.first_sequence - item.parcel.skipped > first_expected) {
        counters_.order_violations.add();
        throw CorruptData(
            fmt::format("{} expected sequence {} on its channel from {} and got {}: events are missing in between",
                        name_, first_expected, plan_.shard_name(input->planned->from), item.parcel.first_sequence));
      }
      if (last < first_expected) {  // delivered twice: the first one counts
        counters_.order_violations.add();
        input->counters->arrived.add(size);
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
      // A worker queue may have done some beyond that.
      const auto left = size - events_done(input->consumed, item.parcel.first_sequence, size);
      input->counters->arrived.add(left);
      if (watch_) {
        watch_->see(*input->planned, *item.parcel.batch, item.next, port_.now_us());
        schedule_order_due();
      }
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

void ShardCore::pause(bool paused) {
  guarded([&] {
    if (paused_ == paused) return;
    paused_ = paused;
    set_state(ShardState::idle);
    work();
  });
}

void ShardCore::on_order_due() {
  order_due_us_ = 0;
  guarded([&] {
    watch_->expire(port_.now_us());
    schedule_order_due();
  });
}

void ShardCore::schedule_order_due() {
  const auto due = watch_->next_due();
  if (due == 0 || order_due_us_ != 0) return;  // one that is under way is never later than the next
  order_due_us_ = due;
  port_.order_due_after(due - port_.now_us());
}

void ShardCore::tell(TelemetryEvent event) {
  event.at_us = port_.now_us();
  if (!event.shard) event.shard = shard_;
  telemetry_->events.push(std::move(event));
}

void ShardCore::tell(EventKind kind, const HeldEvent& held, std::string text, std::int64_t delay_us) {
  TelemetryEvent event;
  event.kind = kind;
  event.key = held.key;
  event.attempt = held.attempts;
  event.text = std::move(text);
  if (const auto* input = input_of(held.channel)) {
    event.from = input->planned->from;
    event.sequence = held.sequence;
  }
  if (held.event) {
    event.type = &held.event->type(0);
    event.trace = held.event->meta(0).trace;
  }
  if (kind == EventKind::dead_letter || kind == EventKind::park) {
    event.letter = fmt::format("{}:{}", name_, held.ordinal);
    event.reason_kind = held.kind;
  }
  if (delay_us >= 0) event.delay_us = delay_us;
  tell(std::move(event));
}

void ShardCore::put_span(Span span) {
  span.shard = shard_;
  telemetry_->spans.push(std::move(span));
}

void ShardCore::put_visit(const Work& work, std::uint32_t index, std::string_view key, std::int64_t started_us,
                          std::int64_t ended_us) {
  const auto& batch = *work.parcel.batch;
  Span span;
  span.trace = batch.meta(index).trace;
  span.from = work.input->planned->from;
  span.type = &batch.type(index);
  span.key = key;
  span.sequence = work.parcel.first_sequence + index;
  span.entered_us = work.sent_us;
  span.started_us = started_us;
  span.ended_us = ended_us;
  put_span(std::move(span));
}

void ShardCore::put_span(const HeldEvent& held, unsigned attempt, std::int64_t started_us, std::int64_t ended_us,
                         SpanOutcome outcome, const std::string& text) {
  Span span;
  span.trace = held.event->meta(0).trace;
  span.type = &held.event->type(0);
  span.key = held.key;
  if (const auto* input = input_of(held.channel)) {
    span.from = input->planned->from;
    span.sequence = held.sequence;
  }
  span.attempt = attempt;
  span.entered_us = held.since_us;
  span.started_us = started_us;
  span.ended_us = ended_us;
  span.outcome = outcome;
  span.text = text;
  put_span(std::move(span));
}

DeadLetterOutcome ShardCore::change_held(const HeldChange& change) {
  DeadLetterOutcome outcome;
  if (stopped_) {
    outcome.refused.push_back(fmt::format("{} has stopped: the node is ending", name_));
    return outcome;
  }
  const auto table = change.parked ? HeldReason::parked : HeldReason::dead;
  const auto fits = [&](const HeldEvent& held) {
    return (!change.key || *change.key == held.key) && (!change.kind || *change.kind == held.kind) &&
           (change.ordinals.empty() ||
            std::find(change.ordinals.begin(), change.ordinals.end(), held.ordinal) != change.ordinals.end());
  };
  guarded([&] {
    if (has_to_commit()) commit();
    std::set<std::string, std::less<>> keys;  // parked events are tried again by whole keys
    const bool whole_keys = change.parked && !change.discard;
    if (whole_keys && journal_ != nullptr)
      journal_->scan_held_heads(table, planned_.id, [&](const HeldEvent& held, std::string_view) {
        if (fits(held)) keys.insert(held.key);
        return true;
      });
    else if (whole_keys)
      for (const auto& letter : setup_.dead_letters->latest())
        if (letter.stage == stage_.name && letter.shard == planned_.number && letter.parked && fits(letter.held))
          keys.insert(letter.held.key);
    std::set<std::uint64_t> found;
    const auto refuse = [&](const HeldEvent& held, const std::string& why) {
      outcome.refused.push_back(fmt::format("{}:{}: {}", name_, held.ordinal, why));
    };
    const auto wanted = [&](const HeldEvent& held) {
      if (whole_keys ? !keys.contains(held.key) : !fits(held)) return false;
      found.insert(held.ordinal);
      if (change.discard || change.parked) return true;
      const auto why = why_not_again(held);
      if (why) refuse(held, *why);
      return !why;
    };

    std::vector<HeldEvent> chosen;
    if (journal_ != nullptr)
      journal_->scan_held(table, planned_.id, [&](HeldEvent held) {
        if (wanted(held)) chosen.push_back(std::move(held));
        return true;
      });
    else
      chosen = setup_.dead_letters->take(stage_.name, planned_.number, change.parked, wanted);

    for (const auto ordinal : change.ordinals)
      if (!found.contains(ordinal))
        outcome.refused.push_back(fmt::format("{}:{}: not there: `list` shows what is", name_, ordinal));

    if (change.discard) {
      for (const auto& held : chosen) discard_held(held, change.parked);
      outcome.changed = chosen.size();
    } else if (change.parked) {
      std::map<std::string, std::vector<HeldEvent>> lots;
      for (auto& held : chosen) lots[held.key].push_back(std::move(held));
      for (auto& [key, lot] : lots) {
        // Only what an earlier topology had parked: in memory mode, where the events have been taken out, that is none.
        if (const auto why = journal_ != nullptr ? why_not_again(lot) : std::nullopt) {
          for (const auto& held : lot) refuse(held, *why);
          continue;
        }
        for (auto& held : lot) {
          take_from_parked(held);
          counters_.parked.set(counters_.parked.get() - 1);
        }
        outcome.changed += lot.size();
        uncommitted_ += lot.size();
        redrive_parked(key, std::move(lot));
      }
    } else {
      for (auto& held : chosen) {
        erase_held(HeldReason::dead, held.ordinal);
        redrive_dead(std::move(held));
      }
      outcome.changed = chosen.size();
      uncommitted_ += chosen.size();
    }
    if (has_to_commit()) commit();
    work();
  });
  return outcome;
}

void ShardCore::recover_held() {
  std::map<std::string, std::pair<std::string, std::size_t>> refused;  // why -> the first one's id, and how many
  const auto leave = [&](HeldReason table, HeldEvent held, const std::string& why) {
    auto& [first, count] = refused[why];
    if (count++ == 0) first = fmt::format("{}:{}", name_, held.ordinal);
    held.redrive = false;
    put_held(table, held);
    ++uncommitted_;
  };
  std::map<std::string, std::vector<HeldEvent>> lots;
  const auto stays = [&](const std::string& key) {
    counters_.parked.add();
    keep_parked(key);
  };
  journal_->scan_held(HeldReason::parked, planned_.id, [&](HeldEvent held) {
    if (held.redrive)
      lots[held.key].push_back(std::move(held));
    else
      stays(held.key);
    return true;
  });
  for (auto& [key, lot] : lots) {
    if (const auto why = why_not_again(lot)) {
      for (auto& held : lot) {
        stays(key);
        leave(HeldReason::parked, std::move(held), *why);
      }
      continue;
    }
    for (auto& held : lot) take_from_parked(held);
    uncommitted_ += lot.size();
    redrive_parked(key, std::move(lot));
  }
  journal_->scan_held(HeldReason::dead, planned_.id, [&](HeldEvent held) {
    if (!held.redrive) return true;
    if (const auto why = why_not_again(held)) {
      leave(HeldReason::dead, std::move(held), *why);
      return true;
    }
    erase_held(HeldReason::dead, held.ordinal);
    ++uncommitted_;
    redrive_dead(std::move(held));
    return true;
  });
  for (const auto& [why, which] : refused)
    setup_.log(LogLevel::warning, name_,
               fmt::format("{}{} marked for another try and can't have it: {}", which.first,
                           which.second == 1 ? " was" : fmt::format(" and {} more were", which.second - 1), why));
}

void ShardCore::take_from_parked(HeldEvent& held) {
  erase_held(HeldReason::parked, held.ordinal);
  if (auto* input = input_of(held.channel)) input->counters->parked.set(input->counters->parked.get() - 1);
  held.redrive = false;
  held.attempts = 0;
  held.since_us = port_.now_us();
}

void ShardCore::park(HeldEvent held, Input* input) {
  held.when = port_.wall();
  counters_.parked.add();
  if (input != nullptr) input->counters->parked.add();
  ++uncommitted_;
  tell(EventKind::park, held, held.reason);
  if (journal_ != nullptr) {
    put_held(HeldReason::parked, held);
    return;
  }
  auto oldest = setup_.dead_letters->park({stage_.name, planned_.number, std::move(held), true});
  if (!oldest) return;
  leave_parking_lot(*oldest);
  oldest->kind = held_kind::failed;
  oldest->reason = fmt::format("pushed out of the parking lot, which keeps a shard's latest {} in memory mode. It was there because: {}",
                               setup_.dead_letters->keeps(), oldest->reason);
  if (stage_.ordering != Ordering::none) {
    counters_.order_breaks.add();
    tell(EventKind::skip, *oldest, oldest->reason);
  }
  auto* from = input_of(oldest->channel);
  bury(std::move(*oldest), from);
}

void ShardCore::leave_parking_lot(const HeldEvent& held) {
  counters_.parked.set(counters_.parked.get() - 1);
  if (auto* input = input_of(held.channel)) input->counters->parked.set(input->counters->parked.get() - 1);
  unpark(held.key);
}

void ShardCore::discard_held(const HeldEvent& held, bool parked) {
  ++uncommitted_;
  erase_held(parked ? HeldReason::parked : HeldReason::dead, held.ordinal);
  if (!parked) return;
  leave_parking_lot(held);
  if (auto* input = input_of(held.channel)) input->counters->dead_lettered.add();
}

std::optional<std::string> ShardCore::why_not_again(const HeldEvent& held) const {
  if (auto never = why_never_again(held, held.event != nullptr)) return never;
  const auto& type = held.event->type(0);
  if (held.kind == held_kind::overflow) {
    if (outbox_.leads_to(held.origin, type)) return std::nullopt;
    return fmt::format("stage '{}' takes no {} from '{}' any more: give it '{}' in its \"from\" again and start the node anew, or discard it",
                       held.origin, type.name(), stage_.name, stage_.name);
  }
  if (std::find(stage_.handles.begin(), stage_.handles.end(), &type) != stage_.handles.end()) return std::nullopt;
  return fmt::format("stage '{}' does not handle {} any more: give it an actor that does and start the node anew, or discard it",
                     stage_.name, type.name());
}

std::optional<std::string> ShardCore::why_not_again(const std::vector<HeldEvent>& lot) const {
  for (const auto& held : lot)
    if (auto why = why_not_again(held)) return why;
  return std::nullopt;
}

void ShardCore::redrive_dead(HeldEvent held) {
  // It was shed on its way out of this shard: it goes that way again. What was given up on here the kinds put back.
  EventBatch copy;
  copy.append_copy(held.event->type(0), held.event->event(0), held.event->meta(0));
  outbox_.mark();
  outbox_.emit_to(held.origin, copy.type(0), const_cast<void*>(copy.event(0)), copy.meta(0).time, copy.meta(0).trace,
                  copy.meta(0).behind_ms);
}

void ShardCore::redrive_parked(const std::string& key, std::vector<HeldEvent> lot) {
  throw ScenarioError(fmt::format("{} has {} parked events of key '{}' and parks none", name_, lot.size(), key));
}

void ShardCore::stop() {
  guarded([&] {
    if (watch_) watch_->expire(port_.now_us(), true);
    outbox_.tell_shed();
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
    if (input.feedback || input.consumed.watermark == Timestamp::max()) continue;  // who has ended says nothing of the others
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
    if (input.feedback || (!idle && input.idle) || (idle && input.consumed.watermark == Timestamp::max())) continue;
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
                    held.kind = held_kind::overflow;
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
    record_.clock = inputs_.empty() ? clock_ : finite_clock_;
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
  tell(EventKind::dead_letter, held, held.reason);
  if (journal_ != nullptr)
    put_held(HeldReason::dead, held);
  else
    setup_.dead_letters->add({stage_.name, planned_.number, std::move(held), false});
}

ShardCore::Input* ShardCore::input_of(ChannelId channel) noexcept {
  const auto* planned = plan_.find_channel(channel);
  return planned != nullptr && planned->to == shard_ ? &inputs_[planned->input] : nullptr;
}

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
