// The conductor of a node: knows when all is done and brings everything to its end.
//
//   running -> (sources ended, or drain asked for) closing -> (at rest) stopping -> ended
//
// At rest is found by asking all shards, twice: all quiet both times, as many deliveries received as sent, and
// nothing moved in between (Mattern's counting method for termination detection, 1987).
#pragma once

#include <caf/all.hpp>
#include <fmt/format.h>

#include "runtime/engine/address_book.hpp"
#include "runtime/engine/messages.hpp"

namespace mailroom::runtime {

class ConductorActor final : public caf::event_based_actor {
 public:
  using OnEnd = std::function<void(Ending, const std::string& reason, std::vector<ShardIndex> not_stopped)>;

  ConductorActor(caf::actor_config& config, const AddressBook& book, const Plan& plan, const EngineOptions& options,
                 OnEnd on_end)
      : caf::event_based_actor(config), book_(book), plan_(plan), options_(options), on_end_(std::move(on_end)) {
    for (std::size_t s = 0; s < plan.shards.size(); ++s)
      if (plan.topology.stages[plan.shards[s].stage].kind == StageKind::source)
        sources_.push_back(static_cast<ShardIndex>(s));
    sources_open_ = sources_.size();
  }

 protected:
  caf::behavior make_behavior() override {
    set_default_handler(caf::drop);
    return {
        [this](const SourceEndedMail&) {
          if (sources_open_ > 0 && --sources_open_ == 0 && phase_ == Phase::running) close();
        },
        [this](const StopRequestMail& mail) { on_stop_request(mail.mode); },
        [this](const StopNodeMail& mail) {
          if (phase_ == Phase::ended) return;  // the result is given out
          if (phase_ == Phase::stopping) {
            if (ending_ != Ending::failed) {  // failed on its last commit: what it held stays in the journal
              ending_ = Ending::failed;
              reason_ = mail.reason;
            }
            return;
          }
          reason_ = mail.reason;
          stop_all(Ending::failed);
        },
        [this](const CheckMail&) { check(); },
        [this](const QuietMail& mail) { on_quiet(mail); },
        [this](const DeadlineMail& mail) {
          if (mail.last) {
            if (phase_ == Phase::stopping) end();  // someone does not come back from user code
          } else if (phase_ == Phase::running || phase_ == Phase::closing) {
            // Still running: a source has not come to hear that it is to stop, because no thread is left for it.
            stop_all(Ending::checkpointed);
          }
        },
        [this](const ShardStoppedMail& mail) {
          stopped_[mail.shard] = true;
          if (++stopped_count_ == book_.shards.size()) end();
        },
    };
  }

 private:
  enum class Phase { running, closing, stopping, ended };

  void on_stop_request(StopMode mode) {
    if (phase_ == Phase::stopping || phase_ == Phase::ended) return;
    if (mode == StopMode::checkpoint) {
      stop_all(Ending::checkpointed);
      return;
    }
    if (draining_) return;
    draining_ = true;
    for (const auto source : sources_) send(book_.shards[source], StopReadingMail{});
    delayed_send(this, options_.drain_deadline, DeadlineMail{false});
    if (phase_ == Phase::running && sources_open_ == 0) close();
  }

  void close() {
    phase_ = Phase::closing;
    check();
  }

  void check() {
    if (phase_ != Phase::closing) return;
    ++round_;
    replies_ = 0;
    all_quiet_ = true;
    sent_ = received_ = timers_ = 0;
    for (const auto& shard : book_.shards) send(shard, ProbeMail{round_});
  }

  void on_quiet(const QuietMail& mail) {
    if (phase_ != Phase::closing || mail.round != round_) return;
    all_quiet_ = all_quiet_ && mail.report.quiet;
    sent_ += mail.report.deliveries_sent;
    received_ += mail.report.deliveries_received;
    timers_ += mail.report.timers;
    if (++replies_ < book_.shards.size()) return;
    const bool rests = all_quiet_ && sent_ == received_;
    const bool twice = rests && rested_before_ && sent_ == sent_before_;
    rested_before_ = rests;
    sent_before_ = sent_;
    // By the wall clock, timers are work still to come, unless we were told to leave.
    const bool waits_for_timers = timers_ > 0 && !draining_ && plan_.topology.clock == ClockKind::wall;
    if (twice && !waits_for_timers) {
      stop_all(draining_ ? Ending::drained : Ending::finished);
    } else if (rests && !twice) {
      check();
    } else {
      delayed_send(this, rests ? 20 * options_.quiet_check_every : options_.quiet_check_every, CheckMail{});
    }
  }

  void stop_all(Ending ending) {
    phase_ = Phase::stopping;
    ending_ = ending;
    stopped_.assign(book_.shards.size(), false);
    for (const auto& shard : book_.shards) send(shard, StopShardMail{});
    delayed_send(this, options_.stop_deadline, DeadlineMail{true});
  }

  void end() {
    phase_ = Phase::ended;
    std::vector<ShardIndex> not_stopped;
    for (std::size_t s = 0; s < stopped_.size(); ++s)
      if (!stopped_[s]) not_stopped.push_back(static_cast<ShardIndex>(s));
    on_end_(ending_, reason_, std::move(not_stopped));
  }

  const AddressBook& book_;
  const Plan& plan_;
  const EngineOptions& options_;
  OnEnd on_end_;
  Phase phase_ = Phase::running;
  std::vector<ShardIndex> sources_;
  std::size_t sources_open_ = 0;
  bool draining_ = false;
  Ending ending_ = Ending::finished;
  std::string reason_;
  std::uint64_t round_ = 0;
  std::size_t replies_ = 0;
  bool all_quiet_ = false, rested_before_ = false;
  std::uint64_t sent_ = 0, received_ = 0, timers_ = 0, sent_before_ = 0;
  std::vector<bool> stopped_;
  std::size_t stopped_count_ = 0;
};

}  // namespace mailroom::runtime
