#include "runtime/engine/outbox.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include <mailroom/errors.hpp>

#include "runtime/engine/key_of_event.hpp"

namespace mailroom::runtime {

// A route as emit() wants it: what it needs and no more.
struct Outbox::Way {
  std::uint64_t (*hash_field)(const void* event);  // null: no key, or one of several fields
  const KeyFields* key;
  std::uint32_t shards, first_output;
  std::size_t to_stage;

  explicit Way(const Route& route)
      : hash_field(route.key != nullptr && route.key->readers.size() == 1 ? route.key->readers.front().hash : nullptr),
        key(route.key),
        shards(route.shards),
        first_output(route.first_output),
        to_stage(route.to_stage) {}
  [[nodiscard]] std::uint64_t hash(const void* event, std::string& composed) const {
    if (hash_field != nullptr) [[likely]]
      return hash_field(event);
    return key != nullptr ? hash_of_key(*key, event, composed) : 0;
  }
};

Outbox::Outbox(const Plan& plan, ShardIndex shard, Journal* journal, ShardPort& port,
               std::vector<ChannelCounters>& counters, MakeSpill make_spill)
    : plan_(plan),
      shard_(shard),
      stage_(plan.shards[shard].stage),
      journal_(journal),
      port_(port),
      make_spill_(std::move(make_spill)) {
  for (const auto& routes : plan.routes[stage_]) ways_.emplace_back(routes.begin(), routes.end());
  for (const auto id : plan.shards[shard].outputs) {
    Channel channel;
    channel.planned = &plan.channel(id);
    channel.overflow = plan.edges[channel.planned->edge].overflow;
    channel.credit = channel.planned->credit;
    channel.batch_limit = std::clamp(channel.planned->credit / 2, 1u, max_batch);
    channel.counters = &counters[plan.channel_index[id]];
    channels_.push_back(std::move(channel));
  }
}

void Outbox::recover(const ShardRecord& record, const ConsumedByReceiver& consumed_by_receiver) {
  for (auto& channel : channels_) {
    const auto id = channel.planned->id;
    for (const auto& sent : record.sent) {
      if (sent.channel != id) continue;
      channel.last_sequence = sent.sequence;
      channel.counters->sent.set(sent.sent);
      channel.counters->dropped_oldest.set(sent.dropped_oldest);
      channel.counters->dropped_newest.set(sent.dropped_newest);
      channel.counters->rejected.set(sent.rejected);
      channel.shed_told = sent.dropped_oldest + sent.dropped_newest + sent.rejected;
    }
    channel.done = consumed_by_receiver(id);
    // Everything undelivered stays on disk until its turn, whatever the policy was: recovery needs no memory for a
    // backlog.
    journal_->scan_parcels(id, channel.done.sequence + 1, [&](const Parcel& parcel) {
      if (channel.on_disk == 0) channel.disk_next = parcel.first_sequence;
      channel.on_disk += parcel.batch->size();
      channel.done_pending += events_done(channel.done, parcel.first_sequence, parcel.batch->size());
      return true;
    });
    channel.pending_events = channel.on_disk;
    pending_events_ += channel.on_disk;
    channel.counters->pending.set(channel.pending_events - channel.done_pending);
    update_blocked(channel);
  }
}

// The batch that takes the event next on that way. Counts it as staged.
[[gnu::always_inline]] inline EventBatch& Outbox::place(const Way& way, std::uint64_t hash) {
  const auto index = way.key != nullptr ? way.first_output + shard_of(hash, way.shards) : way.first_output;
  auto& channel = channels_[index];
  if (channel.room == 0) [[unlikely]]
    open_batch(channel, index);
  --channel.room;
  since_mark_.push_back(index);
  ++staged_events_;
  return *channel.open;
}

std::size_t Outbox::emit(const EventType& type, void* event, Timestamp time, TraceId trace, std::uint32_t behind_ms) {
  ++emitted_;
  const auto& ways = ways_[type.index()];
  if (ways.size() == 1) [[likely]] {
    const auto& way = ways.front();
    const auto hash = way.hash(event, key_);
    place(way, hash).append_move(type, event, {time, trace, hash, 0, 0, behind_ms});
    return 1;
  }
  for (const auto& way : ways) {
    const auto hash = way.hash(event, key_);
    auto& batch = place(way, hash);
    if (&way == &ways.back())
      batch.append_move(type, event, {time, trace, hash, 0, 0, behind_ms});
    else
      batch.append_copy(type, event, {time, trace, hash, 0, 0, behind_ms});
  }
  return ways.size();
}

std::size_t Outbox::emit_to(std::string_view stage, const EventType& type, void* event, Timestamp time,
                            TraceId trace, std::uint32_t behind_ms) {
  if (stage.empty()) return emit(type, event, time, trace, behind_ms);
  ++emitted_;
  for (const auto& way : ways_[type.index()]) {
    if (plan_.topology.stages[way.to_stage].name != stage) continue;
    const auto hash = way.hash(event, key_);
    place(way, hash).append_move(type, event, {time, trace, hash, 0, 0, behind_ms});
    return 1;
  }
  throw ScenarioError(
      fmt::format("stage '{}' emits {} to '{}', which does not take it from there; add '{}' to its \"from\" in {}",
                  plan_.topology.stages[stage_].name, type.name(), stage, plan_.topology.stages[stage_].name,
                  plan_.topology.file.string()));
}

bool Outbox::leads_to(std::string_view stage, const EventType& type) const {
  const auto& ways = ways_[type.index()];
  return std::any_of(ways.begin(), ways.end(), [&](const Way& way) { return plan_.topology.stages[way.to_stage].name == stage; });
}

Outbox::~Outbox() = default;

void Outbox::open_batch(Channel& channel, std::uint32_t index) {
  if (!channel.listed) {
    channel.listed = true;
    dirty_.push_back(index);
  }
  const auto expected = channel.staged.empty() ? channel.last_batch : channel.batch_limit;
  channel.staged.push_back(std::make_unique<EventBatch>(expected));
  channel.open = channel.staged.back().get();
  channel.room = channel.batch_limit;
}

void Outbox::rollback() {
  for (auto emitted = since_mark_.rbegin(); emitted != since_mark_.rend(); ++emitted) {
    auto& channel = channels_[*emitted];
    auto& staged = channel.staged;
    staged.back()->truncate(staged.back()->size() - 1);
    if (staged.back()->empty()) staged.pop_back();
    channel.open = staged.empty() ? nullptr : staged.back().get();
    channel.room = staged.empty() ? 0 : channel.batch_limit - static_cast<std::uint32_t>(channel.open->size());
    --staged_events_;
  }
  mark();
}

void Outbox::collect(JournalWrite* write, ShardRecord& record, Timestamp watermark, const OnRejected& on_rejected) {
  for (const auto index : dirty_) {
    auto& channel = channels_[index];
    channel.listed = false;
    for (const auto& batch : channel.staged) channel.counters->sent.add(batch->size());
    std::uint64_t gap = 0;
    switch (channel.overflow) {
      case Overflow::backpressure:
      case Overflow::spill: break;
      case Overflow::drop_oldest: gap = drop_oldest(channel, write); break;
      case Overflow::drop_newest: drop_newest(channel); break;
      case Overflow::reject: reject(channel, on_rejected); break;
    }
    number_staged(channel, gap, watermark, write);
    tell_shed(channel, shed_told_every_us);
    channel.counters->pending.set(channel.pending_events - channel.done_pending);
  }
  staged_events_ = 0;
  mark();

  record.sent.resize(channels_.size());
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    const auto& channel = channels_[i];
    record.sent[i] = {channel.planned->id,
                      channel.last_sequence,
                      channel.counters->sent.get(),
                      channel.counters->dropped_oldest.get(),
                      channel.counters->dropped_newest.get(),
                      channel.counters->rejected.get(),
                      channel.watermark};
  }
}

