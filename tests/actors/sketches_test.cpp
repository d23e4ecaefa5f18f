// The sketches' promises: error bounds, and that merging and order make no difference.
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck/gtest.h>

#include <mailroom/json.hpp>
#include <mailroom/mailroom.hpp>
#include <mailroom/sketches/distinct_count.hpp>
#include <mailroom/sketches/quantiles.hpp>
#include <mailroom/sketches/top_items.hpp>
#include <mailroom/state_codec.hpp>

namespace mailroom {

struct Sketches {
  DistinctCount distinct;
  Quantiles quantiles;
  TopItems top{8};
};
MAILROOM_STATE(Sketches, distinct, quantiles, top)

namespace {

std::string bytes_of(const Sketches& sketches) {
  std::string bytes;
  detail::save_state(sketches, bytes);
  return bytes;
}

TEST(DistinctCount, IsExactForFewItemsAndWithinItsErrorForMany) {
  DistinctCount count;
  double worst = 0;
  for (std::int64_t n = 1; n <= 300'000; ++n) {
    count.add(n);
    if (n <= 64) {
      ASSERT_EQ(count.estimate(), static_cast<double>(n));
    }
    if (n > 64 && n % 97 == 0) worst = std::max(worst, std::abs(count.estimate() - static_cast<double>(n)) / static_cast<double>(n));
  }
  // Looked at 3,000 times on the way up: four standard errors, and the sketch must not be far better than it says either.
  EXPECT_LT(worst, 4 * DistinctCount::standard_error(12));
  EXPECT_GT(worst, 0.2 * DistinctCount::standard_error(12));
  EXPECT_EQ(count.registers.size(), 4096u);
}

TEST(DistinctCount, TheStandardErrorIsTheOneThatItStates) {
  double squares = 0;
  constexpr int runs = 60;
  for (std::int64_t run = 0; run < runs; ++run) {
    DistinctCount count{8};
    for (std::int64_t n = 0; n < 5'000; ++n) count.add(run * 1'000'000 + n);
    const auto error = count.estimate() / 5'000 - 1;
    squares += error * error;
  }
  EXPECT_NEAR(std::sqrt(squares / runs) / DistinctCount::standard_error(8), 1.0, 0.35);
}

TEST(DistinctCount, RefusesToMergeDifferentPrecisions) {
  DistinctCount coarse{8}, fine{12};
  EXPECT_THROW(coarse.merge(fine), BadValue);
}

RC_GTEST_PROP(SketchLaws, MergingPartsInAnyOrderIsAddingAllToOne, (std::vector<std::uint16_t> items)) {
  const auto parts = *rc::gen::inRange(1, 5);
  Sketches whole, merged;
  std::vector<Sketches> split(static_cast<std::size_t>(parts));
  for (auto* one : {&whole, &merged}) one->top.capacity = 1'000;
  for (auto& one : split) one.top.capacity = 1'000;
  const auto add = [](Sketches& to, std::uint16_t item) {
    to.distinct.add(item);
    to.quantiles.add(item / 16.0);
    to.top.add(std::to_string(item % 50));
  };
  for (const auto item : items) {
    add(whole, item);
    add(split[*rc::gen::inRange<std::size_t>(0, split.size())], item);
  }
  std::reverse(split.begin(), split.end());
  for (const auto& part : split) {
    merged.distinct.merge(part.distinct);
    merged.quantiles.merge(part.quantiles);
    merged.top.merge(part.top);
  }
  RC_ASSERT(merged.distinct.few == whole.distinct.few);
  RC_ASSERT(merged.distinct.registers == whole.distinct.registers);
  RC_ASSERT(merged.quantiles.first == whole.quantiles.first);
  RC_ASSERT(merged.quantiles.counts == whole.quantiles.counts);
  RC_ASSERT(merged.quantiles.zeros == whole.quantiles.zeros);
  const auto a = merged.top.top(100), b = whole.top.top(100);
  RC_ASSERT(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) RC_ASSERT(a[i].item == b[i].item && a[i].count == b[i].count && a[i].error == 0);
  // And they are fields like any other.
  const auto loaded = detail::load_state<Sketches>(bytes_of(merged));
  RC_ASSERT(bytes_of(loaded) == bytes_of(merged));
  RC_ASSERT(bytes_of(from_json<Sketches>(nlohmann::json::parse(value_to_json(merged).dump()))) == bytes_of(merged));
}

RC_GTEST_PROP(Quantiles, EachIsWithinItsRelativeError, (std::vector<std::uint32_t> numbers)) {
  RC_PRE(!numbers.empty());
  Quantiles sketch;
  std::vector<double> values;
  for (const auto number : numbers) values.push_back(number / 1024.0);
  for (const auto value : values) sketch.add(value);
  std::sort(values.begin(), values.end());
  for (const auto q : {0.0, 0.25, 0.5, 0.9, 0.99, 1.0}) {
    const auto exact = values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
    RC_ASSERT(std::abs(sketch.quantile(q) - exact) <= 0.01 * exact + 1e-9);
  }
}

TEST(Quantiles, StayBoundedAndKeepTheirPromiseForTheGreatestValues) {
  Quantiles sketch;
  for (int power = -8; power <= 30; ++power) sketch.add(std::pow(10.0, power));
  EXPECT_LE(sketch.counts.size(), Quantiles::most_buckets);
  EXPECT_EQ(sketch.count(), 39);
  EXPECT_NEAR(sketch.quantile(1.0) / 1e30, 1.0, 0.011);
  Quantiles downwards;
  for (int power = 30; power >= -8; --power) downwards.add(std::pow(10.0, power));
  EXPECT_EQ(downwards.counts, sketch.counts);
  EXPECT_EQ(downwards.first, sketch.first);
  EXPECT_THROW(sketch.add(-1), BadValue);
  EXPECT_THROW(sketch.add(std::nan("")), BadValue);
}

RC_GTEST_PROP(TopItems, CountsAreWithinTheirErrorAndNoFrequentItemIsMissed, (std::vector<std::uint8_t> items)) {
  TopItems whole(8), left(8), right(8);
  std::map<std::string, std::int64_t> exact;
  bool to_left = true;
  for (const auto item : items) {
    const auto text = std::to_string(item % 40);
    ++exact[text];
    whole.add(text);
    (to_left ? left : right).add(text);
    to_left = !to_left;
  }
  left.merge(right);
  const auto n = static_cast<std::int64_t>(items.size());
  for (const auto* sketch : {&whole, &left}) {
    RC_ASSERT(sketch->items.size() <= 8u);
    std::map<std::string, bool> listed;
    for (const auto& [item, count, error] : sketch->top(8)) {
      listed[item] = true;
      RC_ASSERT(error <= n / 8);
      RC_ASSERT(exact[item] <= count && exact[item] >= count - error);
    }
    for (const auto& [item, count] : exact)
      if (count > n / 8) RC_ASSERT(listed[item]);
  }
}

TEST(TopItems, ACopyIsIndependent) {
  TopItems one(4);
  one.add("a");
  auto other = one;
  other.add("a");
  other.add("b");
  one.add("a", 5);
  EXPECT_EQ(one.top(1).front().count, 6);
  EXPECT_EQ(one.items.size(), 1u);
  EXPECT_EQ(other.top(1).front().count, 2);
}

}  // namespace
}  // namespace mailroom
