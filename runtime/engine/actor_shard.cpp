#include "runtime/engine/actor_shard.hpp"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <map>

#include <mailroom/errors.hpp>

#include "runtime/engine/key_of_event.hpp"

namespace mailroom::runtime {

ActorShard::ActorShard(const ShardSetup& setup)
    : ShardCore(setup),
      context_(*this),
      has_feedback_(std::any_of(inputs_.begin(), inputs_.end(), [](const Input& input) { return input.feedback; })),
      shard_waits_(stage_.on_failure.retrying == Retrying::block_shard || stage_.ordering == Ordering::total),
      waiting_limit_(waiting_mailboxes * stage_.mailbox.capacity),
      backoff_(stage_.on_failure.backoff),
      random_(setup.seed) {
  emits_.resize(EventTypes::all().size());
  for (const auto* type : stage_.emits) emits_[type->index()] = true;
}

void ActorShard::prepare(const Outbox::ConsumedByReceiver& consumed_by_receiver) {
  ShardCore::prepare(consumed_by_receiver);
  LoadState load;
  if (journal_ != nullptr) load = [this](std::string_view key) { return journal_->read_state(planned_.id, key); };
  host_ = stage_.actor->make(stage_.options, std::move(load));
  if (journal_ != nullptr) recover_waiting();
  counters_.timers.set(timers_.size());
}

void ActorShard::recover_waiting() {
  journal_->scan_held(HeldReason::timer, planned_.id, [&](HeldEvent held) {
    timers_.load(std::move(held));
    return true;
  });
  const auto now = port_.now_us();
  journal_->scan_held(HeldReason::waiting, planned_.id, [&](HeldEvent held) {
    if (auto* input = input_of(held.channel)) input->counters->waiting.add();
    if (waiting_.contains(held.key)) {
      waiting_.append(std::move(held));
    } else {
      if (stage_.on_failure.then == Then::block_shard && held.attempts > stage_.on_failure.retries) {
        standing_still_ = true;
        standing_still_for_ = held.key;
      }
      waiting_.block(std::move(held), now);
    }
    return true;
  });
  recover_held();
}

void ActorShard::redrive_dead(HeldEvent held) {
  if (held.kind == held_kind::overflow) {
    ShardCore::redrive_dead(std::move(held));
    return;
  }
  auto* input = input_of(held.channel);
  if (input != nullptr) input->counters->dead_lettered.set(input->counters->dead_lettered.get() - 1);
  held.attempts = 0;
  held.redrive = false;
  held.kind = held_kind::redriven;
  held.since_us = port_.now_us();
  wait_behind(std::move(held), input);
}

void ActorShard::redrive_parked(const std::string& key, std::vector<HeldEvent> lot) {
  parked_keys_.erase(key);
  for (auto& held : lot) {
    auto* input = input_of(held.channel);
    wait_behind(std::move(held), input);
  }
}

void ActorShard::unpark(const std::string& key) {
  const auto found = parked_keys_.find(key);
  if (found != parked_keys_.end() && --found->second == 0) parked_keys_.erase(found);
}

bool ActorShard::can_run() const { return !stopped_ && !paused_ && !awaits_supervisor_ && !outbox_.blocked(); }

bool ActorShard::can_take_next() const {
  return can_run() && !standing_still_ && (waiting_.empty() || (!shard_waits_ && waiting_.size() < waiting_limit_));
}

bool ActorShard::timer_is_next() {
  const auto due = timers_.next_due();
  if (!due || *due > (event_clock_ ? clock_ : wall_)) return false;
  if (!event_clock_ || clock_ != Timestamp::max() || inbox_.empty()) return true;
  // Behind the end of the input every timer is due. What still comes, over a feedback edge, has a time: a timer that is set
  // again and again for want of an answer must not keep the answer waiting.
  const auto& item = inbox_.front();
  return item.parcel.batch && item.next < item.parcel.batch->size() && *due <= now_for(item.parcel.batch->meta(item.next));
}

bool ActorShard::slice_is_over() {
  if (goes_on_later_) return true;
  // Sooner at first: events that take long by themselves show it at once.
  const bool look = handled_ < slice_check ? handled_ > 1 && std::has_single_bit(handled_) : handled_ % slice_check == 0;
  if (handled_ < slice_most && (!look || port_.now_us() < now_us_ + slice_us)) return false;
  let_others_go_on();
  return true;
}

void ActorShard::let_others_go_on() {
  goes_on_later_ = true;
  port_.wake_after_others();
}

std::size_t ActorShard::until_next_look() const {
  if (handled_ < 2) return 2 - handled_;
  return handled_ < slice_check ? 2 * std::bit_floor(handled_) - handled_ : slice_check - handled_ % slice_check;
}

void ActorShard::work() {
  if (host_ == nullptr || goes_on_later_) return;
  now_us_ = port_.now_us();
  if (!event_clock_) wall_ = port_.wall();
  counters_.busy_since_us.store(now_us_, std::memory_order_relaxed);
  handled_ = 0;
  if (!waiting_.empty()) retry_due_keys();
  while (can_take_next() && !slice_is_over()) {
    if (timers_.size() > 0 && timer_is_next()) {
      fire_next_timer();
      if (has_feedback_ && clock_ == Timestamp::max()) let_others_go_on();  // among them who answers
    } else if (inbox_.empty()) {
      break;
    } else {
      auto& item = inbox_.front();
      const auto size = item.parcel.batch ? item.parcel.batch->size() : 0;
      if (item.next >= size) {
        finish_parcel(item);
        inbox_.pop_front();
        continue;
      }
      if (item.next == 0)
        counters_.wait.record(static_cast<std::uint64_t>(std::max<std::int64_t>(0, now_us_ - item.sent_us)), size);
      handle_events(item);
    }
    if (uncommitted_ + outbox_.staged() >= commit_limit) commit();
  }
  counters_.busy_since_us.store(0, std::memory_order_relaxed);
  if (handled_ > 0) {
    const auto spent = static_cast<std::uint64_t>(std::max<std::int64_t>(0, port_.now_us() - now_us_));
    counters_.work.record(spent / handled_, handled_);
  }
  if (has_to_commit()) need_flush();
  if (!waiting_.empty() || (!event_clock_ && timers_.size() > 0)) schedule_wakes();
  set_state(stopped_             ? ShardState::stopped
            : awaits_supervisor_ ? ShardState::restarting
            : outbox_.blocked()  ? ShardState::blocked_downstream
            : !waiting_.empty()  ? ShardState::retrying
            : uncommitted_ > 0   ? ShardState::working
                                 : ShardState::idle);
}

// The counters of a row of events, added up here and written once: the sampler reads them a few times a second.
class ActorShard::Tally {
 public:
  Tally(ActorShard& shard, Input& input) : shard_(shard), input_(input) {}
  ~Tally() {
    input_.counters->inbox.set(input_.counters->inbox.get() - taken);
    input_.counters->processed.add(processed);
    shard_.counters_.depth.set(shard_.counters_.depth.get() - taken);
    shard_.counters_.in.add(handled);
    shard_.uncommitted_ += taken;
  }
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;
  std::size_t taken = 0, processed = 0, handled = 0;

