// What a failing event does: to its key, to its neighbours, to the order, and to the books.
#include <atomic>
#include <gmock/gmock.h>
#include <thread>

#include "runtime/journal/dead_letters.hpp"
#include "tests/runtime/engine/engine_fixture.hpp"

namespace mailroom::runtime::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FailureTest : public EngineTest {
 protected:
  // Events a1 b1 a2 b2 ... ; those of key "a" with number `bad` fail `times` times.
  void two_keys(int events, int bad, unsigned times) {
    for (int n = 1; n <= events; ++n) {
      world().input.push_back({"a", n});
      world().input.push_back({"b", n});
    }
    world().on_note = [bad, times](const Note& note, Context& context) {
      if (note.key == "a" && note.number == bad && context.attempt() <= times) throw std::runtime_error("planted");
    };
  }
};

TEST_F(FailureTest, ARetriedEventKeepsItsPlaceInItsKey) {
  two_keys(50, 3, 2);
  run(pipeline());
  EXPECT_EQ(result_.ending, Ending::finished);
  std::vector<std::int64_t> all;
  for (int n = 1; n <= 50; ++n) all.push_back(n);
  EXPECT_EQ(numbers_of(world().output, "a"), all);
  EXPECT_EQ(numbers_of(world().output, "b"), all);
  const auto act = sum(snapshot_, "act");
  EXPECT_EQ(act.failures, 2u);
  EXPECT_EQ(act.retries, 2u);
  EXPECT_EQ(act.order_breaks, 0u);
  for (const auto& seen : world().output) {
    EXPECT_EQ(seen.count, seen.number) << "a failed try must leave no trace in the state";
    if (seen.key == "a" && seen.number == 3) {
      EXPECT_EQ(seen.attempt, 3);
    }
  }
  expect_balanced(snapshot_);
}

TEST_F(FailureTest, ATimerThatFallsDueBehindARetryCanStillBeCancelled) {
  // The end of the input, and so the end of time, comes while 2 waits for its retry: both timers are due behind it.
  input({{"a", 1}, {"a", 2}});
  world().on_note = [](const Note& note, Context& context) {
    if (note.number == 1) {
      context.after(std::chrono::seconds(5), Note{"a", 101}, "cancelled");
      context.after(std::chrono::seconds(6), Note{"a", 102}, "replaced");
    }
    if (note.number != 2) return;
    if (context.attempt() == 1) throw std::runtime_error("planted");
    context.cancel("cancelled");
    context.after(std::chrono::seconds(7), Note{"a", 103}, "replaced");
  };
  for (const bool durable : {false, true}) {
    world().output.clear();
    run(pipeline(R"({"shards": 1, "on_failure": {"retries": 3, "backoff": "200ms..200ms", "then": "block_key"}})", R"({"clock": "events"})"),
        durable ? Journal::open(std::make_unique<MemoryStore>()) : nullptr);
    EXPECT_EQ(result_.ending, Ending::finished);
    EXPECT_THAT(numbers_of(world().output, "a"), ElementsAre(1, 2, 103));
    expect_balanced(snapshot_);
  }
}

TEST_F(FailureTest, ByTheEventsClockARetryIsAtTheTimeOfTheFirstAttempt) {
  // All the input, and the end of time, come while "a" waits.
  world().input = {{"a", 1}, {"a", 2}, {"b", 1}};
  world().input_times = {100, 200, 900};
  world().on_note = [](const Note& note, Context& context) {
    if (note.key == "a" && note.number == 1 && context.attempt() <= 2) throw std::runtime_error("planted");
  };
  for (const bool durable : {false, true}) {
    world().output.clear();
    run(pipeline(R"({"shards": 1, "on_failure": {"retries": 3, "backoff": "200ms..200ms"}})", R"({"clock": "events"})"),
        durable ? Journal::open(std::make_unique<MemoryStore>()) : nullptr);
    std::map<std::pair<std::string, std::int64_t>, std::int64_t> times;
    for (const auto& seen : world().output) times[{seen.key, seen.number}] = seen.now.micros;
    EXPECT_EQ(times, (std::map<std::pair<std::string, std::int64_t>, std::int64_t>{{{"a", 1}, 100}, {{"a", 2}, 200}, {{"b", 1}, 900}}));
  }
}

