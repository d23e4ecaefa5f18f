// What a node tells one by one: exactly the events that left the straight line, with their place.
#include <gmock/gmock.h>
#include <fmt/format.h>
#include <set>

#include "runtime/engine/recent_quantiles.hpp"
#include "runtime/telemetry/shard_counters.hpp"
#include "tests/runtime/engine/engine_fixture.hpp"

namespace mailroom::runtime::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TelemetryLogTest : public EngineTest {
 protected:
  static std::vector<TelemetryEvent> events(const Engine& engine) { return engine.telemetry_log().events_from(1, 100'000).items; }
  static std::vector<Span> spans(const Engine& engine) { return engine.telemetry_log().spans_from(1, 100'000).items; }
  // "late a 3"
  static std::vector<std::string> in_short(const std::vector<TelemetryEvent>& events) {
    std::vector<std::string> texts;
    for (const auto& event : events) {
      auto text = std::string(to_string(event.kind));
      if (!event.key.empty()) text += " " + event.key;
      if (event.sequence) text += " " + std::to_string(*event.sequence);
      texts.push_back(text);
    }
    return texts;
  }
};

TEST_F(TelemetryLogTest, PlantedDisorderIsToldExactlyAndNothingElse) {
  input({{"a", 1}, {"b", 1}, {"a", 2}, {"a", 4}, {"b", 2}, {"a", 3}, {"a", 3}, {"b", 3}, {"a", 7}, {"a", 8}, {"b", 4}});
  const auto engine = start(pipeline(R"({"shards": 1, "watch_order": {"sequence": "number", "grace": "1h"}})"));
  ASSERT_TRUE(wait(*engine));
  const auto told = events(*engine);
  EXPECT_THAT(in_short(told), ElementsAre("gap a 4", "late a 3", "gap_filled a 3", "duplicate a 3", "gap a 7", "gap_final a", "ended"));
  for (std::size_t i = 0; i < told.size(); ++i) EXPECT_EQ(told[i].id, i + 1);
  EXPECT_EQ(told[0].first, 3);
  EXPECT_EQ(told[0].last, 3);
  EXPECT_EQ(told[1].highest, 4);
  EXPECT_EQ(told[2].gap, told[0].id);
  EXPECT_EQ(told[2].left, 0u);
  EXPECT_EQ(told[4].first, 5);
  EXPECT_EQ(told[4].last, 6);
  EXPECT_EQ(told[5].gap, told[4].id);
  EXPECT_EQ(told[5].left, 2u);
  const auto& plan = engine->plan();
  for (const auto* event : {&told[1], &told[3]}) {
    EXPECT_EQ(plan.shard_name(*event->shard), "act/0");
    EXPECT_EQ(plan.shard_name(*event->from), "in/0");
    EXPECT_EQ(event->type, &event_type_of<Note>());
  }
  const auto shard = engine->snapshot().shards[plan.first_shard[*plan.topology.stage_index("act")]];
  EXPECT_EQ(shard.late, 1u);
  EXPECT_EQ(shard.duplicates, 1u);
  EXPECT_EQ(shard.missing, 2u);
  // The visits of the four events that told something are traced though hardly any trace is sampled.
  std::set<TraceId> traced, expected;
  for (const auto& span : spans(*engine))
    if (plan.shard_name(span.shard) == "act/0") traced.insert(span.trace);
  for (const auto& event : told)
    if (event.trace != 0) expected.insert(event.trace);
  expected.insert(make_trace(trace_stream(told[0].trace), 1));  // one in 1,024: the first
  EXPECT_EQ(traced, expected);
}

TEST_F(TelemetryLogTest, ACalmRunTellsOnlyThatItEnded) {
  for (int n = 1; n <= 5000; ++n) world().input.push_back({"k" + std::to_string(n % 7), n / 7});
  const auto engine = start(pipeline(R"({"watch_order": {"sequence": "number"}})"));
  ASSERT_TRUE(wait(*engine));
  EXPECT_THAT(in_short(events(*engine)), ElementsAre("ended"));
}

TEST_F(TelemetryLogTest, AGapIsFinalWhenItsGraceIsOver) {
  world().endless = true;
  input({{"a", 1}, {"a", 3}});
  const auto engine = start(pipeline(R"({"watch_order": {"sequence": "number", "grace": "20ms"}})"));
  ASSERT_TRUE(until([&] { return events(*engine).size() == 2; }));
  const auto told = events(*engine);
  EXPECT_THAT(in_short(told), ElementsAre("gap a 3", "gap_final a"));
  EXPECT_GE(told[1].at_us, told[0].at_us + 20'000);
}

TEST_F(TelemetryLogTest, RetriesSkipsAndDeadLettersAreToldWithTheirTries) {
  input({{"a", 1}, {"a", 2}, {"a", 3}});
  world().on_note = [](const Note& note, Context& context) {
    if (note.number == 1 && context.attempt() == 1) throw std::runtime_error("once");
    if (note.number == 2) throw std::runtime_error("always");
    if (note.number == 3) throw Rejected("no");
  };
  const auto engine = start(pipeline(R"({"on_failure": {"retries": 1}})"));
  ASSERT_TRUE(wait(*engine));
  const auto told = events(*engine);
  EXPECT_THAT(in_short(told), ElementsAre("retry a 1", "retry a 2", "skip a 2", "dead_letter a 2", "dead_letter a 3", "ended"));
  EXPECT_EQ(told[0].text, "once");
  EXPECT_EQ(told[0].attempt, 1u);
  EXPECT_GT(told[0].delay_us.value_or(0), 0);
  EXPECT_EQ(told[3].attempt, 2u);
  EXPECT_EQ(told[3].reason_kind, "failed");
  EXPECT_EQ(told[4].reason_kind, "rejected");
  const auto letters = engine->list_dead_letters({});
  ASSERT_EQ(letters.size(), 2u);
  EXPECT_EQ(told[3].letter, letters[0].id);
  EXPECT_EQ(told[4].letter, letters[1].id);
  // One span for each try of what failed.
  std::vector<std::string> tries;
  for (const auto& span : spans(*engine))
    if (engine->plan().stage_of(span.shard).name == "act")
      tries.push_back(fmt::format("{}.{} {}", span.sequence.value_or(0), span.attempt, to_string(span.outcome)));
  EXPECT_THAT(tries, ElementsAre("1.1 failed", "1.2 done", "2.1 failed", "2.2 dead_letter", "3.1 rejected"));
}

TEST_F(TelemetryLogTest, ASampledTraceIsSeenAtEveryStage) {
  for (int n = 1; n <= 100; ++n) world().input.push_back({"k" + std::to_string(n % 7), n});
  options_.trace_one_in = 50;  // taken up to 64
  const auto engine = start(pipeline());
  ASSERT_TRUE(wait(*engine));
  std::map<std::uint64_t, std::vector<std::string>> visits;
  for (const auto& span : spans(*engine)) {
    visits[trace_sequence(span.trace)].push_back(engine->plan().stage_of(span.shard).name);
    if (span.outcome == SpanOutcome::emitted) continue;
    EXPECT_EQ(span.outcome, SpanOutcome::done);
    EXPECT_LE(span.entered_us, span.started_us);
    EXPECT_LE(span.started_us, span.ended_us);
    EXPECT_NEAR(static_cast<double>(span.ended_us), static_cast<double>(SystemClock().wall().micros), 60e6);
  }
  ASSERT_EQ(visits.size(), 2u);
  for (const auto sequence : {1, 65}) EXPECT_THAT(visits[sequence], ::testing::UnorderedElementsAre("in", "act", "out"));
}

TEST_F(TelemetryLogTest, AFloodIsCutAndCounted) {
  for (int n = 1; n <= 20'000; ++n) world().input.push_back({"k", n});
  world().on_note = [](const Note&, Context&) { throw Rejected("no"); };
  options_.sample_every = std::chrono::seconds(100);
  const auto engine = start(pipeline(R"({"shards": 1})"));
  ASSERT_TRUE(wait(*engine));
  const auto following = engine->telemetry_log().events_from(1, 100'000);
  EXPECT_EQ(following.items.size() + following.dropped, 20'001u) << "told, dropped, and the end";
  EXPECT_GT(following.dropped, 0u);
  // Who is too slow is told how many it has missed.
  const SystemClock clock;
  TelemetryLog log(clock);
  for (std::size_t n = 0; n < TelemetryLog::kept + 10; ++n) log.add({});
  const auto slow = log.events_from(1, 5);
  EXPECT_EQ(slow.missed, 10u);
  EXPECT_EQ(slow.items.size(), 5u);
  EXPECT_EQ(slow.items.front().id, 11u);
  EXPECT_EQ(slow.next, 16u);
}

TEST_F(TelemetryLogTest, ShedEventsAreToldWithTheirNumber) {
  for (int n = 1; n <= 5000; ++n) world().input.push_back({"k", n});
  world().gate = std::make_shared<Gate>();
  auto json = nlohmann::json::parse(pipeline(R"({"shards": 1})"));
  json["stages"]["out"]["mailbox"] = {{"capacity", 16}, {"overflow", "drop_newest"}};
  const auto engine = start(json.dump());
  ASSERT_TRUE(until([&] { return sum(engine->snapshot(), "act").in == 5000; }));
  world().gate->open();
  ASSERT_TRUE(wait(*engine));
  std::uint64_t count = 0;
  for (const auto& event : events(*engine)) {
    if (event.kind != EventKind::shed) continue;
    EXPECT_EQ(engine->plan().shard_name(*event.shard), "out/0");
    EXPECT_EQ(engine->plan().shard_name(*event.from), "act/0");
    count += *event.count;
  }
  EXPECT_EQ(count, sum(engine->snapshot(), "out").dropped);
  EXPECT_GT(count, 0u);
}

TEST_F(TelemetryLogTest, TheLastSecondsQuantilesForgetWhatWasBefore) {
  RecentQuantiles recent;
  TelemetrySnapshot snapshot;
  snapshot.shards.resize(1);
  snapshot.uptime_us = 1;
  snapshot.shards[0].wait.counts[Histogram::bucket(1000)] = 50;
  recent.update(snapshot);
  EXPECT_EQ(snapshot.shards[0].recent_wait.p50_us, Histogram::upper_bound_us(Histogram::bucket(1000)));
  snapshot.uptime_us += 1'000'000;
  snapshot.shards[0].wait.counts[Histogram::bucket(10)] = 5;
  recent.update(snapshot);
  EXPECT_EQ(snapshot.shards[0].recent_wait.p99_us, Histogram::upper_bound_us(Histogram::bucket(10)));
  snapshot.uptime_us += 1'000'000;
  recent.update(snapshot);
  EXPECT_FALSE(snapshot.shards[0].recent_wait.p50_us) << "nothing was handled: unknown, not 0";
}

}  // namespace
}  // namespace mailroom::runtime::test
