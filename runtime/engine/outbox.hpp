// The sending side of a shard: takes what handlers emit, routes it by key, and moves it, batch by batch and
// under credit, to the receivers' mailboxes.
//
//   emit() -> staged -> collect() into the commit -> pending -> (credit) -> delivered
//
// Staged events can still be rolled back; collected ones are part of the commit. What happens when a receiver
// has no credit is its edge's overflow policy: backpressure (blocked() holds the shard), spill (to disk,
// read back in order), or shedding, at collect(). What is shed before it has a sequence leaves no trace in the channel;
// shed later, its sequences are named by its successor (Parcel::skipped). One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <mailroom/event_batch.hpp>

#include "runtime/engine/channel_counters.hpp"
#include "runtime/engine/plan.hpp"
#include "runtime/engine/shard_port.hpp"
#include "runtime/engine/spill.hpp"

namespace mailroom::runtime {

// How many of `count` events from sequence `first` on the receiver is done with.
[[nodiscard]] inline std::uint64_t events_done(const ConsumedPosition& done, std::uint64_t first, std::uint64_t count) {
  auto events = done.sequence < first ? 0 : std::min(count, done.sequence - first + 1);
  for (const auto& [from, to] : done.beyond)
    if (from < first + count && to >= first) events += std::min(to, first + count - 1) - std::max(from, first) + 1;
  return events;
}


class Outbox {
 public:
  static constexpr std::uint32_t max_batch = 1024;         // events; a channel with little credit uses less
  static constexpr std::size_t spill_memory_parcels = 16;  // of a spilling channel kept in memory

  // What a channel's receiver is done with, by what is recorded of it.
  using ConsumedByReceiver = std::function<ConsumedPosition(ChannelId)>;
  // Told of an event that a full mailbox refused ("reject"): it becomes a dead letter of the producer.
  using OnRejected = std::function<void(ChannelId, const EventBatch&, std::size_t index)>;

  Outbox(const Plan& plan, ShardIndex shard, Journal* journal, ShardPort& port, std::vector<ChannelCounters>& counters,
         MakeSpill make_spill);
  ~Outbox();

  // Continues after the record; parcels that the receivers have not consumed are queued again.
  void recover(const ShardRecord& record, const ConsumedByReceiver& consumed_by_receiver);

  // Routes and stages one event, moving from *event. Returns how many stages take it (0: nobody does).
  std::size_t emit(const EventType& type, void* event, Timestamp time, TraceId trace, std::uint32_t behind_ms = 0);
  // The same to one stage; an empty name: to all. Throws ScenarioError if that stage does not take this type from here.
  std::size_t emit_to(std::string_view stage, const EventType& type, void* event, Timestamp time, TraceId trace,
                      std::uint32_t behind_ms = 0);

  // Whether emit_to() would find a way.
  [[nodiscard]] bool leads_to(std::string_view stage, const EventType& type) const;

  // Everything emitted after mark() is taken back by rollback(), until the next mark().
  void mark() noexcept { since_mark_.clear(); }
  void rollback();

  // Gives sequences to what is staged, sheds by policy, adds it to the write (null in memory mode) and to the record.
  // `watermark`: no event with an earlier time will be emitted from now on.
  void collect(JournalWrite* write, ShardRecord& record, Timestamp watermark, const OnRejected& on_rejected);
  // Told of shed events, all policies: several at a time, so that a mailbox that sheds for long does not fill the list.
  void on_shed(std::function<void(const PlannedChannel&, std::uint64_t events)> tell) { on_shed_ = std::move(tell); }
  // Tells of those not told yet.
  void tell_shed();
  // After the commit: hands over what credit allows.
  void release();
  void on_credit(ChannelId channel, std::uint32_t events);
  // Tells receivers that have nothing on the way the new watermark; the others are owed it (owes_time()).
  void announce_watermark(Timestamp watermark);
  // Tells them that nothing comes for a while: they go on without waiting for this shard's watermark (idle_watermark).
  void announce_idle();
  [[nodiscard]] bool owes_time() const noexcept { return owes_time_; }

