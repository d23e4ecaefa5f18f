// A stage with workers: one mailbox, N workers, events taken by whoever is free.
//
// The queue (this class) owns the positions, the outbox and the commit; workers only run the user's handler on
// a chunk of a parcel and hand back what it emitted. Chunks end in any order: the record keeps the ranges that
// are done beyond the first open one, so each event still counts exactly once.
//
// With a priority, a deadline ("expires") or a key, events are jobs, handed out one by one: of those that wait the one
// with the highest priority, then the oldest; none that has expired; and of one key one at a time, in order, also while
// the key's job waits for its retry.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <unordered_map>
#include <vector>

#include <mailroom/actor_type.hpp>

#include "runtime/engine/clock.hpp"
#include "runtime/engine/shard_core.hpp"
#include "runtime/engine/supervision.hpp"

namespace mailroom::runtime {

class WorkerQueue final : public ShardCore {
 public:
  static constexpr std::uint32_t chunk_events = 64;

  explicit WorkerQueue(const ShardSetup& setup);
  void prepare(const Outbox::ConsumedByReceiver& consumed_by_receiver) override;
  void on_work_result(WorkResult result) override;
  void on_wake() override;
  void restart() override;

 protected:
  void work() override;
  void redrive_dead(HeldEvent held) override;
  void redrive_parked(const std::string& key, std::vector<HeldEvent> lot) override;
  [[nodiscard]] bool at_rest() const override {
    return open_.empty() && outstanding_.empty() && again_.empty() && !awaits_supervisor_;
  }
  [[nodiscard]] Timestamp outgoing_watermark() const override;

 private:
  struct Open {  // a parcel with chunks under way
    Work item;
    std::uint32_t undone = 0;
    bool handed_out = false;  // all of it
  };
  struct Order {
    std::shared_ptr<Open> parcel;  // null: a retry
    HeldEvent held;                // retries
    std::uint32_t first = 0, last = 0;
    std::shared_ptr<const EventBatch> batch;
  };

  struct Job {  // an event of a parcel
    std::shared_ptr<Open> parcel;
    std::uint32_t index = 0;
  };
  struct KeyLine {
    std::uint32_t under_way = 0;  // at a worker, among the ready ones, or waiting for a retry
    std::deque<Job> behind;
  };

  void hand_out();
  void hand_out_jobs();
  void take_jobs();
  void add_ready(Job job);
  void release_key(std::uint64_t hash);
  [[nodiscard]] static std::uint64_t key_hash_of(const Job& job) { return job.parcel->item.parcel.batch->meta(job.index).key_hash; }
  // "not begun by ...", if the event must not be begun any more.
  [[nodiscard]] std::string why_expired(const EventBatch& batch, std::uint32_t index) const;
  [[nodiscard]] std::string key_text(const EventBatch& batch, std::uint32_t index) const;
  void expire(Job job, std::string why);
  bool hand_out_retry();
  // In order of arrival, so that watermarks pass only what is done.
  void finish_done_parcels();
  void try_again(HeldEvent held);
  void trace_chunk(const Order& order, const WorkResult& result);
  void mark_done(Input& input, std::uint64_t first, std::uint64_t last);
  // True: it will be tried again.
  bool failed(HeldEvent held, Input* input, const WorkResult::Failure& failure);
  void give_up(HeldEvent held, Input* input);
  void schedule_wake();

  const std::uint32_t workers_;
  const bool by_jobs_;
  std::map<std::pair<std::int64_t, std::uint64_t>, Job> ready_;  // by priority, the highest first, and arrival
  std::uint64_t next_arrival_ = 0;
  std::unordered_map<std::uint64_t, KeyLine> lines_;  // by key; only of keys with a job under way
  std::vector<std::uint32_t> free_;
  std::map<std::uint64_t, Order> outstanding_;
  std::uint64_t next_order_ = 1;
  std::multimap<std::int64_t, HeldEvent> again_;  // events to be tried again, by time
  std::deque<std::shared_ptr<Open>> open_;
  BackoffPlan backoff_;
  std::mt19937_64 random_;
  bool awaits_supervisor_ = false;
  std::int64_t wake_due_us_ = 0;
  std::uint32_t wakes_under_way_ = 0;
};

// Runs one chunk. Used by a worker, on its own thread; never throws.
WorkResult run_work_order(ActorHost& host, const Stage& stage, const WorkOrder& order, const Clock& clock,
                          const std::function<void(LogLevel, std::string_view)>& log);

}  // namespace mailroom::runtime
