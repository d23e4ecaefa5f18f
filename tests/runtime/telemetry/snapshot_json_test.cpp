// Telemetry as JSON: nothing is lost on the way there and back, and what is not telemetry is refused in words.
#include "runtime/telemetry/snapshot_json.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <mailroom/errors.hpp>

#include "runtime/telemetry/shard_counters.hpp"

namespace mailroom::runtime {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

HistogramSnapshot any_histogram() {
  Histogram histogram;
  for (const auto value : *rc::gen::arbitrary<std::vector<std::uint64_t>>()) histogram.record(value);
  return histogram.snapshot();
}

TelemetrySnapshot any_snapshot() {
  const auto number = [] { return *rc::gen::arbitrary<std::uint64_t>(); };
  const auto name = [] { return *rc::gen::container<std::string>(rc::gen::inRange('a', 'z')); };
  TelemetrySnapshot snapshot;
  snapshot.topology = name();
  snapshot.node = name();
  snapshot.durable = *rc::gen::arbitrary<bool>();
  snapshot.wall_us = *rc::gen::arbitrary<std::int64_t>();
  snapshot.uptime_us = number();
  snapshot.commits = number();
  snapshot.syncs = number();
  snapshot.sync_time = any_histogram();
  const auto shards = *rc::gen::inRange<std::uint32_t>(0, 4);
  for (std::uint32_t i = 0; i < shards; ++i) {
    ShardSnapshot shard;
    shard.stage = name();
    shard.shard = i;
    shard.state = static_cast<ShardState>(*rc::gen::inRange(0, static_cast<int>(ShardState::finished) + 1));
    for (auto* counter :
         {&shard.depth, &shard.high_water, &shard.capacity, &shard.in, &shard.out, &shard.failures, &shard.retries,
          &shard.restarts, &shard.dead_letters, &shard.dropped, &shard.parked, &shard.waiting, &shard.timers,
          &shard.unrouted, &shard.order_violations, &shard.order_breaks, &shard.commits, &shard.keys})
      *counter = number();
    shard.wait = any_histogram();
    shard.work = any_histogram();
    shard.busy_with = name();
    snapshot.shards.push_back(shard);
    snapshot.edges.push_back(
        {name(), name(), number(), number(), number(), number(), number(), number(), number(), number()});
    snapshot.sources.push_back({name(), number(), number(), number(), std::nullopt, name(), false});
    if (i % 2 == 0) snapshot.sources.back().total = number();
  }
  return snapshot;
}

RC_GTEST_PROP(TelemetryJson, GivesBackEverythingThroughText, ()) {
  const auto before = any_snapshot();
  const auto after = from_json(nlohmann::json::parse(to_json(before).dump()));
  RC_ASSERT(to_json(after) == to_json(before));
  // The fields that JSON's own comparison would not miss if both directions forgot them.
  RC_ASSERT(after.node == before.node);
  RC_ASSERT(after.sync_time.counts == before.sync_time.counts);
  RC_ASSERT(after.shards.size() == before.shards.size());
  for (std::size_t i = 0; i < before.shards.size(); ++i) {
    RC_ASSERT(after.shards[i].state == before.shards[i].state);
    RC_ASSERT(after.shards[i].order_breaks == before.shards[i].order_breaks);
    RC_ASSERT(after.shards[i].keys == before.shards[i].keys);
    RC_ASSERT(after.shards[i].busy_with == before.shards[i].busy_with);
    RC_ASSERT(after.shards[i].wait.counts == before.shards[i].wait.counts);
    RC_ASSERT(after.shards[i].work.counts == before.shards[i].work.counts);
    RC_ASSERT(after.edges[i].rejected == before.edges[i].rejected);
    RC_ASSERT(after.edges[i].difference() == before.edges[i].difference());
    RC_ASSERT(after.sources[i].total == before.sources[i].total);
  }
}

std::string refusal(const nlohmann::json& json) {
  try {
    from_json(json);
  } catch (const BadValue& error) {
    return error.what();
  }
  return "accepted";
}

TEST(TelemetryJsonRefuses, WhatIsNotTelemetryAndSaysWhere) {
  TelemetrySnapshot snapshot;
  snapshot.shards.resize(2);
  const auto good = to_json(snapshot);
  EXPECT_EQ(refusal(good), "accepted");

  auto json = good;
  json["shards"][1].erase("retries");
  EXPECT_THAT(refusal(json), AllOf(HasSubstr("shards[1].retries"), HasSubstr("missing")));
  json = good;
  json["shards"][0]["in"] = -1;
  EXPECT_THAT(refusal(json), AllOf(HasSubstr("shards[0].in"), HasSubstr("-1")));
  json = good;
  json["shards"][0]["state"] = "asleep";
  EXPECT_THAT(refusal(json), AllOf(HasSubstr("shards[0].state"), HasSubstr("asleep")));
  json = good;
  json["shards"][0]["wait"]["buckets"] = {{1'000'001, 1}};
  EXPECT_THAT(refusal(json), AllOf(HasSubstr("shards[0].wait.buckets"), HasSubstr("1000001")));
  json = good;
  json["shards"][0]["shard"] = 1ull << 32;
  EXPECT_THAT(refusal(json), HasSubstr("shards[0].shard"));
  json = good;
  json["edges"] = "none";
  EXPECT_THAT(refusal(json), HasSubstr("edges"));
  EXPECT_THAT(refusal(nlohmann::json::array()), HasSubstr("telemetry"));
  EXPECT_THAT(refusal(nullptr), HasSubstr("telemetry"));
}

}  // namespace
}  // namespace mailroom::runtime
