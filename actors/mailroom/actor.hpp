// What a scenario author derives from.
//
//   class Ledger : public mailroom::Actor<Account> {
//    public:
//     using Emits = mailroom::Events<Balance>;          what it emits (may be left out if nothing)
//     using Options = LedgerOptions;                    its "options" in the topology (may be left out)
//     using Answers = mailroom::Events<HowMuch>;        what it answers about a key: answer.hpp (may be left out)
//     explicit Ledger(const LedgerOptions& options);
//     void on(const Deposit& deposit, Account& account, mailroom::Context& context);
//   };
//   MAILROOM_ACTOR(Ledger, Deposit)
//
// The engine makes one instance for each shard and calls it from one thread at a time. State is per key; it is
// copied before each call and put back if on() throws, so an event is handled wholly or not at all: keep what must
// survive in the state, and keep states small. Members of the class itself are gone after a restart.
//
// The copy can be saved. An on() that is declared noexcept needs none; if anything in it throws all the same, emit()
// included, the process ends (std::terminate). `static constexpr bool strong_guarantee = true` promises of a whole class that
// its on() leaves the state as it was if it throws, so that it first refuses and emits, and then changes what can't fail;
// testing::ActorTest tries every emission.
//
// `static void check_options(const Options&)` throws BadValue for options that make no sense together (`mailroom check` says
// so); what must hold between the options of several actors: topology_rule.hpp.
#pragma once

#include <mailroom/context.hpp>

namespace mailroom {

// An actor without state: on(const Event&, Context&).
struct NoState {};

template <class State = NoState>
class Actor {
 public:
  using StateType = State;
  virtual ~Actor() = default;
};

template <class... E>
struct Events {};

}  // namespace mailroom
