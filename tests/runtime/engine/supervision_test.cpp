// The plain logic under the engine: supervision, timers, waiting keys, spill files.
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "runtime/engine/spill.hpp"
#include "runtime/engine/supervision.hpp"
#include "runtime/engine/timer_queue.hpp"
#include "runtime/engine/waiting_keys.hpp"
#include "tests/runtime/engine/engine_fixture.hpp"

namespace mailroom::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

SupervisionPolicy policy(Strategy strategy, unsigned restarts = 3) {
  SupervisionPolicy made;
  made.strategy = strategy;
  made.restarts = restarts;
  made.within = std::chrono::milliseconds(1000);
  made.backoff = {std::chrono::milliseconds(10), std::chrono::milliseconds(40), 0.0};
  return made;
}

TEST(SupervisorLogicTest, StrategiesRestartWhomTheyName) {
  const std::vector<std::string> names{"a", "b", "c"};
  EXPECT_THAT(SupervisorLogic(policy(Strategy::one_for_one), names).on_failure(1, 0, 0.5).restart, ElementsAre(1u));
  EXPECT_THAT(SupervisorLogic(policy(Strategy::one_for_all), names).on_failure(1, 0, 0.5).restart, ElementsAre(0u, 1u, 2u));
  EXPECT_THAT(SupervisorLogic(policy(Strategy::rest_for_one), names).on_failure(1, 0, 0.5).restart, ElementsAre(1u, 2u));
}

