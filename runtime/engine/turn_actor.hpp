// Ends a shard's turn. A shard's message to itself would be handled in the same turn; by way of this actor, which waits
// in the queue for the cores like everybody, it comes when all who wait by now have had theirs.
#pragma once

#include <caf/all.hpp>

#include "runtime/engine/address_book.hpp"
#include "runtime/engine/messages.hpp"

namespace mailroom::runtime {

class TurnActor final : public caf::event_based_actor {
 public:
  TurnActor(caf::actor_config& config, const AddressBook& book) : caf::event_based_actor(config), book_(book) {}

 protected:
  caf::behavior make_behavior() override {
    set_default_handler(caf::drop);
    return {[this](const TurnMail& mail) { send(book_.shards[mail.shard], WakeMail{}); }};
  }

 private:
  const AddressBook& book_;
};

}  // namespace mailroom::runtime
