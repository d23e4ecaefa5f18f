// What one simulated run happens in: its time, its faults, and what has been seen of it. Survives the crashes of the
// node; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "runtime/engine/clock.hpp"
#include "runtime/simulation/event_catalogue.hpp"
#include "runtime/simulation/fault.hpp"
#include "runtime/simulation/job_log.hpp"

namespace mailroom::runtime {

// Stands still until it is moved.
class SimulatedClock final : public Clock {
 public:
  [[nodiscard]] Timestamp wall() const override { return start + std::chrono::microseconds{steady_us_ + skew_us_}; }
  [[nodiscard]] std::int64_t steady_us() const override { return steady_us_; }
  void advance(std::int64_t microseconds) { steady_us_ += microseconds; }
  void skew(std::int64_t microseconds) { skew_us_ += microseconds; }

 private:
  const Timestamp start = Timestamp::parse("2020-01-01");
  std::int64_t steady_us_ = 1'000'000, skew_us_ = 0;
};

// The law that a run has broken, and how.
struct Violation {
  std::string law;   // "order", "effectively once", ...; of a scenario's own: the invariant's name
  std::string text;  // names stage, key and event, what was found and what was expected
};

// One thing that happens in a run, for people.
struct Told {
  std::uint64_t step = 0;
  std::int64_t microseconds = 0;  // since the run began
  std::string_view who;           // "ledger/3", "the disk", ...
  std::string_view text;          // what it does; begins with two blanks if it belongs to the line before
  bool fault = false;             // planned by the simulation
};
using Narrate = std::function<void(const Told&)>;

struct World {
  explicit World(std::uint64_t seed) : random(seed) {}

  // Faults are taken once each.
  void plan(const std::vector<Fault>& faults) {
    for (const auto& fault : faults) waiting_[static_cast<std::size_t>(fault.kind)].emplace(fault.at, fault);
  }
  // The fault of that kind that is to happen at `at` or should have happened before.
  std::optional<Fault> take(FaultKind kind, std::uint64_t at) {
    auto& waiting = waiting_[static_cast<std::size_t>(kind)];
    if (waiting.empty() || waiting.begin()->first > at) return std::nullopt;
    const auto fault = waiting.begin()->second;
    waiting.erase(waiting.begin());
    ++faults_happened;
    return fault;
  }
  [[nodiscard]] bool waits(FaultKind kind) const { return !waiting_[static_cast<std::size_t>(kind)].empty(); }

  void violate(std::string law, std::string text) {
    if (violations.size() < 20) violations.push_back({std::move(law), std::move(text)});
  }
  // What happens, step by step, for people; `text` is only called when somebody reads.
  template <class Text>
  void say(std::string_view who, Text&& text, bool fault = false) {
    if (narrate && !ghosts) narrate({done.steps, clock->steady_us() - 1'000'000, who, text(), fault});
  }
  void say(const Fault& fault) {
    say("FAULT", [&] { return to_string(fault); }, true);
  }

  std::mt19937_64 random;
  std::shared_ptr<SimulatedClock> clock = std::make_shared<SimulatedClock>();
  EventCatalogue events;
  Narrate narrate;
  RunSize done;                 // counted up to now, over all of the node's lives
  std::uint64_t ordinal = 0;    // numbers all that handlers did, in order
  std::uint64_t progress = 0;   // rises when anything is done
  std::uint64_t faults_happened = 0;
  std::uint64_t crashes = 0;
  bool power_off = false;       // whoever writes now is a ghost
  bool ghosts = false;          // a node is being taken down: what it still does is nothing that happens
  bool disk_is_full = false;
  std::optional<Fault> crash_now;  // asked for in the middle of a step
  std::vector<Violation> violations;
  // Of the events on their way to sinks, those whose commit is not safe yet (channel, sequence); and the channels that
  // lead there.
  std::set<std::pair<std::uint32_t, std::uint64_t>> unsafe;
  std::unordered_set<std::uint32_t> channels_to_sinks;
  // As the plan numbers them, for narration.
  std::map<std::uint32_t, std::string> shard_names;                            // in the journal
  std::map<std::uint32_t, std::pair<std::string, std::string>> channel_names;  // from, to
  std::vector<std::string> unsynced;  // commits that a power loss could take, for narration: "ledger/3's commit 4"
  // Events of which each handler call fails, with how often they still do.
  std::unordered_map<EventId, std::int64_t> poisoned;
  std::uint64_t slow_calls = 0;  // so many of the next take
  std::int64_t slow_us = 0;      // so long
  std::uint64_t lives = 0;       // of the node: its starts
  std::set<EventId> redriven;    // dead letters that an operator had tried again: behind later events of their keys
  // Stages whose workers choose their jobs by priority, and the channels that lead there.
  std::map<std::size_t, JobLog> job_logs;
  std::map<std::uint32_t, std::size_t> channels_to_job_logs;

 private:
  std::array<std::multimap<std::uint64_t, Fault>, fault_kinds> waiting_;
};

}  // namespace mailroom::runtime
