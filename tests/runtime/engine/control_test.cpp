// An operator's hand on a running node: pause and resume, restart, dead letters and parked keys.
#include <future>
#include <gmock/gmock.h>
#include <thread>

#include "tests/runtime/engine/engine_fixture.hpp"

namespace mailroom::runtime::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ControlTest : public EngineTest {
 protected:
  static std::size_t written() {
    const std::lock_guard lock(world().mutex);
    return world().output.size();
  }
  static bool all_in_state(const Engine& engine, const std::string& stage, ShardState state) {
    const auto snapshot = engine.snapshot();
    return std::all_of(snapshot.shards.begin(), snapshot.shards.end(),
                       [&](const auto& shard) { return shard.stage != stage || shard.state == state; });
  }
  static DeadLetterOutcome change(Engine& engine, const DeadLetterFilter& filter, bool discard) {
    std::promise<DeadLetterOutcome> given;
    engine.change_dead_letters(filter, discard, [&](DeadLetterOutcome outcome) { given.set_value(std::move(outcome)); });
    return given.get_future().get();
  }
  static std::unique_ptr<Journal> journal() { return Journal::open(std::make_unique<MemoryStore>()); }
  std::atomic<bool> mended_{false};
};

TEST_F(ControlTest, APausedStageHandlesNothingAndHoldsItsProducersBackUntilItGoesOn) {
  for (const std::string stage : {"in", "act", "out"}) {
    SCOPED_TRACE(stage);
    for (const bool durable : {false, true}) {
      world().clear();
      const auto gate = std::make_shared<Gate>();
      world().input.push_back({"a", 0});
      for (int n = 1; n <= 3000; ++n) world().input.push_back({"k" + std::to_string(n % 13), n});
      // The first event is held until the pause has come to everybody's mailbox.
      world().on_note = [gate](const Note& note, Context&) {
        if (note.number == 0) gate->pass();
      };
      const auto engine = start(pipeline(R"({"mailbox": {"capacity": 64}})"), durable ? journal() : nullptr);
      ASSERT_TRUE(gate->wait_for_someone());
      ASSERT_TRUE(engine->pause(stage).ok());
      gate->open();
      ASSERT_TRUE(until([&] { return all_in_state(*engine, stage, ShardState::paused); }));
      std::size_t handled = 0, before = 1;
      // At rest: nothing moves any more, though most of the input is still to come.
      ASSERT_TRUE(until([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        before = std::exchange(handled, sum(engine->snapshot(), stage).in);
        return before == handled;
      }));
      EXPECT_LT(handled, 3001u);
      EXPECT_FALSE(engine->wait_for(std::chrono::milliseconds(0))) << "a paused node with events inside has not ended";
      ASSERT_TRUE(engine->resume(stage).ok());
      ASSERT_TRUE(wait(*engine));
      EXPECT_EQ(engine->result().ending, Ending::finished) << engine->result().reason;
      EXPECT_EQ(world().output.size(), 3001u);
      expect_balanced(engine->snapshot());
      std::vector<EventKind> kinds;
      for (const auto& event : engine->telemetry_log().events_from(1, 100).items) kinds.push_back(event.kind);
      EXPECT_THAT(kinds, ElementsAre(EventKind::pause, EventKind::resume, EventKind::ended));
    }
  }
}

TEST_F(ControlTest, ADrainOfAPausedNodeEndsByItsDeadlineAndKeepsWhatIsInside) {
  for (int n = 1; n <= 300; ++n) world().input.push_back({"k" + std::to_string(n % 13), n});
  world().endless = true;
  options_.drain_deadline = std::chrono::milliseconds(200);
  const auto disk = std::make_shared<MemoryDisk>();
  {
    const auto engine = start(pipeline(), Journal::open(std::make_unique<MemoryStore>(disk)));
    ASSERT_TRUE(engine->pause("out").ok());
    ASSERT_TRUE(until([&] { return sum(engine->snapshot(), "act").in == 300; }));
    engine->request_stop(StopMode::drain);
    ASSERT_TRUE(wait(*engine));
    EXPECT_EQ(engine->result().ending, Ending::checkpointed);
    EXPECT_GT(engine->result().left_inside, 0u);
  }
  world().endless = false;
  run(pipeline(), Journal::open(std::make_unique<MemoryStore>(disk)));
  EXPECT_EQ(result_.ending, Ending::finished) << "the pause is not remembered";
  EXPECT_EQ(world().output.size(), 300u);
}

