// What all kinds of shards share: the receiving side of their channels, the outbox, the commit, dead letters
// and the counters. The kinds (actor_shard, worker_queue, source_shard, sink_shard) say what is done with an event.
//
// A shard is driven by one thread at a time, through the on_...() calls; it never blocks and never throws
// out of them: what it cannot go on from ends in ShardPort::stop_node().
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/engine/ask.hpp"
#include "runtime/engine/channel_counters.hpp"
#include "runtime/engine/arrival_watch.hpp"
#include "runtime/engine/caught.hpp"
#include "runtime/engine/dead_letter_box.hpp"
#include "runtime/engine/dead_letter_control.hpp"
#include "runtime/engine/outbox.hpp"
#include "runtime/engine/plan.hpp"
#include "runtime/engine/shard_port.hpp"
#include "runtime/journal/journal.hpp"
#include "runtime/telemetry/order_check.hpp"
#include "runtime/telemetry/shard_counters.hpp"
#include "runtime/telemetry/trace_sampling.hpp"

namespace mailroom::runtime {

// What the engine hands every shard; all of it outlives the shards.
struct ShardSetup {
  const Plan* plan = nullptr;
  ShardIndex shard = 0;
  Journal* journal = nullptr;  // null: memory mode
  ShardPort* port = nullptr;
  ShardCounters* counters = nullptr;
  std::vector<ChannelCounters>* channels = nullptr;  // as Plan::channels
  DeadLetterBox* dead_letters = nullptr;             // memory mode: where dead letters are kept
  ShardTelemetry* telemetry = nullptr;
  const TraceSampling* sampling = nullptr;
  MakeSpill make_spill;
  std::function<void(LogLevel, const std::string& shard, std::string_view text)> log;
  std::uint64_t seed = 1;  // for jitter
};

// For finding out that a topology is at rest: all quiet twice in a row, with as many deliveries received as sent.
struct QuietReport {
  bool quiet = false;
  std::uint64_t deliveries_sent = 0, deliveries_received = 0;
  std::uint64_t timers = 0;
};

class ShardCore {
 public:
  static constexpr std::size_t commit_limit = 8192;  // events handled or emitted before a commit is made in mid-work

  explicit ShardCore(const ShardSetup& setup);
  virtual ~ShardCore() = default;
  ShardCore(const ShardCore&) = delete;
  ShardCore& operator=(const ShardCore&) = delete;

  // Reads back what the journal keeps. Called once, before any shard runs, on the starting thread.
  // `consumed_by_receiver`: for what is under way from here. Throws what makes the node unable to start.
  virtual void prepare(const Outbox::ConsumedByReceiver& consumed_by_receiver);
  // Begins to work.
  virtual void begin();
  void on_delivery(Delivery delivery);
  void on_credit(ChannelId channel, std::uint32_t events);
  void on_flush();
  virtual void on_wake() {}
  virtual void on_synced() {}
  virtual void on_work_result(WorkResult) {}
  virtual void restart() {}
  // What is known about a key, as it is committed. Only shards that keep states are asked.
  virtual StateAnswer answer(const StateQuestion& question);
  // Paused, it takes nothing from its mailbox, fires no timer and tries nothing again; it gives no credit either, so its
  // producers come to stand still in turn.
  void pause(bool paused);
  // What an operator asks for of its dead letters or parked events; committed when it returns.
  DeadLetterOutcome change_held(const HeldChange& change);
  void on_order_due();
  // Sources: no more input is read from now on.
  virtual void stop_reading() {}
  // Commits what is done; nothing is handled afterwards.
  void stop();
  [[nodiscard]] QuietReport quiet_report() const;

 protected:
  struct Input {
    const PlannedChannel* planned = nullptr;
    bool feedback = false, from_source = false;
    bool idle = false;  // has said that nothing comes for a while: its watermark holds nobody back
    std::int64_t lateness_us = 0;
    std::uint64_t arrived = 0;  // last sequence that came out of the CAF mailbox
    ConsumedPosition consumed;
    std::uint32_t credit_due = 0;
    ChannelCounters* counters = nullptr;
  };
  // A parcel being worked: the events up to `next` are done.
  struct Work {
    Parcel parcel;
    Input* input = nullptr;
    std::uint32_t next = 0;
    std::int64_t sent_us = 0;
  };

  // Does what can be done now. Called after each change that may allow more.
  virtual void work() = 0;
  // Adds the kind's own changes to the commit (`write` is null in memory mode).
  virtual void collect_changes(JournalWrite* write) { (void)write; }
  [[nodiscard]] virtual bool at_rest() const { return true; }
  // "events" clock: no event with an earlier time will be emitted from now on.
  [[nodiscard]] virtual Timestamp outgoing_watermark() const { return clock_; }

