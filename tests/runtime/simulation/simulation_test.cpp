// The simulation itself: repeatable, finds what is wrong with an actor or breaks its own invariant, and makes it small.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mailroom/errors.hpp>
#include <mailroom/invariant.hpp>

#include "runtime/simulation/shrink.hpp"
#include "runtime/simulation/simulation.hpp"
#include "runtime/topology/load_topology.hpp"

namespace mailroom::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Step {
  std::string walker;
  std::int64_t number = 0;
};
MAILROOM_EVENT(Step, walker, number)

struct Place {
  std::string walker;
  std::int64_t steps = 0;
};
MAILROOM_EVENT(Place, walker, steps)

struct Way {
  std::int64_t steps = 0;
};
MAILROOM_STATE(Way, steps)

struct WalkOptions {
  std::int64_t steps = 120, walkers = 5;
};
MAILROOM_OPTIONS(WalkOptions, steps, walkers)

class Walk : public Source {
 public:
  using Options = WalkOptions;
  using Emits = Events<Step>;
  explicit Walk(const WalkOptions& options) : options_(options) {}
  ReadStatus read(SourceBatch& batch, std::size_t max_events) override {
    for (std::size_t n = 0; n < max_events && next_ < options_.steps; ++n, ++next_) {
      Step step{fmt::format("walker {}", next_ % options_.walkers), next_};
      batch.events.append_move(event_type_of<Step>(), &step, {});
    }
    return next_ < options_.steps ? ReadStatus::more : ReadStatus::end;
  }
  [[nodiscard]] nlohmann::json position() const override { return next_; }
  void seek(const nlohmann::json& position) override { next_ = position.get<std::int64_t>(); }

 private:
  const WalkOptions options_;
  std::int64_t next_ = 0;
};
MAILROOM_SOURCE(Walk, "walk")

// As it should be.
class Walker : public Actor<Way> {
 public:
  using Emits = Events<Place>;
  void on(const Step& step, Way& way, Context& context) { context.emit(Place{step.walker, ++way.steps}); }
};
MAILROOM_ACTOR(Walker, Step)

// Keeps what it knows where no crash brings it back from.
class Forgetful : public Actor<Way> {
 public:
  using Emits = Events<Place>;
  void on(const Step& step, Way& way, Context& context) {
    way.steps = ++steps_[step.walker];
    context.emit(Place{step.walker, way.steps});
  }

 private:
  std::map<std::string, std::int64_t> steps_;
};
MAILROOM_ACTOR(Forgetful, Step)

// Two of each step, to keys of their own: they have its trace, and so do the alarms that are set for them.
class Twins : public Actor<> {
 public:
  using Emits = Events<Place>;
  void on(const Step& step, Context& context) {
    for (const auto* twin : {"early", "late"}) context.emit(Place{step.walker + twin, step.number});
  }
};
MAILROOM_ACTOR(Twins, Step)

struct Alarm {
  bool rings = true;
};
MAILROOM_EVENT(Alarm, rings)

// The early twin's second step cancels the alarm that its first has set; that of the late one rings.
class Sleeper : public Actor<Way> {
 public:
  using Emits = Events<Place>;
  void on(const Place& place, Way& way, Context& context) {
    if (++way.steps == 1) context.after(std::chrono::seconds(1), Alarm{}, "alarm");
    if (way.steps == 2 && place.walker.ends_with("early")) context.cancel("alarm");
    context.emit(place);
  }
  void on(const Alarm&, Way&, Context&) {}
};
MAILROOM_ACTOR(Sleeper, Place, Alarm)

class EveryStepIsTaken : public Invariant {
 public:
  void check(const RestingScenario& run) const override {
    const auto given = run.input<Step>("walk").size(), arrived = run.output<Place>("places").size();
    if (given != arrived + run.shed().size()) throw Broken(fmt::format("{} steps were given, {} taken", given, arrived));
  }
};
MAILROOM_INVARIANT(EveryStepIsTaken, "walk")

Topology walk(const std::string& actor, const std::string& on_failure = R"({ "retries": 20, "then": "block_key" })") {
  LoadOptions options;
  options.load_libraries = false;
  const auto text = fmt::format(R"({{ "mailroom": 1, "name": "walk", "durability": "durable", "stages": {{
    "walk": {{ "source": "walk" }},
    "walker": {{ "actor": "{}", "from": ["walk"], "key": "walker", "shards": 3, "on_failure": {} }},
    "places": {{ "sink": "null", "from": ["walker"] }} }} }})",
                                actor, on_failure);
  auto loaded = load_topology_text(text, "walk.json", options);
  std::string problems;
  for (const auto& problem : loaded.problems) problems += to_string(problem) + "\n";
  if (!loaded.topology) throw std::runtime_error(problems);
  return *loaded.topology;
}

std::vector<std::string> narration(const Simulation& simulation, std::uint64_t seed) {
  std::vector<std::string> told;
  (void)simulation.run(simulation.draw(seed), [&](const Told& one) { told.push_back(fmt::format("{} {} {} {}", one.step, one.microseconds, one.who, one.text)); });
  return told;
}

// The lowest seed of so many that breaks a law.
std::optional<SimulationCase> find_broken(const Simulation& simulation, std::uint64_t seeds) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    auto what = simulation.draw(seed);
    if (!simulation.run(what).violations.empty()) return what;
  }
  return std::nullopt;
}

