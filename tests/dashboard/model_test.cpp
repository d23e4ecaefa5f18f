// The model: rates, history, unknowns; the shared time range and filters; the item models under Qt's own tester.
#include <QAbstractItemModelTester>
#include <cmath>

#include "dashboard/views/dead_letter_model.hpp"
#include "dashboard/views/layered_layout.hpp"
#include "dashboard/views/mailbox_model.hpp"
#include "dashboard/views/supervision_model.hpp"
#include "tests/dashboard/help.hpp"

namespace mailroom::dashboard {
namespace {

Batch hello_batch() {
  Batch batch;
  batch.hello = small_hello();
  batch.link.state = LinkState::live;
  return batch;
}

void run(NodeModel& node, Micros from_us, Micros to_us, double per_s) {
  for (Micros at = from_us; at <= to_us; at += 50'000) {
    Batch batch;
    batch.link.state = LinkState::live;
    batch.gauges = {small_gauges(at, static_cast<std::int64_t>(per_s * static_cast<double>(at) / 1e6))};
    node.apply(batch);
  }
}

TEST(NodeModel, RatesAreCounterDifferencesOverTime) {
  NodeModel node;
  node.apply(hello_batch());
  EXPECT_TRUE(std::isnan(node.now().shards[1].in)) << "no rate from one number";
  run(node, 0, 10 * second_us, 2'000);
  EXPECT_NEAR(node.now().shards[1].in, 2'000, 40);
  EXPECT_NEAR(node.now().edges[0].rate, 2'000, 40);
  EXPECT_NEAR(node.stage_track(1).at(test_begin_us + 5 * second_us).in, 2'000, 40);
  EXPECT_NEAR(node.total_track().at(test_begin_us + 5 * second_us).ingest, 2'000, 40);
  EXPECT_EQ(node.shard_name(0), QStringLiteral("in"));
  EXPECT_EQ(node.shard_name(2), QStringLiteral("work/1"));
  EXPECT_FLOAT_EQ(node.fill(1, node.now().shards[1]), 0.1f);
  EXPECT_TRUE(std::isnan(node.fill(0, node.now().shards[0]))) << "a source has no mailbox";
  EXPECT_TRUE(std::isnan(node.now().shards[1].wait_p99_us)) << "never said: unknown, not 0";
}

TEST(NodeModel, SilenceIsAHoleAndNotALine) {
  NodeModel node;
  node.apply(hello_batch());
  run(node, 0, 5 * second_us, 1'000);
  run(node, 65 * second_us, 70 * second_us, 1'000);
  EXPECT_NEAR(node.stage_track(1).at(test_begin_us + 3 * second_us).in, 1'000, 40);
  EXPECT_TRUE(std::isnan(node.stage_track(1).at(test_begin_us + 30 * second_us).in));
  EXPECT_NEAR(node.stage_track(1).at(test_begin_us + 68 * second_us).in, 1'000, 40);
  EXPECT_EQ(node.at(test_begin_us + 40 * second_us).shards[1].depth, -1);
  EXPECT_EQ(node.at(test_begin_us + 3 * second_us).shards[1].depth, 10);
}

TEST(NodeModel, ACoarseSampleIsTheMeanOfWhatWasKnown) {
  NodeModel node;
  node.apply(hello_batch());
  run(node, 0, 700 * second_us, 2'000);  // the first minutes are kept in coarse steps only
  EXPECT_NEAR(node.stage_track(1).from(test_begin_us).at(test_begin_us + second_us)->in, 2'000, 40) << "the first slot has no rate yet: it counts for nothing";
  EXPECT_NEAR(node.total_track().from(test_begin_us).at(test_begin_us + second_us)->ingest, 2'000, 40);
}

TEST(NodeModel, AReconnectKeepsTheHistoryAndAnotherRunBeginsAnew) {
  NodeModel node;
  int resets = 0;
  QObject::connect(&node, &NodeModel::reset, [&] { ++resets; });
  node.apply(hello_batch());
  run(node, 0, 5 * second_us, 1'000);
  node.apply(hello_batch());
  EXPECT_EQ(resets, 1);
  EXPECT_FALSE(std::isnan(node.stage_track(1).at(test_begin_us + 3 * second_us).in));
  auto other = hello_batch();
  other.hello->started_us += second_us;
  other.hello->shards.push_back({1, 2});
  node.apply(other);
  EXPECT_EQ(resets, 2);
  EXPECT_EQ(node.shard_count(), 4);
  EXPECT_EQ(node.first_us(), unknown_value);
}

TEST(History, IsBoundedAndKeepsEightHours) {
  Moments large, small;
  large.reset(10'000, 400);
  small.reset(100, 20);
  EXPECT_EQ(small.long_step_us(), second_us);
  EXPECT_LE((large.long_step_us() / second_us), 60);
  EXPECT_LE(static_cast<std::size_t>(history_us / large.long_step_us()) * 10'000 * sizeof(ShardSample), Moments::shard_bytes + (1u << 20));
  for (Micros at = 0; at < 9 * 3600; ++at) {
    Moment moment;
    moment.at_us = test_begin_us + at * second_us;
    moment.shards.resize(100);
    moment.shards[7].depth = static_cast<std::int32_t>(at);
    small.push(std::move(moment));
  }
  const auto end = test_begin_us + 9 * 3600 * second_us;
  ASSERT_NE(small.at(end - 8 * 3600 * second_us + 200 * second_us), nullptr);
  EXPECT_EQ(small.at(end - 8 * 3600 * second_us + 200 * second_us)->shards[7].depth, 3800);
  EXPECT_EQ(small.at(end - 8 * 3600 * second_us - 200 * second_us), nullptr) << "forgotten";
}

TEST(EventLog, IsInOrderOfTimeAndForgetsTheOldest) {
  EventLog log;
  Event event;
  for (std::size_t at = 0; at < EventLog::most + 10; ++at) {
    event.id = static_cast<std::int64_t>(at);
    event.at_us = static_cast<Micros>(at % 2 ? at - 1 : at + 1);  // a little out of step
    log.add(event);
  }
  EXPECT_EQ(log.all().size(), EventLog::most);
  EXPECT_EQ(log.forgotten(), 10);
  EXPECT_TRUE(std::is_sorted(log.all().begin(), log.all().end(), [](const Event& a, const Event& b) { return a.at_us < b.at_us; }));
}

TEST(TimeRange, FollowsUntilItIsHeldAndComesBack) {
  TimeRange range;
  range.set_extent(0, 100 * second_us);
  EXPECT_TRUE(range.live());
  range.set_extent(0, 110 * second_us);
  EXPECT_EQ(range.end_us(), 110 * second_us);
  range.set_paused(true);
  range.set_extent(0, 120 * second_us);
  EXPECT_EQ(range.end_us(), 110 * second_us) << "paused: it stands";
  range.set_paused(false);
  EXPECT_EQ(range.end_us(), 120 * second_us);
  range.move(-30 * second_us);
  EXPECT_FALSE(range.live());
  EXPECT_EQ(range.end_us(), 90 * second_us);
  range.move(-1'000 * second_us);
  EXPECT_EQ(range.end_us(), TimeRange::least_us) << "not before what there is";
  range.play(4);
  range.advance(second_us);
  EXPECT_GT(range.end_us(), TimeRange::least_us + 3 * second_us);
  range.advance(1'000 * second_us);
  EXPECT_EQ(range.end_us(), 120 * second_us);
  EXPECT_EQ(range.speed(), 0) << "it ends at the end";
  range.set_live();
  EXPECT_TRUE(range.live());
}

TEST(Filters, AreRegularExpressionsThatSayWhatIsWrong) {
  Filters filters;
  EXPECT_FALSE(filters.add({Filter::Field::actor, QStringLiteral("enrich("), false}).isEmpty());
  EXPECT_TRUE(filters.empty());
  EXPECT_TRUE(filters.add({Filter::Field::actor, QStringLiteral("^enrich-"), false}).isEmpty());
  EXPECT_TRUE(filters.add({Filter::Field::actor, QStringLiteral("/11$"), true}).isEmpty());
  EXPECT_TRUE(filters.passes_actor(QStringLiteral("enrich-b/1")));
  EXPECT_FALSE(filters.passes_actor(QStringLiteral("enrich-b/11")));
  EXPECT_FALSE(filters.passes_actor(QStringLiteral("agg-1")));
  filters.remove(0);
  EXPECT_TRUE(filters.passes_actor(QStringLiteral("agg-1")));
}

TEST(Layout, SourcesAreLeftAndEdgesGoRight) {
  Generator generator(generated(0), test_begin_us);
  const auto& hello = generator.hello();
  const auto layout = place_in_layers(hello);
  EXPECT_EQ(layout.layers, 5);
  for (const auto& edge : hello.edges) EXPECT_LT(layout.stages[static_cast<std::size_t>(edge.from)].layer, layout.stages[static_cast<std::size_t>(edge.to)].layer);
  Hello cycle = small_hello();
  cycle.edges.push_back({1, 0, {}, false});
  EXPECT_EQ(place_in_layers(cycle).stages.size(), 2u) << "a cycle is cut, not followed for ever";
}

// Each model is driven as the views drive it, with Qt's tester watching.
TEST(ItemModels, KeepQtsRulesWhileRowsComeGoAndMove) {
  Context context;
  MailboxModel mailboxes(context);
  SupervisionModel supervision(context);
  DeadLetterModel letters(context);
  QAbstractItemModelTester a(&mailboxes, QAbstractItemModelTester::FailureReportingMode::Fatal);
  QAbstractItemModelTester b(&supervision, QAbstractItemModelTester::FailureReportingMode::Fatal);
  QAbstractItemModelTester c(&letters, QAbstractItemModelTester::FailureReportingMode::Fatal);
  QObject::connect(&context, &Context::reset, [&] { mailboxes.rebuild(); supervision.rebuild(); letters.refresh(true); });
  context.watch(Source::generator(generated(200)));
  int rounds = 0;
  QObject::connect(&context, &Context::tables_due, [&] {
    ++rounds;
    mailboxes.refresh();
    mailboxes.arrange();
    supervision.refresh();
    letters.refresh();
  });
  ASSERT_TRUE(wait_until([&] { return context.node().link().state == LinkState::complete; }));
  ASSERT_TRUE(wait_until([&] { return rounds > 0 && mailboxes.rowCount() == 175; }));
  // A held row goes with its shard through sorting and filtering.
  const int shard = context.node().find_shard(QStringLiteral("enrich-b/11"));
  const QPersistentModelIndex held = mailboxes.index(mailboxes.row_of(shard), 0);
  for (int column = 0; column < MailboxModel::column_count; ++column)
    for (const auto order : {Qt::AscendingOrder, Qt::DescendingOrder}) {
      mailboxes.sort(column, order);
      ASSERT_TRUE(held.isValid());
      EXPECT_EQ(held.data().toString(), QStringLiteral("enrich-b/11"));
    }
  context.filters.add({Filter::Field::actor, QStringLiteral("enrich-b"), false});
  mailboxes.arrange();
  EXPECT_EQ(mailboxes.rowCount(), 16);
  EXPECT_EQ(held.data().toString(), QStringLiteral("enrich-b/11"));
  context.filters.add({Filter::Field::actor, QStringLiteral("/11$"), true});
  mailboxes.arrange();
  EXPECT_EQ(mailboxes.rowCount(), 15);
  EXPECT_FALSE(held.isValid());
  context.filters.clear();
  mailboxes.arrange();
  EXPECT_EQ(mailboxes.rowCount(), 175);
  letters.refresh(true);
  const int all = letters.rowCount();
  ASSERT_GT(all, 6);
  EXPECT_GE(letters.letter(0).at_us, letters.letter(all - 1).at_us) << "newest first";
  letters.show_reason(QStringLiteral("rejected"));
  EXPECT_LT(letters.rowCount(), all);
  EXPECT_GT(letters.rowCount(), 0);
  context.close(0);
  EXPECT_EQ(mailboxes.rowCount(), 0);
}

}  // namespace
}  // namespace mailroom::dashboard
