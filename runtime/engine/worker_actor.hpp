// A worker of a worker queue: one instance of the user's actor, fed with chunks by its queue.
#pragma once

#include <caf/all.hpp>
#include <fmt/format.h>

#include "runtime/engine/address_book.hpp"
#include "runtime/engine/caught.hpp"
#include "runtime/engine/clock.hpp"
#include "runtime/engine/messages.hpp"
#include "runtime/engine/worker_queue.hpp"

namespace mailroom::runtime {

class WorkerActor final : public caf::event_based_actor {
 public:
  WorkerActor(caf::actor_config& config, std::unique_ptr<ActorHost> host, const Stage& stage, const AddressBook& book,
              const Clock& clock, ShardIndex queue, std::uint32_t number,
              std::function<void(LogLevel, std::string_view)> log)
      : caf::event_based_actor(config),
        host_(std::move(host)),
        stage_(stage),
        book_(book),
        clock_(clock),
        queue_(queue),
        number_(number),
        log_(std::move(log)) {}

 protected:
  caf::behavior make_behavior() override {
    set_default_handler(caf::drop);
    return {
        [this](const WorkOrderMail& mail) {
          const auto begin = clock_.steady_us();
          auto result = run_work_order(*host_, stage_, mail.order, clock_, log_);
          result.worker = number_;
          result.work_us = clock_.steady_us() - begin;
          send(book_.shards[queue_], WorkResultMail{std::move(result)});
        },
        // Its constructor is user code; an actor of CAF's that lets an exception out dies with its mailbox.
        [this](const RestartMail&) {
          try {
            host_->restart();
          } catch (...) {
            send(book_.conductor, StopNodeMail{fmt::format("{}/worker {}: {}", stage_.name, number_, caught_text())});
          }
        },
    };
  }

 private:
  std::unique_ptr<ActorHost> host_;
  const Stage& stage_;
  const AddressBook& book_;
  const Clock& clock_;
  const ShardIndex queue_;
  const std::uint32_t number_;
  std::function<void(LogLevel, std::string_view)> log_;
};

}  // namespace mailroom::runtime
