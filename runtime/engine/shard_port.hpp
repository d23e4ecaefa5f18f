// What a shard's logic asks of its surroundings. The CAF actors of shard_actor.hpp implement it in production;
// tests implement it by plain queues.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/engine/plan.hpp"
#include "runtime/journal/journal.hpp"
#include "runtime/telemetry/trace_sampling.hpp"

namespace mailroom::runtime {

inline constexpr Timestamp idle_watermark = Timestamp::min();  // no channel's watermark ever is

// A parcel on its way to a shard. Without a batch it only carries a watermark, or says that its producer is idle.
struct Delivery {
  Parcel parcel;
  std::int64_t sent_us = 0;  // steady clock
};

// A chunk of a worker queue's events, for one worker.
struct WorkOrder {
  std::uint64_t id = 0;
  std::shared_ptr<const EventBatch> batch;
  std::uint32_t first = 0, last = 0;  // [first, last)
  unsigned attempt = 1;
  Timestamp now;
  TraceSampling::Choice sampled;
};

struct WorkResult {
  struct Emission {
    std::uint32_t event;
    std::string stage;
  };  // index in the order's batch; target or empty
  struct Failure {
    std::uint32_t event;
    bool rejected;
    bool scenario_error;
    std::string text;
  };
  // When the handler ran; of events whose visit is traced, and of those that failed. Steady clock.
  struct Timing {
    std::uint32_t event;
    std::int64_t started_us, ended_us;
  };
  std::uint64_t id = 0;
  std::uint32_t worker = 0;
  std::shared_ptr<EventBatch> emitted;  // meta.time set; in order of the events
  std::vector<Emission> emissions;      // one for each event in `emitted`
  std::vector<Failure> failures;
  std::vector<Timing> timings;
  std::int64_t work_us = 0;
};

// All calls come from the shard's own thread and return at once. Calls to deliver() for one receiver
// arrive there in order.
class ShardPort {
 public:
  virtual ~ShardPort() = default;
  virtual void deliver(ShardIndex to, Delivery delivery) = 0;
  virtual void give_credit(ShardIndex to, ChannelId channel, std::uint32_t events) = 0;
  // Calls on_flush() once everything now in this shard's mailbox has been handled.
  virtual void flush_later() = 0;
  // Calls on_wake() after that time. Several may be under way; early calls do no harm.
  virtual void wake_after(std::int64_t microseconds) = 0;
  // Calls on_order_due() after that time.
  virtual void order_due_after(std::int64_t microseconds) = 0;
  // Calls on_wake() once everybody who waits for a core now has had one.
  virtual void wake_after_others() = 0;
  // Calls on_synced() once everything committed so far is safe.
  virtual void request_sync() = 0;
  virtual void order_work(std::uint32_t worker, WorkOrder order) = 0;
  virtual void restart_workers() = 0;
  // Asks the stage's supervisor, who answers with restart() sooner or later, or stops the node.
  virtual void escalate(const std::string& reason) = 0;
  // The node must stop: storage failed, or the scenario breaks a rule. Nothing more is committed by this shard.
  virtual void stop_node(const std::string& reason) = 0;
  virtual void source_ended() = 0;
  [[nodiscard]] virtual std::int64_t now_us() const = 0;  // steady clock
  [[nodiscard]] virtual Timestamp wall() const = 0;
};

}  // namespace mailroom::runtime
