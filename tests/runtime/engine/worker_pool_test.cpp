// Stages with workers: which job next, until when, and in which order.
#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "tests/runtime/engine/engine_fixture.hpp"

namespace mailroom::runtime::test {
namespace {

using ::testing::HasSubstr;

// Lets through what has a number.
class Sieve : public Actor<> {
 public:
  using Emits = Events<Note>;
  void on(const Note& note, Context& context) {
    if (note.number > 0) context.emit(note);
  }
};
MAILROOM_ACTOR(Sieve, Note)

class WorkerPoolTest : public EngineTest {
 protected:
  static std::string pool(const std::string& members) {
    return R"({"mailroom": 1, "name": "test", "stages": {
      "in": {"source": "scripted"},
      "work": {"actor": "TestWorker", "from": ["in"], )" + members + R"(},
      "out": {"sink": "collecting", "from": ["work"]}}})";
  }
  static std::vector<std::int64_t> numbers() {
    std::vector<std::int64_t> all;
    for (const auto& seen : world().output) all.push_back(seen.number);
    return all;
  }
};

TEST_F(WorkerPoolTest, TheJobWithTheHighestPriorityIsNext) {
  input({{"a", 0}, {"a", 3}, {"b", -5}, {"c", 9}, {"d", 3}, {"e", 7}});
  auto gate = std::make_shared<Gate>();
  world().on_note = [gate](const Note&, Context&) { gate->pass(); };
  const auto engine = start(pool(R"("ordering": "none", "workers": 1, "priority": "number")"));
  // One is under way, perhaps before a choice could be made: what matters is the order of the others.
  const bool all_are_here = until([&] { return sum(engine->snapshot(), "work").depth == 6; });
  gate->open();
  ASSERT_TRUE(wait(*engine));
  ASSERT_TRUE(all_are_here);
  auto order = numbers();
  std::vector<std::int64_t> expected{9, 7, 3, 3, 0, -5};
  ASSERT_EQ(order.size(), expected.size());
  expected.erase(std::find(expected.begin(), expected.end(), order.front()));
  order.erase(order.begin());
  EXPECT_EQ(order, expected);
  expect_balanced(engine->snapshot());
}

TEST_F(WorkerPoolTest, JobsOfAKeyAreDoneOneAtATimeAndInOrderAlsoWhenTheyFail) {
  for (int n = 1; n <= 40; ++n)
    for (int key = 0; key < 25; ++key) world().input.push_back({"key " + std::to_string(key), n});
  std::mutex mutex;
  std::set<std::string> under_way;
  bool two_at_once = false;
  std::size_t most = 0;
  world().on_note = [&](const Note& note, Context& context) {
    EXPECT_EQ(context.key(), note.key);
    {
      const std::lock_guard lock(mutex);
      two_at_once = two_at_once || !under_way.insert(note.key).second;
      most = std::max(most, under_way.size());
    }
    std::this_thread::yield();
    const std::lock_guard lock(mutex);
    under_way.erase(note.key);
    if (note.number % 7 == 0 && context.attempt() < 3) throw std::runtime_error("not yet");
    if (note.number == 20) throw Rejected("never");
  };
  run(pool(R"("key": "key", "workers": 8, "blocking": true, "on_failure": {"retries": 4, "backoff": "1ms..3ms"})"),
      Journal::open(std::make_unique<MemoryStore>()));
  ASSERT_EQ(result_.ending, Ending::finished) << result_.reason;
  EXPECT_FALSE(two_at_once);
  EXPECT_GT(most, 1u) << "keys must not wait for each other";
  std::vector<std::int64_t> expected;
  for (std::int64_t n = 1; n <= 40; ++n)
    if (n != 20) expected.push_back(n);
  for (int key = 0; key < 25; ++key) EXPECT_EQ(numbers_of(world().output, "key " + std::to_string(key)), expected);
  EXPECT_EQ(sum(snapshot_, "work").retries, 25u * 5 * 2);
  expect_balanced(snapshot_);
}

TEST_F(WorkerPoolTest, BlockingWorkersDoNotHoldTheEnginesThreads) {
  for (int n = 0; n < 6; ++n) world().input.push_back({"k" + std::to_string(n), n});
  std::mutex mutex;
  std::condition_variable changed;
  int inside = 0;
  bool all = false;
  world().on_note = [&](const Note&, Context&) {
    std::unique_lock lock(mutex);
    all = ++inside == 6 || all;
    changed.notify_all();
    changed.wait_for(lock, std::chrono::seconds(20), [&] { return all; });
  };
  options_.threads = 1;
  run(pool(R"("key": "key", "workers": 6, "blocking": true)"));
  EXPECT_TRUE(all) << "six calls must be under way at once, although the engine has one thread";
  EXPECT_EQ(world().output.size(), 6u);
}

TEST_F(WorkerPoolTest, AJobThatWasNotBegunInTimeIsADeadLetterAndItsKeyGoesOn) {
  input({{"a", 1}, {"a", 2}, {"a", 3}});
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  world().input_times = {now, now - 120'000'000, now};
  run(pool(R"("key": "key", "workers": 2, "expires": "100s")"));
  EXPECT_EQ(numbers_of(world().output, "a"), (std::vector<std::int64_t>{1, 3}));
  ASSERT_EQ(dead_letters_.size(), 1u);
  EXPECT_EQ(dead_letters_[0].held.kind, "expired");
  EXPECT_EQ(dead_letters_[0].held.key, "a");
  EXPECT_THAT(dead_letters_[0].held.reason, HasSubstr("not begun by 20"));
  expect_balanced(snapshot_);
}

TEST_F(WorkerPoolTest, AWatermarkThatWaitsBeforeTheFirstEventsOfItsInputIsNoneOfThem) {
  for (int n = 0; n < 64; ++n) world().input.push_back({"a", 0});
  for (int n = 1; n <= 300; ++n) world().input.push_back({"a", n});
  options_.stepped = true;
  const auto engine = start(R"({"mailroom": 1, "name": "test", "clock": "events", "stages": {
      "in": {"source": "scripted"},
      "sieve": {"actor": "Sieve", "from": ["in"], "key": "key", "mailbox": {"capacity": 64}},
      "work": {"actor": "TestWorker", "from": ["sieve"], "ordering": "none", "workers": 1, "mailbox": {"capacity": 1}},
      "out": {"sink": "collecting", "from": ["work"]}}})");
  // The time of those that did not pass and the first that did are in its mailbox together.
  ASSERT_TRUE(engine->pause("work").ok());
  ASSERT_LT(step_all_but(*engine, "nobody"), 10'000);
  ASSERT_GT(sum(engine->snapshot(), "work").depth, 0u);
  ASSERT_TRUE(engine->resume("work").ok());
  for (int n = 0; n < 1'000 && !engine->wait_for(std::chrono::milliseconds(0)); ++n) {
    ASSERT_LT(step_all_but(*engine, "nobody"), 10'000);
    engine->advance_to_next();
  }
  ASSERT_TRUE(engine->wait_for(std::chrono::milliseconds(0))) << "its input has ended, and it has not come to rest";
  EXPECT_EQ(engine->result().ending, Ending::finished);
  EXPECT_EQ(world().output.size(), 300u);
  EXPECT_EQ(engine->result().left_inside, 0u);
  expect_balanced(engine->snapshot());
}

}  // namespace
}  // namespace mailroom::runtime::test
