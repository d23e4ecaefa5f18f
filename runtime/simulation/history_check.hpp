// The law of a run at rest: every stage did what a plain program would have done with the same events.
//
// Each shard's history (which events its states are made of, in which order) is played again, from the beginning, by the
// actor alone: one thread, no engine. What it emits must be what the next stages' histories and the outside hold: each
// event once, in the order of its key, none invented, none lost but those that are dead letters, parked or shed by a
// policy; its timers must have fired, and its states must be those that the journal kept.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "runtime/engine/plan.hpp"
#include "runtime/simulation/observed_actor.hpp"
#include "runtime/simulation/recorded_input.hpp"
#include "runtime/simulation/simulated_outside.hpp"
#include "runtime/simulation/world.hpp"

namespace mailroom::runtime {

// An event that was given up on or parked, as an operator would find it.
struct SetAside {
  std::size_t stage = 0;  // at which
  bool own_timer = false;
  std::string key;
  EventId event = 0;
  bool parked = false;
};

// An event at a stage, of whose fate it is told.
struct StageEvent {
  std::size_t stage = 0;
  std::string key;
  EventId event = 0;
  friend auto operator<=>(const StageEvent&, const StageEvent&) = default;
};

// What is left of a run that has come to rest.
struct RestingRun {
  const Plan* plan = nullptr;  // with the users' own actor types
  const std::vector<std::vector<RecordedInput>>* inputs = nullptr;  // [stage][shard]
  // [stage]: key -> what was done to it. Worker queues: under the empty key, in no order.
  std::vector<std::map<std::string, KeyHistory>> histories;
  std::vector<std::map<std::string, nlohmann::json>> states;  // [stage]: key -> state, where there is one
  std::vector<const OutsideFile*> outside;                    // [stage]; null: no sink
  std::vector<SetAside> set_aside;
  // Dead letters and parked events that a handler went on failing with, and what waited behind these: those that are
  // there, and those that were and have been tried again.
  std::set<StageEvent> given_up;
  std::map<std::pair<std::size_t, std::size_t>, std::uint64_t> dropped;  // (from, to) -> shed by policy
  std::uint64_t rejected = 0;  // of those, by "reject": each is a dead letter, too
  std::uint64_t overflow_letters = 0;
  std::uint64_t dirty = 0;  // dead letters of input that was no event
};

// Notes what is broken as violations in `world`. Returns what overflow policies have shed.
std::vector<StageEvent> check_history(const RestingRun& run, World& world);

}  // namespace mailroom::runtime
