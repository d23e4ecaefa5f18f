// What people see at the edges: stalled inputs, narrow terminals, long tables, durations that round up.
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>
#include <sstream>

#include "runtime/telemetry/human_text.hpp"
#include "runtime/telemetry/live_line.hpp"
#include "runtime/telemetry/shard_counters.hpp"
#include "runtime/telemetry/summary_table.hpp"

namespace mailroom::runtime {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TelemetrySnapshot reading(std::uint64_t uptime_us, std::uint64_t events, std::uint64_t done) {
  TelemetrySnapshot snapshot;
  snapshot.topology = "bank";
  snapshot.uptime_us = uptime_us;
  snapshot.sources.push_back({"in", events, 0, done, 1'000'000, "bytes", false});
  return snapshot;
}

TEST(LiveLineAtTheEdges, ARateIsNotZeroBeforeItIsKnown) {
  LiveLine line;
  EXPECT_THAT(line.plain(reading(1'000'000, 50'000, 1)), HasSubstr("- events/s"));
  EXPECT_THAT(line.plain(reading(2'000'000, 50'000, 1)), HasSubstr(" 0 events/s"));
}

TEST(LiveLineAtTheEdges, AnInputThatStallsHasNoTimeLeftToName) {
  LiveLine line;
  std::string text;
  for (std::uint64_t second = 1; second <= 1'200; ++second)
    text = line.plain(reading(second * 1'000'000, second == 1 ? 0 : 1'000, second == 1 ? 0 : 1'000));
  EXPECT_THAT(text, HasSubstr(" 0 events/s"));
  EXPECT_THAT(text, Not(HasSubstr("left"))) << text;
}

TEST(LiveLineAtTheEdges, FitsAnyTerminalAndCutsNoLetterInTwo) {
  auto snapshot = reading(2'000'000, 1'000, 500'000);
  ShardSnapshot shard;
  shard.stage = "überweisungsprüfungsgrößen";
  shard.capacity = shard.depth = 100;
  snapshot.shards.push_back(shard);
  for (std::size_t columns = 0; columns < 120; ++columns) {
    const auto text = LiveLine().terminal(snapshot, columns);
    EXPECT_TRUE(text.empty() || text.size() < columns) << columns << ": " << text;
    // A letter of several bytes is whole: the last lead byte has all its followers.
    auto lead = text.size();
    while (lead > 0 && (static_cast<unsigned char>(text[lead - 1]) & 0xC0) == 0x80) --lead;
    const bool starts_a_pair = lead > 0 && (static_cast<unsigned char>(text[lead - 1]) & 0xE0) == 0xC0;
    EXPECT_TRUE(!starts_a_pair || text.size() == lead + 1) << text;
  }
}

TEST(SummaryTableAtTheEdges, IsAtMost110ColumnsWideForABusyTopology) {
  TelemetrySnapshot snapshot;
  snapshot.uptime_us = 90'000'000;
  Histogram times;
  times.record(3'400, 90);
  times.record(120'000, 10);
  for (const auto* stage : {"orders", "inventory", "payments", "shipping"}) {
    ShardSnapshot shard;
    shard.stage = stage;
    shard.in = shard.out = 1'234'567;
    shard.capacity = 8'192;
    shard.high_water = 8'100;
    shard.retries = 1'204;
    shard.dead_letters = 12;
    shard.wait = shard.work = times.snapshot();
    snapshot.shards.push_back(shard);
    snapshot.edges.push_back({"orders", stage, 1'234'567, 1'234'555, 12, 0, 0, 0, 0, 0});
  }
  std::istringstream lines(summary_table(snapshot));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 110u) << line;
}

TEST(SummaryTableAtTheEdges, SaysASharedUnitOnceAndTwoUnitsBoth) {
  TelemetrySnapshot snapshot;
  Histogram wait, work;
  wait.record(2'048, 98);
  wait.record(131'072, 2);
  work.record(10, 98);
  work.record(2'048, 2);
  snapshot.shards.resize(1);
  snapshot.shards[0].wait = wait.snapshot();
  snapshot.shards[0].work = work.snapshot();
  EXPECT_THAT(summary_table(snapshot), AllOf(HasSubstr(" 2.0 / 131 ms "), HasSubstr(" 10 us / 2.0 ms")));
}

TEST(SummaryTableAtTheEdges, ColoursOnlyWhenAskedAndThenTheLineThatIsWrong) {
  TelemetrySnapshot snapshot;
  snapshot.edges.push_back({"a", "b", 10, 10, 0, 0, 0, 0, 0, 0});
  snapshot.edges.push_back({"b", "c", 10, 9, 0, 0, 0, 0, 0, 0});
  EXPECT_THAT(summary_table(snapshot, false), Not(HasSubstr("\x1b")));
  EXPECT_THAT(summary_table(snapshot, true), HasSubstr("\x1b[1;31mDIFFERENCE 1\x1b[0m"));
  snapshot.edges.pop_back();
  EXPECT_THAT(summary_table(snapshot, true), Not(HasSubstr("\x1b")));
}

TEST(HumanTextAtTheEdges, NeverRoundsUpToAUnitThatIsFull) {
  EXPECT_EQ(human_duration(0), "0 us");
  EXPECT_EQ(human_duration(999), "999 us");
  EXPECT_EQ(human_duration(9'949), "9.9 ms");
  EXPECT_EQ(human_duration(9'999), "10 ms");
  EXPECT_EQ(human_duration(999'999), "1.0 s");
  EXPECT_EQ(human_duration(9'999'999), "10 s");
  EXPECT_EQ(human_duration(59'999'999), "1 min 0 s");
  EXPECT_EQ(human_duration(3'599'999'999), "1 h 0 min");
}

RC_GTEST_PROP(HistogramBounds, HoldForEveryValueUpToTheLastBucketAndRise, ()) {
  constexpr auto last = HistogramSnapshot::buckets - 1;
  const auto power = *rc::gen::inRange(0, 64);
  const auto value = (std::uint64_t{1} << power) + *rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << power);
  const auto bucket = Histogram::bucket(value);
  if (bucket == last) {
    RC_ASSERT(value > Histogram::upper_bound_us(last - 1));
  } else {
    RC_ASSERT(value <= Histogram::upper_bound_us(bucket));
    RC_ASSERT(value > (bucket == 0 ? 0 : Histogram::upper_bound_us(bucket - 1)));
  }
  RC_ASSERT(Histogram::bucket(value - 1) <= bucket);
  // A bound names the bucket it closes, so that buckets can be told by their bounds alone.
  RC_ASSERT(Histogram::bucket(Histogram::upper_bound_us(bucket)) == bucket);
  // Four to a power of two: the bound is at most a quarter (and the rounding) above what it stands for.
  if (bucket < last) RC_ASSERT(Histogram::upper_bound_us(bucket) - value <= value / 4 + 1);
}

}  // namespace
}  // namespace mailroom::runtime