// Sheds what has waited longest until all that is staged fits. Returns how many sequences the next parcel has to name
// as shed before it.
std::uint64_t Outbox::drop_oldest(Channel& channel, JournalWrite* write) {
  std::uint64_t staged = 0;
  for (const auto& batch : channel.staged) staged += batch->size();
  if (staged == 0) return 0;
  std::uint64_t gap = 0;
  while (channel.pending_events > 0 && channel.pending_events + staged > channel.planned->credit) {
    if (channel.pending.empty()) read_back(channel);
    gap += channel.pending.front().batch->size() + channel.pending.front().skipped;
    drop_first(channel, write);
  }
  // One handler call may emit more than the mailbox takes: its first events have waited longest, and have no sequence yet.
  auto first_kept = channel.staged.begin();
  for (; staged > channel.planned->credit; ++first_kept) {
    staged -= (*first_kept)->size();
    channel.counters->dropped_oldest.add((*first_kept)->size());
  }
  channel.staged.erase(channel.staged.begin(), first_kept);
  if (gap == 0 || channel.pending_events == 0) return gap;
  if (channel.pending.empty()) read_back(channel);
  channel.pending.front().skipped += gap;
  if (write != nullptr) write->put_parcel(channel.pending.front());
  return 0;
}

void Outbox::drop_first(Channel& channel, JournalWrite* write) {
  const auto& victim = channel.pending.front();
  const auto size = victim.batch->size();
  const auto done = events_done(channel.done, victim.first_sequence, size);
  channel.counters->dropped_oldest.add(size - done);
  channel.done_pending -= done;
  if (write != nullptr) write->erase_parcel(victim.channel, victim.first_sequence);
  channel.pending.pop_front();
  channel.pending_events -= size;
  pending_events_ -= size;
}