TEST_F(FailureTest, ByTheEventsClockATimerThatARetrySetsFiresBeforeWhatCameAfterItsTime) {
  // All the input, and the end of time, come while 1 waits. Its timers belong before, between and behind the others.
  world().input = {{"a", 1}, {"a", 2}, {"a", 3}};
  world().input_times = {100, 200, 300};
  world().on_note = [](const Note& note, Context& context) {
    if (note.number == 1) {
      context.after(std::chrono::microseconds(50), Note{"a", 101});
      context.after(std::chrono::microseconds(100), Note{"a", 102}, "named");
      context.after(std::chrono::microseconds(150), Note{"a", 103}, "cancelled");
      context.after(std::chrono::microseconds(900), Note{"a", 104});
      if (context.attempt() == 1) throw std::runtime_error("planted");
    }
    // Planted again in the middle of what waits: the rest keeps its order.
    if (note.number == 2 && context.attempt() == 1) throw std::runtime_error("planted");
    if (note.number == 2) context.cancel("cancelled");
  };
  for (const bool durable : {false, true}) {
    world().output.clear();
    run(pipeline(R"({"shards": 1, "on_failure": {"retries": 3, "backoff": "100ms..100ms", "then": "block_key"}})", R"({"clock": "events"})"),
        durable ? Journal::open(std::make_unique<MemoryStore>()) : nullptr);
    EXPECT_EQ(result_.ending, Ending::finished);
    EXPECT_THAT(numbers_of(world().output, "a"), ElementsAre(1, 101, 102, 2, 3, 104));
    expect_balanced(snapshot_);
    EXPECT_EQ(sum(snapshot_, "act").order_breaks, 0u);
  }
}

TEST_F(FailureTest, OtherKeysGoOnWhileOneWaits) {
  // Key "a" is held back until all of "b" has come out at the far end.
  two_keys(200, 1, 1);
  run(pipeline(R"({"shards": 1, "on_failure": {"backoff": "300ms..300ms"}})"));
  ASSERT_EQ(world().output.size(), 400u);
  for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(world().output[i].key, "b") << "at " << i;
  expect_balanced(snapshot_);
}

TEST_F(FailureTest, BlockShardHoldsAllKeysOfTheShardInOrder) {
  two_keys(100, 5, 2);
  run(pipeline(R"({"shards": 1, "on_failure": {"retrying": "block_shard"}})"));
  ASSERT_EQ(world().output.size(), 200u);
  for (std::size_t i = 0; i < 200; ++i) {
    EXPECT_EQ(world().output[i].key, i % 2 == 0 ? "a" : "b") << "at " << i;
    EXPECT_EQ(world().output[i].number, static_cast<std::int64_t>(i / 2 + 1)) << "at " << i;
  }
}

TEST_F(FailureTest, UsedUpRetriesLeadToADeadLetterAndACountedBreak) {
  two_keys(10, 4, 99);
  run(pipeline(R"({"on_failure": {"retries": 2}})"));
  EXPECT_THAT(numbers_of(world().output, "a"), ElementsAre(1, 2, 3, 5, 6, 7, 8, 9, 10));
  ASSERT_EQ(dead_letters_.size(), 1u);
  const auto& letter = dead_letters_[0];
  EXPECT_EQ(letter.stage, "act");
  EXPECT_EQ(letter.held.kind, "failed");
  EXPECT_EQ(letter.held.reason, "planted");
  EXPECT_EQ(letter.held.attempts, 3u);
  EXPECT_EQ(letter.held.key, "a");
  EXPECT_EQ(letter.held.event->type(0).to_json(letter.held.event->event(0))["number"], 4);
  EXPECT_EQ(sum(snapshot_, "act").order_breaks, 1u);
  expect_balanced(snapshot_);
}

TEST_F(FailureTest, ARefusalIsNotRetriedAndBreaksNoOrder) {
  two_keys(10, 0, 0);
  world().on_note = [](const Note& note, Context& context) {
    EXPECT_EQ(context.attempt(), 1u);
    if (note.number == 2) throw Rejected("overdraft");
  };
  run(pipeline());
  EXPECT_EQ(world().output.size(), 18u);
  ASSERT_EQ(dead_letters_.size(), 2u);
  EXPECT_EQ(dead_letters_[0].held.kind, "rejected");
  EXPECT_EQ(dead_letters_[0].held.reason, "overdraft");
  const auto act = sum(snapshot_, "act");
  EXPECT_EQ(act.retries, 0u);
  EXPECT_EQ(act.failures, 0u);
  expect_balanced(snapshot_);
}

