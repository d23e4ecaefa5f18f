// Histograms, the books, the order check, and what people get to read.
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "runtime/telemetry/human_text.hpp"
#include "runtime/telemetry/live_line.hpp"
#include "runtime/telemetry/order_check.hpp"
#include "runtime/telemetry/shard_counters.hpp"
#include "runtime/telemetry/snapshot_json.hpp"
#include "runtime/telemetry/summary_table.hpp"

namespace mailroom::runtime {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

RC_GTEST_PROP(HistogramLaw, EachValueIsWithinItsBucketsBounds, (std::uint64_t raw)) {
  const auto value = raw % (1ull << 31);
  const auto bucket = Histogram::bucket(value);
  RC_ASSERT(value <= Histogram::upper_bound_us(bucket));
  if (bucket > 0) RC_ASSERT(value > Histogram::upper_bound_us(bucket - 1));
}

TEST(HistogramTest, BoundsRiseAndQuantilesAreUpperBounds) {
  for (std::size_t i = 1; i < HistogramSnapshot::buckets; ++i)
    EXPECT_GE(Histogram::upper_bound_us(i), Histogram::upper_bound_us(i - 1)) << i;
  Histogram histogram;
  EXPECT_EQ(histogram.snapshot().quantile_us(0.5), std::nullopt);
  histogram.record(10, 99);
  histogram.record(5000);
  EXPECT_EQ(histogram.snapshot().total(), 100u);
  EXPECT_LE(*histogram.snapshot().quantile_us(0.99), 12u);
  EXPECT_GE(*histogram.snapshot().quantile_us(1.0), 5000u);
  histogram.record(~0ull);
  EXPECT_EQ(histogram.snapshot().total(), 101u);
}

RC_GTEST_PROP(OrderCheckLaw, NoInterleavingOfOrderedKeysRaisesAnAlarm, (const std::vector<std::uint8_t>& keys)) {
  OrderCheck check;
  std::uint64_t sequence = 0;
  for (const auto key : keys) RC_ASSERT(check.check(key % 3, key * 0x9E3779B97F4A7C15ull, ++sequence) == OrderCheck::Verdict::ok);
}

TEST(OrderCheckTest, StepsBackAndRepeatsWithinAKeyAreFound) {
  OrderCheck check;
  EXPECT_EQ(check.check(1, 42, 5), OrderCheck::Verdict::ok);
  EXPECT_EQ(check.check(2, 42, 3), OrderCheck::Verdict::ok) << "another channel has its own sequence";
  EXPECT_EQ(check.check(1, 42, 4), OrderCheck::Verdict::late);
  EXPECT_EQ(check.check(1, 42, 5), OrderCheck::Verdict::duplicate);
  EXPECT_EQ(check.check(1, 42, 6), OrderCheck::Verdict::ok);
}

TelemetrySnapshot sample() {
  TelemetrySnapshot snapshot;
  snapshot.topology = "bank";
  snapshot.uptime_us = 2'000'000;
  snapshot.sources.push_back({"in", 1'000, 3, 500, 1'000, "bytes", false});
  ShardSnapshot shard;
  shard.stage = "ledger";
  shard.in = 1'234'567;
  shard.capacity = 100;
  shard.depth = 90;
  shard.high_water = 95;
  shard.dead_letters = 7;
  snapshot.shards.push_back(shard);
  snapshot.edges.push_back({"in", "ledger", 1'000, 990, 7, 0, 3, 0, 0, 0});
  return snapshot;
}

TEST(Books, ADifferenceIsFoundAndFlagged) {
  auto snapshot = sample();
  EXPECT_EQ(snapshot.edges[0].difference(), 0);
  EXPECT_THAT(summary_table(snapshot), AllOf(HasSubstr("balanced"), HasSubstr("the books balance"), Not(HasSubstr("DIFFERENCE"))));
  --snapshot.edges[0].processed;
  EXPECT_EQ(snapshot.edges[0].difference(), 1);
  EXPECT_THAT(summary_table(snapshot), AllOf(HasSubstr("DIFFERENCE 1"), Not(HasSubstr("the books balance"))));
  ++snapshot.edges[0].dropped_newest;
  EXPECT_EQ(snapshot.edges[0].difference(), 0);
}

TEST(SummaryTable, ShowsWhatHappenedAndLeavesOutWhatDidNot) {
  const auto text = summary_table(sample());
  EXPECT_THAT(text, AllOf(HasSubstr("1,234,567"), HasSubstr("95 of 100"), HasSubstr("dead"), HasSubstr("3 dirty lines")));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("restarts")), Not(HasSubstr("parked"))));
  auto snapshot = sample();
  snapshot.shards[0].order_violations = 2;
  EXPECT_THAT(summary_table(snapshot), HasSubstr("2 EVENTS OUT OF ORDER"));
}

TEST(LiveLineTest, ShowsProgressRateTimeLeftAndTheFullestMailbox) {
  LiveLine line;
  auto snapshot = sample();
  line.terminal(snapshot, 200);
  snapshot.uptime_us += 1'000'000;
  snapshot.sources[0].events += 400;
  snapshot.sources[0].done += 250;
  const auto text = line.terminal(snapshot, 200);
  EXPECT_THAT(text, AllOf(HasSubstr(" 75%"), HasSubstr("400 events/s"), HasSubstr("1.0 s left"), HasSubstr("ledger/0 90% full"),
                          HasSubstr("7 dead letters")));
  EXPECT_LT(line.terminal(snapshot, 40).size(), 40u);
  EXPECT_THAT(line.plain(snapshot), AllOf(HasSubstr("bank: 75% read"), Not(HasSubstr("\x1b")), Not(HasSubstr("#"))));
}

TEST(SnapshotJson, UnknownIsNullAndNeverZero) {
  auto snapshot = sample();
  snapshot.sources[0].total.reset();
  const auto json = to_json(snapshot);
  EXPECT_TRUE(json["sources"][0]["total"].is_null());
  EXPECT_TRUE(json["shards"][0]["wait"]["p99_us"].is_null());
  EXPECT_EQ(json["edges"][0]["difference"], 0);
}

TEST(HumanText, ReadsWell) {
  EXPECT_EQ(human_number(0), "0");
  EXPECT_EQ(human_number(1234), "1,234");
  EXPECT_EQ(human_number(1234567), "1,234,567");
  EXPECT_EQ(human_duration(std::nullopt), "-");
  EXPECT_EQ(human_duration(12), "12 us");
  EXPECT_EQ(human_duration(3400), "3.4 ms");
  EXPECT_EQ(human_duration(250'000'000), "4 min 10 s");
}

}  // namespace
}  // namespace mailroom::runtime