void Outbox::drop_newest(Channel& channel) {
  channel.counters->dropped_newest.add(keep_what_fits(channel, [](const EventBatch&, std::size_t) {}));
}

void Outbox::reject(Channel& channel, const OnRejected& on_rejected) {
  channel.counters->rejected.add(keep_what_fits(
      channel, [&](const EventBatch& batch, std::size_t index) { on_rejected(channel.planned->id, batch, index); }));
}

// Takes those staged events away that there is no credit for, and tells how many.
template <class OnShed>
std::uint64_t Outbox::keep_what_fits(Channel& channel, OnShed&& on_shed) {
  auto room = static_cast<std::size_t>(
      std::max<std::int64_t>(0, channel.credit - static_cast<std::int64_t>(channel.pending_events)));
  std::uint64_t shed = 0;
  for (auto& batch : channel.staged) {
    for (auto i = room; i < batch->size(); ++i) on_shed(*batch, i);
    const auto kept = std::min(room, batch->size());
    shed += batch->size() - kept;
    batch->truncate(kept);
    room -= kept;
  }
  return shed;
}

// Gives what is staged its sequences, and puts it into the write and the queue.
void Outbox::number_staged(Channel& channel, std::uint64_t gap, Timestamp watermark, JournalWrite* write) {
  for (auto& batch : channel.staged) {
    if (batch->empty()) continue;
    if (&batch == &channel.staged.back()) channel.watermark = watermark;
    Parcel parcel;
    parcel.channel = channel.planned->id;
    parcel.first_sequence = channel.last_sequence + 1;
    parcel.skipped = std::exchange(gap, 0);
    parcel.watermark = channel.watermark;
    parcel.batch = std::move(batch);
    channel.last_batch = static_cast<std::uint32_t>(parcel.batch->size());
    channel.last_sequence += channel.last_batch;
    if (write != nullptr) write->put_parcel(parcel);
    queue(channel, std::move(parcel));
  }
  channel.staged.clear();
  channel.open = nullptr;
  channel.room = 0;
}

void Outbox::queue(Channel& channel, Parcel parcel) {
  const auto size = parcel.batch->size();
  channel.idle = false;
  channel.pending_events += size;
  pending_events_ += size;
  const bool to_disk =
      channel.on_disk > 0 || (channel.overflow == Overflow::spill && channel.pending.size() >= spill_memory_parcels);
  if (!to_disk) {
    channel.pending.push_back(std::move(parcel));
    return;
  }
  if (journal_ != nullptr) {
    if (channel.on_disk == 0) channel.disk_next = parcel.first_sequence;
  } else {
    if (!channel.spill) channel.spill = make_spill_();
    channel.spill->append(parcel);
  }
  channel.on_disk += size;
}

void Outbox::release() {
  for (const auto index : dirty_) {
    deliver_pending(channels_[index]);
    update_blocked(channels_[index]);
  }
  dirty_.clear();
}

