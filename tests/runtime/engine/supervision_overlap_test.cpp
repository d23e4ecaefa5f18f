// Supervision where failures overlap with restarts under way, and where the waits are longer than the window.
#include <algorithm>
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "runtime/engine/supervision.hpp"

namespace mailroom::runtime {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

SupervisionPolicy policy(Strategy strategy, unsigned restarts, milliseconds within, Backoff backoff) {
  SupervisionPolicy made;
  made.strategy = strategy;
  made.restarts = restarts;
  made.within = within;
  made.backoff = backoff;
  return made;
}

TEST(SupervisionOverlap, AChildIsUnderWayUntilTheLastRestartThatCoversItIsDone) {
  SupervisorLogic logic(policy(Strategy::rest_for_one, 10, milliseconds(1000), {milliseconds(10), milliseconds(40), 0}),
                        {"a", "b", "c"});
  EXPECT_THAT(logic.on_failure(2, 0, 0.5).restart, ElementsAre(2u));
  EXPECT_THAT(logic.on_failure(1, 1'000, 0.5).restart, ElementsAre(1u, 2u));
  logic.restarted({2});  // the first; the second, which covers c too, is still to come
  EXPECT_TRUE(logic.on_failure(2, 11'000, 0.5).restart.empty());
  logic.restarted({1, 2});
  EXPECT_THAT(logic.on_failure(2, 30'000, 0.5).restart, ElementsAre(2u));
}

TEST(SupervisionOverlap, AnEscalationNamesChildCountAndWindow) {
  SupervisorLogic logic(policy(Strategy::one_for_one, 0, milliseconds(1500), {}), {"ledger/3"});
  const auto decision = logic.on_failure(0, 0, 0.5);
  EXPECT_TRUE(decision.escalate);
  EXPECT_TRUE(decision.restart.empty());
  EXPECT_THAT(decision.reason, ::testing::AllOf(HasSubstr("ledger/3"), HasSubstr(" 0 "), HasSubstr("1500 ms")));
}

TEST(SupervisionBackoff, GrowsThoughEachWaitIsLongerThanTheWindow) {
  const Backoff slow{milliseconds(30'000), milliseconds(300'000), 0};
  SupervisorLogic logic(policy(Strategy::one_for_one, 5, milliseconds(10'000), slow), {"a"});
  std::int64_t now = 0;
  std::vector<std::int64_t> waits;
  for (int failure = 0; failure < 6; ++failure) {
    const auto decision = logic.on_failure(0, now, 0.5);
    ASSERT_FALSE(decision.escalate);
    waits.push_back(decision.delay.count() / 1'000'000);
    now += decision.delay.count();  // it fails again at once
    logic.restarted({0});
  }
  EXPECT_THAT(waits, ElementsAre(30, 60, 120, 240, 300, 300));

  now += 10'000'001;  // it ran for longer than the window
  EXPECT_EQ(logic.on_failure(0, now, 0.5).delay, std::chrono::seconds(30));
}

// Against a model: whom a strategy covers, the order, and what is under way.
RC_GTEST_PROP(SupervisionLaw, RestartsWhomTheStrategyCoversInOrderAndNeverTwiceAtOnce, ()) {
  const auto strategy = *rc::gen::element(Strategy::one_for_one, Strategy::one_for_all, Strategy::rest_for_one);
  const auto count = *rc::gen::inRange<std::size_t>(1, 6);
  const auto allowed = *rc::gen::inRange(0u, 5u);
  const Backoff backoff{milliseconds(10), milliseconds(80), 0.5};
  SupervisorLogic logic(policy(strategy, allowed, milliseconds(1000), backoff),
                        std::vector<std::string>(count, "child"));
  std::vector<std::vector<std::size_t>> under_way;
  std::vector<std::int64_t> in_window;
  std::int64_t now = 0;
  const auto steps = *rc::gen::inRange(0, 60);
  for (int step = 0; step < steps; ++step) {
    now += *rc::gen::inRange(0, 400'000);
    if (!under_way.empty() && *rc::gen::arbitrary<bool>()) {
      logic.restarted(under_way.front());
      under_way.erase(under_way.begin());
      continue;
    }
    const auto child = *rc::gen::inRange<std::size_t>(0, count);
    const auto covered = std::any_of(under_way.begin(), under_way.end(), [&](const auto& restart) {
      return std::find(restart.begin(), restart.end(), child) != restart.end();
    });
    const auto decision = logic.on_failure(child, now, *rc::gen::inRange(0, 1'000) / 1'000.0);
    if (covered) {
      RC_ASSERT(!decision.escalate && decision.restart.empty());
      continue;
    }
    std::erase_if(in_window, [&](auto at) { return now - at > 1'000'000; });
    RC_ASSERT(decision.escalate == (in_window.size() >= allowed));
    if (decision.escalate) {
      in_window.clear();
      continue;
    }
    in_window.push_back(now);
    std::vector<std::size_t> expected;
    for (std::size_t c = 0; c < count; ++c)
      if (strategy == Strategy::one_for_all || c == child || (strategy == Strategy::rest_for_one && c > child))
        expected.push_back(c);
    RC_ASSERT(decision.restart == expected);
    RC_ASSERT(decision.delay >= milliseconds(5) && decision.delay <= milliseconds(120));
    under_way.push_back(decision.restart);
  }
}

}  // namespace
}  // namespace mailroom::runtime