TEST_F(FailureTest, ThrowingSomethingOddIsAFailureLikeAnother) {
  input({{"a", 1}, {"a", 2}});
  world().on_note = [](const Note& note, Context&) {
    if (note.number == 1) throw 42;
  };
  run(pipeline(R"({"on_failure": {"retries": 0}})"));
  EXPECT_THAT(numbers_of(world().output, "a"), ElementsAre(2));
  ASSERT_EQ(dead_letters_.size(), 1u);
  EXPECT_THAT(dead_letters_[0].held.reason, HasSubstr("exception"));
}

TEST_F(FailureTest, AParkedKeyWaitsWholeAndIsRedrivenInOrder) {
  two_keys(10, 4, 99);
  const auto disk = std::make_shared<MemoryDisk>();
  const auto topology = pipeline(R"({"on_failure": {"retries": 1, "then": "park_key"}})");
  run(topology, Journal::open(std::make_unique<MemoryStore>(disk)));
  EXPECT_EQ(result_.ending, Ending::finished);
  EXPECT_THAT(numbers_of(world().output, "a"), ElementsAre(1, 2, 3));
  EXPECT_EQ(numbers_of(world().output, "b").size(), 10u);
  EXPECT_EQ(sum(snapshot_, "act").parked, 7u);
  expect_balanced(snapshot_);

  // Left alone, a restart leaves it parked.
  run(topology, Journal::open(std::make_unique<MemoryStore>(disk)));
  EXPECT_THAT(numbers_of(world().output, "a"), ElementsAre(1, 2, 3));
  EXPECT_EQ(sum(snapshot_, "act").parked, 7u);

  // The cause is mended and an operator asks for another try.
  world().on_note = nullptr;
  {
    const auto journal = Journal::open(std::make_unique<MemoryStore>(disk));
    DeadLetterFilter filter;
    filter.parked = true;
    filter.key = "a";
    const auto outcome = retry_dead_letters(*journal, filter);
    EXPECT_TRUE(outcome.refused.empty());
    EXPECT_GT(outcome.changed, 0u);
  }
  run(topology, Journal::open(std::make_unique<MemoryStore>(disk)));
  EXPECT_THAT(numbers_of(world().output, "a"), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_EQ(sum(snapshot_, "act").parked, 0u);
  expect_balanced(snapshot_);
}

TEST_F(FailureTest, ADeadLetterCanBeTriedAgain) {
  input({{"a", 1}, {"a", 2}});
  world().on_note = [](const Note& note, Context&) {
    if (note.number == 1) throw Rejected("not yet");
  };
  const auto disk = std::make_shared<MemoryDisk>();
  run(pipeline(), Journal::open(std::make_unique<MemoryStore>(disk)));
  EXPECT_THAT(numbers_of(world().output, "a"), ElementsAre(2));
  world().on_note = nullptr;
  {
    const auto journal = Journal::open(std::make_unique<MemoryStore>(disk));
    EXPECT_EQ(retry_dead_letters(*journal, {}).changed, 1u);
  }
  run(pipeline(), Journal::open(std::make_unique<MemoryStore>(disk)));
  EXPECT_THAT(numbers_of(world().output, "a"), ElementsAre(2, 1));
  expect_balanced(snapshot_);
  EXPECT_EQ(snapshot_.edges[0].dead_lettered, 0u);
}

// A source or a worker queue has what its receiver had no room for.
TEST_F(FailureTest, WhatDidNotFitCanBeTriedAgainAtTheNextStartWhoeverSentIt) {
  const std::string worker = R"({"mailroom": 1, "name": "test", "stages": {
      "in": {"source": "scripted"},
      "work": {"actor": "TestWorker", "from": ["in"], "ordering": "none", "workers": 2},
      "out": {"sink": "collecting", "from": ["work"], "mailbox": {"capacity": 16, "overflow": "reject"}}}})";
  for (const auto& topology : {pipeline(R"({"mailbox": {"capacity": 16, "overflow": "reject"}})"), worker}) {
    world().clear();
    for (int n = 1; n <= 200; ++n) world().input.push_back({"k", n});
    const auto disk = std::make_shared<MemoryDisk>();
    run(topology, Journal::open(std::make_unique<MemoryStore>(disk)));
    ASSERT_LT(world().output.size(), 200u) << "nothing was too much for the mailbox";
    for (int tries = 0; world().output.size() < 200 && tries < 200; ++tries) {
      const auto before = world().output.size();
      {
        const auto journal = Journal::open(std::make_unique<MemoryStore>(disk));
        EXPECT_EQ(retry_dead_letters(*journal, {}).changed, 200 - before);
      }
      run(topology, Journal::open(std::make_unique<MemoryStore>(disk)));
      ASSERT_GT(world().output.size(), before) << "none of them got through";
      expect_balanced(snapshot_);
    }
    auto numbers = numbers_of(world().output, "k");
    std::sort(numbers.begin(), numbers.end());
    for (int n = 0; n < 200; ++n) ASSERT_EQ(numbers.at(static_cast<std::size_t>(n)), n + 1);
  }
}