void Outbox::on_credit(ChannelId id, std::uint32_t events) {
  auto& channel = channels_[plan_.channel(id).output];
  channel.credit += events;
  deliver_pending(channel);
  update_blocked(channel);
}

void Outbox::deliver_pending(Channel& channel) {
  const auto now = port_.now_us();
  while (channel.pending_events > 0) {
    if (channel.pending.empty()) read_back(channel);
    auto& parcel = channel.pending.front();
    const auto size = parcel.batch->size();
    // A parcel larger than the whole share (the mailbox was made smaller since it was written) goes when all credit is
    // back.
    const auto needed = std::min<std::int64_t>(static_cast<std::int64_t>(size), channel.planned->credit);
    if (channel.credit < needed) break;
    channel.credit -= static_cast<std::int64_t>(size);
    channel.pending_events -= size;
    pending_events_ -= size;
    const auto done = events_done(channel.done, parcel.first_sequence, size);
    channel.done_pending -= done;
    channel.counters->delivered.add(size - done);
    ++deliveries_;
    port_.deliver(channel.planned->to, Delivery{std::move(parcel), now});
    channel.pending.pop_front();
  }
  channel.counters->pending.set(channel.pending_events - channel.done_pending);
}

void Outbox::read_back(Channel& channel) {
  const auto take = [&](Parcel parcel) {
    channel.on_disk -= parcel.batch->size();
    channel.disk_next = parcel.first_sequence + parcel.batch->size();
    channel.pending.push_back(std::move(parcel));
    return channel.pending.size() < spill_memory_parcels && channel.on_disk > 0;
  };
  if (journal_ != nullptr) {
    journal_->scan_parcels(channel.planned->id, channel.disk_next, take);
  } else {
    while (channel.on_disk > 0) {
      auto parcel = channel.spill->read();
      if (!parcel || !take(std::move(*parcel))) break;
    }
  }
  if (channel.pending.empty())
    throw CorruptData(fmt::format("{} events spilled on their way to {} can't be read back from sequence {}",
                                  channel.on_disk, plan_.shard_name(channel.planned->to), channel.disk_next));
}

void Outbox::tell_shed() {
  for (auto& channel : channels_) tell_shed(channel, 0);
}

void Outbox::tell_shed(Channel& channel, std::int64_t at_most_every_us) {
  const auto& counters = *channel.counters;
  const auto shed = counters.dropped_oldest.get() + counters.dropped_newest.get() + counters.rejected.get();
  if (shed == channel.shed_told || !on_shed_) return;
  const auto now = port_.now_us();
  if (now < channel.shed_told_us + at_most_every_us) return;
  on_shed_(*channel.planned, shed - channel.shed_told);
  channel.shed_told = shed;
  channel.shed_told_us = now;
}

void Outbox::announce_watermark(Timestamp watermark) {
  owes_time_ = false;
  for (auto& channel : channels_) {
    if (channel.watermark >= watermark) continue;
    if (channel.pending_events > 0 || !channel.staged.empty()) {
      owes_time_ = true;
      continue;
    }
    channel.watermark = watermark;
    channel.idle = false;
    tell_time(channel, watermark);
  }
}

void Outbox::announce_idle() {
  for (auto& channel : channels_) {
    if (channel.idle) continue;
    if (channel.pending_events > 0 || !channel.staged.empty()) {
      owes_time_ = true;
      continue;
    }
    channel.idle = true;
    tell_time(channel, idle_watermark);
  }
}

void Outbox::tell_time(Channel& channel, Timestamp watermark) {
  Delivery delivery;
  delivery.parcel.channel = channel.planned->id;
  delivery.parcel.watermark = watermark;
  delivery.sent_us = port_.now_us();
  ++deliveries_;
  port_.deliver(channel.planned->to, std::move(delivery));
}

void Outbox::update_blocked(Channel& channel) {
  const bool blocks = channel.overflow == Overflow::backpressure && channel.pending_events > 0;
  if (blocks == channel.counted_blocked) return;
  channel.counted_blocked = blocks;
  channel.counters->blocked.set(blocks ? 1 : 0);
  blocks ? ++blocked_ : --blocked_;
}

}  // namespace mailroom::runtime
