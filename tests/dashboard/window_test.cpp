// What a person does: find, filter, pause, scrub, drill, pin, export, retry; with mouse and keys.
#include <QAbstractButton>
#include <QAbstractScrollArea>
#include <QAbstractSpinBox>
#include <QAccessible>
#include <QAction>
#include <QDialogButtonBox>
#include <QMenu>
#include <QScrollBar>
#include <QTableWidget>
#include <QComboBox>
#include <QDockWidget>
#include <QHeaderView>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QTabBar>
#include <QTableView>
#include <QTemporaryDir>
#include <QTcpServer>
#include <QTcpSocket>
#include <QTest>
#include <QToolButton>
#include <QTreeView>

#include "dashboard/shell/connect_dialog.hpp"
#include "dashboard/shell/export.hpp"
#include "dashboard/shell/filter_bar.hpp"
#include "dashboard/shell/keys_dialog.hpp"
#include "dashboard/source/session_file.hpp"
#include "dashboard/theme/theme.hpp"
#include "dashboard/views/cluster_view.hpp"
#include "dashboard/views/dead_letters_view.hpp"
#include "dashboard/views/kpi_strip.hpp"
#include "dashboard/views/mailboxes_view.hpp"
#include "dashboard/views/ordering_view.hpp"
#include "dashboard/views/supervision_view.hpp"
#include "dashboard/views/throughput_view.hpp"
#include "dashboard/views/topology_view.hpp"
#include "tests/dashboard/fake_node.hpp"

