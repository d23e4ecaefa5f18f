// Crashes at any moment change nothing in the result.
#include <gmock/gmock.h>
#include <random>
#include <thread>

#include "runtime/journal/dead_letters.hpp"
#include "tests/runtime/engine/engine_fixture.hpp"

namespace mailroom::runtime::test {
namespace {

// Lets notes through, or fails.
class Doorman : public Actor<> {
 public:
  using Emits = Events<Note>;
  void on(const Note& note, Context& context) {
    if (world().on_note) world().on_note(note, context);
    context.emit(note);
  }
};
MAILROOM_ACTOR(Doorman, Note)

class RecoveryTest : public EngineTest {
 protected:
  void random_input(std::mt19937_64& random, int events) {
    std::map<std::string, std::int64_t> numbers;
    for (int n = 0; n < events; ++n) {
      const auto key = "k" + std::to_string(random() % 17);
      world().input.push_back({key, ++numbers[key]});
    }
  }
  void expect_each_once_in_order() {
    std::map<std::string, std::int64_t> last, expected;
    for (const auto& note : world().input) expected[note.key] = note.number;
    for (const auto& seen : world().output) {
      EXPECT_EQ(seen.number, last[seen.key] + 1) << "key " << seen.key;
      EXPECT_EQ(seen.count, seen.number) << "the state counted an event twice or not at all";
      last[seen.key] = seen.number;
    }
    EXPECT_EQ(last, expected);
  }
};

// The law: whatever the moment of the power loss and however much of the unsynced log survives it, after the
// restarts each event has changed state once and come out once, in its key's order.
TEST_F(RecoveryTest, PowerLossAtRandomMomentsLosesNothingAndRepeatsNothing) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    world().clear();
    random_input(random, 3000);
    // Some fail at first, so that waiting events are caught by the crash too.
    world().on_note = [](const Note& note, Context& context) {
      if (note.number % 13 == 0 && context.attempt() == 1) throw std::runtime_error("planted");
    };
    const auto topology = pipeline(R"({"shards": 3, "mailbox": {"capacity": 64}})");
    const auto disk = std::make_shared<MemoryDisk>();
    for (int crash = 0; crash < 4; ++crash) {
      const auto engine = start(topology, Journal::open(std::make_unique<MemoryStore>(disk)));
      const auto after = random() % 120;
      std::uint64_t begin = 0;
      ASSERT_TRUE(until([&] {
        const auto commits = engine->snapshot().commits;
        if (begin == 0) begin = commits + 1;
        return commits + 1 >= begin + after || engine->wait_for(std::chrono::milliseconds(0));
      }));
      disk->crash(random() % 50);
      engine->request_stop(StopMode::checkpoint);  // where all was committed, nothing fails by itself any more
      ASSERT_TRUE(wait(*engine));
    }
    run(topology, Journal::open(std::make_unique<MemoryStore>(disk)));
    ASSERT_EQ(result_.ending, Ending::finished) << result_.reason;
    expect_each_once_in_order();
    expect_balanced(snapshot_);
    if (HasFailure()) return;
  }
}

TEST_F(RecoveryTest, AFailedSyncStopsTheNodeAndLosesNothing) {
  std::mt19937_64 random(1);
  random_input(random, 2000);
  const auto disk = std::make_shared<MemoryDisk>();
  {
    auto journal = Journal::open(std::make_unique<MemoryStore>(disk));
    disk->fail_next_sync();
    run(pipeline(), std::move(journal));
  }
  EXPECT_EQ(result_.ending, Ending::failed);
  EXPECT_FALSE(result_.reason.empty());
  disk->crash(3);
  run(pipeline(), Journal::open(std::make_unique<MemoryStore>(disk)));
  EXPECT_EQ(result_.ending, Ending::finished) << result_.reason;
  expect_each_once_in_order();
  expect_balanced(snapshot_);
}

TEST_F(RecoveryTest, AFailedWriteStopsTheNodeAndLosesNothing) {
  std::mt19937_64 random(2);
  random_input(random, 2000);
  const auto disk = std::make_shared<MemoryDisk>();
  const auto engine = start(pipeline(), Journal::open(std::make_unique<MemoryStore>(disk)));
  disk->fail_next_write();
  ASSERT_TRUE(wait(*engine));
  disk->crash();
  run(pipeline(), Journal::open(std::make_unique<MemoryStore>(disk)));
  EXPECT_EQ(result_.ending, Ending::finished) << result_.reason;
  expect_each_once_in_order();
}

