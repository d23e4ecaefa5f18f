// Which events are traced, and that a high rate does not make more of them.
#include <gtest/gtest.h>

#include "runtime/telemetry/trace_sampling.hpp"

namespace mailroom::runtime {
namespace {

std::uint64_t taken_of(const TraceSampling& sampling, std::uint64_t numbers) {
  std::uint64_t taken = 0;
  for (std::uint64_t number = 1; number <= numbers; ++number) taken += sampling.choice().takes(number) ? 1u : 0u;
  return taken;
}

TEST(TraceSampling, TakesOneInSoManyFromTheFirstOn) {
  EXPECT_EQ(taken_of(TraceSampling(0), 4096), 0u);
  EXPECT_EQ(taken_of(TraceSampling(1), 4096), 4096u);
  EXPECT_EQ(taken_of(TraceSampling(1000), 4096), 4u) << "taken up to 1,024";
  EXPECT_TRUE(TraceSampling(1000).choice().takes(1)) << "the first event of a run is one to see";
}

TEST(TraceSampling, AtAnyRateASecondHasNoMoreThanItsShare) {
  for (const std::uint64_t rate : {1'000ull, 100'000ull, 3'000'000ull, 80'000'000ull}) {
    TraceSampling sampling(64);
    std::uint64_t read = 0;
    std::int64_t now_us = 1;
    for (int look = 0; look < 20; ++look) {
      sampling.adapt(read, now_us);
      read += rate / 10;
      now_us += 100'000;
    }
    EXPECT_LE(rate / (sampling.choice().mask + 1), TraceSampling::most_a_second) << rate;
    EXPECT_GE(rate / (sampling.choice().mask + 1), std::min(rate / 64, TraceSampling::most_a_second / 2)) << rate;
  }
}

TEST(TraceSampling, WhatIsTakenAtAHighRateIsTakenAtALowOneToo) {
  TraceSampling high(64);
  high.adapt(0, 1);
  high.adapt(1'000'000, 1'000'001);
  const TraceSampling low(64);
  EXPECT_GT(high.choice().mask, low.choice().mask);
  for (std::uint64_t number = 1; number < 100'000; ++number)
    EXPECT_TRUE(!high.choice().takes(number) || low.choice().takes(number)) << number;
}

TEST(TraceSampling, ComesBackWhenTheRateFalls) {
  TraceSampling sampling(64);
  std::int64_t now_us = 1;
  sampling.adapt(0, now_us);
  sampling.adapt(10'000'000, now_us += 1'000'000);
  EXPECT_GT(sampling.choice().mask, 63u);
  for (int look = 0; look < 20; ++look) sampling.adapt(10'000'000, now_us += 1'000'000);
  EXPECT_EQ(sampling.choice().mask, 63u);
}

TEST(TraceSampling, AllMeansAll) {
  TraceSampling sampling(1);
  sampling.adapt(0, 1);
  sampling.adapt(10'000'000, 1'000'001);
  EXPECT_EQ(taken_of(sampling, 1000), 1000u);
}

}  // namespace
}  // namespace mailroom::runtime
