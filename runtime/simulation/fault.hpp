// What goes wrong in a simulated run: a list of plain values, drawn from a seed or cut down by the shrinker.
#pragma once

#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::runtime {

enum class FaultKind : std::uint8_t {
  kill,           // the process dies; the disk keeps all that was written
  power_loss,     // the machine dies: of the writes since the last sync a prefix survives
  recovery_loss,  // the power fails while the node recovers
  stop,           // an operator stops the node and starts it again
  exception,      // a handler throws, at its beginning or as it emits
  poison,         // an event's handler throws again and again
  redrive,        // an operator has what was given up on tried again
  slow,           // a handler takes long, once or several times
  hang,           // an actor does not come back for a while
  source_stall,   // a source has nothing to give for a while
  source_repeat,  // a producer sends an event twice
  clock_skew,     // the wall clock jumps
  write_failure,  // the disk refuses a write
  sync_failure,   // fdatasync fails: what it should have saved may be lost
  disk_full,      // every write fails until the node starts again
  bit_flip,       // the disk changes a bit of a row while the node is down
  sink_failure    // the outside refuses a sink's write
};
inline constexpr std::size_t fault_kinds = 17;

// "power-loss": what --faults calls it.
[[nodiscard]] std::string_view name_of(FaultKind kind) noexcept;
// All but source_repeat, which is part of what a scenario is given, and which it need not stand.
[[nodiscard]] std::set<FaultKind> default_faults();
// "all", "default", "none", or names with commas between. Throws BadValue naming what is none.
[[nodiscard]] std::set<FaultKind> parse_faults(std::string_view text);

struct Fault {
  FaultKind kind{};
  // When: the n-th step (kill, power_loss, stop, hang, clock_skew), handler call (exception, poison, slow), start of the
  // node (redrive; or later, when there is something to redrive; at the latest at the end), write
  // (write_failure, disk_full), write of a recovery (recovery_loss), sync, read of a source (source_stall), event of a
  // source (source_repeat), crash (bit_flip), write of a sink (sink_failure); each counted from the run's beginning.
  std::uint64_t at = 0;
  // How much: microseconds (slow, hang, source_stall, clock_skew); the emission at which a handler throws (0: before it
  // is called); how often it throws (poison); the writes that survive, in 1/1000 of the unsynced.
  std::int64_t amount = 0;
  std::uint64_t choice = 0;  // of an actor, a row, a bit, a number of calls
};
// How many handler calls a `slow` is about: a stage that is slow for a while does more harm than one slow event.
[[nodiscard]] inline std::uint64_t slow_calls(const Fault& fault) { return std::uint64_t{1} << fault.choice % 9; }
// "at step 1,203 the power fails, 40 % of the unsynced writes survive"
[[nodiscard]] std::string to_string(const Fault& fault);

// How much an undisturbed run of the same size does: faults are drawn from within it.
struct RunSize {
  std::uint64_t steps = 0, calls = 0, writes = 0, syncs = 0, reads = 0, sink_writes = 0, events = 0;
  std::int64_t microseconds = 0;  // of virtual time
};

// Draws faults of these kinds; none at all in one run of eight.
[[nodiscard]] std::vector<Fault> draw_faults(std::mt19937_64& random, const std::set<FaultKind>& kinds, const RunSize& size,
                                             bool durable);

}  // namespace mailroom::runtime
