// A sink's shard: writes events to the outside, after they are safe in the journal, and commits what was
// written together with the outside's position, so that a restart goes back to exactly that.
//
// Durable mode, in rounds: sync the journal -> write to the outside and make it safe -> commit. In memory
// mode events are written as they come.
#pragma once

#include <memory>

#include "runtime/engine/shard_core.hpp"

namespace mailroom::runtime {

class SinkShard final : public ShardCore {
 public:
  explicit SinkShard(const ShardSetup& setup);
  void prepare(const Outbox::ConsumedByReceiver& consumed_by_receiver) override;
  void on_synced() override;

 protected:
  void work() override;
  void collect_changes(JournalWrite* write) override;
  [[nodiscard]] bool at_rest() const override { return !sync_requested_; }

 private:
  void write_out();

  std::unique_ptr<Sink> sink_;
  bool sync_requested_ = false;
};

}  // namespace mailroom::runtime