TEST_F(ControlTest, APausedStageFiresNoTimerAndTriesNothingAgain) {
  world().endless = true;
  input({{"a", 1}});
  world().on_note = [](const Note&, Context&) { throw std::runtime_error("planted"); };
  const auto engine = start(pipeline(R"({"on_failure": {"backoff": "1ms..1ms", "then": "block_key"}})"));
  ASSERT_TRUE(until([&] { return sum(engine->snapshot(), "act").retries > 3; }));
  ASSERT_TRUE(engine->pause("act").ok());
  ASSERT_TRUE(until([&] { return all_in_state(*engine, "act", ShardState::paused); }));
  const auto tries = sum(engine->snapshot(), "act").retries;
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(sum(engine->snapshot(), "act").retries, tries);
  ASSERT_TRUE(engine->resume("act").ok());
  EXPECT_TRUE(until([&] { return sum(engine->snapshot(), "act").retries > tries; }));
}

TEST_F(ControlTest, ARestartedShardHasANewActorAndItsOldStates) {
  world().endless = true;
  input({{"a", 1}, {"a", 2}});
  const auto engine = start(pipeline(R"({"shards": 1})"));
  ASSERT_TRUE(until([] { return written() == 2; }));
  const int instances = world().instances;
  for (int n = 1; n <= 20; ++n) ASSERT_TRUE(engine->restart_shard("act", 0).ok());
  ASSERT_TRUE(until([&] { return world().instances == instances + 20; }));
  (void)until([&] { return sum(engine->snapshot(), "act").restarts >= 20u; });  // it may be a sample taken before
  EXPECT_EQ(sum(engine->snapshot(), "act").restarts, 20u);
  EXPECT_EQ(engine->ask({"act", "a", {}, {}}).reply["events"], 2);
  EXPECT_FALSE(engine->wait_for(std::chrono::milliseconds(0))) << "an operator's restarts are no failures";
  EXPECT_THAT(engine->restart_shard("act", 7).text, HasSubstr("0 to 0"));
  EXPECT_THAT(engine->restart_shard("in", 0).text, HasSubstr("source"));
  EXPECT_THAT(engine->restart_shard("acts", 0).text, HasSubstr("act, in, out"));
  EXPECT_THAT(engine->pause("acts").text, HasSubstr("act, in, out"));
}

