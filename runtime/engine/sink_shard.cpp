#include "runtime/engine/sink_shard.hpp"

#include <algorithm>
#include <fmt/format.h>

#include <mailroom/errors.hpp>

namespace mailroom::runtime {

SinkShard::SinkShard(const ShardSetup& setup) : ShardCore(setup) {}

void SinkShard::prepare(const Outbox::ConsumedByReceiver& consumed_by_receiver) {
  ShardCore::prepare(consumed_by_receiver);
  SinkSettings settings;
  settings.path = stage_.path;
  settings.options = stage_.options;
  settings.events = stage_.handles;
  sink_ = stage_.sink->make(settings);
  sink_->recover(record_.position);
}

void SinkShard::work() {
  if (sink_ == nullptr || inbox_.empty() || paused_) return;
  if (journal_ == nullptr) {
    write_out();
    need_flush();
  } else if (!sync_requested_) {
    // What goes out must not be lost afterwards: the producers' commits come before this request in the log.
    sync_requested_ = true;
    set_state(ShardState::working);
    port_.request_sync();
  }
}

void SinkShard::on_synced() {
  sync_requested_ = false;
  guarded([this] {
    if (!paused_) write_out();
    if (has_to_commit()) commit();
    if (event_clock_ && inbox_.empty()) set_state(ShardState::idle);
    work();
  });
}

void SinkShard::write_out() {
  const auto begin = port_.now_us();
  counters_.busy_since_us.store(begin, std::memory_order_relaxed);
  std::uint64_t written = 0;
  while (!inbox_.empty()) {
    auto& item = inbox_.front();
    const auto size = item.parcel.batch ? item.parcel.batch->size() : 0;
    if (size > 0 && item.next == 0)
      counters_.wait.record(static_cast<std::uint64_t>(std::max<std::int64_t>(0, begin - item.sent_us)), size);
    const auto left = size - item.next;
    for (; item.next < size; ++item.next) {
      const auto& batch = *item.parcel.batch;
      const bool traced = is_sampled(batch.meta(item.next).trace);
      const auto started = traced ? port_.now_us() : 0;
      sink_->write({batch.type(item.next), batch.event(item.next), batch.meta(item.next), item.parcel.channel,
                    item.parcel.first_sequence + item.next});
      ++record_.sequence;
      if (traced) put_visit(item, item.next, {}, started, port_.now_us());
    }
    written += left;
    if (left > 0) {
      item.input->counters->inbox.set(item.input->counters->inbox.get() - left);
      item.input->counters->processed.add(left);
      counters_.depth.set(counters_.depth.get() - left);
      counters_.in.add(left);
    }
    finish_parcel(item);
    inbox_.pop_front();
  }
  uncommitted_ += written;
  counters_.busy_since_us.store(0, std::memory_order_relaxed);
  if (written > 0) {
    set_state(ShardState::working);
    counters_.work.record(static_cast<std::uint64_t>(std::max<std::int64_t>(0, port_.now_us() - begin)) / written,
                          written);
  } else if (!inbox_.empty() || uncommitted_ == 0) {
    set_state(ShardState::idle);
  }
}

void SinkShard::collect_changes(JournalWrite* write) {
  record_.position = sink_->flush();
  if (write == nullptr) return;
  // The file's bytes must be safe before a position that counts on them can be.
  sink_->sync();
}

}  // namespace mailroom::runtime
