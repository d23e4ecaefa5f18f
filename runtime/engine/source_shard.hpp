// A source's shard: reads while there is credit downstream, gives each event its sequence, time and trace,
// and commits the events together with the position from which reading goes on.
#pragma once

#include <memory>

#include "runtime/engine/shard_core.hpp"

namespace mailroom::runtime {

class SourceShard final : public ShardCore {
 public:
  // Events of one commit. Many, because they part over the receiver's shards and small batches cost; no more than fit
  // into one mailbox, or a receiver that sheds would shed while it has nothing to do.
  static constexpr std::uint32_t least_read = 256, most_read = 8192;
  // They are read in portions that stay in the core's cache until they are routed.
  static constexpr std::size_t read_portion = 256;

  explicit SourceShard(const ShardSetup& setup);
  void prepare(const Outbox::ConsumedByReceiver& consumed_by_receiver) override;
  void on_wake() override;
  void on_synced() override;
  void stop_reading() override;
  // For the sampler; any thread.
  struct Counters {
    Counter events, dirty, done, total;
    std::atomic<bool> total_known{false}, unit_is_events{false}, ended{false};
  };
  void publish_to(Counters* counters) { published_ = counters; }

 protected:
  void work() override;
  [[nodiscard]] bool at_rest() const override { return ended_ || no_more_reading_; }
  [[nodiscard]] Timestamp outgoing_watermark() const override { return clock_; }

 private:
  void read_once();
  void emit_portion();
  // Whether an event of this time is refused because it would move the watermark further than "max_ahead" allows.
  [[nodiscard]] bool too_far_ahead(Timestamp time, Timestamp watermark);
  void refuse_ahead(std::size_t index, Timestamp time, Timestamp watermark);
  void end();
  void publish();

  std::unique_ptr<Source> source_;
  SourceBatch batch_;
  std::uint16_t stream_;  // the upper bits of the traces: the shard's number in the journal, which stays with it
  std::size_t read_limit_ = most_read;
  std::int64_t idle_since_us_ = 0;  // 0: it is not
  bool reading_later_ = false;
  bool ended_ = false;
  bool end_announced_ = false;
  bool no_more_reading_ = false;
  bool sync_requested_ = false;
  std::uint64_t committed_at_request_ = 0;
  Counters* published_ = nullptr;
};

}  // namespace mailroom::runtime