class SeenTaker : public Actor<> {
 public:
  using Emits = Events<Seen>;
  void on(const Seen& seen, Context& context) { context.emit(seen); }
};
MAILROOM_ACTOR(SeenTaker, Seen)

// Between two runs the stage lost the way that the letters would go, or what would take them.
TEST_F(FailureTest, WhatTheTopologyHasNoWayForStaysADeadLetterAndTheNodeStarts) {
  struct Change {
    const char* what;
    std::string before, after, must_say;
  };
  const std::string before = pipeline(R"({"shards": 1})", R"({"stages": {"out": {"mailbox": {"capacity": 1, "overflow": "reject"}}}})");
  // Without states, which would keep the other actor from starting.
  const std::string failing = pipeline(R"({"actor": "TestWorker", "shards": 1, "on_failure": {"retries": 0}})");
  const std::string parking = pipeline(R"({"actor": "TestWorker", "shards": 1, "on_failure": {"retries": 0, "then": "park_key"}})");
  const std::string other_actor = R"({"mailroom": 1, "name": "test", "stages": {
      "in": {"source": "scripted"},
      "first": {"actor": "TestActor", "from": ["in"], "key": "key"},
      "act": {"actor": "SeenTaker", "from": ["first"], "key": "key"},
      "out": {"sink": "collecting", "from": ["act"]}}})";
  const std::string other_way = pipeline(R"({"shards": 1})", R"({"stages": {"out": null, "elsewhere": {"sink": "collecting", "from": ["act"]}}})");
  for (const auto& change : {Change{"a way", before, other_way, "'out'"}, {"a handler", failing, other_actor, "Note"}, {"a lot's handler", parking, other_actor, "Note"}}) {
    SCOPED_TRACE(change.what);
    world().clear();
    log_.clear();
    for (int n = 1; n <= 50; ++n) world().input.push_back({"a", n});
    if (change.before != before) world().on_note = [](const Note& note, Context&) {
      if (note.number > 40) throw std::runtime_error("planted");
    };
    const auto disk = std::make_shared<MemoryDisk>();
    run(change.before, Journal::open(std::make_unique<MemoryStore>(disk)));
    world().on_note = nullptr;
    const DeadLetterFilter filter{.parked = change.before == parking, .stage = "act"};
    auto journal = Journal::open(std::make_unique<MemoryStore>(disk));
    const auto letters = list_dead_letters(*journal, filter);
    ASSERT_FALSE(letters.empty());
    ASSERT_EQ(retry_dead_letters(*journal, filter).changed, letters.size());
    run(change.after, std::move(journal));
    EXPECT_EQ(result_.ending, Ending::finished) << result_.reason;
    journal = Journal::open(std::make_unique<MemoryStore>(disk));
    const auto left = list_dead_letters(*journal, filter);
    ASSERT_EQ(left.size(), letters.size());
    for (std::size_t i = 0; i < left.size(); ++i) {
      EXPECT_EQ(left[i].id, letters[i].id);
      EXPECT_FALSE(left[i].redrive) << "it would be tried, and said, at each start";
    }
    EXPECT_THAT(log_, ::testing::Contains(::testing::AllOf(HasSubstr(letters[0].id), HasSubstr(change.must_say), HasSubstr("discard"))));
    journal.reset();

    // While it runs an operator is told the same.
    options_.stepped = true;
    const auto engine = start(change.after, Journal::open(std::make_unique<MemoryStore>(disk)));
    options_.stepped = false;
    DeadLetterOutcome outcome;
    engine->change_dead_letters(filter, false, [&](DeadLetterOutcome given) { outcome = std::move(given); });
    ASSERT_LT(step_all_but(*engine, "nobody"), 10'000);
    EXPECT_EQ(outcome.changed, 0u);
    ASSERT_EQ(outcome.refused.size(), letters.size());
    EXPECT_THAT(outcome.refused[0], ::testing::AllOf(HasSubstr(letters[0].id), HasSubstr(change.must_say), HasSubstr("discard")));
    EXPECT_NE(engine->result().ending, Ending::failed) << engine->result().reason;
  }
}

