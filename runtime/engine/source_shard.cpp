#include "runtime/engine/source_shard.hpp"

#include <algorithm>
#include <fmt/format.h>

#include <mailroom/errors.hpp>

namespace mailroom::runtime {

SourceShard::SourceShard(const ShardSetup& setup)
    : ShardCore(setup), stream_(static_cast<std::uint16_t>(planned_.id)) {
  for (const auto id : planned_.outputs) {
    const auto& channel = plan_.channel(id);
    const auto overflow = plan_.edges[channel.edge].overflow;
    const bool sheds = overflow != Overflow::backpressure && overflow != Overflow::spill;
    read_limit_ = std::min<std::size_t>(read_limit_, std::max(sheds ? 1 : least_read, channel.credit));
  }
}

void SourceShard::prepare(const Outbox::ConsumedByReceiver& consumed_by_receiver) {
  ShardCore::prepare(consumed_by_receiver);
  SourceSettings settings;
  settings.event = stage_.source_event;
  settings.path = stage_.path;
  settings.options = stage_.options;
  settings.shard = planned_.number;
  settings.shards = stage_.shards;
  source_ = stage_.source->make(settings);
  if (!record_.position.is_null()) source_->seek(record_.position);
  ended_ = record_.ended;
  if (journal_ != nullptr) recover_held();
  publish();
}

void SourceShard::work() {
  if (source_ == nullptr) return;
  if (paused_ && !ended_) {
    set_state(ShardState::paused);
    return;
  }
  if (outbox_.blocked()) {
    set_state(ShardState::blocked_downstream);
    return;
  }
  if (ended_) {
    end();
  } else if (!reading_later_ && !no_more_reading_) {
    reading_later_ = true;
    port_.wake_after(0);
  }
}

void SourceShard::on_wake() {
  reading_later_ = false;
  guarded([this] {
    if (ended_ || no_more_reading_ || paused_ || outbox_.blocked() || source_ == nullptr) {
      work();
      return;
    }
    set_state(ShardState::working);
    read_once();
  });
}

void SourceShard::read_once() {
  const auto begin = port_.now_us();
  counters_.busy_since_us.store(begin, std::memory_order_relaxed);
  std::size_t events = 0, dirty = 0;
  auto status = ReadStatus::more;
  for (bool filled = true; filled && status == ReadStatus::more && events < read_limit_;) {
    const auto portion = std::min<std::size_t>(read_portion, read_limit_ - events);
    batch_.clear();
    status = source_->read(batch_, portion);
    filled = batch_.events.size() >= portion;
    events += batch_.events.size();
    dirty += batch_.dirty.size();
    emit_portion();
  }
  record_.position = source_->position();
  ended_ = status == ReadStatus::end;
  if (ended_) {
    record_.ended = true;
    finite_clock_ = clock_;
    if (event_clock_) clock_ = Timestamp::max();
  }
  if (events + dirty > 0 || ended_) {
    counters_.in.add(events);
    ++uncommitted_;
    commit();
    const auto spent = static_cast<std::uint64_t>(std::max<std::int64_t>(0, port_.now_us() - begin));
    if (events > 0) counters_.work.record(spent / events, events);
    if (journal_ != nullptr && !sync_requested_) {
      sync_requested_ = true;
      committed_at_request_ = record_.sequence;
      port_.request_sync();
    }
  }
  counters_.busy_since_us.store(0, std::memory_order_relaxed);
  publish();
  if (ended_) {
    end();
  } else if (outbox_.blocked()) {
    set_state(ShardState::blocked_downstream);
  } else {
    if (event_clock_) outbox_.announce_watermark(clock_);
    if (events > 0 || status != ReadStatus::idle) idle_since_us_ = 0;
    if (status == ReadStatus::idle) {
      set_state(ShardState::idle);
      if (idle_since_us_ == 0) idle_since_us_ = port_.now_us();
      if (event_clock_ && stage_.idle_after.count() > 0 && port_.now_us() - idle_since_us_ >= stage_.idle_after.count())
        outbox_.announce_idle();
    }
    reading_later_ = true;
    port_.wake_after(status == ReadStatus::idle ? source_->idle_wait().count() : 0);
  }
}

void SourceShard::emit_portion() {
  const auto arrival = port_.wall();
  auto latest = clock_;
  const EventType* read_last = nullptr;
  EventType::ReadTime read_time = nullptr;
  for (std::size_t i = 0; i < batch_.events.size(); ++i) {
    const auto& type = batch_.events.type(i);
    if (&type != read_last) {
      read_last = &type;
      read_time = type.index() < stage_.time_readers.size() ? stage_.time_readers[type.index()] : nullptr;
    }
    auto time = batch_.events.meta(i).time;
    if (read_time != nullptr)
      time = Timestamp{read_time(batch_.events.event(i))};
    else if (time == Timestamp{})
      time = arrival;
    if (stage_.max_ahead.count() > 0 && too_far_ahead(time, latest)) {
      refuse_ahead(i, time, latest);
      continue;
    }
    latest = std::max(latest, time - stage_.lateness);
    const auto behind = time < latest ? behind_ms(time, latest) : 0;
    if (is_sampled(make_trace(stream_, record_.sequence + 1))) {
      Span span;
      span.trace = make_trace(stream_, record_.sequence + 1);
      span.type = &type;
      span.started_us = port_.now_us();
      span.outcome = SpanOutcome::emitted;
      put_span(std::move(span));
    }
    // The batch is ours alone and cleared before it is read into again: its events may be moved from.
    if (outbox_.emit(type, const_cast<void*>(batch_.events.event(i)), time, make_trace(stream_, ++record_.sequence), behind) == 0)
      counters_.unrouted.add();
  }
  clock_ = latest;
  for (auto& dirty : batch_.dirty) {
    HeldEvent held;
    held.kind = held_kind::dirty;
    held.reason = std::move(dirty.reason);
    held.origin = std::move(dirty.origin);
    held.content = std::move(dirty.content);
    bury(std::move(held), nullptr);
    if (published_ != nullptr) published_->dirty.add();
  }
}

bool SourceShard::too_far_ahead(Timestamp time, Timestamp watermark) {
  // The first event of all is believed: there is nothing to hold it against.
  auto& run = record_.ahead;
  if (!event_clock_ || watermark == Timestamp::min() || time - stage_.lateness <= watermark + stage_.max_ahead) {
    run = {};
    return false;
  }
  const bool goes_on = run.events > 0 && std::max(time, run.last) <= std::min(time, run.last) + stage_.max_ahead;
  run = {goes_on ? run.events + 1 : 1, time};
  if (run.events < stage_.believed_after) return true;
  run = {};
  return false;
}

void SourceShard::refuse_ahead(std::size_t index, Timestamp time, Timestamp watermark) {
  batch_.events.mutable_meta(index).time = time;
  batch_.events.mutable_meta(index).trace = make_trace(stream_, ++record_.sequence);
  auto held = hold(batch_.events, index, {}, 0, 0);
  held.kind = held_kind::ahead;
  held.reason = fmt::format("dated {}, and the source's watermark is {}: more than max_ahead beyond it", time.to_string(), watermark.to_string());
  bury(std::move(held), nullptr);
}

void SourceShard::end() {
  if (outbox_.pending() > 0) return;  // called again as credit comes back
  if (event_clock_) {
    clock_ = Timestamp::max();
    outbox_.announce_watermark(clock_);
  }
  set_state(ShardState::finished);
  if (end_announced_) return;
  end_announced_ = true;
  publish();
  port_.source_ended();
}

void SourceShard::on_synced() {
  sync_requested_ = false;
  if (committed_at_request_ < record_.sequence && !stopped_) {
    sync_requested_ = true;
    committed_at_request_ = record_.sequence;
    port_.request_sync();
  }
}

void SourceShard::stop_reading() {
  no_more_reading_ = true;
  if (!end_announced_) {
    end_announced_ = true;
    port_.source_ended();
  }
}

void SourceShard::publish() {
  if (published_ == nullptr) return;
  const auto progress = source_->progress();
  published_->events.set(record_.sequence);
  published_->done.set(progress.done);
  if (progress.total) {
    published_->total.set(*progress.total);
    published_->total_known.store(true, std::memory_order_relaxed);
  }
  published_->unit_is_events.store(progress.unit == "events", std::memory_order_relaxed);
  published_->ended.store(ended_, std::memory_order_relaxed);
}

}  // namespace mailroom::runtime