TEST_F(ControlTest, DeadLettersAreRetriedAndDiscardedWhileTheNodeRuns) {
  for (const bool durable : {false, true}) {
    SCOPED_TRACE(durable ? "durable" : "memory");
    world().clear();
    mended_ = false;
    world().endless = true;
    for (int n = 1; n <= 10; ++n) world().input.push_back({n % 2 == 0 ? "a" : "b", n});
    world().on_note = [this](const Note& note, Context&) {
      if (note.number > 6 && !mended_) throw std::runtime_error("planted");
    };
    const auto disk = std::make_shared<MemoryDisk>();
    const auto engine = start(pipeline(R"({"shards": 1, "on_failure": {"retries": 0}})"),
                              durable ? Journal::open(std::make_unique<MemoryStore>(disk)) : nullptr);
    ASSERT_TRUE(until([&] { return engine->list_dead_letters({}).size() == 4; }));
    const auto letters = engine->list_dead_letters({});
    EXPECT_EQ(letters[0].reason, "planted");
    EXPECT_EQ(letters[0].key, "b");
    EXPECT_EQ(letters[0].payload["number"], 7);
    EXPECT_EQ(letters[0].from, "in");
    EXPECT_EQ(letters[0].origin, "in/0:7");
    EXPECT_EQ(engine->list_dead_letters({}, 2).size(), 2u);
    EXPECT_EQ(engine->list_dead_letters({.key = "a"}).size(), 2u);

    EXPECT_EQ(change(*engine, {.ids = {letters[0].id}}, true).changed, 1u);
    mended_ = true;
    const auto retried = change(*engine, {.ids = {letters[1].id, letters[0].id, "act/5:1"}}, false);
    EXPECT_EQ(retried.changed, 1u);
    EXPECT_THAT(retried.refused, ::testing::UnorderedElementsAre(HasSubstr(letters[0].id), HasSubstr("act/5:1")));
    ASSERT_TRUE(until([] { return written() == 7; }));
    EXPECT_EQ(change(*engine, {.stage = "act", .key = "b"}, false).changed, 1u);
    ASSERT_TRUE(until([] { return written() == 8; }));
    EXPECT_THROW(change(*engine, {.ids = {"nonsense"}}, false), BadValue);
    EXPECT_EQ(engine->list_dead_letters({}).size(), 1u);
    EXPECT_THAT(numbers_of(world().output, "a"), ElementsAre(2, 4, 6, 8));
    EXPECT_THAT(numbers_of(world().output, "b"), ElementsAre(1, 3, 5, 9));
    ASSERT_TRUE(until([&] { return engine->snapshot().edges[0].in_flight == 0; }));
    expect_balanced(engine->snapshot());
    engine->request_stop(StopMode::drain);
    ASSERT_TRUE(wait(*engine));
    expect_balanced(engine->snapshot());
    if (!durable) continue;
    // What was decided stays decided.
    world().endless = false;
    run(pipeline(R"({"shards": 1, "on_failure": {"retries": 0}})"), Journal::open(std::make_unique<MemoryStore>(disk)));
    EXPECT_EQ(world().output.size(), 8u);
    expect_balanced(snapshot_);
  }
}

TEST_F(ControlTest, AParkedKeyIsRedrivenWholeAndInOrderWhileTheNodeRuns) {
  for (const bool durable : {false, true}) {
    SCOPED_TRACE(durable ? "durable" : "memory");
    world().clear();
    mended_ = false;
    world().endless = true;
    for (int n = 1; n <= 20; ++n) world().input.push_back({n % 2 == 0 ? "a" : "b", n});
    world().on_note = [this](const Note& note, Context&) {
      if (note.key == "a" && note.number >= 6 && !mended_) throw std::runtime_error("planted");
    };
    const auto engine = start(pipeline(R"({"on_failure": {"retries": 0, "then": "park_key"}})"), durable ? journal() : nullptr);
    ASSERT_TRUE(until([&] { return written() == 12 && engine->list_dead_letters({.parked = true}).size() == 8; }));
    const auto parked = engine->list_dead_letters({.parked = true});
    EXPECT_EQ(parked[0].kind, "failed");
    EXPECT_EQ(parked[1].kind, "follows");
    EXPECT_TRUE(engine->list_dead_letters({}).empty());

    // Not mended yet: the first fails again and all are back in the lot.
    EXPECT_EQ(change(*engine, {.parked = true, .ids = {parked[3].id}}, false).changed, 8u) << "one chooses its key's lot";
    ASSERT_TRUE(until([&] { return engine->list_dead_letters({.parked = true}).size() == 8; }));
    EXPECT_EQ(change(*engine, {.parked = true, .ids = {engine->list_dead_letters({.parked = true})[2].id}}, true).changed, 1u);
    mended_ = true;
    EXPECT_EQ(change(*engine, {.parked = true, .key = "a"}, false).changed, 7u);
    ASSERT_TRUE(until([] { return written() == 19; }));
    EXPECT_THAT(numbers_of(world().output, "a"), ElementsAre(2, 4, 6, 8, 12, 14, 16, 18, 20));
    engine->request_stop(StopMode::drain);
    ASSERT_TRUE(wait(*engine));
    EXPECT_EQ(engine->result().ending, Ending::drained);
    EXPECT_EQ(sum(engine->snapshot(), "act").parked, 0u);
    expect_balanced(engine->snapshot());
  }
}

