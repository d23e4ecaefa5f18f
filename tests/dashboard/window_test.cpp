// What a person does: find, filter, pause, scrub, drill, pin, export, retry; with mouse and keys.
#include <QAbstractButton>
#include <QAbstractSpinBox>
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
#include <QWebSocket>
#include <QWebSocketServer>

#include "dashboard/shell/connect_dialog.hpp"
#include "dashboard/shell/export.hpp"
#include "dashboard/shell/filter_bar.hpp"
#include "dashboard/views/cluster_view.hpp"
#include "dashboard/views/dead_letters_view.hpp"
#include "dashboard/views/kpi_strip.hpp"
#include "dashboard/views/mailboxes_view.hpp"
#include "dashboard/views/supervision_view.hpp"
#include "dashboard/views/topology_view.hpp"
#include "tests/dashboard/help.hpp"

namespace mailroom::dashboard {
namespace {

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
  for (int at = 0; at < 12; ++at) remember_address(settings, QStringLiteral("n%1:1").arg(at));
  remember_address(settings, QStringLiteral("n5:1"));
  EXPECT_EQ(recent_addresses(settings).size(), 10);
  EXPECT_EQ(recent_addresses(settings).front(), QStringLiteral("n5:1"));
}

}  // namespace
}  // namespace mailroom::dashboard