  // Puts a dead letter back to work that why_not_again() has nothing against. Its record is the caller's.
  virtual void redrive_dead(HeldEvent held);
  // The same for a key's whole parking lot, in order; take_from_parked() has been called for each.
  virtual void redrive_parked(const std::string& key, std::vector<HeldEvent> lot);
  // An event of this key was parked before the node started, and stays so.
  virtual void keep_parked(const std::string& key) { (void)key; }
  // An event left the parking lot for good.
  virtual void unpark(const std::string& key) { (void)key; }
  // Once the shard can take events: counts what is parked, and tries again what was marked while the node was stopped.
  void recover_held();
  void take_from_parked(HeldEvent& held);
  // Puts it into the parking lot. In memory mode a full one gives its oldest event up.
  void park(HeldEvent held, Input* input);

  // One atomic write of all that was done since the last, then the release of outputs and credit.
  void commit();
  void need_flush();
  // Something waits for a commit: what was done, what was emitted, or credit that a finished parcel gives back.
  [[nodiscard]] bool has_to_commit() const { return uncommitted_ > 0 || outbox_.staged() > 0 || owes_credit_; }
  void finish_parcel(Work& work);
  void advance_clock();
  void announce_time();
  [[nodiscard]] bool all_idle() const;
  // An event given up on. `held.event` may be null (dirty input).
  void bury(HeldEvent held, Input* input);
  // Null: none of this shard's channels, 0 for example.
  [[nodiscard]] Input* input_of(ChannelId channel) noexcept;
  [[nodiscard]] static HeldEvent hold(const EventBatch& batch, std::size_t index, std::string_view key,
                                      ChannelId channel, std::uint64_t sequence);
  void put_held(HeldReason table, const HeldEvent& event);
  void erase_held(HeldReason table, std::uint64_t ordinal);
  void set_state(ShardState state) {
    if (paused_ && state != ShardState::stopped && state != ShardState::finished) state = ShardState::paused;
    counters_.state.store(state, std::memory_order_relaxed);
  }
  // Telemetry. Nothing is done for events that are in order and not sampled.
  void tell(TelemetryEvent event);
  void tell(EventKind kind, const HeldEvent& held, std::string text, std::int64_t delay_us = -1);
  [[nodiscard]] bool is_sampled(TraceId trace) const noexcept { return sampling_.choice().takes(trace); }
  // Sampled, or out of order when it came: the latter is `true` once.
  [[nodiscard]] bool wants_span(TraceId trace) {
    return is_sampled(trace) || (watch_ && watch_->marks() && watch_->take_mark(trace));
  }
  void put_span(Span span);
  // A visit at the first attempt that went well.
  void put_visit(const Work& work, std::uint32_t index, std::string_view key, std::int64_t started_us, std::int64_t ended_us);
  void put_span(const HeldEvent& held, unsigned attempt, std::int64_t started_us, std::int64_t ended_us, SpanOutcome outcome,
                const std::string& text);
  void fail(const std::string& reason);
  // Runs `body`; what it throws, whatever that is, stops the node.
  template <class Body>
  void guarded(Body&& body);

  const Plan& plan_;
  const ShardIndex shard_;
  const PlannedShard& planned_;
  const Stage& stage_;
  const std::string name_;  // "ledger/3"
  Journal* const journal_;
  ShardPort& port_;
  ShardCounters& counters_;
  const ShardSetup setup_;
  const bool event_clock_;

  std::vector<Input> inputs_;
  std::deque<Work> inbox_;
  Outbox outbox_;
  ShardRecord record_;
  OrderCheck order_check_;
  Timestamp clock_ = Timestamp::min();         // "events" clock; max() once the input has ended
  Timestamp finite_clock_ = Timestamp::min();  // the last one before the end
  std::size_t uncommitted_ = 0;                // events and changes since the last commit
  bool stopped_ = false;
  bool paused_ = false;
  ShardTelemetry* const telemetry_;
  const TraceSampling& sampling_;
  std::unique_ptr<ArrivalWatch> watch_;  // null: the stage has no "watch_order"

 private:
  // Why a dead letter or a parked key's lot can't be put back to work in this topology, with what to do; nullopt: it can.
  [[nodiscard]] std::optional<std::string> why_not_again(const HeldEvent& held) const;
  [[nodiscard]] std::optional<std::string> why_not_again(const std::vector<HeldEvent>& lot) const;
  void leave_parking_lot(const HeldEvent& held);
  void discard_held(const HeldEvent& held, bool parked);
  void schedule_order_due();
  std::int64_t order_due_us_ = 0;  // asked for; 0: none

  std::unique_ptr<JournalWrite> write_;
  std::vector<std::pair<ChannelId, std::uint64_t>> finished_;  // parcels to erase in the next commit
  std::uint64_t deliveries_received_ = 0;
  bool owes_credit_ = false;  // for parcels finished since the last commit, which may have had all of their events in it
  bool flush_pending_ = false;
};

template <class Body>
void ShardCore::guarded(Body&& body) {
  if (stopped_) return;
  try {
    body();
  } catch (...) {
    fail(caught_text());
  }
}

}  // namespace mailroom::runtime