 private:
  ActorShard& shard_;
  Input& input_;
};

// Handles events of the parcel until it is done, a commit is due or a timer comes first.
void ActorShard::handle_events(Work& item) {
  auto& input = *item.input;
  Tally tally(*this, input);
  if (item.parcel.first_sequence + item.next <= input.consumed.sequence) counters_.order_violations.add();
  const auto size = item.parcel.batch->size();
  while (item.next < size && can_take_next() && !slice_is_over()) {
    const auto spent = uncommitted_ + tally.taken + outbox_.staged();
    if (spent >= commit_limit) return;
    if (event_clock_ && input.from_source) tell_time(item);
    if (timers_.size() > 0 && timer_is_next()) return;
    if (waiting_.empty() && parked_keys_.empty() && !(event_clock_ && input.from_source))
      handle_row(item, std::min(commit_limit - spent, until_next_look()), tally);
    else
      handle_one(item, tally);
    input.consumed.sequence = item.parcel.first_sequence + item.next - 1;
  }
}

// A source gives its events in order of time (within its lateness), so each event tells the time: timers due before
// it come first, wherever the batch was cut.
void ActorShard::tell_time(const Work& item) {
  auto& input = *item.input;
  const auto reached = item.parcel.batch->meta(item.next).time - std::chrono::microseconds{input.lateness_us};
  if (reached <= input.consumed.watermark) return;
  input.consumed.watermark = reached;
  advance_clock();
}

Timestamp ActorShard::now_for(const EventMeta& meta) const {
  if (!event_clock_) return wall_;
  return clock_ == Timestamp::max() ? std::max(finite_clock_, meta.time) : clock_;
}

// As many events as one call of the host can take: up to `most` of one type, none of whose keys waits or is parked.
void ActorShard::handle_row(Work& item, std::size_t most, Tally& tally) {
  const auto& batch = *item.parcel.batch;
  const auto& first = batch.meta(item.next);
  const auto& type = batch.type(item.next);
  const auto& key = stage_.keys[type.index()];
  if (key && key->readers.size() > 1) {  // its text is put together event by event
    handle_one(item, tally);
    return;
  }
  auto end = static_cast<std::uint32_t>(std::min<std::size_t>(batch.size(), item.next + most));
  if (batch.columns().size() > 1 || clock_ == Timestamp::max()) {
    // An ended event clock shows each event its own time.
    const auto last = end;
    for (end = item.next + 1; end < last; ++end)
      if (batch.meta(end).column != first.column || now_for(batch.meta(end)) != now_for(first)) break;
  }
  // An event whose visit is traced is a row of its own.
  const auto next_traced = first_traced(batch, item.next, end);
  const bool traced = next_traced == item.next;
  if (traced && watch_) watch_->take_mark(first.trace);
  end = traced ? item.next + 1 : next_traced;
  const auto started = traced ? port_.now_us() : 0;
  counters_.busy_type.store(type.index(), std::memory_order_relaxed);
  EventRow row{batch, item.next, end, key && !key->readers.empty() ? &key->readers.front() : nullptr,
               stage_.name, now_for(first), counters_.handled.atomic()};
  // If this throws the node stops: in the books, and in the journal, the event is still under way.
  const auto result = attempt([&] { host_->handle_row(row, context_); });
  const auto done = row.at - item.next;
  item.next = row.at;
  tally.taken += done;
  tally.processed += done;
  tally.handled += done;
  handled_ += done;
  if (result != Result::done) {
    ++handled_;
    settle(result, item, tally, started);
  } else if (traced && done > 0) {
    trace_visit(item, item.next - 1, started, port_.now_us());
  }
}

// Looked at for each event: what is the same for all of them is read once.
std::uint32_t ActorShard::first_traced(const EventBatch& batch, std::uint32_t begin, std::uint32_t end) const {
  const auto sampled = sampling_.choice();
  const bool marks = watch_ && watch_->marks();
  if (!sampled.takes_any() && !marks) return end;
  const auto* meta = &batch.meta(0);
  while (begin < end && !sampled.takes(meta[begin].trace) && !(marks && watch_->is_marked(meta[begin].trace))) ++begin;
  return begin;
}

void ActorShard::trace_visit(const Work& item, std::uint32_t index, std::int64_t started_us, std::int64_t ended_us) {
  KeyScratch scratch;
  put_visit(item, index, key_text(*item.parcel.batch, index, scratch), started_us, ended_us);
}

std::string_view ActorShard::key_text(const EventBatch& batch, std::size_t index, KeyScratch& scratch) {
  const auto& fields = stage_.keys[batch.type(index).index()];
  if (!fields || fields->readers.empty()) return {};
  return read_key(*fields, batch.event(index), scratch, composed_key_);
}

void ActorShard::handle_one(Work& item, Tally& tally) {
  auto& input = *item.input;
  const auto& batch = *item.parcel.batch;
  const auto& meta = batch.meta(item.next);
  const auto& type = batch.type(item.next);
  const auto* event = batch.event(item.next);
  const auto sequence = item.parcel.first_sequence + item.next;
  KeyScratch scratch;
  const auto text = key_text(batch, item.next, scratch);
  ++handled_;

  if (!waiting_.empty() && waiting_.contains(text)) {
    auto held = hold(batch, item.next, text, input.planned->id, sequence);
    held.due = now_for(meta);
    wait_behind(std::move(held), &input);
    ++item.next;
    ++tally.taken;
    return;
  }
  if (!parked_keys_.empty() && parked_keys_.contains(std::string(text))) {
    auto held = hold(batch, item.next, text, input.planned->id, sequence);
    held.ordinal = record_.next_ordinal++;
    held.due = now_for(meta);
    park_key(std::move(held), &input, held_kind::follows);
    ++item.next;
    ++tally.taken;
    return;
  }
  counters_.handled.add();
  counters_.busy_type.store(type.index(), std::memory_order_relaxed);
  const EventKey key(text, meta.key_hash);
  const bool traced = wants_span(meta.trace);
  const auto started = traced ? port_.now_us() : 0;
  const auto result = run({type, event, meta, key}, now_for(meta), 1);
  if (result != Result::done) {
    settle(result, item, tally, started);
    return;
  }
  if (traced) trace_visit(item, item.next, started, port_.now_us());
  // While no key waits, the order of the channel is that of each key, and rows need no check of their own.
  if (!waiting_.empty() && order_check_.check(input.planned->id, meta.key_hash, sequence) != OrderCheck::Verdict::ok)
    counters_.order_violations.add();
  ++item.next;
  ++tally.taken;
  ++tally.processed;
  ++tally.handled;
}

// The event at item.next was refused or has failed.
void ActorShard::settle(Result result, Work& item, Tally& tally, std::int64_t started_us) {
  auto& input = *item.input;
  const auto& batch = *item.parcel.batch;
  KeyScratch scratch;
  auto held = hold(batch, item.next, key_text(batch, item.next, scratch), input.planned->id,
                   item.parcel.first_sequence + item.next);
  held.due = now_for(batch.meta(item.next));
  ++item.next;
  ++tally.taken;
  held.since_us = item.sent_us;
  const auto now = port_.now_us();
  put_span(held, 1, started_us, now, result == Result::failed ? outcome_after(1) : SpanOutcome::rejected, failure_);
  if (result == Result::failed) {
    first_failure(std::move(held), &input, now);
    return;
  }
  held.attempts = 1;
  held.kind = held_kind::rejected;
  held.reason = failure_;
  ++tally.handled;
  bury(std::move(held), &input);
}

void ActorShard::fire_next_timer() {
  auto held = timers_.pop_due(event_clock_ ? clock_ : wall_);
  if (!held) return;
  erase_held(HeldReason::timer, held->ordinal);
  counters_.timers.set(timers_.size());
  ++uncommitted_;
  ++handled_;
  counters_.handled.add();
  held->channel = 0;
  if (!waiting_.empty() && waiting_.contains(held->key)) {
    wait_behind(std::move(*held), nullptr);
    return;
  }
  if (!parked_keys_.empty() && parked_keys_.contains(held->key)) {
    held->ordinal = record_.next_ordinal++;
    park_key(std::move(*held), nullptr, held_kind::follows);
    return;
  }
  switch (run(*held, 1)) {
    case Result::done: counters_.in.add(); break;
    case Result::rejected:
      held->attempts = 1;
      held->kind = held_kind::rejected;
      held->reason = failure_;
      bury(std::move(*held), nullptr);
      break;
    case Result::failed: first_failure(std::move(*held), nullptr, port_.now_us()); break;
  }
}

ActorShard::Result ActorShard::run(const HeldEvent& held, unsigned attempt) {
  const auto& meta = held.event->meta(0);
  counters_.busy_type.store(held.event->type(0).index(), std::memory_order_relaxed);
  // By the events' clock it is still the time at which a timer was due, or an event that waits first came.
  const auto now = !event_clock_ ? wall_ : held.due != Timestamp{} ? held.due : std::min(clock_, meta.time);
  return run({held.event->type(0), held.event->event(0), meta, EventKey(held.key, meta.key_hash)}, now, attempt);
}

ActorShard::Result ActorShard::run(const Subject& subject, Timestamp now, unsigned number) {
  context_.begin(stage_.name, subject.key, subject.meta.time, now, subject.meta.trace, number, subject.meta.behind_ms);
  return attempt([&] { host_->handle(subject.type, subject.event, subject.key, context_); });
}

template <class Call>
ActorShard::Result ActorShard::attempt(Call&& call) {
  try {
    call();
    if (!timer_changes_.empty()) apply_timer_changes();
    (void)context_.take_interrupt();
    return Result::done;
  } catch (const Rejected& refusal) {
    take_back();
    failure_ = refusal.what();
    return Result::rejected;
  } catch (const ScenarioError&) {
    throw;
  } catch (const StorageError&) {
    throw;
  } catch (const CorruptData&) {
    throw;
  } catch (...) {
    failure_ = caught_text();
  }
  take_back();
  counters_.failures.add();
  return Result::failed;
}

// What the call that has failed asked for.
void ActorShard::take_back() {
  if (emitting_call_ == context_.calls()) outbox_.rollback();
  timer_changes_.clear();
  (void)context_.take_interrupt();
}

void ActorShard::apply_timer_changes() {
  const std::string_view key = timer_key_;
  for (auto& change : timer_changes_) {
    // One that was due while the key waited is no longer among the timers, and yet not handled.
    if (!waiting_.empty())
      if (const auto late = waiting_.cancel_timer(key, change.name)) erase_held(HeldReason::waiting, *late);
    if (!change.event) {
      if (const auto cancelled = timers_.cancel(key, change.name)) erase_held(HeldReason::timer, *cancelled);
      continue;
    }
    HeldEvent held;
    held.event = std::move(change.event);
    held.key = key;
    held.due = change.due;
    held.name = std::move(change.name);
    if (event_clock_ && !waiting_.empty() && fire_before_waiting(held)) continue;
    held.ordinal = record_.next_ordinal++;
    put_held(HeldReason::timer, held);
    if (const auto replaced = timers_.set(std::move(held))) erase_held(HeldReason::timer, *replaced);
  }
  timer_changes_.clear();
  counters_.timers.set(timers_.size());
  counters_.waiting.set(waiting_.size());
}

// A retry is at the time of its first attempt: a timer that it sets may be due before what has come behind it since.
// By the events' clock it fires before that, as it would have without the failure.
bool ActorShard::fire_before_waiting(HeldEvent& timer) {
  const std::string key = timer.key, name = timer.name;
  const auto due = timer.due;
  const auto is_later = [&](const HeldEvent& waiting) { return (waiting.due != Timestamp{} ? waiting.due : waiting.event->meta(0).time) >= due; };
  const bool before = waiting_.insert_before(timer, is_later, [this](HeldEvent& moved) {
    if (moved.ordinal != 0) erase_held(HeldReason::waiting, moved.ordinal);
    moved.ordinal = record_.next_ordinal++;
    put_held(HeldReason::waiting, moved);
  });
  if (!before) return false;
  if (const auto replaced = timers_.cancel(key, name)) erase_held(HeldReason::timer, *replaced);
  return true;
}

void ActorShard::wait_behind(HeldEvent held, Input* input) {
  held.ordinal = record_.next_ordinal++;
  put_held(HeldReason::waiting, held);
  ++uncommitted_;
  if (input != nullptr) input->counters->waiting.add();
  if (waiting_.contains(held.key))
    waiting_.append(std::move(held));
  else
    waiting_.block(std::move(held), now_us_);
  counters_.waiting.set(waiting_.size());
}

SpanOutcome ActorShard::outcome_after(unsigned attempts) const {
  if (attempts <= stage_.on_failure.retries) return SpanOutcome::failed;
  return stage_.on_failure.then == Then::skip       ? SpanOutcome::dead_letter
         : stage_.on_failure.then == Then::park_key ? SpanOutcome::parked
                                                    : SpanOutcome::failed;
}

void ActorShard::first_failure(HeldEvent held, Input* input, std::int64_t failed_at_us) {
  held.attempts = 1;
  held.reason = failure_;
  held.since_us = failed_at_us;
  const bool again = held.attempts <= stage_.on_failure.retries;
  if (!again && stage_.on_failure.then == Then::skip) {
    held.kind = held_kind::failed;
    counters_.order_breaks.add();
    tell(EventKind::skip, held, failure_);
    bury(std::move(held), input);
    return;
  }
  held.ordinal = record_.next_ordinal++;
  put_held(HeldReason::waiting, held);
  if (input != nullptr) input->counters->waiting.add();
  const auto key = held.key;
  const auto delay = retry_delay_us(1);
  if (again) tell(EventKind::retry, held, failure_, delay);
  waiting_.block(std::move(held), now_us_ + delay);
  counters_.waiting.set(waiting_.size());
  if (!again) give_up(key);
}

void ActorShard::retry_due_keys() {
  while (can_run() && !slice_is_over()) {
    auto due = waiting_.due_key(port_.now_us());
    if (!due) break;
    const std::string key = *due;
    // Its whole queue, in order, until one fails again. It stays due if the slice ends before.
    while (can_run() && waiting_.contains(key) && !slice_is_over()) {
      auto& head = waiting_.front(key);
      if (head.attempts > 0) counters_.retries.add();
      ++handled_;
      counters_.handled.add();
      const auto started = port_.now_us();
      const auto result = run(head, head.attempts + 1);
      const auto ended = port_.now_us();
      if (result != Result::failed) {
        if (result == Result::rejected || head.attempts > 0 || head.kind == held_kind::redriven || wants_span(head.event->meta(0).trace))
          put_span(head, head.attempts + 1, started, ended,
                   result == Result::done ? SpanOutcome::done : SpanOutcome::rejected,
                   result == Result::done ? std::string() : failure_);
        finish_head(key, result);
      } else {
        ++head.attempts;
        head.reason = failure_;
        put_span(head, head.attempts, started, ended, outcome_after(head.attempts), failure_);
        head.since_us = ended;
        put_held(HeldReason::waiting, head);
        ++uncommitted_;
        if (head.attempts <= stage_.on_failure.retries) {
          const auto delay = retry_delay_us(head.attempts);
          tell(EventKind::retry, head, failure_, delay);
          waiting_.reschedule(key, ended + delay);
          break;
        }
        give_up(key);
        if (stage_.on_failure.then != Then::skip) break;
      }
      if (uncommitted_ + outbox_.staged() >= commit_limit) commit();
    }
  }
  counters_.waiting.set(waiting_.size());
}

void ActorShard::finish_head(const std::string& key, Result result) {
  auto held = waiting_.pop_front(key);
  erase_held(HeldReason::waiting, held.ordinal);
  ++uncommitted_;
  auto* input = input_of(held.channel);
  if (input != nullptr) input->counters->waiting.set(input->counters->waiting.get() - 1);
  if (standing_still_ && standing_still_for_ == key) standing_still_ = false;
  if (result == Result::done) {
    counters_.in.add();
    if (held.kind == held_kind::redriven && input != nullptr && held.sequence < input->consumed.sequence) {
      // An operator's retry comes after what was behind it.
      TelemetryEvent event;
      event.kind = EventKind::late;
      event.key = held.key;
      event.from = input->planned->from;
      event.sequence = held.sequence;
      event.type = &held.event->type(0);
      event.trace = held.event->meta(0).trace;
      event.highest = static_cast<std::int64_t>(input->consumed.sequence);
      event.text = "a dead letter that was tried again";
      tell(std::move(event));
    }
    if (input != nullptr) {
      input->counters->processed.add();
      if (held.kind != held_kind::redriven &&
          order_check_.check(held.channel, held.event->meta(0).key_hash, held.sequence) != OrderCheck::Verdict::ok)
        counters_.order_violations.add();
    }
    return;
  }
  held.attempts += result == Result::rejected ? 1 : 0;
  held.kind = result == Result::rejected ? held_kind::rejected : held_kind::failed;
  held.reason = failure_;
  if (result == Result::failed) {
    counters_.order_breaks.add();
    tell(EventKind::skip, held, failure_);
  }
  bury(std::move(held), input);
}

void ActorShard::give_up(const std::string& key) {
  const auto& head = waiting_.front(key);
  switch (stage_.on_failure.then) {
    case Then::skip: finish_head(key, Result::failed); break;
    case Then::park_key: park_waiting_key(key); break;
    case Then::block_shard:
      standing_still_ = true;
      standing_still_for_ = key;
      [[fallthrough]];
    case Then::block_key: waiting_.reschedule(key, now_us_ + retry_delay_us(head.attempts)); break;
    case Then::stop:
      throw ScenarioError(
          fmt::format("{} of key '{}' failed {} times, and the stage says \"then\": \"stop\". The last failure: {}",
                      head.event->type(0).name(), key, head.attempts, head.reason));
    case Then::escalate:
      awaits_supervisor_ = true;
      waiting_.reschedule(key, now_us_);
      port_.escalate(fmt::format("{} of key '{}' failed {} times: {}", head.event->type(0).name(), key, head.attempts,
                                 head.reason));
      break;
  }
}

void ActorShard::park_waiting_key(const std::string& key) {
  bool first = true;
  while (waiting_.contains(key)) {
    auto held = waiting_.pop_front(key);
    erase_held(HeldReason::waiting, held.ordinal);
    auto* input = input_of(held.channel);
    if (input != nullptr) input->counters->waiting.set(input->counters->waiting.get() - 1);
    park_key(std::move(held), input, first ? held_kind::failed : held_kind::follows);
    first = false;
  }
  counters_.waiting.set(waiting_.size());
}

void ActorShard::park_key(HeldEvent held, Input* input, std::string_view kind) {
  held.kind = kind;
  if (held.reason.empty()) held.reason = "an earlier event of its key is parked";
  ++parked_keys_[held.key];
  park(std::move(held), input);
}

std::int64_t ActorShard::retry_delay_us(unsigned attempts) {
  const auto drawn = std::uniform_real_distribution<double>(0.0, 1.0)(random_);
  return std::chrono::duration_cast<std::chrono::microseconds>(backoff_.delay(attempts, drawn)).count();
}

void ActorShard::schedule_wakes() {
  // What is due and can't be done now would wake us again and again: credit, the supervisor, an operator or the next slice
  // calls work() then.
  if (goes_on_later_ || !can_run()) return;
  std::int64_t next = 0;
  const auto earliest = [&](std::int64_t at) { next = next == 0 ? at : std::min(next, at); };
  if (const auto retry = waiting_.next_retry()) earliest(*retry);
  if (!event_clock_ && can_take_next())
    if (const auto due = timers_.next_due()) earliest(now_us_ + (*due - wall_).count());
  if (next == 0 || (wake_due_us_ != 0 && wake_due_us_ <= next)) return;
  wake_due_us_ = next;
  ++wakes_under_way_;
  port_.wake_after(std::max<std::int64_t>(0, next - port_.now_us()));
}

void ActorShard::on_wake() {
  if (goes_on_later_) {
    goes_on_later_ = false;
  } else {
    --wakes_under_way_;
    // One that was asked for before an earlier one was: it must not ask again while the next is under way, or there
    // would be more of them with each such turn, as long as any key waits.
    if (wakes_under_way_ == 0 || port_.now_us() >= wake_due_us_) wake_due_us_ = 0;
  }
  guarded([this] { work(); });
}

void ActorShard::restart() {
  guarded([this] {
    counters_.restarts.add();
    host_->restart();
    awaits_supervisor_ = false;
    waiting_.restart_attempts(stage_.on_failure.retries);
    work();
  });
}

StateAnswer ActorShard::answer(const StateQuestion& question) {
  guarded([this] {
    if (has_to_commit()) commit();
  });
  if (stopped_) return {AskOutcome::ending, {}, fmt::format("{} has stopped: the node is ending", name_)};
  try {
    auto reply = question.type.empty()
                     ? host_->show_state(question.key)
                     : host_->answer(question.type, question.content,
                                     {stage_.name, question.key, event_clock_ ? clock_ : port_.wall()});
    if (reply) return {AskOutcome::answered, std::move(*reply), {}};
    return {AskOutcome::key_unknown, {}, fmt::format("stage '{}' has no state for key '{}'", stage_.name, question.key)};
  } catch (...) {
    return {AskOutcome::refused, {}, caught_text()};
  }
}

void ActorShard::collect_changes(JournalWrite* write) {
  if (write != nullptr) {
    host_->take_changes([&](std::string_view key, std::optional<std::string_view> bytes) {
      if (bytes)
        write->put_state(planned_.id, key, *bytes);
      else
        write->erase_state(planned_.id, key);
    });
  } else {
    host_->accept_changes();
  }
  if (journal_ != nullptr && host_->resident_keys() > stage_.resident_keys)
    host_->evict_clean(stage_.resident_keys * 3 / 4);
  counters_.keys.set(host_->resident_keys());
}

bool ActorShard::at_rest() const {
  return waiting_.empty() && !awaits_supervisor_ && !goes_on_later_ &&
         (!event_clock_ || timers_.size() == 0 || clock_ != Timestamp::max());
}

Timestamp ActorShard::outgoing_watermark() const {
  if (!waiting_.empty()) return Timestamp::min();
  // A commit may come in the middle of the timers that fall due together: the rest will still emit, up to the last
  // moment before their times (the result of a window belongs to the window).
  if (const auto due = timers_.next_due(); due && *due <= clock_) return *due - std::chrono::microseconds(1);
  return clock_;
}

void ActorShard::emit(const EventType& type, void* event, std::string_view stage, Timestamp time) {
  if (!emits_[type.index()]) refuse_emission(type);
  if (emitting_call_ != context_.calls()) {
    emitting_call_ = context_.calls();
    outbox_.mark();
  }
  const auto behind = context_.behind_ms_of(time);
  const auto taken = stage.empty() ? outbox_.emit(type, event, time, context_.trace(), behind)
                                   : outbox_.emit_to(stage, type, event, time, context_.trace(), behind);
  if (taken == 0) counters_.unrouted.add();
  if (outbox_.staged() >= commit_limit) context_.interrupt();
}

void ActorShard::refuse_emission(const EventType& type) const {
  throw ScenarioError(
      fmt::format("actor {} emits {} and does not say so; add it to its \"using Emits = mailroom::Events<...>\"",
                  stage_.actor->name, type.name()));
}

void ActorShard::set_timer(const EventType& type, void* event, Timestamp due, std::string_view name) {
  if (type.index() >= stage_.keys.size() ||
      std::find(stage_.actor->handles.begin(), stage_.actor->handles.end(), &type) == stage_.actor->handles.end())
    throw ScenarioError(
        fmt::format("actor {} sets a timer with {}, which it does not handle; give it an on(const {}&, ...) and name "
                    "{} in its MAILROOM_ACTOR",
                    stage_.actor->name, type.name(), type.name(), type.name()));
  auto single = std::make_shared<EventBatch>();
  EventMeta meta;
  meta.time = due;
  meta.trace = context_.trace();
  meta.key_hash = hash_key(context_.key());
  single->append_move(type, event, meta);
  change_timers({std::move(single), due, std::string(name)});
}

void ActorShard::cancel_timer(std::string_view name) {
  change_timers({nullptr, {}, std::string(name)});
}

void ActorShard::change_timers(TimerChange change) {
  timer_key_ = context_.key();
  timer_changes_.push_back(std::move(change));
  context_.interrupt();  // applied before the next event
}

void ActorShard::forget_state() { host_->forget_current(); }

void ActorShard::log(LogLevel level, std::string_view text) { setup_.log(level, name_, text); }

}  // namespace mailroom::runtime
