// A shard of a stage with ordering "key" or "total": runs the user's actor on one event after the other.
//
// An event that fails is rolled back alone and moves, with the events of its key that follow, to WaitingKeys
// until its retry succeeds or is given up; other keys go on (retrying "block_key") or the whole shard stands
// still (retrying "block_shard", ordering "total"). A parked key's events go to the parking lot. Timers are
// events that the actor sends itself.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include <mailroom/actor_type.hpp>
#include <mailroom/context.hpp>

#include "runtime/engine/shard_core.hpp"
#include "runtime/engine/supervision.hpp"
#include "runtime/engine/timer_queue.hpp"
#include "runtime/engine/waiting_keys.hpp"

namespace mailroom::runtime {

class ActorShard final : public ShardCore, private ContextPort {
 public:
  // Events of blocked keys kept in memory, as a multiple of the mailbox capacity; beyond it the shard stands still.
  static constexpr std::size_t waiting_mailboxes = 16;
  // Handlers are called for so long before others get the core, and for the events between two looks at the clock: a
  // batch of slow events must not hold up who has nothing to do with them.
  static constexpr std::int64_t slice_us = 1'000;
  static constexpr std::uint64_t slice_most = 65'536;  // events, whatever the clock says: a timer may set itself again for ever
  static constexpr std::uint64_t slice_check = 64;  // the clock is read at the 2nd, 4th, 8th, 16th, 32nd and at each such event

  explicit ActorShard(const ShardSetup& setup);

  void prepare(const Outbox::ConsumedByReceiver& consumed_by_receiver) override;
  void on_wake() override;
  void restart() override;
  StateAnswer answer(const StateQuestion& question) override;

 protected:
  void work() override;
  void collect_changes(JournalWrite* write) override;
  void redrive_dead(HeldEvent held) override;
  void redrive_parked(const std::string& key, std::vector<HeldEvent> lot) override;
  void keep_parked(const std::string& key) override { ++parked_keys_[key]; }
  void unpark(const std::string& key) override;
  [[nodiscard]] bool at_rest() const override;
  [[nodiscard]] Timestamp outgoing_watermark() const override;

 private:
  enum class Result { done, rejected, failed };
  // One event to be handled, wherever it comes from.
  struct Subject {
    const EventType& type;
    const void* event;
    const EventMeta& meta;
    const EventKey& key;
  };
  class Tally;
  struct TimerChange {
    std::shared_ptr<const EventBatch> event;  // null: cancel
    Timestamp due;
    std::string name;
  };

  // ContextPort: what the handler asks for, taken back if it throws.
  void emit(const EventType& type, void* event, std::string_view stage, Timestamp time) override;
  void set_timer(const EventType& type, void* event, Timestamp due, std::string_view name) override;
  void cancel_timer(std::string_view name) override;
  void forget_state() override;
  void log(LogLevel level, std::string_view text) override;

  [[nodiscard]] bool can_run() const;        // handlers may be called at all
  [[nodiscard]] bool can_take_next() const;  // and new events may be taken
  [[nodiscard]] bool timer_is_next();  // before what stands first in the inbox
  void handle_events(Work& work);
  void handle_row(Work& work, std::size_t most, Tally& tally);
  void handle_one(Work& work, Tally& tally);
  // `started_us`: when its handler was called; 0: not known.
  void settle(Result result, Work& work, Tally& tally, std::int64_t started_us);
  // The first event of [begin, end) whose visit is traced; `end`: none is.
  [[nodiscard]] std::uint32_t first_traced(const EventBatch& batch, std::uint32_t begin, std::uint32_t end) const;
  void trace_visit(const Work& work, std::uint32_t index, std::int64_t started_us, std::int64_t ended_us);
  [[nodiscard]] std::string_view key_text(const EventBatch& batch, std::size_t index, KeyScratch& scratch);
  void tell_time(const Work& work);
  [[nodiscard]] Timestamp now_for(const EventMeta& meta) const;
  [[nodiscard]] bool slice_is_over();  // if so, work() goes on once others have had the core
  void let_others_go_on();
  [[nodiscard]] std::size_t until_next_look() const;  // events to be handled before slice_is_over() reads the clock
  void fire_next_timer();
  void retry_due_keys();
  // Runs the handler; `failure_` says why it did not succeed. Nothing has changed then.
  Result run(const Subject& subject, Timestamp now, unsigned number);
  Result run(const HeldEvent& held, unsigned attempt);
  template <class Call>
  Result attempt(Call&& call);
  void take_back();
  [[noreturn]] void refuse_emission(const EventType& type) const;
  void change_timers(TimerChange change);
  void apply_timer_changes();
  bool fire_before_waiting(HeldEvent& timer);
  // `failed_at_us`: when the handler threw.
  void first_failure(HeldEvent held, Input* input, std::int64_t failed_at_us);
  // What becomes of an event that has failed so many times.
  [[nodiscard]] SpanOutcome outcome_after(unsigned attempts) const;
  // What the topology's "then" says for the event at the head of a waiting key.
  void give_up(const std::string& key);
  void finish_head(const std::string& key, Result result);
  void park_waiting_key(const std::string& key);
  void park_key(HeldEvent held, Input* input, std::string_view kind);
  void wait_behind(HeldEvent held, Input* input);
  [[nodiscard]] std::int64_t retry_delay_us(unsigned attempts);
  void schedule_wakes();
  void recover_waiting();

  std::unique_ptr<ActorHost> host_;
  Context context_;
  std::vector<char> emits_;  // by EventType::index; char: read for every emission
  const bool has_feedback_;  // an input over a feedback edge
  const bool shard_waits_;   // retrying block_shard, or ordering total
  const std::size_t waiting_limit_;
  BackoffPlan backoff_;
  std::mt19937_64 random_;
  TimerQueue timers_;
  WaitingKeys waiting_;
  std::unordered_map<std::string, std::size_t> parked_keys_;  // and how many events of each are parked
  bool awaits_supervisor_ = false;
  std::string standing_still_for_;  // then "block_shard": the key whose retries are used up
  bool standing_still_ = false;
  std::string failure_;
  std::vector<TimerChange> timer_changes_;  // of the call under way
  std::string timer_key_;                   // their key
  std::string composed_key_;
  std::uint64_t emitting_call_ = 0;  // Context::calls() of the call that emitted last
  std::uint64_t handled_ = 0;     // in this round of work
  Timestamp wall_;                // read once per round of work
  std::int64_t now_us_ = 0;       // the same
  std::int64_t wake_due_us_ = 0;  // earliest wake-up asked for; 0: none
  std::uint32_t wakes_under_way_ = 0;
  bool goes_on_later_ = false;    // the slice is over and the message to ourselves is under way
};

}  // namespace mailroom::runtime
