// Made-up telemetry of a made-up node: the same frames, the same for the same seed. For work on the views without a node,
// for tests, and for load.
//
// With `trouble` and `disorder` a schedule of two minutes repeats (see `cycle_us`): a slow stage with backpressure, restarts with
// dead letters and an escalation, and in named shards late, duplicate, missing and retried events. Without them all lanes are flat.
#pragma once

#include <random>

#include "dashboard/source/source.hpp"

namespace mailroom::dashboard {

class Generator {
 public:
  static constexpr Micros cycle_us = 120 * second_us;
  explicit Generator(const GeneratorOptions& options, Micros begin_us);
  [[nodiscard]] const Hello& hello() const noexcept { return hello_; }
  struct Step { Gauges gauges; EventList events; SpanList spans; };
  // What happened up to `to_us`, which may not fall. The step is as long as the caller makes it; 50 ms is what a node does.
  Step step(Micros to_us);
  [[nodiscard]] Micros at_us() const noexcept { return at_us_; }

 private:
  struct Shard {
    double share = 0, factor = 1;  // of its stage's input; of its stage's capacity
    double depth = 0, carry_out = 0;
    double in = 0, out = 0, arrived = 0;
    std::int64_t failures = 0, retries = 0, restarts = 0, dead = 0, late = 0, duplicates = 0, missing = 0, high = 0;
    double wait_p99_us = 0, work_p99_us = 0;
    Micros down_until_us = 0;
    ShardState state = ShardState::idle;
    std::array<std::int64_t, 4> last{};
  };
  void pipeline();
  void synthetic(int stages, int shards);
  int stage(const char* name, StageKind kind, const char* type, int shards, double capacity_per_s, std::vector<int> from);
  void plan(Micros cycle_begin_us);
  void happen(Step& step, Event event);
  int find(const char* stage_name, int number) const;
  double uniform(double from, double to) { return std::uniform_real_distribution<double>(from, to)(random_); }
  void trace(Step& step, Micros at_us, int shard, const QString& id, const QString& key, std::int64_t sequence, int tries, bool dies);

  GeneratorOptions options_;
  Hello hello_;
  std::mt19937_64 random_;
  std::vector<Shard> shards_;
  std::vector<std::vector<int>> shards_of_, edges_into_, edges_from_;
  std::vector<double> speed_, emitted_, load_;  // per stage: events a second it can do in all, what it emitted in this step
  std::vector<std::int64_t> sent_, edge_in_flight_;
  std::vector<double> edge_carry_;
  std::vector<char> edge_blocked_;
  std::vector<Event> planned_;  // by time, the next last
  Micros begin_us_, at_us_, planned_until_us_;
  std::int64_t frame_ = 0, next_id_ = 1, next_trace_ = 0x7f3a05, next_letter_ = 1;
  std::vector<std::int64_t> emitted_by_source_;
};

}  // namespace mailroom::dashboard
