// The node's one syncer: gathers everyone who waits for safety and serves them with one fdatasync.
// Whoever asks while a sync runs is served by the next. Has a thread of its own in production.
#pragma once

#include <algorithm>
#include <caf/all.hpp>

#include "runtime/engine/address_book.hpp"
#include "runtime/engine/clock.hpp"
#include "runtime/engine/messages.hpp"
#include "runtime/telemetry/shard_counters.hpp"

namespace mailroom::runtime {

struct SyncCounters {
  Counter syncs;
  Histogram time;
};

class SyncerActor final : public caf::event_based_actor {
 public:
  SyncerActor(caf::actor_config& config, Journal& journal, const AddressBook& book, const Clock& clock,
              SyncCounters& counters)
      : caf::event_based_actor(config), journal_(journal), book_(book), clock_(clock), counters_(counters) {}

 protected:
  caf::behavior make_behavior() override {
    set_default_handler(caf::drop);
    return {
        [this](const SyncRequestMail& mail) {
          // The request to ourselves goes behind all requests that are in the mailbox by now.
          if (waiting_.empty()) send(this, SyncNowMail{});
          waiting_.push_back(mail.shard);
        },
        [this](const SyncNowMail&) {
          if (failed_) return;
          const auto begin = clock_.steady_us();
          Journal::Synced done;
          try {
            done = journal_.sync();
          } catch (const std::exception& error) {
            failed_ = true;  // what is on disk is unknown now: nobody is told that anything is safe
            send(book_.conductor, StopNodeMail{error.what()});
            return;
          }
          if (done.synced) {
            counters_.syncs.add();
            counters_.time.record(static_cast<std::uint64_t>(std::max<std::int64_t>(0, clock_.steady_us() - begin)));
          }
          for (const auto shard : waiting_) send(book_.shards[shard], SyncedMail{});
          waiting_.clear();
        },
    };
  }

 private:
  Journal& journal_;
  const AddressBook& book_;
  const Clock& clock_;
  SyncCounters& counters_;
  std::vector<ShardIndex> waiting_;
  bool failed_ = false;
};

}  // namespace mailroom::runtime