// Memory mode keeps so many of each. Steps, so that the source can be given more.
TEST_F(ControlTest, DeadLettersPushNoParkedEventOut) {
  options_.stepped = true;
  world().endless = true;
  input({{"a", 1}, {"a", 2}});
  for (int n = 1; n <= 10'002; ++n) world().input.push_back({"b", n});
  world().on_note = [this](const Note& note, Context&) {
    if (note.key == "b") throw Rejected("no");
    if (!mended_) throw std::runtime_error("planted");
  };
  const auto engine = start(pipeline(R"({"shards": 1, "on_failure": {"retries": 0, "then": "park_key"}})"));
  ASSERT_LT(step_all_but(*engine, "nobody"), 10'000);
  ASSERT_EQ(sum(engine->snapshot(), "act").dead_letters, 10'002u);
  EXPECT_EQ(engine->forgotten_dead_letters(), 2u);
  EXPECT_EQ(engine->list_dead_letters({.parked = true}).size(), 2u);
  mended_ = true;
  std::uint64_t changed = 0;
  engine->change_dead_letters({.parked = true}, false, [&](const DeadLetterOutcome& outcome) { changed = outcome.changed; });
  ASSERT_LT(step_all_but(*engine, "nobody"), 10'000);
  EXPECT_EQ(changed, 2u);
  EXPECT_THAT(numbers_of(world().output, "a"), ElementsAre(1, 2));
  expect_balanced(engine->snapshot());
}

TEST_F(ControlTest, WhatAFullParkingLotHasNoRoomForBecomesADeadLetter) {
  for (const bool workers : {false, true}) {
    SCOPED_TRACE(workers);
    world().clear();
    mended_ = false;
    options_.stepped = true;
    world().endless = true;
    for (int n = 1; n <= 10'003; ++n) world().input.push_back({"a", n});
    world().on_note = [this](const Note&, Context&) {
      if (!mended_) throw std::runtime_error("planted");
    };
    const auto engine = start(workers ? pipeline(R"({"actor": "TestWorker", "key": null, "shards": null, "ordering": "none", "workers": 1, "on_failure": {"retries": 0, "then": "park_key"}})")
                                      : pipeline(R"({"shards": 1, "on_failure": {"retries": 0, "then": "park_key"}})"));
    ASSERT_LT(step_all_but(*engine, "nobody"), 10'000);
    EXPECT_EQ(sum(engine->snapshot(), "act").parked, 10'000u);
    EXPECT_EQ(engine->snapshot().edges[0].parked, 10'000u);
    EXPECT_EQ(engine->snapshot().edges[0].dead_lettered, 3u);
    EXPECT_EQ(sum(engine->snapshot(), "act").order_breaks, workers ? 0u : 3u);
    expect_balanced(engine->snapshot());
    const auto letters = engine->list_dead_letters({});
    ASSERT_EQ(letters.size(), 3u);
    EXPECT_EQ(letters[0].payload["number"], 1);
    EXPECT_THAT(letters[0].reason, ::testing::AllOf(HasSubstr("parking lot"), HasSubstr("planted")));
    EXPECT_EQ(engine->list_dead_letters({.parked = true}, 20'000).size(), 10'000u);

    // All that is left of the lot is discarded: the key is free again.
    std::uint64_t changed = 0;
    engine->change_dead_letters({.parked = true}, true, [&](const DeadLetterOutcome& outcome) { changed = outcome.changed; });
    ASSERT_LT(step_all_but(*engine, "nobody"), 10'000);
    EXPECT_EQ(changed, 10'000u);
    mended_ = true;
    input({{"a", 20'000}});
    ASSERT_TRUE(until([&] {
      engine->advance(std::chrono::seconds(1));
      (void)step_all_but(*engine, "nobody");
      return !world().output.empty();
    }));
    EXPECT_THAT(numbers_of(world().output, "a"), ElementsAre(20'000));
    EXPECT_EQ(sum(engine->snapshot(), "act").parked, 0u);
    expect_balanced(engine->snapshot());
  }
}

}  // namespace
}  // namespace mailroom::runtime::test