  // A receiver under backpressure has no credit for what is pending: the shard must not work on.
  [[nodiscard]] bool blocked() const noexcept { return blocked_ > 0; }
  [[nodiscard]] std::size_t staged() const noexcept { return staged_events_; }
  [[nodiscard]] std::uint64_t pending() const noexcept { return pending_events_; }
  [[nodiscard]] std::uint64_t emitted() const noexcept { return emitted_; }
  [[nodiscard]] std::uint64_t deliveries() const noexcept { return deliveries_; }

 private:
  struct Channel {
    const PlannedChannel* planned = nullptr;
    Overflow overflow = Overflow::backpressure;
    std::uint32_t batch_limit = max_batch;
    std::uint32_t last_batch = 0;  // events of the one sent last: room for as many is made in the next
    std::int64_t credit = 0;
    std::uint64_t last_sequence = 0;
    ChannelCounters* counters = nullptr;
    std::vector<std::unique_ptr<EventBatch>> staged;
    EventBatch* open = nullptr;              // the last of `staged`
    std::uint32_t room = 0;                  // events that it still takes; 0 if there is none
    std::deque<Parcel> pending;              // in memory, to be delivered first
    std::uint64_t on_disk = 0;               // events spilled behind `pending`
    std::uint64_t disk_next = 0;             // durable mode: first sequence of the next spilled parcel
    std::unique_ptr<Spill> spill;            // memory mode
    std::uint64_t pending_events = 0;        // pending + on_disk
    ConsumedPosition done;                   // by the receiver, when this node started
    std::uint64_t done_pending = 0;          // of pending_events: batches done in part go out whole
    Timestamp watermark = Timestamp::min();  // last one handed over or queued
    bool idle = false;                       // said so, and nothing was sent since
    bool listed = false;                     // in dirty_
    bool counted_blocked = false;
    std::uint64_t shed_told = 0;
    std::int64_t shed_told_us = 0;
  };

  struct Way;

  EventBatch& place(const Way& way, std::uint64_t hash);
  void open_batch(Channel& channel, std::uint32_t index);
  // Room in a full mailbox, by its policy, among what is queued and staged.
  std::uint64_t drop_oldest(Channel& channel, JournalWrite* write);
  void drop_newest(Channel& channel);
  void reject(Channel& channel, const OnRejected& on_rejected);
  template <class OnShed>
  std::uint64_t keep_what_fits(Channel& channel, OnShed&& on_shed);
  void drop_first(Channel& channel, JournalWrite* write);
  void number_staged(Channel& channel, std::uint64_t gap, Timestamp watermark, JournalWrite* write);
  void tell_shed(Channel& channel, std::int64_t at_most_every_us);
  void queue(Channel& channel, Parcel parcel);
  void deliver_pending(Channel& channel);
  void read_back(Channel& channel);
  void update_blocked(Channel& channel);
  void tell_time(Channel& channel, Timestamp watermark);

  const Plan& plan_;
  ShardIndex shard_;
  std::size_t stage_;
  Journal* journal_;
  ShardPort& port_;
  MakeSpill make_spill_;
  static constexpr std::int64_t shed_told_every_us = 100'000;
  std::function<void(const PlannedChannel&, std::uint64_t)> on_shed_;
  std::vector<Channel> channels_;          // as PlannedShard::outputs
  std::vector<std::vector<Way>> ways_;     // by EventType::index()
  std::vector<std::uint32_t> dirty_;       // channels with staged events
  std::vector<std::uint32_t> since_mark_;  // the channel of each event emitted since the mark
  std::size_t staged_events_ = 0;
  std::uint64_t pending_events_ = 0;
  std::uint64_t emitted_ = 0;
  std::uint64_t deliveries_ = 0;  // messages, watermarks included
  std::uint32_t blocked_ = 0;
  bool owes_time_ = false;
  std::string key_;  // reused
};

}  // namespace mailroom::runtime
