// Which numbers come late, twice, or not at all: told exactly, whatever the order in which they come.
#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <numeric>
#include <rapidcheck/gtest.h>
#include <set>

#include "runtime/telemetry/order_watch.hpp"

namespace mailroom::runtime {
namespace {

using Finding = OrderWatch::Finding;
using Kind = Finding::Kind;

struct Watched {
  OrderWatch watch{1000};
  std::vector<Finding> found;
  std::int64_t now = 1'000'000;
  void see(std::int64_t number, std::uint64_t key = 7) { watch.see(1, key, "k", number, now++, found); }
  std::map<Kind, int> kinds() const {
    std::map<Kind, int> counts;
    for (const auto& finding : found) ++counts[finding.kind];
    return counts;
  }
};

TEST(OrderWatch, SaysNothingWhileAllIsInOrder) {
  Watched w;
  for (std::int64_t n = 5; n < 1000; ++n) w.see(n);
  EXPECT_TRUE(w.found.empty());
  EXPECT_EQ(w.watch.next_due(), 0);
}

TEST(OrderWatch, AGapIsToldFilledAndEnded) {
  Watched w;
  for (const auto n : {1, 2, 6, 4, 4}) w.see(n);
  ASSERT_EQ(w.found.size(), 4u);
  EXPECT_EQ(w.found[0].kind, Kind::gap);
  EXPECT_EQ(w.found[0].first, 3);
  EXPECT_EQ(w.found[0].last, 5);
  EXPECT_EQ(w.found[1].kind, Kind::late);
  EXPECT_EQ(w.found[1].number, 4);
  EXPECT_EQ(w.found[1].highest, 6);
  EXPECT_EQ(w.found[1].belonged_us, 1'000'002) << "its place was taken when 6 came";
  EXPECT_EQ(w.found[2].kind, Kind::gap_filled);
  EXPECT_EQ(w.found[2].gap, w.found[0].gap);
  EXPECT_EQ(w.found[2].left, 2u);
  EXPECT_EQ(w.found[3].kind, Kind::duplicate);
  EXPECT_EQ(w.found[3].first_us, 1'000'003);
  w.found.clear();
  w.see(3);
  EXPECT_EQ(w.found[0].belonged_us, 1'000'003) << "its successor 4 came late itself";
  w.found.clear();
  w.watch.expire(w.watch.next_due() - 1, w.found);
  EXPECT_TRUE(w.found.empty()) << "its grace is not over";
  w.watch.expire(w.watch.next_due(), w.found);
  ASSERT_EQ(w.found.size(), 1u);
  EXPECT_EQ(w.found[0].kind, Kind::gap_final);
  EXPECT_EQ(w.found[0].left, 1u);
  EXPECT_EQ(w.found[0].key, "k");
  w.found.clear();
  w.see(5);
  ASSERT_EQ(w.found.size(), 1u) << "what comes after its gap was final is late, and no duplicate";
  EXPECT_EQ(w.found[0].kind, Kind::late);
}

TEST(OrderWatch, NumbersAtTheEndsOfTheirTypeDoNoHarm) {
  Watched w;
  constexpr auto lowest = std::numeric_limits<std::int64_t>::min(), highest = std::numeric_limits<std::int64_t>::max();
  for (const auto n : {std::int64_t{0}, highest, highest, lowest, lowest, std::int64_t{5}, std::int64_t{-5}}) w.see(n);
  EXPECT_EQ(w.kinds(), (std::map<Kind, int>{{Kind::gap, 1}, {Kind::duplicate, 2}, {Kind::late, 3}, {Kind::gap_filled, 1}}));
}

// The law: against a plain list of everything that has come.
RC_GTEST_PROP(OrderWatch, AgreesWithAListOfEverything, ()) {
  const auto numbers = *rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 30));
  Watched w;
  std::set<std::int64_t> seen;
  std::map<std::uint64_t, std::uint64_t> open;  // gap -> missing
  for (const auto n : numbers) {
    w.found.clear();
    w.see(n);
    const auto highest = seen.empty() ? n : std::max<std::int64_t>(n, *seen.rbegin());
    const bool late = !seen.contains(n) && n < highest, twice = seen.contains(n);
    RC_ASSERT(std::count_if(w.found.begin(), w.found.end(), [](auto& f) { return f.kind == Kind::late; }) == late);
    RC_ASSERT(std::count_if(w.found.begin(), w.found.end(), [](auto& f) { return f.kind == Kind::duplicate; }) == twice);
    for (const auto& finding : w.found) {
      if (finding.kind == Kind::gap) {
        RC_ASSERT(finding.first == *seen.rbegin() + 1 && finding.last == n - 1);
        open[finding.gap] = static_cast<std::uint64_t>(finding.last - finding.first + 1);
      }
      if (finding.kind == Kind::gap_filled) RC_ASSERT(finding.left == --open.at(finding.gap));
    }
    seen.insert(n);
  }
  w.found.clear();
  w.watch.expire(std::numeric_limits<std::int64_t>::max(), w.found);
  std::uint64_t left = 0, expected = 0;
  for (const auto& finding : w.found) left += finding.left;
  for (const auto& [gap, missing] : open) expected += missing;
  RC_ASSERT(left == expected);
  // From the first number seen to the highest, every number that never came is in a gap.
  std::uint64_t missing = 0;
  if (!numbers.empty())
    for (std::int64_t n = numbers.front(); n < *seen.rbegin(); ++n) missing += !seen.contains(n);
  RC_ASSERT(left == missing);
}

TEST(OrderWatch, StaysBoundedAndRaisesNoFalseAlarmWithMoreKeysThanItHolds) {
  Watched w;
  for (int round = 1; round <= 3; ++round)
    for (std::uint64_t key = 0; key < 100'000; ++key) w.see(round, key * 0x9E3779B97F4A7C15ull);
  EXPECT_TRUE(w.found.empty());
  // Every second number is missing: far more gaps than are kept.
  for (std::int64_t n = 1; n <= 20'000; ++n) w.see(2 * n, 11 + static_cast<std::uint64_t>(n % 50) * 0x9E3779B97F4A7C15ull);
  EXPECT_LE(w.watch.open_gaps(), OrderWatch::most_gaps);
}

}  // namespace
}  // namespace mailroom::runtime