TEST_F(RecoveryTest, ACheckpointLeavesTheRestToTheNextStart) {
  std::mt19937_64 random(3);
  random_input(random, 5000);
  world().gate = std::make_shared<Gate>();
  const auto disk = std::make_shared<MemoryDisk>();
  {
    const auto engine =
        start(pipeline(R"({"mailbox": {"capacity": 256}})"), Journal::open(std::make_unique<MemoryStore>(disk)));
    ASSERT_TRUE(world().gate->wait_for_someone());
    engine->request_stop(StopMode::checkpoint);
    world().gate->open();
    ASSERT_TRUE(wait(*engine));
    EXPECT_EQ(engine->result().ending, Ending::checkpointed);
    EXPECT_LT(world().output.size(), 5000u);
    expect_balanced(engine->snapshot());
  }
  run(pipeline(R"({"mailbox": {"capacity": 256}})"), Journal::open(std::make_unique<MemoryStore>(disk)));
  EXPECT_EQ(result_.ending, Ending::finished);
  expect_each_once_in_order();
}

TEST_F(RecoveryTest, WhatIsShedBehindABacklogOnTheDiskLeavesNoGapAndTheNextStartFindsAll) {
  // Each event is a parcel of its own, and the sink does not come to write any in the first two runs.
  const auto topology = [](int capacity) {
    return pipeline(R"({"shards": 1, "mailbox": {"capacity": 2}})",
                    R"({"stages": {"out": {"mailbox": {"overflow": "drop_oldest", "capacity": )" + std::to_string(capacity) + "}}}}");
  };
  for (const int later : {60, 4}) {  // a mailbox made smaller sheds all of the backlog
    SCOPED_TRACE(later);
    world().clear();
    world().endless = true;
    const auto disk = std::make_shared<MemoryDisk>();
    options_.stepped = true;
    for (const int run : {1, 2}) {
      for (int n = 0; n < 150; ++n) world().input.push_back({"a", static_cast<std::int64_t>(world().input.size()) + 1});
      const auto engine = start(topology(run == 1 ? 60 : later), Journal::open(std::make_unique<MemoryStore>(disk)));
      ASSERT_LT(step_all_but(*engine, "out/0"), 10'000);
      const auto edge = engine->snapshot().edges.at(1);
      EXPECT_EQ(edge.sent, world().input.size());
      EXPECT_LE(edge.in_flight, run == 1 ? 120 : 60 + later) << "what is under way and, at most, once more the capacity";
      if (run == 1) {
        EXPECT_GT(edge.in_flight, 100);
      }
      expect_balanced(engine->snapshot());
      disk->kill();
    }
    options_.stepped = false;
    world().endless = false;
    run(topology(later), Journal::open(std::make_unique<MemoryStore>(disk)));
    EXPECT_EQ(result_.ending, Ending::finished) << result_.reason;
    const auto numbers = numbers_of(world().output, "a");
    ASSERT_FALSE(numbers.empty());
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
    EXPECT_EQ(numbers.back(), 300);
    EXPECT_EQ(numbers.size() + snapshot_.edges.at(1).dropped_oldest, 300u);
    expect_balanced(snapshot_);
    run(topology(later), Journal::open(std::make_unique<MemoryStore>(disk)));
    EXPECT_EQ(result_.ending, Ending::finished) << result_.reason;
  }
}

TEST_F(RecoveryTest, ADrainFinishesWhatHasBeenRead) {
  std::mt19937_64 random(4);
  random_input(random, 1000);
  world().endless = true;
  const auto engine = start(pipeline());
  ASSERT_TRUE(until([&] { return sum(engine->snapshot(), "in").in == 1000; }));
  engine->request_stop(StopMode::drain);
  ASSERT_TRUE(wait(*engine));
  EXPECT_EQ(engine->result().ending, Ending::drained);
  EXPECT_EQ(engine->result().left_inside, 0u);
  expect_each_once_in_order();
}

TEST_F(RecoveryTest, WhatWorkersHadDoneOutOfOrderIsDoneOnceAndCountedOnce) {
  input({{"a", 1}, {"b", 2}, {"c", 3}});
  const auto pool = [](int workers) {
    return R"({"mailroom": 1, "name": "test", "stages": {
      "in": {"source": "scripted"},
      "work": {"actor": "TestWorker", "from": ["in"], "ordering": "none", "workers": )" + std::to_string(workers) + R"(},
      "out": {"sink": "collecting", "from": ["work"]}}})";
  };
  const auto numbers = [] {
    std::vector<std::int64_t> all;
    for (const auto& seen : world().output) all.push_back(seen.number);
    return all;
  };
  const auto disk = std::make_shared<MemoryDisk>();
  options_.stepped = true;
  {
    // The first of the batch's three events is with a worker that does not come to do it; the others are done.
    auto engine = start(pool(3), Journal::open(std::make_unique<MemoryStore>(disk)));
    ASSERT_LT(step_all_but(*engine, "work/0, worker 0"), 10'000);
    ASSERT_THAT(numbers(), ::testing::UnorderedElementsAre(2, 3));
    disk->kill();
  }
  // A single worker takes the batch event by event: once it has done the first there is no gap any more before the others.
  const auto engine = start(pool(1), Journal::open(std::make_unique<MemoryStore>(disk)));
  expect_balanced(engine->snapshot());  // before the batch is delivered again
  ASSERT_LT(step_all_but(*engine, "nobody"), 10'000);
  EXPECT_THAT(numbers(), ::testing::UnorderedElementsAre(1, 2, 3));
  expect_balanced(engine->snapshot());
}

TEST_F(RecoveryTest, BehindTheEndOfTheInputARestartDoesNotTurnTheEventsClockBack) {
  // Many small batches, so that the stages see times between that of the first event and the end.
  world().input = {{"a", 1}};
  world().input_times = {100};
  for (int n = 1; n <= 300; ++n) {
    world().input.push_back({"b", n});
    world().input_times.push_back(1'000 + n);
  }
  bool mended = false;
  world().on_note = [&](const Note& note, Context& context) {
    if (context.stage() == "door" && note.key == "a" && !mended) throw std::runtime_error("planted");
  };
  const auto topology = R"({"mailroom": 1, "name": "test", "clock": "events", "stages": {
      "in":   {"source": "scripted"},
      "door": {"actor": "Doorman", "from": ["in"], "key": "key", "mailbox": {"capacity": 16},
               "on_failure": {"retries": 0, "then": "dead_letter"}},
      "act":  {"actor": "TestActor", "from": ["door"], "key": "key", "mailbox": {"capacity": 16}},
      "out":  {"sink": "collecting", "from": ["act"]}}})";
  const auto disk = std::make_shared<MemoryDisk>();
  run(topology, Journal::open(std::make_unique<MemoryStore>(disk)));
  ASSERT_EQ(world().output.size(), 300u);
  const auto before = world().output.back().now;
  ASSERT_GT(before, Timestamp{1'000});
  mended = true;
  auto journal = Journal::open(std::make_unique<MemoryStore>(disk));
  ASSERT_EQ(retry_dead_letters(*journal, {}).changed, 1u);
  run(topology, std::move(journal));
  ASSERT_EQ(world().output.size(), 301u);
  EXPECT_EQ(world().output.back().key, "a");
  EXPECT_GE(world().output.back().now, before);
}

TEST_F(RecoveryTest, ATopologyThatLostAStageWithEventsIsRefused) {
  std::mt19937_64 random(5);
  random_input(random, 100);
  const auto disk = std::make_shared<MemoryDisk>();
  run(pipeline(), Journal::open(std::make_unique<MemoryStore>(disk)));
  auto renamed = nlohmann::json::parse(pipeline());
  renamed["stages"]["count"] = renamed["stages"]["act"];
  renamed["stages"].erase("act");
  renamed["stages"]["out"]["from"] = {"count"};
  try {
    start(renamed.dump(), Journal::open(std::make_unique<MemoryStore>(disk)));
    FAIL() << "states of act would be out of reach";
  } catch (const StorageError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("act/0"));
  }
}

}  // namespace
}  // namespace mailroom::runtime::test
