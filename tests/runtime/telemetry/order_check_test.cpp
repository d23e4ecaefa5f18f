// The order check against keys that keep their order, however they are interleaved and hashed, and planted swaps.
#include "runtime/telemetry/order_check.hpp"

#include <deque>
#include <gmock/gmock.h>
#include <map>
#include <rapidcheck/gtest.h>

namespace mailroom::runtime {
namespace {

using Verdict = OrderCheck::Verdict;

// Hashes close to each other as well as far apart: neither may be mistaken for one key.
rc::Gen<std::uint64_t> any_hash() {
  return rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(0, 8), rc::gen::arbitrary<std::uint64_t>());
}

RC_GTEST_PROP(OrderCheckAlarms, AreNeverRaisedWhileEachKeyKeepsItsOrder, ()) {
  const auto hashes = *rc::gen::nonEmpty(rc::gen::unique<std::vector<std::uint64_t>>(any_hash()));
  const auto picks = *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, hashes.size()));
  std::map<std::uint64_t, std::deque<std::uint64_t>> queues;
  std::uint64_t sequence = 0;
  for (const auto pick : picks) queues[hashes[pick]].push_back(++sequence);

  // Keys overtake one another; within a key nothing does.
  OrderCheck check;
  while (!queues.empty()) {
    auto turn = std::next(queues.begin(), *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(queues)));
    RC_ASSERT(check.check(7, turn->first, turn->second.front()) == Verdict::ok);
    turn->second.pop_front();
    if (turn->second.empty()) queues.erase(turn);
  }
}

RC_GTEST_PROP(OrderCheckAlarms, FindASwapOfTwoEventsOfOneKey, (std::uint64_t hash, std::uint16_t others)) {
  const auto length = *rc::gen::inRange<std::uint64_t>(2, 40);
  const auto swapped = *rc::gen::inRange<std::uint64_t>(1, length);
  OrderCheck check;
  unsigned late = 0;
  for (std::uint64_t i = 1; i <= length; ++i) {
    const auto sequence = i == swapped ? i + 1 : i == swapped + 1 ? i - 1 : i;
    // Another key in another slot must not hide it.
    check.check(1, hash ^ (std::uint64_t{1} << 25), 1'000 + others + i);
    const auto verdict = check.check(1, hash, sequence);
    RC_ASSERT(verdict != Verdict::duplicate);
    late += verdict == Verdict::late ? 1 : 0;
  }
  RC_ASSERT(late == 1u);
}

TEST(OrderCheckAlarms, NeighbouringHashesAreDifferentKeys) {
  OrderCheck check;
  EXPECT_EQ(check.check(1, 2, 10), Verdict::ok);
  EXPECT_EQ(check.check(1, 3, 9), Verdict::ok) << "key 3 was never seen: its event can't be late";
}

}  // namespace
}  // namespace mailroom::runtime