TEST_F(FailureTest, AnEscalatedFailureRestartsTheActorAndKeepsItsState) {
  two_keys(10, 4, 0);
  auto failures = std::make_shared<std::atomic<int>>(0);
  world().on_note = [failures](const Note& note, Context&) {
    if (note.key == "a" && note.number == 4 && ++*failures <= 2) throw std::runtime_error("planted");
  };
  run(pipeline(
      R"({"shards": 1, "on_failure": {"retries": 1, "then": "escalate"}, "supervision": {"backoff": "1ms..2ms"}})"));
  EXPECT_EQ(result_.ending, Ending::finished);
  EXPECT_EQ(sum(snapshot_, "act").restarts, 1u);
  EXPECT_EQ(world().instances, 2);
  EXPECT_EQ(numbers_of(world().output, "a").size(), 10u);
  for (const auto& seen : world().output) EXPECT_EQ(seen.count, seen.number);
  expect_balanced(snapshot_);
}

TEST_F(FailureTest, OneForAllRestartsEveryShardOfTheStage) {
  two_keys(10, 4, 0);
  auto failures = std::make_shared<std::atomic<int>>(0);
  world().on_note = [failures](const Note& note, Context&) {
    if (note.key == "a" && note.number == 4 && ++*failures == 1) throw std::runtime_error("planted");
  };
  run(pipeline(R"({"shards": 4, "on_failure": {"retries": 0, "then": "escalate"},
                   "supervision": {"strategy": "one_for_all", "backoff": "1ms..2ms"}})"));
  EXPECT_EQ(result_.ending, Ending::finished);
  EXPECT_EQ(sum(snapshot_, "act").restarts, 4u);
  EXPECT_EQ(world().output.size(), 20u);
}

TEST_F(FailureTest, TooManyRestartsStopTheNodeAndSayWhy) {
  two_keys(10, 4, 99);
  const auto disk = std::make_shared<MemoryDisk>();
  const auto intensity =
      R"({"strategy": "one_for_one", "intensity": {"restarts": 2, "within": "60s"}, "backoff": "1ms..2ms"})";
  run(pipeline(std::string(R"({"on_failure": {"retries": 0, "then": "escalate"}, "supervision": )") + intensity + "}",
               std::string(R"({"supervision": )") + intensity + "}"),
      Journal::open(std::make_unique<MemoryStore>(disk)));
  EXPECT_EQ(result_.ending, Ending::failed);
  EXPECT_THAT(result_.reason, HasSubstr("act"));
  EXPECT_THAT(result_.reason, HasSubstr("planted"));
  EXPECT_THAT(result_.reason, HasSubstr("2 restarts"));

  // Nothing is lost: mended, the next start brings all of it.
  world().on_note = nullptr;
  run(pipeline(), Journal::open(std::make_unique<MemoryStore>(disk)));
  EXPECT_EQ(result_.ending, Ending::finished);
  EXPECT_EQ(numbers_of(world().output, "a").size(), 10u);
  EXPECT_EQ(numbers_of(world().output, "b").size(), 10u);
  expect_balanced(snapshot_);
}

TEST_F(FailureTest, ThenStopStopsTheNodeNamingEventAndReason) {
  two_keys(10, 4, 99);
  run(pipeline(R"({"on_failure": {"retries": 1, "then": "stop"}})"));
  EXPECT_EQ(result_.ending, Ending::failed);
  EXPECT_THAT(result_.reason, HasSubstr("Note of key 'a' failed 2 times"));
  EXPECT_THAT(result_.reason, HasSubstr("planted"));
}

TEST_F(FailureTest, EmittingAnUndeclaredEventStopsTheNode) {
  input({{"a", 1}});
  world().on_note = [](const Note& note, Context& context) { context.emit(note); };
  run(pipeline());
  EXPECT_EQ(result_.ending, Ending::failed);
  EXPECT_THAT(result_.reason, HasSubstr("Emits"));
}