namespace mailroom::dashboard {
namespace {

// The tables show what the range says now.
void settle_tables(MainWindow& window) {
  bool due = false;
  const auto connection = QObject::connect(&window.context(), &Context::tables_due, [&] { due = true; });
  window.context().range.set_width(window.context().range.width_us() + 1);  // something to show
  ASSERT_TRUE(wait_until([&] { return due; }));
  QObject::disconnect(connection);
}

template <typename Wanted> Wanted& view(MainWindow& window, const char* name) { return *static_cast<Wanted*>(window.view(name)); }

class Dashboard : public ::testing::Test {
 protected:
  void SetUp() override { fill(window, generated(77)); }  // in the midst of the trouble
  int shard(const char* name) { return window.context().node().find_shard(QLatin1String(name)); }
  int context_stage(const char* name) {
    for (int at = 0; at < window.context().node().stage_count(); ++at) if (window.context().node().stage_name(at) == QLatin1String(name)) return at;
    return -1;
  }
  MainWindow window;
};

TEST_F(Dashboard, FindSelectsEverywhere) {
  FindDialog dialog(window.context(), &window);
  dialog.show();
  QTest::keyClicks(dialog.field(), QStringLiteral("enrich-b/1"));
  ASSERT_GE(dialog.list()->count(), 2);
  QTest::keyClick(dialog.field(), Qt::Key_Down);
  QTest::keyClick(dialog.field(), Qt::Key_Return);
  EXPECT_EQ(window.context().selection.shard(), shard("enrich-b/10"));
  auto& mailboxes = view<MailboxesView>(window, "mailboxes");
  EXPECT_EQ(mailboxes.table()->currentIndex().siblingAtColumn(0).data().toString(), QStringLiteral("enrich-b/10"));
}

TEST_F(Dashboard, FindKnowsKeysAndTraces) {
  const auto& node = window.context().node();
  const auto keys = find_named(node, QStringLiteral("c-8812"));
  ASSERT_FALSE(keys.empty());
  EXPECT_EQ(keys.front().kind, QStringLiteral("key"));
  const auto& trace = node.traces().traces().back();
  const auto traces = find_named(node, trace);
  ASSERT_FALSE(traces.empty());
  follow(window.context(), traces.front());
  EXPECT_EQ(window.context().selection.trace(), trace);
  EXPECT_TRUE(find_named(node, QStringLiteral("no such thing")).empty());
}

TEST_F(Dashboard, AFilterIsAChipThatCanBeRemoved) {
  FilterDialog dialog(window.context(), &window);
  dialog.pattern()->setText(QStringLiteral("enrich-b("));
  dialog.accept();
  EXPECT_TRUE(window.context().filters.empty()) << "no regular expression: the dialog stays and says so";
  dialog.pattern()->setText(QStringLiteral("^enrich-b"));
  dialog.accept();
  auto& mailboxes = view<MailboxesView>(window, "mailboxes");
  EXPECT_EQ(mailboxes.model().rowCount(), 16);
  EXPECT_EQ(mailboxes.subtitle(), QStringLiteral("16 of 175 shards shown"));
  QToolButton* chip = nullptr;
  ASSERT_TRUE(wait_until([&] {
    for (auto* button : window.findChild<QWidget*>(QStringLiteral("filters"))->findChildren<QToolButton*>())
      if (button->isVisible() && button->text().contains(QStringLiteral("enrich-b"))) chip = button;
    return chip != nullptr;
  }));
  QTest::mouseClick(chip, Qt::LeftButton);
  EXPECT_EQ(mailboxes.model().rowCount(), 175);
}

TEST_F(Dashboard, OnlyNonEmptyAndSortingByTheHeader) {
  auto& mailboxes = view<MailboxesView>(window, "mailboxes");
  ASSERT_TRUE(wait_until([&] { return mailboxes.model().index(0, MailboxModel::actor).data().toString().startsWith(QStringLiteral("enrich-b/")); })) << "the deepest first";
  auto* button = window.findChild<QToolButton*>(QStringLiteral("mailboxes-only-filled"));
  QTest::mouseClick(button, Qt::LeftButton);
  EXPECT_EQ(mailboxes.model().rowCount(), 166) << "not the nine shards of sources, which have no mailbox";
  auto* header = mailboxes.table()->horizontalHeader();
  QTest::mouseClick(header->viewport(), Qt::LeftButton, {}, QPoint(header->sectionViewportPosition(MailboxModel::actor) + 20, 10));
  QTest::mouseClick(header->viewport(), Qt::LeftButton, {}, QPoint(header->sectionViewportPosition(MailboxModel::actor) + 20, 10));
  EXPECT_EQ(mailboxes.model().index(0, MailboxModel::actor).data().toString().left(6), header->sortIndicatorOrder() == Qt::AscendingOrder ? QStringLiteral("decode") : QStringLiteral("alerts"));
}

TEST_F(Dashboard, KeysPauseScrubZoomAndComeBackToLive) {
  auto& range = window.context().range;
  window.activateWindow();
  auto* canvas = window.view("throughput");
  canvas->setFocusPolicy(Qt::StrongFocus);
  canvas->setFocus();
  QTest::keyClick(canvas, Qt::Key_Space);
  EXPECT_TRUE(range.paused());
  EXPECT_TRUE(window.pause_text().startsWith(QStringLiteral("Paused, 0 newer")));
  const auto end = range.end_us();
  QTest::keyClick(canvas, Qt::Key_Left);
  EXPECT_LT(range.end_us(), end);
  const auto width = range.width_us();
  QTest::keyClick(canvas, Qt::Key_BracketRight);
  EXPECT_EQ(range.width_us(), 2 * width);
  QTest::keyClick(canvas, Qt::Key_BracketLeft);
  EXPECT_EQ(range.width_us(), width);
  QTest::keyClick(canvas, Qt::Key_End);
  EXPECT_TRUE(range.live());
}

TEST_F(Dashboard, ScrubbingBackShowsWhatWasThen) {
  auto& context = window.context();
  const int busy = shard("enrich-b/11");
  EXPECT_GT(context.shown().shards[static_cast<std::size_t>(busy)].depth, 1'000);
  context.range.move(-30 * second_us);
  EXPECT_LT(context.shown().shards[static_cast<std::size_t>(busy)].depth, 100) << "before the trouble";
  ASSERT_TRUE(wait_until([&] { return view<MailboxesView>(window, "mailboxes").model().sample(busy).depth < 100; })) << "and so do the tables";
  context.range.set_live();
  ASSERT_TRUE(wait_until([&] { return view<MailboxesView>(window, "mailboxes").model().sample(busy).depth > 1'000; }));
}

TEST_F(Dashboard, ReplayMovesThroughTheSession) {
  fill(window, generated(437));
  auto& range = window.context().range;
  range.play(16);
  const auto begin = range.end_us();
  EXPECT_LT(begin, range.last_us() - 300 * second_us) << "it starts at the begin";
  ASSERT_TRUE(wait_until([&] { return range.end_us() > begin + 5 * second_us; }));
  QTest::keyClick(&window, Qt::Key_Space);
  EXPECT_EQ(range.speed(), 0) << "Space holds it";
}

TEST_F(Dashboard, APinnedViewStaysWhileOthersGo) {
  auto& mailboxes = view<MailboxesView>(window, "mailboxes");
  auto* pin = window.findChild<QToolButton*>(QStringLiteral("mailboxes-pin"));
  QTest::mouseClick(pin, Qt::LeftButton);
  EXPECT_TRUE(mailboxes.pinned());
  const int busy = shard("enrich-b/11");
  window.context().range.move(-30 * second_us);
  bool passed = false;
  QObject::connect(&window.context(), &Context::tables_due, &window, [&] { passed = true; });
  ASSERT_TRUE(wait_until([&] { return passed; }));
  EXPECT_GT(mailboxes.model().sample(busy).depth, 1'000);
  EXPECT_NE(view<TopologyView>(window, "topology").pinned(), true);
}

TEST_F(Dashboard, AStageIsChosenAndOpenedIntoItsShards) {
  auto& topology = view<TopologyView>(window, "topology");
  auto& context = window.context();
  int stage = -1;
  for (int at = 0; at < context.node().stage_count(); ++at) if (context.node().stage_name(at) == QStringLiteral("enrich-b")) stage = at;
  QApplication::processEvents();
  QTest::mouseClick(topology.canvas()->viewport(), Qt::LeftButton, {}, topology.stage_rect(stage).center());
  EXPECT_EQ(context.selection.stage(), stage);
  QTest::keyClick(topology.canvas(), Qt::Key_Return);
  EXPECT_EQ(topology.opened(), stage);
  auto* grid = topology.findChild<ShardGrid*>();
  QTest::mouseClick(grid, Qt::LeftButton, {}, grid->cell(11).center());
  EXPECT_EQ(context.selection.shard(), shard("enrich-b/11"));
  EXPECT_EQ(view<MailboxesView>(window, "mailboxes").table()->currentIndex().siblingAtColumn(0).data().toString(), QStringLiteral("enrich-b/11"));
  QTest::keyClick(grid, Qt::Key_Escape);
  EXPECT_EQ(topology.opened(), -1);
  QTest::keyClick(topology.canvas(), Qt::Key_Right);
  EXPECT_NE(context.selection.stage(), stage) << "arrows walk on";
}

TEST_F(Dashboard, TheOverviewNamesTheCulprit) {
  auto& kpis = view<KpiStrip>(window, "kpi");
  EXPECT_EQ(kpis.tile(KpiStrip::disorder)->content().note, QStringLiteral("enrich-b/11"));
  EXPECT_EQ(kpis.tile(KpiStrip::nodes)->content().value, QStringLiteral("1 / 1"));
  QTest::mouseClick(kpis.tile(KpiStrip::wait), Qt::LeftButton);
  EXPECT_EQ(window.context().node().stage_name(window.context().selection.stage()), QStringLiteral("enrich-b"));
}

// Each number has a culprit of its own: another shard in another stage.
TEST(Overview, EachNumberNamesItsOwnCulpritAndAClickSelectsIt) {
  auto hello = small_hello();
  hello.stages[1].name = QStringLiteral("left");
  auto right = hello.stages[1];
  right.name = QStringLiteral("right");
  right.shards = 3;
  hello.stages.push_back(right);
  hello.shards = {{0, 0}, {1, 0}, {1, 1}, {2, 0}, {2, 1}, {2, 2}};
  FakeNode node;
  node.on_connect = [&](QWebSocket& client) { client.sendBinaryMessage(encode(hello)); };
  MainWindow window;
  window.show();
  ASSERT_EQ(window.watch(QStringLiteral("127.0.0.1:%1").arg(node.port())), QString());
  ASSERT_TRUE(wait_until([&] { return window.context().node().known(); }));
  for (int at = 1; at <= 8; ++at) {
    Gauges gauges;
    gauges.wall_us = test_begin_us + at * second_us / 4;
    for (int shard = 0; shard < 6; ++shard) {
      auto row = shard_row(shard, shard == 0 ? unknown_value : shard, at * 100, at * 100);
      for (const auto column : {ShardColumn::late, ShardColumn::duplicates, ShardColumn::missing, ShardColumn::order_breaks, ShardColumn::restarts, ShardColumn::dead_letters, ShardColumn::retries}) row[column] = 0;
      row[ShardColumn::wait_p99_us] = 1'000 + shard;
      if (shard == 2) row[ShardColumn::depth] = 90;             // left/1: the deepest
      if (shard == 4) row[ShardColumn::wait_p99_us] = 400'000;  // right/1: the slowest
      if (shard == 3) row[ShardColumn::late] = at;              // right/0: out of order
      if (shard == 1) row[ShardColumn::dead_letters] = at;      // left/0
      if (shard == 5) row[ShardColumn::restarts] = at / 4;      // right/2
      gauges.shards.push_back(row);
    }
    gauges.full = true;
    node.send(encode(gauges));
    EventList list;
    const auto add = [&](EventKind kind, int shard) {
      Event event;
      event.id = at * 10 + static_cast<int>(list.events.size());
      event.at_us = gauges.wall_us;
      event.kind = kind;
      event.shard = shard;
      list.events.push_back(event);
    };
    add(EventKind::late, 3);
    add(EventKind::dead_letter, 1);
    if (at % 4 == 0) add(EventKind::restart, 5);
    if (at == 1) { add(EventKind::late, 4); add(EventKind::dead_letter, 2); }  // fewer elsewhere
    node.send(encode(list));
  }
  auto& kpis = view<KpiStrip>(window, "kpi");
  ASSERT_TRUE(wait_until([&] { return window.context().node().row(1)[ShardColumn::in] == 800 && kpis.tile(KpiStrip::restarts)->content().shard >= 0 && kpis.tile(KpiStrip::wait)->content().shard >= 0; }));
  struct { KpiStrip::Tile tile; const char* culprit; } const wanted[] = {
      {KpiStrip::queued, "left/1"}, {KpiStrip::wait, "right/1"}, {KpiStrip::disorder, "right/0"}, {KpiStrip::dead_letters, "left/0"}, {KpiStrip::restarts, "right/2"}};
  for (const auto& [tile, culprit] : wanted) {
    const auto& content = kpis.tile(tile)->content();
    EXPECT_EQ(window.context().node().shard_name(content.shard), QLatin1String(culprit)) << qPrintable(kpis.tile(tile)->text());
    EXPECT_EQ(content.stage, window.context().node().stage_of(content.shard));
    if (tile != KpiStrip::dead_letters) { EXPECT_TRUE(content.note.contains(QLatin1String(culprit))) << qPrintable(content.note); }
    EXPECT_TRUE(kpis.tile(tile)->accessibleName().contains(content.note));
    window.context().selection.clear();
    QTest::mouseClick(kpis.tile(tile), Qt::LeftButton);
    EXPECT_EQ(window.context().node().shard_name(window.context().selection.shard()), QLatin1String(culprit));
    EXPECT_EQ(window.context().selection.stage(), window.context().node().stage_of(window.context().selection.shard()));
  }
}

TEST_F(Dashboard, TheNamesAtTheLinesEndsAreInTheOrderOfTheirValues) {
  auto& canvas = *static_cast<ThroughputCanvas*>(window.findChild<QWidget*>(QStringLiteral("throughput-lines")));
  window.context().selection.select_shard(context_stage("enrich-b"), shard("enrich-b/11"));
  ASSERT_TRUE(wait_until([&] { canvas.grab(); return canvas.up_to_date() && !canvas.lines().empty(); }));
  std::vector<const ThroughputCanvas::Line*> named;
  for (const auto& line : canvas.lines()) if (!line.label.isEmpty() && !std::isnan(line.last)) named.push_back(&line);
  ASSERT_GT(named.size(), 4u);
  std::sort(named.begin(), named.end(), [](const auto* a, const auto* b) { return a->label.top() < b->label.top(); });
  for (std::size_t at = 1; at < named.size(); ++at) EXPECT_GE(named[at - 1]->last, named[at]->last) << at;
}

TEST_F(Dashboard, AReasonIsReadWholeWhereOthersHaveTheRoom) {
  window.resize(1280, 800);
  window.raise_view("dead-letters");
  auto& letters = view<DeadLettersView>(window, "dead-letters");
  ASSERT_TRUE(wait_until([&] { return letters.model().rowCount() > 0; }));
  settle_tables(window);
  const QFontMetrics metrics(Theme::get().font(-1));
  for (int row = 0; row < letters.model().rowCount(); ++row) {
    const auto index = letters.model().index(row, DeadLetterModel::reason);
    const int wanted = metrics.horizontalAdvance(index.data().toString()) + 14;
    int others = 0;
    for (int column = 0; column < DeadLetterModel::column_count; ++column)
      if (column != DeadLetterModel::reason) others += letters.table()->columnWidth(column) - 16;
    if (wanted + others + 6 * 16 + 40 < letters.table()->viewport()->width()) { EXPECT_GE(letters.table()->columnWidth(DeadLetterModel::reason), wanted) << qPrintable(index.data().toString()); }
  }
  EXPECT_GE(letters.table()->columnWidth(DeadLetterModel::reason), 170);
}

// A restart is said by its badge; amber is for what waits.
TEST(Topology, ARestartIsNoFullMailbox) {
  FakeNode node;
  MainWindow window;
  window.resize(1280, 800);
  window.show();
  ASSERT_TRUE(watch_until_known(window.context(), node));
  auto gauges = small_gauges(second_us, 100, 3);
  gauges.shards[1][ShardColumn::restarts] = 1;
  node.send(encode(gauges));
  Event restart;
  restart.id = 1;
  restart.at_us = test_begin_us + second_us;
  restart.kind = EventKind::restart;
  restart.shard = 1;
  node.send(encode(EventList{0, {restart}}));
  auto& topology = view<TopologyView>(window, "topology");
  const auto count = [&](const QColor& color) {
    const auto image = topology.canvas()->viewport()->grab().toImage();
    int found = 0;
    for (int y = 0; y < image.height(); ++y)
      for (int x = 0; x < image.width(); ++x) {
        const QColor pixel(image.pixel(x, y));
        found += std::abs(pixel.red() - color.red()) + std::abs(pixel.green() - color.green()) + std::abs(pixel.blue() - color.blue()) < 40;
      }
    return found;
  };
  const auto& c = Theme::get().colors();
  ASSERT_TRUE(wait_until([&] { return count(c.vermilion) > 20; })) << "the badge";
  EXPECT_EQ(count(c.amber), 0);
  gauges = small_gauges(2 * second_us, 200, 80);
  node.send(encode(gauges));
  ASSERT_TRUE(wait_until([&] { return count(c.amber) > 20; })) << "full";
}

// A session of hand-made frames, read to its end; the folder holds it.
void open_session(MainWindow& window, const QTemporaryDir& folder, const std::vector<std::pair<Micros, QByteArray>>& frames) {
  const auto path = folder.filePath(QStringLiteral("made.mailroom-session"));
  SessionWriter writer(path);
  for (const auto& [at, bytes] : frames) writer.frame(bytes, at);
  writer.close();
  ASSERT_EQ(writer.error(), QString());
  window.show();
  window.context().watch(Source::session(path));
  ASSERT_TRUE(wait_until([&] { return window.context().node().link().state == LinkState::complete && window.context().range.last_us() == window.context().node().last_us(); }));
}
TEST(Overview, DisorderIsCountedAndNotSampled) {
  auto hello = small_hello();
  hello.started_us = test_begin_us - 3'600 * second_us;  // it ran long before
  // 100 events a second; 7 of them late, all within one quarter of each second, and another 3 in the quarter in which 50 s have passed.
  for (int busy = 0; busy < 4; ++busy) {
    std::vector<std::pair<Micros, QByteArray>> frames{{test_begin_us, encode(hello)}};
    std::int64_t late = 900'000;
    for (int quarter = 0; quarter <= 80 * 4; ++quarter) {
      if (quarter % 4 == busy) late += 7;
      if (quarter == 200) late += 3;
      auto gauges = small_gauges(quarter * second_us / 4, 1'000'000 + quarter * 25);
      gauges.shards[1][ShardColumn::late] = late;
      gauges.full = true;
      frames.emplace_back(gauges.wall_us, encode(gauges));
    }
    QTemporaryDir folder;
    MainWindow window;
    open_session(window, folder, frames);
    window.context().range.set(test_begin_us + 15 * second_us + 1'000, test_begin_us + 75 * second_us + 1'000);
    settle_tables(window);
    const auto& content = view<KpiStrip>(window, "kpi").tile(KpiStrip::disorder)->content();
    EXPECT_EQ(content.value, QStringLiteral("7.05")) << "423 of 6,000, busy quarter " << busy;
    ASSERT_EQ(content.minute.size(), 60u);
    int known = 0;
    for (const float second : content.minute) if (!std::isnan(second)) { ++known; EXPECT_GE(second, 6.9f) << "each second had its late ones"; EXPECT_LE(second, 10.1f); }
    EXPECT_GE(known, 59);
    // Calm: its own numbers say so.
    EXPECT_EQ(view<KpiStrip>(window, "kpi").tile(KpiStrip::dead_letters)->content().value, QStringLiteral("–")) << "never said: not 0";
  }
}

TEST(Overview, RetriesAreNoDisorder) {
  std::vector<std::pair<Micros, QByteArray>> frames{{test_begin_us, encode(small_hello())}};
  for (int quarter = 0; quarter <= 80; ++quarter) {
    auto gauges = small_gauges(quarter * second_us / 4, quarter * 25);
    gauges.shards[1][ShardColumn::late] = gauges.shards[1][ShardColumn::missing] = 0;
    gauges.full = true;
    frames.emplace_back(gauges.wall_us, encode(gauges));
  }
  Event retry;
  retry.id = 1;
  retry.at_us = test_begin_us + 10 * second_us;
  retry.kind = EventKind::retry;
  retry.shard = 1;
  frames.emplace_back(test_begin_us + 20 * second_us, encode(EventList{0, {retry}}));
  QTemporaryDir folder;
  MainWindow window;
  open_session(window, folder, frames);
  settle_tables(window);
  const auto& content = view<KpiStrip>(window, "kpi").tile(KpiStrip::disorder)->content();
  EXPECT_EQ(content.value, QStringLiteral("0"));
  EXPECT_EQ(content.note, QStringLiteral("calm"));
  EXPECT_NE(content.color, Theme::get().colors().amber);
}

// What the shipped session's own counters and events say: of the run, and of its last minute.
TEST(Overview, ShowsTheNumbersOfTheFramesAndThePanelBesideItTheSame) {
  const QString path = QStringLiteral(MAILROOM_SOURCE_DIR "/docs/dashboard/orders-demo.mailroom-session");
  FrameDecoder decoder;
  SessionReader reader(path);
  std::vector<ShardRow> rows;
  struct Moment { Micros at_us; double disordered, ingested; };
  std::vector<Moment> moments;
  std::vector<Event> events;
  Hello hello;
  while (auto record = reader.next()) {
    auto decoded = decoder.decode(record->bytes);
    ASSERT_TRUE(std::holds_alternative<Frame>(decoded));
    auto& frame = std::get<Frame>(decoded);
    if (auto* each = std::get_if<Hello>(&frame)) { hello = *each; rows.resize(hello.shards.size()); }
    if (auto* each = std::get_if<EventList>(&frame)) events.insert(events.end(), each->events.begin(), each->events.end());
    if (auto* each = std::get_if<Gauges>(&frame)) {
      for (const auto& row : each->shards) rows[static_cast<std::size_t>(row.index)] = row;
      Moment moment{each->wall_us, 0, 0};
      for (const auto& row : rows) {
        for (const auto column : {ShardColumn::late, ShardColumn::duplicates, ShardColumn::missing, ShardColumn::order_breaks}) moment.disordered += static_cast<double>(std::max<std::int64_t>(0, row[column]));
        if (row.index >= 0 && hello.stages[static_cast<std::size_t>(hello.shards[static_cast<std::size_t>(row.index)].stage)].kind == StageKind::source)
          moment.ingested += static_cast<double>(row[ShardColumn::out]);
      }
      moments.push_back(moment);
    }
  }
  std::int64_t written = 0, restarts = 0, lately = 0;
  for (const auto& row : rows) { written += row[ShardColumn::dead_letters]; restarts += row[ShardColumn::restarts]; }
  const auto end = moments.back(), begin = *std::min_element(moments.begin(), moments.end(), [&](const Moment& a, const Moment& b) {
    return std::abs(a.at_us - (end.at_us - 60 * second_us)) < std::abs(b.at_us - (end.at_us - 60 * second_us));
  });
  for (const auto& event : events) lately += event.kind == EventKind::dead_letter && event.at_us >= end.at_us - 60 * second_us && event.at_us <= end.at_us;
  ASSERT_GT(lately, 0);
  MainWindow window;
  window.show();
  window.context().watch(Source::session(path));
  ASSERT_TRUE(wait_until([&] { return window.context().node().link().state == LinkState::complete && window.context().range.last_us() == window.context().node().last_us(); }));
  window.raise_view("dead-letters");
  settle_tables(window);
  auto& kpis = view<KpiStrip>(window, "kpi");
  EXPECT_NEAR(kpis.tile(KpiStrip::disorder)->content().value.toDouble(), 100 * (end.disordered - begin.disordered) / (end.ingested - begin.ingested), 0.015);
  const auto& letters = kpis.tile(KpiStrip::dead_letters)->content();
  EXPECT_EQ(letters.value, show_exact(written));
  EXPECT_EQ(letters.note, QStringLiteral("%1 in 60 s").arg(lately));
  EXPECT_EQ(kpis.tile(KpiStrip::restarts)->content().value, show_exact(restarts));
  float sum = 0;
  for (const float second : letters.minute) if (!std::isnan(second)) { EXPECT_GE(second, 0); sum += second; }
  EXPECT_EQ(sum, static_cast<float>(lately));
  const auto said = window.view("dead-letters")->subtitle();
  EXPECT_TRUE(said.contains(QStringLiteral("%1 in the last 60 s").arg(lately))) << qPrintable(said);
  // Those that the recorder did not hear of.
  EXPECT_TRUE(said.contains(QStringLiteral("seen of %1: the others came before the dashboard").arg(show_exact(written)))) << qPrintable(said);
}

TEST(DeadLetters, ThoseBeforeTheDashboardAreCountedAndSaidSo) {
  FakeNode node;
  MainWindow window;
  window.show();
  window.raise_view("dead-letters");
  ASSERT_TRUE(watch_until_known(window.context(), node));
  const auto send = [&](Micros after_us, std::int64_t letters) {
    auto gauges = small_gauges(after_us, 100);
    gauges.shards[1][ShardColumn::dead_letters] = letters;
    gauges.full = true;
    node.send(encode(gauges));
  };
  const auto letter = [&](Micros after_us, std::int64_t id) {
    Event event;
    event.id = id;
    event.at_us = test_begin_us + after_us;
    event.kind = EventKind::dead_letter;
    event.shard = 1;
    node.send(encode(EventList{0, {event}}));
  };
  auto& view_of = *window.view("dead-letters");
  send(second_us, 8);
  ASSERT_TRUE(wait_until([&] { return window.context().node().last_us() > 0; }));
  letter(second_us * 3 / 2, 9);
  letter(second_us * 3 / 2, 10);
  send(2 * second_us, 10);
  ASSERT_TRUE(wait_until([&] { return view_of.subtitle().startsWith(QStringLiteral("2 seen of 10: the others came before the dashboard · 2 in the last 60 s")); })) << qPrintable(view_of.subtitle());
  const auto& tile = view<KpiStrip>(window, "kpi").tile(KpiStrip::dead_letters)->content();
  ASSERT_TRUE(wait_until([&] { return tile.value == QStringLiteral("10") && tile.note == QStringLiteral("2 in 60 s"); })) << qPrintable(tile.value + u' ' + tile.note);
  // A counter that is a moment ahead of its letter is none that came before.
  node.send(encode([] { auto other = small_hello(); other.started_us += 1; return other; }()));
  send(3 * second_us, 0);
  ASSERT_TRUE(wait_until([&] { return view_of.subtitle().startsWith(QStringLiteral("0 seen · 0 in")); })) << qPrintable(view_of.subtitle());
  send(4 * second_us, 1);
  ASSERT_TRUE(wait_until([&] { return tile.value == QStringLiteral("1"); }));
  EXPECT_TRUE(view_of.subtitle().startsWith(QStringLiteral("0 seen · 0 in"))) << qPrintable(view_of.subtitle());
}

TEST(Window, WhatIsNotKnownIsADashAndNotZero) {
  const auto says_zero = [](MainWindow& window) {
    QStringList said;
    for (const auto* name : {"topology", "mailboxes", "throughput", "ordering", "supervision", "dead-letters", "trace", "cluster"})
      if (window.view(name)->subtitle().contains(QRegularExpression(QStringLiteral("\\b(0|no) (shards|stages|seen|restarts)")))) said.append(window.view(name)->subtitle());
    for (const auto* chip : window.view("ordering")->findChildren<KindChip*>())
      if (chip->accessibleName().contains(QRegularExpression(QStringLiteral("\\b0\\b")))) said.append(chip->accessibleName());
    for (int at = 0; at < KpiStrip::nodes; ++at) {
      const auto& content = view<KpiStrip>(window, "kpi").tile(static_cast<KpiStrip::Tile>(at))->content();
      if (content.value != QStringLiteral("–") || content.note.contains(QRegularExpression(QStringLiteral("none|calm|all empty")))) said.append(content.value + u' ' + content.note);
    }
    return said.join(QStringLiteral(" | "));
  };
  MainWindow window;
  window.show();
  const auto settle = [&] { for (const auto* name : {"ordering", "mailboxes"}) { window.view(name)->grab(); QApplication::processEvents(); } };
  settle();
  EXPECT_EQ(says_zero(window), QString()) << "no node";
  FakeNode node;  // it greets, and says nothing more
  ASSERT_TRUE(watch_until_known(window.context(), node));
  settle();
  for (const auto* chip : window.view("ordering")->findChildren<KindChip*>()) EXPECT_TRUE(chip->accessibleName().contains(QStringLiteral("–"))) << qPrintable(chip->accessibleName());
  EXPECT_FALSE(view<KpiStrip>(window, "kpi").tile(KpiStrip::disorder)->content().note.contains(QStringLiteral("calm")));
}

TEST_F(Dashboard, DeadLettersAreRetriedByOperatorsOfLiveNodesOnly) {
  window.raise_view("dead-letters");
  auto& letters = view<DeadLettersView>(window, "dead-letters");
  ASSERT_TRUE(wait_until([&] { return letters.model().rowCount() > 0; }));
  letters.table()->setCurrentIndex(letters.model().index(0, 0));
  EXPECT_EQ(window.context().selection.shard(), letters.model().letter(0).shard);
  EXPECT_FALSE(letters.retry_button()->isEnabled());
  EXPECT_FALSE(letters.retry_button()->toolTip().isEmpty()) << "and says why";
}

// A node as far as one POST goes, beside a WebSocket that greets as an operator's node.
TEST(DeadLetters, AnOperatorRetriesAfterAWordOfConfirmation) {
  QWebSocketServer telemetry(QStringLiteral("node"), QWebSocketServer::NonSecureMode);
  QTcpServer both;  // one port, as a node has it: an upgrade goes to the WebSocket server, a POST is answered here
  ASSERT_TRUE(both.listen(QHostAddress::LocalHost));
  QByteArray request;
  int requests = 0;
  QObject::connect(&both, &QTcpServer::newConnection, [&] {
    auto* socket = both.nextPendingConnection();
    auto* seen = new QByteArray;
    QObject::connect(socket, &QObject::destroyed, [seen] { delete seen; });
    QObject::connect(socket, &QTcpSocket::readyRead, [&, socket, seen] {
      const auto peeked = socket->peek(4'096);
      if (peeked.startsWith("GET /telemetry")) {
        socket->disconnect();
        return telemetry.handleConnection(socket), Q_EMIT socket->readyRead();
      }
      *seen += socket->readAll();
      if (!seen->contains("\r\n\r\n") || !seen->contains("}")) return;
      request = *seen;
      ++requests;
      const QByteArray body = "{\"retried\":1}";
      socket->write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " + QByteArray::number(body.size()) + "\r\n\r\n" + body);
      socket->disconnectFromHost();
    });
  });
  std::unique_ptr<QWebSocket> client;
  QObject::connect(&telemetry, &QWebSocketServer::newConnection, [&] {
    client.reset(telemetry.nextPendingConnection());
    client->sendBinaryMessage(encode(small_hello()));
    client->sendBinaryMessage(encode(small_gauges(second_us, 100)));
    Event event;
    event.id = 1;
    event.at_us = test_begin_us + second_us;
    event.kind = EventKind::dead_letter;
    event.shard = 1;
    event.letter = QStringLiteral("work/0:17");
    event.reason_kind = QStringLiteral("rejected");
    EventList list;
    list.events = {event};
    client->sendBinaryMessage(encode(list));
  });
  MainWindow window;
  window.show();
  window.raise_view("dead-letters");
  ASSERT_EQ(window.watch(QStringLiteral("127.0.0.1:%1").arg(both.serverPort())), QString());
  auto& letters = view<DeadLettersView>(window, "dead-letters");
  ASSERT_TRUE(wait_until([&] { return letters.model().rowCount() == 1; }));
  letters.table()->setCurrentIndex(letters.model().index(0, 0));
  ASSERT_TRUE(letters.retry_button()->isEnabled()) << qPrintable(letters.retry_button()->toolTip());
  int asked = 0;
  letters.confirm = [&](const QString&) { return ++asked > 1; };
  QTest::mouseClick(letters.retry_button(), Qt::LeftButton);
  QTest::mouseClick(letters.retry_button(), Qt::LeftButton);
  ASSERT_TRUE(wait_until([&] { return letters.model().marked(QStringLiteral("work/0:17")) == QStringLiteral("retried"); }));
  EXPECT_TRUE(request.startsWith("POST /api/v1/dead-letters/retry ")) << request.constData();
  EXPECT_TRUE(request.endsWith("{\"ids\":[\"work/0:17\"]}")) << request.constData();
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(requests, 1) << "the first time a person said no";
  EXPECT_FALSE(letters.retry_button()->isEnabled()) << "not twice";
}

TEST_F(Dashboard, SupervisionShowsRestartsAndOpensWhatFails) {
  window.raise_view("supervision");
  auto& supervision = view<SupervisionView>(window, "supervision");
  window.context().range.set_live();
  supervision.model().refresh();
  auto& model = supervision.model();
  EXPECT_FALSE(model.marks(model.shard_index(shard("agg-1/5"))).empty());
  EXPECT_TRUE(model.marks(model.shard_index(shard("agg-1/6"))).empty());
  for (auto* button : window.findChildren<QToolButton*>()) if (button->text() == QStringLiteral("open failing")) QTest::mouseClick(button, Qt::LeftButton);
  EXPECT_TRUE(supervision.tree()->isExpanded(model.stage_index(context_stage("agg-1"))));
  EXPECT_FALSE(supervision.tree()->isExpanded(model.stage_index(context_stage("agg-0"))));
}

TEST_F(Dashboard, ClusterSelectsTheShardThatIsClicked) {
  window.raise_view("cluster");
  auto& cluster = view<ClusterView>(window, "cluster");
  QApplication::processEvents();
  const int wanted = shard("agg-2/7");
  QTest::mouseClick(&cluster, Qt::LeftButton, {}, cluster.cell(wanted).center());
  EXPECT_EQ(window.context().selection.shard(), wanted);
  QTest::keyClick(&cluster, Qt::Key_Right);
  EXPECT_EQ(window.context().selection.shard(), wanted + 1);
}

TEST_F(Dashboard, ViewsAreExportedAsPictureAndRows) {
  QTemporaryDir folder;
  for (auto* each : window.views()) {
    if (each->size().isEmpty()) continue;
    const auto path = folder.filePath(each->objectName() + QStringLiteral(".png"));
    ASSERT_EQ(export_view(*each, path), QString());
    EXPECT_FALSE(QImage(path).isNull());
  }
  const auto path = folder.filePath(QStringLiteral("mailboxes.csv"));
  ASSERT_EQ(export_view(*window.view("mailboxes"), path), QString());
  QFile file(path);
  ASSERT_TRUE(file.open(QIODevice::ReadOnly));
  const auto lines = file.readAll().split('\n');
  EXPECT_EQ(lines.size(), 177) << "header, 175 shards, the empty end";
  EXPECT_TRUE(lines[0].startsWith("actor,fill,depth"));
  EXPECT_FALSE(export_view(*window.view("mailboxes"), QStringLiteral("/nowhere/x.csv")).isEmpty());
  EXPECT_EQ(export_path(QStringLiteral("/x/mailboxes.png"), true), QStringLiteral("/x/mailboxes.csv")) << "rows were chosen, the proposed name was left";
  EXPECT_EQ(export_path(QStringLiteral("/x/now"), false), QStringLiteral("/x/now.png"));
  EXPECT_EQ(export_path(QStringLiteral("/x/v1.2"), true), QStringLiteral("/x/v1.2.csv"));
  EXPECT_EQ(export_path(QStringLiteral("/x/A.PNG"), false), QStringLiteral("/x/A.PNG"));
  EXPECT_EQ(csv({{QStringLiteral("a,b"), QStringLiteral("say \"x\"")}}), QByteArray("\"a,b\",\"say \"\"x\"\"\"\r\n"));
}

TEST_F(Dashboard, EachControlHasANameForThoseWhoDoNotSee) {
  for (auto* each : window.findChildren<QWidget*>()) {
    const bool control = qobject_cast<QAbstractButton*>(each) || qobject_cast<QAbstractItemView*>(each) || qobject_cast<QLineEdit*>(each) || qobject_cast<QComboBox*>(each) || qobject_cast<View*>(each);
    if (!control || each->objectName().startsWith(QStringLiteral("qt_")) || qobject_cast<QLineEdit*>(each->parentWidget()) || qobject_cast<QHeaderView*>(each) || qobject_cast<QTabBar*>(each->parentWidget())) continue;
    if (each->inherits("QTableCornerButton") || each->metaObject()->className() == std::string("QToolBarExtension")) continue;
    const auto* button = qobject_cast<QAbstractButton*>(each);
    EXPECT_FALSE(each->accessibleName().isEmpty() && !(button && !button->text().isEmpty())) << each->metaObject()->className() << " " << qPrintable(each->objectName()) << " in " << each->parentWidget()->metaObject()->className();
  }
}

// Everything that the keyboard can reach, in the window and in each dialog: as a screen reader would say it.
TEST_F(Dashboard, WhateverCanHaveTheFocusHasANameForScreenReaders) {
  window.watch(QStringLiteral("127.0.0.1:9"));  // nobody: the banner with its button
  ASSERT_TRUE(wait_until([&] { return window.banner_text().contains(QStringLiteral("Trying again")); }));
  window.context().show(0);
  window.context().filters.add({Filter::Field::actor, QStringLiteral("enrich"), false});
  for (const char* name : {"supervision", "cluster", "dead-letters", "trace", "mailboxes"}) {
    window.raise_view(name);
    QApplication::processEvents();
  }
  FindDialog find(window.context(), &window);
  FilterDialog filter(window.context(), &window);
  ConnectDialog connect(&window);
  KeysDialog keys(&window);
  int controls = 0;
  for (QWidget* root : std::initializer_list<QWidget*>{&window, &find, &filter, &connect, &keys}) {
    for (auto* each : root->findChildren<QWidget*>()) {
      if (each->window() != root || each->focusPolicy() == Qt::NoFocus || each->isHidden()) continue;
      if (each->focusProxy() || qobject_cast<QScrollBar*>(each) || each->objectName().startsWith(QStringLiteral("qt_"))) continue;
      auto* interface = QAccessible::queryAccessibleInterface(each);
      ASSERT_TRUE(interface);
      EXPECT_FALSE(interface->text(QAccessible::Name).trimmed().isEmpty()) << each->metaObject()->className() << " \"" << qPrintable(each->objectName()) << "\" in " << each->parentWidget()->metaObject()->className() << " of " << qPrintable(root->objectName());
      ++controls;
    }
  }
  EXPECT_GT(controls, 60);
}

TEST_F(Dashboard, TabGoesThroughEveryControlAndComesRound) {
  window.activateWindow();
  auto* first = window.findChild<QToolButton*>(QStringLiteral("button-pause"));
  first->setFocus();
  QSet<QWidget*> seen;
  for (int step = 0; step < 300; ++step) {
    auto* focus = QApplication::focusWidget();
    ASSERT_TRUE(focus);
    if (seen.contains(focus) && focus == first) break;
    seen.insert(focus);
    QTest::keyClick(focus, Qt::Key_Tab);
  }
  EXPECT_EQ(QApplication::focusWidget(), first) << "it comes round: no view keeps the keyboard";
  for (auto* view : window.views())
    if (view->isVisible() && !view->visibleRegion().isEmpty()) {
      EXPECT_TRUE(std::any_of(seen.begin(), seen.end(), [&](QWidget* each) { return each == view || view->isAncestorOf(each); })) << qPrintable(view->objectName()) << " is not reached";
    }
}

TEST_F(Dashboard, EveryShortcutIsInTheListOfKeys) {
  QString listed;
  for (const auto& [keys, does] : key_help()) listed += QStringLiteral(", ") + keys + u',';
  int shortcuts = 0;
  for (auto* action : window.findChildren<QAction*>())
    for (const auto& keys : action->shortcuts()) {
      ++shortcuts;
      EXPECT_TRUE(listed.contains(QStringLiteral(" %1,").arg(keys.toString()))) << qPrintable(keys.toString()) << " " << qPrintable(action->text());
    }
  EXPECT_GE(shortcuts, 14);
  bool opened = false;
  QTimer::singleShot(0, [&] {
    if (auto* dialog = QApplication::activeModalWidget()) {
      opened = dialog->objectName() == QStringLiteral("keys-dialog");
      dialog->close();
    }
  });
  QTest::keyClick(&window, Qt::Key_F1);
  EXPECT_TRUE(opened);
}

TEST(Remembered, TheThemeTheLayoutAndTheAddressesAreThereTheNextTime) {
  QSettings().clear();
  {
    MainWindow window(true);
    window.show();
    ASSERT_TRUE(Theme::get().dark());
    QTest::mouseClick(window.findChild<QToolButton*>(QStringLiteral("button-theme")), Qt::LeftButton);
    EXPECT_FALSE(Theme::get().dark());
    ASSERT_EQ(window.watch(QStringLiteral("localhost:7979")), QString());
    window.findChild<QDockWidget*>(QStringLiteral("ordering-dock"))->hide();
    window.close();
  }
  EXPECT_FALSE(QSettings().value(QStringLiteral("dark"), true).toBool()) << "mailroom-dashboard starts with it";
  MainWindow window(true);
  window.show();
  EXPECT_TRUE(window.findChild<QDockWidget*>(QStringLiteral("ordering-dock"))->isHidden());
  const ConnectDialog dialog(&window);
  EXPECT_EQ(dialog.field()->itemText(0), QStringLiteral("localhost:7979"));
  Theme::get().apply(true);
  QSettings().clear();
}

// A long pipeline is seen whole: no stage is outside, none lies over another.
TEST(Topology, ALongPipelineIsSeenWholeInAWindowOf1280) {
  auto hello = small_hello();
  hello.stages.resize(1);
  hello.shards = {{0, 0}};
  hello.edges.clear();
  for (int at = 1; at < 13; ++at) {
    StageInfo stage;
    stage.name = QStringLiteral("payment_results_%1").arg(at);
    stage.kind = StageKind::actor;
    stage.shards = 1;
    stage.capacity = 100;
    hello.stages.push_back(stage);
    hello.shards.push_back({at, 0});
    hello.edges.push_back({at - 1, at, {QStringLiteral("Event")}, false});
    if (at > 2) hello.edges.push_back({at, at - 2, {QStringLiteral("Event")}, true});
  }
  FakeNode node;
  node.on_connect = [&](QWebSocket& client) { client.sendBinaryMessage(encode(hello)); };
  MainWindow window;
  window.resize(1280, 800);
  window.show();
  ASSERT_EQ(window.watch(QStringLiteral("127.0.0.1:%1").arg(node.port())), QString());
  ASSERT_TRUE(wait_until([&] { return window.context().node().known(); }));
  auto& topology = view<TopologyView>(window, "topology");
  const auto whole = topology.canvas()->viewport()->rect();
  ASSERT_TRUE(wait_until([&] { return topology.stage_rect(12).right() <= whole.right() + 1; })) << topology.stage_rect(12).right() << " of " << whole.right();
  for (int at = 0; at < 13; ++at) {
    const auto rect = topology.stage_rect(at);
    EXPECT_TRUE(whole.adjusted(-1, -1, 1, 1).contains(rect)) << at;
    EXPECT_GE(rect.width(), 20);
    if (at > 0) { EXPECT_FALSE(rect.intersects(topology.stage_rect(at - 1))) << at; }
  }
}

TEST_F(Dashboard, TheLayoutComesBack) {
  const auto state = window.saveState(1);
  auto* dock = window.findChild<QDockWidget*>(QStringLiteral("ordering-dock"));
  dock->hide();
  window.reset_layout();
  EXPECT_FALSE(dock->isHidden());
  EXPECT_TRUE(window.restoreState(state, 1));
}

TEST(Calm, ACalmRunHasNoCulprits) {
  MainWindow window;
  fill(window, generated(120, false, false));
  auto& kpis = view<KpiStrip>(window, "kpi");
  EXPECT_EQ(kpis.tile(KpiStrip::disorder)->content().note, QStringLiteral("calm"));
  EXPECT_EQ(kpis.tile(KpiStrip::dead_letters)->content().value, QStringLiteral("0"));
}

TEST(Empty, NothingIsKnownAndNothingIsShownAsZero) {
  MainWindow window;
  window.show();
  QApplication::processEvents();
  auto& kpis = view<KpiStrip>(window, "kpi");
  for (int tile = 0; tile < KpiStrip::tile_count; ++tile) EXPECT_EQ(kpis.tile(static_cast<KpiStrip::Tile>(tile))->content().value, QStringLiteral("–"));
  EXPECT_FALSE(window.grab().isNull());
}

TEST(Nodes, SeveralAreWatchedSideBySide) {
  MainWindow window;
  fill(window, generated(30));
  auto calm = generated(30, false, false);
  calm.stages = 4;
  calm.shards = 8;
  window.context().watch(Source::generator(calm));
  ASSERT_TRUE(wait_until([&] { return window.context().node().link().state == LinkState::complete; }));
  EXPECT_EQ(window.context().node().shard_count(), 8);
  auto* tabs = window.findChild<QTabBar*>(QStringLiteral("nodes"));
  ASSERT_TRUE(tabs->isVisible());
  EXPECT_EQ(tabs->count(), 2);
  tabs->setCurrentIndex(0);
  EXPECT_EQ(window.context().node().shard_count(), 175);
  window.context().close(0);
  EXPECT_EQ(window.context().node().shard_count(), 8);
  EXPECT_FALSE(tabs->isVisible());
}

TEST(Connect, AddressesAreReadOrRefusedWithAReason) {
  EXPECT_EQ(std::get<NodeAddress>(parse_address(QStringLiteral("127.0.0.1:7070"))).url.toString(), QStringLiteral("ws://127.0.0.1:7070/telemetry"));
  EXPECT_EQ(std::get<NodeAddress>(parse_address(QStringLiteral("7070"))).url.authority(), QStringLiteral("127.0.0.1:7070"));
  EXPECT_EQ(std::get<NodeAddress>(parse_address(QStringLiteral("https://node.example:7070"))).url.toString(), QStringLiteral("wss://node.example:7070/telemetry"));
  for (const char* bad : {"", "node", "ftp://node:1", "ws://:80", "a b:3"}) EXPECT_TRUE(std::holds_alternative<QString>(parse_address(QString::fromLatin1(bad)))) << bad;
  EXPECT_TRUE(std::holds_alternative<QString>(parse_address(QStringLiteral("ws://node.example:7070"), QStringLiteral("secret")))) << "no token in the clear";
  QTemporaryDir folder;
  QSettings settings(folder.filePath(QStringLiteral("s.ini")), QSettings::IniFormat);
  const auto remember = [&](const QString& address, const TlsFiles& tls = {}) {
    auto parsed = std::get<NodeAddress>(parse_address(address, QStringLiteral("secret")));
    parsed.tls = tls;
    remember_address(settings, parsed);
  };
  const TlsFiles tls{QStringLiteral("ca.pem"), QStringLiteral("me.pem"), QStringLiteral("me.key")};
  for (int at = 0; at < 12; ++at) remember(QStringLiteral("wss://n%1:1").arg(at), tls);
  remember(QStringLiteral("wss://n5:1"));
  EXPECT_EQ(recent_addresses(settings).size(), 10);
  EXPECT_EQ(recent_addresses(settings).front(), QStringLiteral("wss://n5:1"));
  EXPECT_EQ(recent_tls(settings, QStringLiteral("wss://n7:1")), tls);
  EXPECT_EQ(recent_tls(settings, QStringLiteral("wss://n5:1")), TlsFiles()) << "this time without";
  EXPECT_EQ(recent_tls(settings, QStringLiteral("wss://n0:1")), TlsFiles()) << "forgotten with its address";
  EXPECT_FALSE(QString::fromUtf8([&] { settings.sync(); QFile file(settings.fileName()); EXPECT_TRUE(file.open(QIODevice::ReadOnly)); return file.readAll(); }()).contains(QStringLiteral("secret")));
  EXPECT_TRUE(std::holds_alternative<QString>(parse_address(QStringLiteral("127.0.0.1:7070"), {}, tls))) << "certificates without TLS";
}

}  // namespace
}  // namespace mailroom::dashboard
