#include "runtime/engine/worker_queue.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

#include <mailroom/errors.hpp>

#include "runtime/engine/key_of_event.hpp"

namespace mailroom::runtime {

WorkerQueue::WorkerQueue(const ShardSetup& setup)
    : ShardCore(setup),
      workers_(stage_.workers),
      by_jobs_(stage_.key_in_order || !stage_.priorities.empty() || stage_.expires_after.count() > 0 || !stage_.expires_at.empty()),
      backoff_(stage_.on_failure.backoff), random_(setup.seed) {
  for (std::uint32_t w = 0; w < workers_; ++w) free_.push_back(workers_ - 1 - w);
}

void WorkerQueue::prepare(const Outbox::ConsumedByReceiver& consumed_by_receiver) {
  ShardCore::prepare(consumed_by_receiver);
  if (journal_ == nullptr) return;
  journal_->scan_held(HeldReason::waiting, planned_.id, [&](HeldEvent held) {
    if (auto* input = input_of(held.channel)) input->counters->waiting.add();
    if (stage_.key_in_order) ++lines_[held.event->meta(0).key_hash].under_way;
    again_.emplace(0, std::move(held));
    return true;
  });
  recover_held();
}

void WorkerQueue::work() {
  hand_out();
  finish_done_parcels();
  if (has_to_commit()) need_flush();
  schedule_wake();
  counters_.waiting.set(again_.size());
  counters_.busy_since_us.store(outstanding_.empty() ? 0 : 1, std::memory_order_relaxed);
  set_state(stopped_                ? ShardState::stopped
            : awaits_supervisor_    ? ShardState::restarting
            : outbox_.blocked()     ? ShardState::blocked_downstream
            : !outstanding_.empty() ? ShardState::working
            : !again_.empty()       ? ShardState::retrying
                                    : ShardState::idle);
}

void WorkerQueue::hand_out() {
  if (by_jobs_) {
    hand_out_jobs();
    return;
  }
  const auto now_us = port_.now_us();
  while (!free_.empty() && !outbox_.blocked() && !awaits_supervisor_ && !stopped_ && !paused_) {
    if (hand_out_retry()) continue;
    if (inbox_.empty()) break;
    auto& item = inbox_.front();
    if (!item.parcel.batch) {  // a watermark: it counts once all before it is done
      auto open = std::make_shared<Open>();
      open->item = std::move(item);
      open->handed_out = true;
      open_.push_back(std::move(open));
      inbox_.pop_front();
      continue;
    }
    const auto size = static_cast<std::uint32_t>(item.parcel.batch->size());
    // By its batch: a watermark's parcel has the sequence of its input's first one.
    if (open_.empty() || open_.back()->item.parcel.batch != item.parcel.batch || open_.back()->item.input != item.input) {
      auto open = std::make_shared<Open>();
      open->item.parcel = item.parcel;
      open->item.input = item.input;
      open->item.sent_us = item.sent_us;
      open->undone = size - item.next;
      open_.push_back(std::move(open));
      counters_.wait.record(static_cast<std::uint64_t>(std::max<std::int64_t>(0, now_us - item.sent_us)), size);
    }
    auto open = open_.back();
    // What an earlier run had done out of order is not done again.
    auto first = item.next;
    const auto sequence_of = [&](std::uint32_t index) { return item.parcel.first_sequence + index; };
    const auto& beyond = item.input->consumed.beyond;
    const auto skip_to = [&](std::uint64_t sequence) {
      const auto past = static_cast<std::uint32_t>(std::min<std::uint64_t>(size, sequence - item.parcel.first_sequence + 1));
      open->undone -= past - first;
      first = past;
    };
    const auto skip_done = [&] {
      // Done beyond a gap that has been closed since, before this batch was here again.
      if (sequence_of(first) <= item.input->consumed.sequence) {
        skip_to(item.input->consumed.sequence);
        return true;
      }
      for (const auto& [from, to] : beyond)
        if (sequence_of(first) >= from && sequence_of(first) <= to) {
          skip_to(to);
          return true;
        }
      return false;
    };
    while (first < size && skip_done()) {
    }
    auto last = std::min(size, first + std::max(1u, std::min(chunk_events, size / workers_)));
    for (const auto& range : beyond)
      if (sequence_of(first) < range.first && range.first < sequence_of(last))
        last = static_cast<std::uint32_t>(range.first - item.parcel.first_sequence);
    item.next = last;
    if (first < last) {
      Order order;
      order.parcel = open;
      order.batch = item.parcel.batch;
      order.first = first;
      order.last = last;
      const auto id = next_order_++;
      const auto worker = free_.back();
      free_.pop_back();
      port_.order_work(worker, {id, order.batch, first, last, 1, event_clock_ ? clock_ : port_.wall(), sampling_.choice()});
      counters_.busy_type.store(order.batch->type(first).index(), std::memory_order_relaxed);
      outstanding_.emplace(id, std::move(order));
    }
    if (item.next >= size) {
      open->handed_out = true;
      inbox_.pop_front();
    }
  }
}

// Everything in the mailbox becomes a job at once: the best one may be the last.
void WorkerQueue::take_jobs() {
  const auto now_us = port_.now_us();
  for (; !inbox_.empty(); inbox_.pop_front()) {
    auto open = std::make_shared<Open>();
    open->item = std::move(inbox_.front());
    open->handed_out = true;
    open_.push_back(open);
    const auto& parcel = open->item.parcel;
    if (!parcel.batch) continue;  // a watermark: it counts once all before it is done
    const auto size = static_cast<std::uint32_t>(parcel.batch->size());
    auto& input = *open->item.input;
    counters_.wait.record(static_cast<std::uint64_t>(std::max<std::int64_t>(0, now_us - open->item.sent_us)), size);
    // What an earlier run had done out of order is not done again, and is not in the books of the mailbox.
    const bool done_in_part = events_done(input.consumed, parcel.first_sequence, size) > 0;
    for (auto index = open->item.next; index < size; ++index) {
      if (done_in_part && events_done(input.consumed, parcel.first_sequence + index, 1) > 0) continue;
      ++open->undone;
      Job job{open, index};
      if (!stage_.key_in_order) {
        add_ready(std::move(job));
        continue;
      }
      auto& line = lines_[key_hash_of(job)];
      if (line.under_way > 0) {
        line.behind.push_back(std::move(job));
      } else {
        ++line.under_way;
        add_ready(std::move(job));
      }
    }
    open->item.next = size;
  }
}

void WorkerQueue::add_ready(Job job) {
  const auto& batch = *job.parcel->item.parcel.batch;
  std::int64_t priority = 0;
  if (!stage_.priorities.empty()) priority = stage_.priorities[batch.type(job.index).index()](batch.event(job.index));
  ready_.emplace(std::pair{~priority, next_arrival_++}, std::move(job));  // ~: turns the order round, without an overflow
}

void WorkerQueue::release_key(std::uint64_t hash) {
  if (!stage_.key_in_order) return;
  const auto line = lines_.find(hash);
  if (line == lines_.end() || --line->second.under_way > 0) return;
  if (line->second.behind.empty()) {
    lines_.erase(line);
    return;
  }
  ++line->second.under_way;
  auto next = std::move(line->second.behind.front());
  line->second.behind.pop_front();
  add_ready(std::move(next));
}

std::string WorkerQueue::key_text(const EventBatch& batch, std::uint32_t index) const {
  const auto& key = stage_.keys[batch.type(index).index()];
  if (!key || key->readers.empty()) return {};
  KeyScratch scratch;
  std::string composed;
  return std::string(read_key(*key, batch.event(index), scratch, composed));
}

std::string WorkerQueue::why_expired(const EventBatch& batch, std::uint32_t index) const {
  Timestamp due;
  if (!stage_.expires_at.empty())
    due = {stage_.expires_at[batch.type(index).index()](batch.event(index))};
  else if (stage_.expires_after.count() > 0)
    due = batch.meta(index).time + stage_.expires_after;
  else
    return {};
  const auto now = !event_clock_ ? port_.wall() : clock_ == Timestamp::max() ? finite_clock_ : clock_;
  return now > due ? fmt::format("not begun by {}", due.to_string()) : std::string();
}

void WorkerQueue::expire(Job job, std::string why) {
  auto& item = job.parcel->item;
  auto& input = *item.input;
  const auto sequence = item.parcel.first_sequence + job.index;
  auto held = hold(*item.parcel.batch, job.index, key_text(*item.parcel.batch, job.index), input.planned->id, sequence);
  held.kind = held_kind::expired;
  held.reason = std::move(why);
  const auto hash = key_hash_of(job);
  bury(std::move(held), &input);
  input.counters->inbox.set(input.counters->inbox.get() - 1);
  counters_.depth.set(counters_.depth.get() - 1);
  mark_done(input, sequence, sequence);
  ++uncommitted_;
  --job.parcel->undone;
  release_key(hash);
}

void WorkerQueue::hand_out_jobs() {
  take_jobs();
  while (!free_.empty() && !outbox_.blocked() && !awaits_supervisor_ && !stopped_ && !paused_) {
    if (hand_out_retry()) continue;
    if (ready_.empty()) break;
    auto job = std::move(ready_.extract(ready_.begin()).mapped());
    const auto& batch = job.parcel->item.parcel.batch;
    if (auto why = why_expired(*batch, job.index); !why.empty()) {
      expire(std::move(job), std::move(why));
      continue;
    }
    Order order;
    order.parcel = job.parcel;
    order.batch = batch;
    order.first = job.index;
    order.last = job.index + 1;
    const auto id = next_order_++;
    const auto worker = free_.back();
    free_.pop_back();
    counters_.busy_type.store(batch->type(job.index).index(), std::memory_order_relaxed);
    port_.order_work(worker, {id, order.batch, order.first, order.last, 1, event_clock_ ? clock_ : port_.wall(), sampling_.choice()});
    outstanding_.emplace(id, std::move(order));
  }
}

void WorkerQueue::finish_done_parcels() {
  while (!open_.empty() && open_.front()->handed_out && open_.front()->undone == 0) {
    finish_parcel(open_.front()->item);
    open_.pop_front();
  }
}

bool WorkerQueue::hand_out_retry() {
  if (again_.empty() || again_.begin()->first > port_.now_us()) return false;
  auto node = again_.extract(again_.begin());
  const bool asked_for = node.mapped().kind == held_kind::redriven;  // by an operator, who knows that it is late
  if (auto why = asked_for ? std::string() : why_expired(*node.mapped().event, 0); !why.empty()) {
    auto& held = node.mapped();
    auto* input = input_of(held.channel);
    erase_held(HeldReason::waiting, held.ordinal);
    if (input != nullptr) input->counters->waiting.set(input->counters->waiting.get() - 1);
    held.reason = fmt::format("{}; tries before that: {}, the last failure: {}", why, held.attempts, held.reason);
    held.kind = held_kind::expired;
    const auto hash = held.event->meta(0).key_hash;
    bury(std::move(held), input);
    release_key(hash);
    return true;
  }
  Order order;
  order.held = std::move(node.mapped());
  order.batch = order.held.event;
  order.first = 0;
  order.last = 1;
  if (order.held.attempts > 0) counters_.retries.add();
  const auto id = next_order_++;
  const auto worker = free_.back();
  free_.pop_back();
  port_.order_work(worker, {id, order.batch, 0, 1, order.held.attempts + 1, event_clock_ ? clock_ : port_.wall(),
                            TraceSampling::Choice{.mask = 0, .match = 0}});  // a retry is always traced
  outstanding_.emplace(id, std::move(order));
  return true;
}

void WorkerQueue::on_work_result(WorkResult result) {
  guarded([&] {
    free_.push_back(result.worker);
    const auto found = outstanding_.find(result.id);
    if (found == outstanding_.end()) return;
    auto order = std::move(found->second);
    outstanding_.erase(found);
    const auto events = order.last - order.first;
    counters_.handled.add(events);
    counters_.work.record(static_cast<std::uint64_t>(result.work_us) / events, events);

    trace_chunk(order, result);
    // What was emitted goes into our outbox in the order of the events.
    for (std::size_t i = 0; i < result.emissions.size(); ++i) {
      const auto& meta = result.emitted->meta(i);
      outbox_.mark();
      if (outbox_.emit_to(result.emissions[i].stage, result.emitted->type(i),
                          const_cast<void*>(result.emitted->event(i)), meta.time, meta.trace, meta.behind_ms) == 0)
        counters_.unrouted.add();
    }
    if (!order.parcel) {
      auto* input = input_of(order.held.channel);
      if (result.failures.empty()) {
        erase_held(HeldReason::waiting, order.held.ordinal);
        release_key(order.batch->meta(0).key_hash);
        counters_.in.add();
        if (input != nullptr) {
          input->counters->waiting.set(input->counters->waiting.get() - 1);
          input->counters->processed.add();
        }
      } else {
        erase_held(HeldReason::waiting, order.held.ordinal);
        if (input != nullptr) input->counters->waiting.set(input->counters->waiting.get() - 1);
        if (!failed(std::move(order.held), input, result.failures.front())) release_key(order.batch->meta(0).key_hash);
      }
      ++uncommitted_;
    } else {
      auto& open = *order.parcel;
      auto& input = *open.item.input;
      const auto done = events - static_cast<std::uint32_t>(result.failures.size());
      input.counters->processed.add(done);
      counters_.in.add(done);
      bool key_waits = false;
      for (const auto& failure : result.failures)
        key_waits = failed(hold(*order.batch, failure.event, key_text(*order.batch, failure.event), input.planned->id,
                                open.item.parcel.first_sequence + failure.event),
                           &input, failure);
      if (!key_waits) release_key(order.batch->meta(order.first).key_hash);
      input.counters->inbox.set(input.counters->inbox.get() - events);
      counters_.depth.set(counters_.depth.get() - events);
      mark_done(input, open.item.parcel.first_sequence + order.first, open.item.parcel.first_sequence + order.last - 1);
      uncommitted_ += events;
      open.undone -= events;
      finish_done_parcels();
    }
    if (uncommitted_ + outbox_.staged() >= commit_limit) commit();
    work();
  });
}

// Spans of what was sampled or failed. A retry is always traced.
void WorkerQueue::trace_chunk(const Order& order, const WorkResult& result) {
  auto failure = result.failures.begin();
  for (const auto& timing : result.timings) {
    while (failure != result.failures.end() && failure->event < timing.event) ++failure;
    const bool failed = failure != result.failures.end() && failure->event == timing.event;
    if (order.parcel && !failed) {
      put_visit(order.parcel->item, timing.event, key_text(*order.batch, timing.event), timing.started_us, timing.ended_us);
      continue;
    }
    HeldEvent held = order.held;
    if (order.parcel) {
      const auto& item = order.parcel->item;
      held = hold(*order.batch, timing.event, key_text(*order.batch, timing.event), item.input->planned->id, item.parcel.first_sequence + timing.event);
      held.since_us = item.sent_us;
    }
    const auto attempt = held.attempts + 1;
    const auto outcome = !failed                                   ? SpanOutcome::done
                         : failure->rejected                       ? SpanOutcome::rejected
                         : attempt <= stage_.on_failure.retries    ? SpanOutcome::failed
                         : stage_.on_failure.then == Then::skip     ? SpanOutcome::dead_letter
                         : stage_.on_failure.then == Then::park_key ? SpanOutcome::parked
                                                                    : SpanOutcome::failed;
    put_span(held, attempt, timing.started_us, timing.ended_us, outcome, failed ? failure->text : std::string());
  }
}

void WorkerQueue::try_again(HeldEvent held) {
  auto* input = input_of(held.channel);
  held.redrive = false;
  held.kind = held_kind::redriven;
  held.attempts = 0;
  held.since_us = port_.now_us();
  held.ordinal = record_.next_ordinal++;
  put_held(HeldReason::waiting, held);
  ++uncommitted_;
  if (input != nullptr) input->counters->waiting.add();
  if (stage_.key_in_order) ++lines_[held.event->meta(0).key_hash].under_way;
  again_.emplace(0, std::move(held));
}

void WorkerQueue::redrive_dead(HeldEvent held) {
  if (held.kind == held_kind::overflow) {
    ShardCore::redrive_dead(std::move(held));
    return;
  }
  auto* input = input_of(held.channel);
  if (input != nullptr) input->counters->dead_lettered.set(input->counters->dead_lettered.get() - 1);
  try_again(std::move(held));
}

// Each parked event is one for itself, whatever its key.
void WorkerQueue::redrive_parked(const std::string&, std::vector<HeldEvent> lot) {
  for (auto& held : lot) try_again(std::move(held));
}

void WorkerQueue::mark_done(Input& input, std::uint64_t first, std::uint64_t last) {
  auto& beyond = input.consumed.beyond;
  beyond.emplace_back(first, last);
  std::sort(beyond.begin(), beyond.end());
  std::vector<std::pair<std::uint64_t, std::uint64_t>> merged;
  for (const auto& range : beyond) {
    if (!merged.empty() && range.first <= merged.back().second + 1)
      merged.back().second = std::max(merged.back().second, range.second);
    else
      merged.push_back(range);
  }
  if (!merged.empty() && merged.front().first <= input.consumed.sequence + 1) {
    input.consumed.sequence = std::max(input.consumed.sequence, merged.front().second);
    merged.erase(merged.begin());
  }
  beyond = std::move(merged);
}

bool WorkerQueue::failed(HeldEvent held, Input* input, const WorkResult::Failure& failure) {
  if (failure.scenario_error) throw ScenarioError(failure.text);
  held.reason = failure.text;
  ++held.attempts;
  if (failure.rejected) {
    held.kind = held_kind::rejected;
    counters_.in.add();
    bury(std::move(held), input);
    return false;
  }
  counters_.failures.add();
  held.since_us = port_.now_us();
  if (held.attempts <= stage_.on_failure.retries)
    held.due = {};
  else if (stage_.on_failure.then == Then::skip || stage_.on_failure.then == Then::park_key ||
           stage_.on_failure.then == Then::stop) {
    give_up(std::move(held), input);
    return false;
  } else if (stage_.on_failure.then == Then::escalate) {
    awaits_supervisor_ = true;
    port_.escalate(fmt::format("{} failed {} times: {}", held.event->type(0).name(), held.attempts, held.reason));
    held.attempts = 0;
  }
  if (held.ordinal == 0) held.ordinal = record_.next_ordinal++;
  put_held(HeldReason::waiting, held);
  if (input != nullptr) input->counters->waiting.add();
  const auto drawn = std::uniform_real_distribution<double>(0.0, 1.0)(random_);
  const auto delay =
      std::chrono::duration_cast<std::chrono::microseconds>(backoff_.delay(std::max(1u, held.attempts), drawn)).count();
  if (held.attempts > 0) tell(EventKind::retry, held, held.reason, delay);
  again_.emplace(port_.now_us() + delay, std::move(held));
  return true;
}

void WorkerQueue::give_up(HeldEvent held, Input* input) {
  held.kind = held_kind::failed;
  switch (stage_.on_failure.then) {
    case Then::stop:
      throw ScenarioError(fmt::format("{} failed {} times, and the stage says \"then\": \"stop\". The last failure: {}",
                                      held.event->type(0).name(), held.attempts, held.reason));
    case Then::park_key:
      if (held.ordinal == 0) held.ordinal = record_.next_ordinal++;
      park(std::move(held), input);
      break;
    default: bury(std::move(held), input); break;
  }
}

void WorkerQueue::on_wake() {
  --wakes_under_way_;
  if (wakes_under_way_ == 0 || port_.now_us() >= wake_due_us_) wake_due_us_ = 0;  // as ActorShard::on_wake()
  guarded([this] { work(); });
}

void WorkerQueue::schedule_wake() {
  // Who ends what holds it up calls work().
  if (again_.empty() || free_.empty() || paused_ || awaits_supervisor_ || outbox_.blocked()) return;
  const auto due = again_.begin()->first;
  if (wake_due_us_ != 0 && wake_due_us_ <= due) return;
  wake_due_us_ = due;
  ++wakes_under_way_;
  port_.wake_after(std::max<std::int64_t>(0, due - port_.now_us()));
}

void WorkerQueue::restart() {
  guarded([this] {
    counters_.restarts.add();
    awaits_supervisor_ = false;
    port_.restart_workers();
    work();
  });
}

Timestamp WorkerQueue::outgoing_watermark() const { return again_.empty() ? clock_ : Timestamp::min(); }

namespace {

// Collects what a worker's handler emits, until the chunk goes back to the queue.
class ChunkPort final : public ContextPort {
 public:
  ChunkPort(const Stage& stage, WorkResult& result, const std::function<void(LogLevel, std::string_view)>& log)
      : stage_(stage), result_(result), log_(log) {}