TEST(SupervisorLogicTest, MoreThanTheIntensityEscalatesAndAQuietWindowForgets) {
  SupervisorLogic logic(policy(Strategy::one_for_one, 2), {"a"});
  EXPECT_FALSE(logic.on_failure(0, 0, 0.5).escalate);
  logic.restarted({0});
  EXPECT_FALSE(logic.on_failure(0, 1'000, 0.5).escalate);
  logic.restarted({0});
  const auto third = logic.on_failure(0, 2'000, 0.5);
  EXPECT_TRUE(third.escalate);
  EXPECT_THAT(third.reason, HasSubstr("2 restarts within 1000 ms"));

  SupervisorLogic patient(policy(Strategy::one_for_one, 2), {"a"});
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(patient.on_failure(0, i * 600'000, 0.5).escalate) << i;
    patient.restarted({0});
  }
}

TEST(SupervisorLogicTest, AFailureWhileItsRestartIsUnderWayIsPartOfIt) {
  SupervisorLogic logic(policy(Strategy::one_for_all, 1), {"a", "b"});
  EXPECT_EQ(logic.on_failure(0, 0, 0.5).restart.size(), 2u);
  const auto second = logic.on_failure(1, 10, 0.5);
  EXPECT_TRUE(second.restart.empty());
  EXPECT_FALSE(second.escalate);
}

RC_GTEST_PROP(SupervisorLogicLaw, NeverMoreRestartsInAWindowThanAllowed, (const std::vector<std::uint16_t>& steps)) {
  SupervisorLogic logic(policy(Strategy::one_for_one, 3), {"a"});
  std::int64_t now = 0;
  std::deque<std::int64_t> restarts;
  for (const auto step : steps) {
    now += step * 20;
    const auto decision = logic.on_failure(0, now, 0.5);
    if (decision.escalate) {
      restarts.clear();
      continue;
    }
    logic.restarted({0});
    restarts.push_back(now);
    while (!restarts.empty() && now - restarts.front() > 1'000'000) restarts.pop_front();
    RC_ASSERT(restarts.size() <= 3u);
  }
}

RC_GTEST_PROP(BackoffLaw, DelaysStayWithinTheirRangeAndJitter, (std::uint8_t attempt, std::uint16_t draw)) {
  const BackoffPlan plan({std::chrono::milliseconds(100), std::chrono::milliseconds(5000), 0.2});
  const auto delay = plan.delay(attempt + 1u, draw / 65536.0).count();
  RC_ASSERT(delay >= 80'000);
  RC_ASSERT(delay <= 6'000'000);
}

HeldEvent held(std::uint64_t ordinal, const std::string& key, std::int64_t due = 0, const std::string& name = {}) {
  HeldEvent event;
  event.ordinal = ordinal;
  event.key = key;
  event.due = Timestamp{due};
  event.name = name;
  return event;
}

TEST(TimerQueueTest, FiresByTimeThenByOrderAndReplacesByName) {
  TimerQueue timers;
  EXPECT_EQ(timers.set(held(1, "a", 30)), std::nullopt);
  EXPECT_EQ(timers.set(held(2, "a", 10, "x")), std::nullopt);
  EXPECT_EQ(timers.set(held(3, "b", 10, "x")), std::nullopt) << "names belong to their key";
  EXPECT_EQ(timers.set(held(4, "a", 20, "x")), 2u);
  EXPECT_EQ(timers.next_due(), Timestamp{10});
  EXPECT_EQ(timers.pop_due(Timestamp{9}), std::nullopt);
  EXPECT_EQ(timers.pop_due(Timestamp{100})->ordinal, 3u);
  EXPECT_EQ(timers.pop_due(Timestamp{100})->ordinal, 4u);
  EXPECT_EQ(timers.cancel("a", "x"), std::nullopt) << "it has fired";
  EXPECT_EQ(timers.pop_due(Timestamp{100})->ordinal, 1u);
  EXPECT_EQ(timers.size(), 0u);
}

TEST(WaitingKeysTest, KeepsEachKeysOrderAndFreesItWithItsLastEvent) {
  WaitingKeys waiting;
  waiting.block(held(1, "a"), 100);
  waiting.append(held(2, "a"));
  waiting.block(held(3, "b"), 50);
  EXPECT_EQ(waiting.size(), 3u);
  EXPECT_EQ(waiting.due_key(49), std::nullopt);
  EXPECT_EQ(waiting.due_key(100), "b");
  waiting.reschedule("b", 200);
  EXPECT_EQ(waiting.due_key(100), "a");
  EXPECT_EQ(waiting.pop_front("a").ordinal, 1u);
  EXPECT_TRUE(waiting.contains("a"));
  EXPECT_EQ(waiting.pop_front("a").ordinal, 2u);
  EXPECT_FALSE(waiting.contains("a"));
  EXPECT_EQ(waiting.next_retry(), 200);
  EXPECT_EQ(waiting.pop_front("b").ordinal, 3u);
  EXPECT_TRUE(waiting.empty());
  EXPECT_EQ(waiting.next_retry(), std::nullopt);
}

TEST(SpillFileTest, GivesBackInOrderWhatItTook) {
  SpillFile spill(std::filesystem::temp_directory_path());
  const auto parcel = [](std::uint64_t first, std::size_t size) {
    Parcel made;
    made.channel = 3;
    made.first_sequence = first;
    made.skipped = static_cast<std::uint32_t>(first % 5);
    made.watermark = Timestamp{static_cast<std::int64_t>(first)};
    auto batch = std::make_shared<EventBatch>();
    for (std::size_t i = 0; i < size; ++i) {
      test::Note note{"key", static_cast<std::int64_t>(first + i)};
      batch->append_move(event_type_of<test::Note>(), &note, {});
    }
    made.batch = std::move(batch);
    return made;
  };
  EXPECT_EQ(spill.read(), std::nullopt);
  std::uint64_t written = 1, read = 1;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < round % 7; ++i) {
      spill.append(parcel(written, 10));
      written += 10;
    }
    for (int i = 0; i < round % 5 && read < written; ++i) {
      const auto back = spill.read();
      ASSERT_TRUE(back);
      EXPECT_EQ(back->first_sequence, read);
      EXPECT_EQ(back->skipped, read % 5);
      EXPECT_EQ(back->watermark.micros, static_cast<std::int64_t>(read));
      EXPECT_EQ(static_cast<const test::Note*>(back->batch->event(9))->number, static_cast<std::int64_t>(read + 9));
      read += 10;
    }
  }
  while (spill.read()) read += 10;
  EXPECT_EQ(read, written);
}

TEST(SpillFileTest, AFolderThatIsNotThereIsSaid) {
  SpillFile spill("/nowhere/at/all");
  Parcel parcel;
  parcel.batch = std::make_shared<EventBatch>();
  try {
    spill.append(parcel);
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("/nowhere/at/all"));
  }
}

}  // namespace
}  // namespace mailroom::runtime
