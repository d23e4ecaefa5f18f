// One run of a simulation: a node that lives, dies and starts again until all its input is done.
#pragma once

#include <chrono>
#include <memory>
#include <set>
#include <vector>

#include "runtime/engine/engine.hpp"
#include "runtime/journal/memory_store.hpp"
#include "runtime/simulation/history_check.hpp"
#include "runtime/simulation/simulation.hpp"

namespace mailroom::runtime {

class SimulatedRun {
 public:
  // `inputs`: of this run, [stage][shard]; both outlive it.
  SimulatedRun(const Topology& topology, const std::vector<std::vector<RecordedInput>>& inputs, const SimulationCase& what,
               const RunSize& usual, World& world);
  ~SimulatedRun();

  // Runs to the end and checks every law; violations are in the world.
  void run();

 private:
  enum class Life { finished, again, over };

  Topology witnessed();
  bool start();
  Life live();
  void one_step();
  void happen();
  void crash(bool power, std::int64_t survives);
  void flip_a_bit();
  bool unflip();
  [[nodiscard]] bool stands_still();
  Life ended();
  void name_parts();
  [[nodiscard]] bool something_to_redrive(Journal& journal) const;
  void redrive(Journal& journal);
  void check_books(bool finished);
  void check_at_rest();
  void check_invariants(const RestingRun& rest, const std::vector<StageEvent>& shed, const std::vector<nlohmann::json>& dead_letters);

  struct Flip {
    Table table;
    std::string key;
    std::size_t bit;
  };
  struct Hang {
    std::uint32_t actor;
    std::int64_t until_us;
  };

  const Topology topology_;  // with the users' own types
  const std::vector<std::vector<RecordedInput>>& inputs_;
  const SimulationCase& case_;
  const RunSize usual_;
  World& world_;
  std::vector<ActorType> actors_;  // what the engine sees instead: [stage]
  std::vector<SourceType> sources_;
  std::vector<SinkType> sinks_;
  std::vector<OutsideFile> outside_;
  // A slow machine's timers and deadlines fall due in the middle of things, a quick one's once all is quiet; so do the
  // conductor's questions whether all is at rest. (Not where it has to wait for timers of hours: it would do nothing but ask.)
  const std::uint64_t pace_us_;  // passes in 8 steps, at most
  const std::chrono::milliseconds quiet_check_every_;
  Witness witness_;
  std::shared_ptr<MemoryDisk> disk_;
  std::shared_ptr<const Plan> plan_;
  std::unique_ptr<Engine> engine_;
  std::vector<Hang> hangs_;
  std::vector<std::uint32_t> ready_;  // reused
  std::optional<Flip> flip_;
  bool finished_ = false;             // in its last life the node has come to rest
  std::set<StageEvent> given_up_;   // events that were given up on and have been tried again
  std::int64_t engine_us_ = 0;        // where the engine's own clock is
  std::uint64_t last_progress_ = 0;
  std::int64_t progress_us_ = 0;      // when it was last seen to rise
  std::uint64_t failed_lives_ = 0, progress_at_failure_ = 0;
};

}  // namespace mailroom::runtime
