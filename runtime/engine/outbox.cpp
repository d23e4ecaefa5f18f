#include "runtime/engine/outbox.hpp"

#include <algorithm>
#include <fmt/format.h>

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

void Outbox::recover(const ShardRecord& record, const std::function<ConsumedPosition(ChannelId)>& consumed_by_receiver) {
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
    auto& counters = *channel.counters;
    std::uint32_t skipped = 0;
    for (auto& batch : channel.staged) {
      if (batch->empty()) continue;
      counters.sent.add(batch->size());
      if (channel.overflow == Overflow::drop_newest || channel.overflow == Overflow::reject) {
        const auto room = static_cast<std::size_t>(
            std::max<std::int64_t>(0, channel.credit - static_cast<std::int64_t>(channel.pending_events)));
        if (batch->size() > room) {
          const auto shed = batch->size() - room;
          if (channel.overflow == Overflow::reject) {
            for (auto i = room; i < batch->size(); ++i) on_rejected(channel.planned->id, *batch, i);
            counters.rejected.add(shed);
          } else {
            counters.dropped_newest.add(shed);
          }
          batch->truncate(room);
          if (batch->empty()) continue;
        }
      }
      Parcel parcel;
      parcel.channel = channel.planned->id;
      parcel.first_sequence = channel.last_sequence + 1;
      parcel.skipped = skipped;
      parcel.watermark = &batch == &channel.staged.back() ? watermark : channel.watermark;
      parcel.batch = std::move(batch);
      const auto size = parcel.batch->size();
      channel.last_sequence += size;
      channel.last_batch = static_cast<std::uint32_t>(size);
      channel.watermark = parcel.watermark;
      if (channel.overflow == Overflow::drop_oldest) {
        // Room is made by shedding what has waited longest; a shed parcel's sequences are named by its successor.
        while (!channel.pending.empty() && channel.pending_events + size > channel.planned->credit) {
          auto& victim = channel.pending.front();
          const auto shed = victim.batch->size();
          const auto done = events_done(channel.done, victim.first_sequence, shed);
          counters.dropped_oldest.add(shed - done);
          channel.done_pending -= done;
          if (write != nullptr) write->erase_parcel(victim.channel, victim.first_sequence);
          const auto gap = static_cast<std::uint32_t>(shed) + victim.skipped;
          channel.pending.pop_front();
          channel.pending_events -= shed;
          pending_events_ -= shed;
          if (channel.pending.empty()) {
            parcel.skipped += gap;
          } else {
            channel.pending.front().skipped += gap;
            if (write != nullptr) write->put_parcel(channel.pending.front());
          }
        }
      }
      if (write != nullptr) write->put_parcel(parcel);
      queue(channel, std::move(parcel));
    }
    channel.staged.clear();
    channel.open = nullptr;
    channel.room = 0;
    const auto shed = counters.dropped_oldest.get() + counters.dropped_newest.get() + counters.rejected.get();
    if (shed > channel.shed_told && on_shed_) {
      const auto now = port_.now_us();
      if (now >= channel.shed_told_us + shed_told_every_us) {
        on_shed_(*channel.planned, shed - channel.shed_told);
        channel.shed_told = shed;
        channel.shed_told_us = now;
      }
    }
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
  for (auto& channel : channels_) {
    if (channel.planned->id != id) continue;
    channel.credit += events;
    deliver_pending(channel);
    update_blocked(channel);
    return;
  }
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
  for (auto& channel : channels_) {
    const auto& counters = *channel.counters;
    const auto shed = counters.dropped_oldest.get() + counters.dropped_newest.get() + counters.rejected.get();
    if (shed > channel.shed_told && on_shed_) on_shed_(*channel.planned, shed - channel.shed_told);
    channel.shed_told = shed;
  }
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