// Where no event can be blamed the node stops and says why, whatever was thrown.
TEST_F(FailureTest, ASourceThatThrowsSomethingOddStopsTheNode) {
  input({{"a", 1}});
  world().on_read = [] { throw 42; };
  run(pipeline());
  EXPECT_EQ(result_.ending, Ending::failed);
  EXPECT_THAT(result_.reason, HasSubstr("in/0: an exception"));
}

TEST_F(FailureTest, ASinkThatThrowsSomethingOddStopsTheNode) {
  input({{"a", 1}});
  world().on_write = [] { throw 42; };
  run(pipeline());
  EXPECT_EQ(result_.ending, Ending::failed);
  EXPECT_THAT(result_.reason, HasSubstr("out/0: an exception"));
}

TEST_F(FailureTest, AnActorThatThrowsSomethingOddWhenItIsMadeAnewStopsTheNode) {
  input({{"a", 1}});
  world().endless = true;
  const auto engine = start(pipeline(R"({"shards": 1})"));
  ASSERT_TRUE(until([&] { return sum(engine->snapshot(), "act").in == 1; }));
  world().on_make = [] { throw 42; };
  ASSERT_TRUE(engine->restart_shard("act", 0).ok());
  ASSERT_TRUE(wait(*engine));
  EXPECT_THAT(engine->result().reason, HasSubstr("act/0: an exception"));
}

TEST_F(FailureTest, AWorkerThatThrowsWhenItIsMadeAnewStopsTheNode) {
  for (const bool odd : {false, true}) {
    world().clear();
    input({{"a", 1}});
    world().endless = true;
    const auto engine = start(R"({"mailroom": 1, "name": "test", "stages": {
      "in": {"source": "scripted"},
      "work": {"actor": "TestWorker", "from": ["in"], "ordering": "none", "workers": 2},
      "out": {"sink": "collecting", "from": ["work"]}}})");
    ASSERT_TRUE(until([&] { return sum(engine->snapshot(), "work").in == 1; }));
    world().on_make = [odd] {
      if (odd) throw 42;
      throw std::runtime_error("an exception that says why");
    };
    ASSERT_TRUE(engine->restart_shard("work", 0).ok());
    ASSERT_TRUE(wait(*engine));
    EXPECT_THAT(engine->result().reason, HasSubstr("work/worker"));
    EXPECT_THAT(engine->result().reason, HasSubstr("an exception that"));
  }
}

TEST_F(FailureTest, AnActorThatCannotBeMadeAtTheStartIsNamed) {
  for (const std::string stage : {R"("actor": "TestActor", "key": "key")", R"("actor": "TestWorker", "ordering": "none")"}) {
    world().on_make = [] { throw 42; };
    try {
      start(R"({"mailroom": 1, "name": "test", "stages": {"in": {"source": "scripted"}, "act": {"from": ["in"], )" + stage +
            R"(}, "out": {"sink": "collecting", "from": ["act"]}}})");
      FAIL() << "started";
    } catch (const std::exception& error) {
      EXPECT_THAT(error.what(), HasSubstr("act/"));
      EXPECT_THAT(error.what(), HasSubstr("an exception"));
    }
  }
}