TEST(SimulationTest, TheSameSeedIsTheSameRunStepForStep) {
  const Simulation one(walk("Walker"), {}), other(walk("Walker"), {});
  std::set<std::vector<std::string>> different;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto told = narration(one, seed);
    EXPECT_EQ(told, narration(one, seed)) << "seed " << seed << " is another run the second time";
    EXPECT_EQ(told, narration(other, seed)) << "seed " << seed << " depends on what was simulated before";
    different.insert(told);
  }
  EXPECT_EQ(different.size(), 20u);
}

class EachFault : public ::testing::TestWithParam<FaultKind> {};
TEST_P(EachFault, HappensAndNoLawBreaks) {
  SimulationOptions options;
  options.faults = {GetParam()};
  const Simulation simulation(walk("Walker"), options);
  std::uint64_t happened = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const auto result = simulation.run(simulation.draw(seed));
    happened += result.faults_happened;
    ASSERT_TRUE(result.violations.empty()) << "seed " << seed << ": " << result.violations[0].law << ": " << result.violations[0].text;
  }
  EXPECT_GT(happened, 0u);
}
INSTANTIATE_TEST_SUITE_P(Simulation, EachFault, ::testing::ValuesIn([] {
                           std::vector<FaultKind> kinds;
                           for (std::size_t kind = 0; kind < fault_kinds; ++kind) kinds.push_back(static_cast<FaultKind>(kind));
                           return kinds;
                         }()),
                         [](const auto& kind) {
                           std::string name(name_of(kind.param));
                           std::erase(name, '-');
                           return name;
                         });

TEST(SimulationTest, FindsAnActorThatRemembersBesideItsStateAndMakesItsRunSmall) {
  SimulationOptions options;
  options.faults = parse_faults("kill,slow,hang");
  const Simulation simulation(walk("Forgetful"), options);
  const auto broken = find_broken(simulation, 200);
  ASSERT_TRUE(broken) << "200 seeds with crashes did not show it";
  const auto law = simulation.run(*broken).violations.at(0).law;
  const auto shrunk = shrink(simulation, *broken, law);
  EXPECT_EQ(shrunk.result.violations.at(0).law, law);
  // One crash, some steps before it and at least one after it.
  ASSERT_EQ(shrunk.what.faults.size(), 1u);
  EXPECT_EQ(shrunk.what.faults[0].kind, FaultKind::kill);
  EXPECT_LE(shrunk.what.event_count(), 10u);
}

TEST(SimulationTest, ChecksTheScenariosOwnInvariant) {
  SimulationOptions options;
  options.faults = parse_faults("exception");
  const Simulation simulation(walk("Walker", R"({ "retries": 0, "then": "dead_letter" })"), options);
  EXPECT_TRUE(simulation.undisturbed().violations.empty());
  const auto broken = find_broken(simulation, 200);
  ASSERT_TRUE(broken) << "no handler threw in 200 seeds";
  const auto result = simulation.run(*broken);
  ASSERT_EQ(result.violations.size(), 1u) << "a dead letter is no loss to Mailroom's own laws";
  EXPECT_EQ(result.violations[0].law, "EveryStepIsTaken");
  const auto shrunk = shrink(simulation, *broken, "EveryStepIsTaken");
  EXPECT_EQ(shrunk.what.faults.size(), 1u);
  EXPECT_EQ(shrunk.what.event_count(), 1u);
  EXPECT_EQ(shrunk.result.violations.at(0).text, "1 steps were given, 0 taken");
}

TEST(SimulationTest, ADeadLettersTimerIsNotTakenForOneOfAnotherKeyThatLooksAlike) {
  LoadOptions load;
  load.load_libraries = false;
  const auto loaded = load_topology_text(R"({ "mailroom": 1, "name": "twins", "durability": "durable", "stages": {
      "walk": { "source": "walk" },
      "twins": { "actor": "Twins", "from": ["walk"], "key": "walker" },
      "sleeper": { "actor": "Sleeper", "from": ["twins"], "key": "walker", "on_failure": { "retries": 0, "then": "dead_letter" } },
      "places": { "sink": "null", "from": ["sleeper"] } } })",
                                         "twins.json", load);
  ASSERT_TRUE(loaded.topology);
  SimulationOptions options;
  options.faults = parse_faults("exception");
  options.events = 20;
  const Simulation simulation(*loaded.topology, options);
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const auto result = simulation.run(simulation.draw(seed));
    ASSERT_TRUE(result.violations.empty()) << "seed " << seed << ": " << result.violations[0].law << ": " << result.violations[0].text;
  }
}

TEST(SimulationTest, AFaultThatIsNoneIsNamed) {
  EXPECT_EQ(parse_faults("kill, power-loss"), (std::set{FaultKind::kill, FaultKind::power_loss}));
  try {
    (void)parse_faults("kill,power-los");
    FAIL() << "it was taken";
  } catch (const BadValue& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("power-los"), HasSubstr("did you mean \"power-loss\"?")));
  }
}

TEST(SimulationTest, ATopologyWithoutInputIsRefused) {
  auto topology = walk("Walker");
  topology.stages[0].options = {{"steps", 0}};
  EXPECT_THROW(Simulation(topology, {}), BadValue);
}

}  // namespace
}  // namespace mailroom::runtime
