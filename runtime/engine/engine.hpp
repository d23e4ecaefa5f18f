// The engine: runs a topology in this process until its input is done, it is told to stop, or it fails.
// Plain C++ on the outside; CAF on the inside (engine.cpp and the files named *_actor.hpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/engine/ask.hpp"
#include "runtime/engine/clock.hpp"
#include "runtime/engine/dead_letter_box.hpp"
#include "runtime/engine/plan.hpp"
#include "runtime/engine/telemetry_log.hpp"
#include "runtime/engine/spill.hpp"
#include "runtime/journal/dead_letters.hpp"
#include "runtime/journal/journal.hpp"
#include "runtime/telemetry/snapshot.hpp"
#include "runtime/topology/topology.hpp"

namespace mailroom::runtime {

enum class StopMode : std::uint8_t {
  drain,       // read no more input, finish what is inside; after the drain deadline: checkpoint
  checkpoint,  // commit what is done and stop; the rest stays in the journal (memory mode: is lost, and counted)
};

enum class Ending : std::uint8_t {
  finished,      // all input read to its end and everything done
  drained,       // stopped on request with nothing left inside
  checkpointed,  // stopped on request with events left in the journal
  failed         // the node could not go on; `reason` says why
};

enum class ControlOutcome : std::uint8_t { done, unknown, refused, ending };
struct ControlResult {
  ControlOutcome outcome = ControlOutcome::done;
  std::string text;  // what was done, or why not
  [[nodiscard]] bool ok() const noexcept { return outcome == ControlOutcome::done; }
};

struct EngineResult {
  Ending ending = Ending::finished;
  std::string reason;
  std::uint64_t left_inside = 0;         // events in mailboxes, waiting or pending at the end
  std::vector<std::string> not_stopped;  // shards that did not return from user code: only the process's end ends them
};

struct EngineOptions {
  unsigned threads = 0;  // 0: one for each core
  std::chrono::milliseconds drain_deadline{30'000};
  std::chrono::milliseconds stop_deadline{
      10'000};  // for handlers to return at the end; then the engine ends without them
  std::chrono::milliseconds sample_every{200};
  // One source event in so many, and what comes of it, is traced through all stages (a power of two; others are taken
  // up to the next), fewer at a high rate (TraceSampling). What fails or is out of order is traced in any case. 0: only that.
  std::uint64_t trace_one_in = 1024;
  std::chrono::milliseconds quiet_check_every{5};
  std::filesystem::path spill_directory;  // memory mode's spilled mailboxes; empty: the system's temporary folder
  std::uint64_t seed = 0;                 // of backoff jitter; 0: from the machine
  std::shared_ptr<Clock> clock;           // null: the system's
  // For simulation: the engine makes no thread and moves only by step() and advance(). `clock` must then stand still
  // between those calls, but for what handlers add; `make_spill` keeps it from touching files.
  bool stepped = false;
  MakeSpill make_spill;  // null: temporary files in spill_directory
  // Called from any engine thread, never for single events on their normal way.
  std::function<void(LogLevel, const std::string& who, std::string_view text)> log;
};

class Engine {
 public:
  // Begins to run at once. `journal` null: memory mode. Throws what keeps it from starting (StorageError,
  // CorruptData, BadValue); nothing runs then.
  Engine(Topology topology, std::unique_ptr<Journal> journal, EngineOptions options = {});
  // Stops at once (checkpoint) if it still runs. Stepped: drops everything as it is, like a crash.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Any thread. A second call with checkpoint overtakes a drain.
  void request_stop(StopMode mode);
  // True once it has ended. Any thread.
  bool wait_for(std::chrono::milliseconds time);
  // Valid once it has ended.
  [[nodiscard]] const EngineResult& result() const;
  // As of now. Any thread.
  [[nodiscard]] TelemetrySnapshot snapshot() const;
  // The sampler's latest, shared by all who look. Any thread.
  [[nodiscard]] std::shared_ptr<const TelemetrySnapshot> latest_snapshot() const;
  // How often it is made from now on; begins within EngineOptions::sample_every. Any thread.
  void sample_every(std::chrono::milliseconds time);
  // What has left the straight line, and traces; filled by the sampler. Any thread.
  [[nodiscard]] const TelemetryLog& telemetry_log() const;
  // EngineOptions::trace_one_in as it was taken.
  [[nodiscard]] std::uint64_t trace_one_in() const;
  // What is running here: stages, shards, edges. Unchanging.
  [[nodiscard]] const Plan& plan() const;

  // An operator's hand. Any thread. They return at once; what they ask for is done by the shards in their turn.
  // A paused stage takes nothing from its mailboxes (a source: reads nothing), so that what is upstream comes to stand
  // still too. The node does not end by itself while a paused stage has something to do. Not remembered after the end.
  ControlResult pause(std::string_view stage);
  ControlResult resume(std::string_view stage);
  // The user's actor is made anew; states, mailbox and events that wait stay.
  ControlResult restart_shard(std::string_view stage, std::uint32_t shard);
  // Dead letters or parked events, in order of stage, shard, ordinal, at most so many. Reads the journal in the caller's
  // thread. Throws BadValue for a filter that cannot fit, CorruptData.
  [[nodiscard]] std::vector<DeadLetter> list_dead_letters(const DeadLetterFilter& filter, std::size_t most = 1000) const;
  // Tries the chosen ones again at once, or erases them; `give` is told once, from one of the engine's threads, when it
  // is committed. Parked events are tried again by whole keys. Throws BadValue for a filter that cannot fit.
  void change_dead_letters(const DeadLetterFilter& filter, bool discard, std::function<void(DeadLetterOutcome)> give);
  // Asks the shard that owns the key. The state is as of a commit of that moment (which power loss can take back: then
  // the same events are done again). Waits at most that long. Any thread but the engine's own.
  [[nodiscard]] StateAnswer ask(const StateQuestion& question, std::chrono::milliseconds deadline = std::chrono::seconds(5));
  // The same without waiting: `give` is called once, from this thread or one of the engine's, and must return at once.
  // There is no deadline: a shard that is stuck answers when it is not, or when the engine is destroyed.
  void ask(const StateQuestion& question, std::function<void(StateAnswer)> give);
  // Memory mode's dead letters (the latest; all are counted).
  [[nodiscard]] std::vector<BoxedDeadLetter> dead_letters() const;
  // How many of memory mode's dead letters were pushed out by later ones. A journal keeps all: 0. Any thread.
  [[nodiscard]] std::uint64_t forgotten_dead_letters() const;
  // The journal, once the engine has ended (null in memory mode).
  [[nodiscard]] Journal* journal();

  // Only where EngineOptions::stepped is set; on one thread.
  // The actors that have a message to handle, by their numbers (below).
  void ready(std::vector<std::uint32_t>& actors) const;
  [[nodiscard]] std::size_t ready() const;
  // The `index`-th of those handles one message.
  void step(std::size_t index);
  // What actor `number` is called: "ledger/3", "the syncer".
  [[nodiscard]] const std::string& actor_name(std::uint32_t number) const;
  // Lets time pass: messages that were to come within it are in their mailboxes then.
  void advance(std::chrono::microseconds time);
  // Goes to the next moment at which a message is to come, and returns how far that was; nullopt: none is to come.
  std::optional<std::chrono::microseconds> advance_to_next();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mailroom::runtime