TEST_F(FailureTest, KeysWhoseOnlyEventWasRefusedTakeNoMemoryForLong) {
  for (int n = 0; n < 20'000; ++n) world().input.push_back({"k" + std::to_string(n), n});
  world().on_note = [](const Note& note, Context&) {
    if (note.number % 100 != 0) throw Rejected("known");
  };
  run(pipeline(R"({"shards": 1})"));
  EXPECT_EQ(world().output.size(), 200u);
  EXPECT_EQ(sum(snapshot_, "act").dead_letters, 19'800u);
  EXPECT_LE(sum(snapshot_, "act").keys, 200u + 1'024u);
}

TEST_F(FailureTest, AStuckActorIsReportedAndTheNodeEndsWithoutIt) {
  input({{"a", 1}});
  auto gate = std::make_shared<Gate>();
  world().on_note = [gate](const Note&, Context&) { gate->pass(); };
  const auto engine = start(pipeline(R"({"deadline": "20ms"})"));
  EXPECT_TRUE(until([&] {
    const auto snapshot = engine->snapshot();
    return std::any_of(snapshot.shards.begin(), snapshot.shards.end(),
                       [](const auto& shard) { return shard.state == ShardState::stuck && shard.busy_with == "Note"; });
  }));
  {
    const std::lock_guard lock(log_mutex_);
    ASSERT_FALSE(log_.empty());
    EXPECT_THAT(log_.front(), HasSubstr("has been handling Note"));
  }
  gate->open();
  EXPECT_TRUE(wait(*engine));
  EXPECT_EQ(engine->result().ending, Ending::finished);
}

TEST_F(FailureTest, HandlersThatDoNotReturnInAnyThreadAreReportedAndTheNodeEndsWithoutThem) {
  for (int key = 0; key < 16; ++key) world().input.push_back({"k" + std::to_string(key), 1});  // both shards get some
  world().endless = true;  // the source is still open when no thread is left that could close it
  auto gate = std::make_shared<Gate>();
  world().on_note = [gate](const Note&, Context&) { gate->pass(); };
  options_.drain_deadline = std::chrono::milliseconds(50);
  options_.stop_deadline = std::chrono::milliseconds(50);
  const auto engine = start(pipeline(R"({"deadline": "20ms"})"));
  EXPECT_TRUE(until([&] {
    const auto snapshot = engine->snapshot();
    return std::count_if(snapshot.shards.begin(), snapshot.shards.end(),
                         [](const auto& shard) { return shard.state == ShardState::stuck; }) == 2;
  }));
  engine->request_stop(StopMode::drain);
  EXPECT_TRUE(engine->wait_for(std::chrono::seconds(20)));
  EXPECT_EQ(engine->result().ending, Ending::checkpointed);
  EXPECT_THAT(engine->result().not_stopped, ::testing::IsSupersetOf({"act/0", "act/1"}));
  gate->open();
}

// The system's clock; how often it is asked shows how often shards wake up.
class CountingClock final : public Clock {
 public:
  Timestamp wall() const override { return clock_.wall(); }
  std::int64_t steady_us() const override {
    asked.fetch_add(1, std::memory_order_relaxed);
    return clock_.steady_us();
  }
  mutable std::atomic<std::uint64_t> asked{0};

 private:
  SystemClock clock_;
};

// Passes notes on one by one, so that whoever takes them has nothing to do in between.
class Spread : public Actor<> {
 public:
  using Emits = Events<Note>;
  void on(const Note& note, Context& context) {
    if (note.key != "start") return context.emit(note);
    for (int n = 0; n < note.number; ++n)
      context.after(std::chrono::milliseconds(5 * n), Note{"once " + std::to_string(n), n});
  }
};
MAILROOM_ACTOR(Spread, Note)

TEST_F(FailureTest, WakeUpsDoNotAddUpWhileOneKeyWaitsForEver) {
  input({{"ever", 1}, {"start", 200}});
  world().endless = true;
  std::atomic<int> done{0};
  world().on_note = [&done](const Note& note, Context& context) {
    if (note.key == "ever" || context.attempt() == 1) throw std::runtime_error("fails");
    ++done;
  };
  const auto clock = std::make_shared<CountingClock>();
  options_.clock = clock;
  options_.sample_every = std::chrono::milliseconds(100);
  auto json = nlohmann::json::parse(pipeline(
      R"({"from": ["spread"], "shards": 1, "on_failure": {"retries": 1, "backoff": "1ms..50ms", "then": "block_key"}})",
      R"({"stages": {"spread": {"actor": "Spread", "from": ["in"], "ordering": "total"}}})"));
  const auto engine = start(json.dump());
  ASSERT_TRUE(until([&] { return done == 200; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const auto before = clock->asked.load();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  // Ten tries of the key and some reads of the idle source: nothing that grows with what has failed before.
  EXPECT_LT(clock->asked.load() - before, 600u);
  engine->request_stop(StopMode::checkpoint);
  ASSERT_TRUE(wait(*engine));
}

TEST_F(FailureTest, AMistakeInAnActorStopsTheNodeAndTheBooksStillBalance) {
  input({{"a", 1}, {"a", 2}, {"a", 3}});
  world().on_note = [](const Note& note, Context& context) {
    if (note.number == 2) context.after(std::chrono::milliseconds(1), Seen{});  // TestActor handles no Seen
  };
  run(pipeline());
  EXPECT_EQ(result_.ending, Ending::failed);
  EXPECT_THAT(result_.reason, ::testing::HasSubstr("name Seen in its MAILROOM_ACTOR"));
  expect_balanced(snapshot_);
}

}  // namespace
}  // namespace mailroom::runtime::test