  void begin(std::uint32_t event, const Context& context) {
    event_ = event;
    context_ = &context;
    marked_ = result_.emissions.size();
  }
  void rollback() {
    result_.emissions.resize(marked_);
    result_.emitted->truncate(marked_);
  }
  void emit(const EventType& type, void* event, std::string_view stage, Timestamp time) override {
    if (std::find(stage_.emits.begin(), stage_.emits.end(), &type) == stage_.emits.end())
      throw ScenarioError(
          fmt::format("actor {} emits {} and does not say so; add it to its \"using Emits = mailroom::Events<...>\"",
                      stage_.actor->name, type.name()));
    EventMeta meta;
    meta.time = time;
    meta.trace = context_->trace();
    meta.behind_ms = context_->behind_ms_of(time);
    result_.emitted->append_move(type, event, meta);
    result_.emissions.push_back({event_, std::string(stage)});
  }
  void set_timer(const EventType&, void*, Timestamp, std::string_view) override { needs_key("set a timer"); }
  void cancel_timer(std::string_view) override { needs_key("cancel a timer"); }
  void forget_state() override {}
  void log(LogLevel level, std::string_view text) override { log_(level, text); }

 private:
  void needs_key(const char* what) const {
    throw ScenarioError(
        fmt::format("actor {} wants to {} in stage '{}', which workers serve: timers belong to a key of a shard. "
                    "Give the stage a \"key\" and \"shards\", or ordering \"total\"",
                    stage_.actor->name, what, stage_.name));
  }
  const Stage& stage_;
  WorkResult& result_;
  const std::function<void(LogLevel, std::string_view)>& log_;
  std::uint32_t event_ = 0;
  const Context* context_ = nullptr;
  std::size_t marked_ = 0;
};

}  // namespace

WorkResult run_work_order(ActorHost& host, const Stage& stage, const WorkOrder& order, const Clock& clock,
                          const std::function<void(LogLevel, std::string_view)>& log) {
  WorkResult result;
  result.id = order.id;
  result.emitted = std::make_shared<EventBatch>();
  ChunkPort port(stage, result, log);
  Context context(port);
  std::string composed;
  for (auto i = order.first; i < order.last; ++i) {
    const auto& meta = order.batch->meta(i);
    const auto& fields = stage.keys[order.batch->type(i).index()];
    KeyScratch scratch;
    const auto key = fields && !fields->readers.empty()
                         ? EventKey(read_key(*fields, order.batch->event(i), scratch, composed), meta.key_hash)
                         : EventKey({});
    context.begin(stage.name, key, meta.time, order.now, meta.trace, order.attempt, meta.behind_ms);
    port.begin(i, context);
    WorkResult::Failure failure{i, false, false, {}};
    const bool traced = order.sampled.takes(meta.trace);
    const auto started = traced ? clock.steady_us() : 0;
    try {
      host.handle(order.batch->type(i), order.batch->event(i), key, context);
      if (traced) result.timings.push_back({i, started, clock.steady_us()});
      continue;
    } catch (const Rejected& refusal) {
      failure.rejected = true;
      failure.text = refusal.what();
    } catch (const ScenarioError& error) {
      failure.scenario_error = true;
      failure.text = error.what();
    } catch (...) {
      failure.text = caught_text();
    }
    result.timings.push_back({i, started, clock.steady_us()});
    port.rollback();
    result.failures.push_back(std::move(failure));
  }
  return result;
}

}  // namespace mailroom::runtime
