// Sources: session files whole, cut and damaged; a node that is silent, killed, back again, or lies.
#include <QTemporaryDir>
#include <QWebSocket>
#include <QWebSocketServer>

#include "dashboard/source/generator_feed.hpp"
#include "tests/dashboard/help.hpp"

namespace mailroom::dashboard {
namespace {

// A node as far as a WebSocket goes.
class FakeNode : public QObject {
 public:
  explicit FakeNode(quint16 port = 0) : server_(QStringLiteral("node"), QWebSocketServer::NonSecureMode) {
    EXPECT_TRUE(server_.listen(QHostAddress::LocalHost, port));
    connect(&server_, &QWebSocketServer::newConnection, this, [this] {
      client.reset(server_.nextPendingConnection());
      ++clients;
      if (on_connect) on_connect(*client);
    });
  }
  ~FakeNode() override {
    if (client) client->abort();
    client.reset();
    server_.close();
  }
  [[nodiscard]] quint16 port() const { return server_.serverPort(); }
  [[nodiscard]] NodeAddress address() const { return {QUrl(QStringLiteral("ws://127.0.0.1:%1/telemetry").arg(port())), {}, {}}; }
  void send(const QByteArray& bytes) { if (client) client->sendBinaryMessage(bytes); }
  std::unique_ptr<QWebSocket> client;
  int clients = 0;
  std::function<void(QWebSocket&)> on_connect;

 private:
  QWebSocketServer server_;
};

TEST(Session, WhatWasWrittenIsReadAndIndexedByTheSecond) {
  QTemporaryDir folder;
  const auto path = folder.filePath(QStringLiteral("a.mailroom-session"));
  ASSERT_EQ(write_generated_session(path, generated(0), 20 * second_us), QString());
  SessionReader reader(path);
  ASSERT_EQ(reader.error(), QString());
  EXPECT_TRUE(reader.indexed());
  const auto index = reader.index();
  EXPECT_EQ(index.size(), 20u);
  FrameDecoder decoder;
  int frames = 0, full = 0;
  while (auto record = reader.next()) {
    auto decoded = decoder.decode(record->bytes);
    ASSERT_FALSE(std::holds_alternative<BadFrame>(decoded));
    if (auto* gauges = std::get_if<Gauges>(&std::get<Frame>(decoded)); gauges && gauges->full) {
      EXPECT_EQ(record->at_us, index[static_cast<std::size_t>(full++)].first);
    }
    ++frames;
  }
  EXPECT_EQ(full, 20);
  EXPECT_GT(frames, 400);
  EXPECT_EQ(reader.error(), QString());
}

TEST(Session, OneThatIsCutShortIsReadUpToThere) {
  QTemporaryDir folder;
  const auto path = folder.filePath(QStringLiteral("a.mailroom-session"));
  ASSERT_EQ(write_generated_session(path, generated(0), 5 * second_us), QString());
  QFile file(path);
  const auto count = [&] {
    SessionReader reader(path);
    EXPECT_EQ(reader.error(), QString());
    int frames = 0;
    while (reader.next()) ++frames;
    return frames;
  };
  const int all = count();
  ASSERT_TRUE(file.resize(file.size() - 400));  // the index, and the end of the last frame
  EXPECT_GE(count(), all - 2);
  ASSERT_TRUE(file.resize(file.size() / 2));
  EXPECT_GT(count(), all / 4);
}

TEST(Session, OneThatIsNoneSaysSo) {
  QTemporaryDir folder;
  const auto path = folder.filePath(QStringLiteral("a.mailroom-session"));
  QFile file(path);
  ASSERT_TRUE(file.open(QIODevice::WriteOnly));
  file.write("%PDF-1.4 and so on");
  file.close();
  Context context;
  context.watch(Source::session(path));
  ASSERT_TRUE(wait_until([&] { return context.node().link().state == LinkState::failed; }));
  EXPECT_TRUE(context.node().link().text.contains(QStringLiteral("no recorded session"))) << qPrintable(context.node().link().text);
}

TEST(Session, WhatIsRecordedReplaysAsItWas) {
  QTemporaryDir folder;
  const auto path = folder.filePath(QStringLiteral("live.mailroom-session"));
  FakeNode node;
  node.on_connect = [&](QWebSocket& client) { client.sendBinaryMessage(encode(small_hello())); };
  Context live;
  live.watch(Source::live(node.address()));
  ASSERT_TRUE(wait_until([&] { return live.node().known(); }));
  live.source()->record(path);
  ASSERT_TRUE(wait_until([&] { return !live.node().recording().isEmpty(); }));
  for (int at = 1; at <= 100; ++at) {
    auto gauges = small_gauges(at * 50'000, at * 100, at % 50);
    if (at > 1) gauges.shards.resize(2);  // shard 2 does not change: only full frames name it
    node.send(encode(gauges));
  }
  EventList list;
  Event event;
  event.id = 1;
  event.at_us = test_begin_us + 3 * second_us;
  event.kind = EventKind::late;
  event.shard = 1;
  event.key = QStringLiteral("k");
  list.events = {event};
  node.send(encode(list));
  ASSERT_TRUE(wait_until([&] { return live.node().events().added() == 1; }));
  live.source()->stop_recording();
  ASSERT_TRUE(wait_until([&] { return live.node().recording().isEmpty(); }));
  Context replayed;
  replayed.watch(Source::session(path));
  ASSERT_TRUE(wait_until([&] { return replayed.node().link().state == LinkState::complete; }));
  EXPECT_EQ(replayed.node().hello().topology, QStringLiteral("small"));
  EXPECT_EQ(replayed.node().row(1)[ShardColumn::in], 10'000);
  EXPECT_EQ(replayed.node().row(2)[ShardColumn::depth], 0);
  ASSERT_EQ(replayed.node().events().all().size(), 1u);
  EXPECT_EQ(replayed.node().events().all().front().key, QStringLiteral("k"));
  EXPECT_TRUE(SessionReader(path).indexed());
}

TEST(Live, ANodeKilledIsToldAndFoundAgain) {
  MainWindow window;
  window.show();
  auto node = std::make_unique<FakeNode>();
  const auto address = node->address();
  const auto greet = [](QWebSocket& client) {
    client.sendBinaryMessage(encode(small_hello()));
    client.sendBinaryMessage(encode(small_gauges(second_us, 100)));
  };
  node->on_connect = greet;
  window.context().watch(Source::live(address));
  ASSERT_TRUE(wait_until([&] { return window.context().node().link().state == LinkState::live && window.context().node().last_us() > 0; }));
  EXPECT_EQ(window.banner_text(), QString());
  node.reset();
  ASSERT_TRUE(wait_until([&] { return window.context().node().stale() && window.banner_text().contains(QStringLiteral("old")); }));
  EXPECT_TRUE(window.context().node().known()) << "what was known stays to be looked at";
  node = std::make_unique<FakeNode>(static_cast<quint16>(address.url.port()));
  node->on_connect = greet;
  ASSERT_TRUE(wait_until([&] { return window.context().node().link().state == LinkState::live && window.banner_text().isEmpty(); }));
}

TEST(Live, ANodeThatIsStoppedIsSilentAndSaidSo) {
  MainWindow window;
  window.show();
  FakeNode node;
  node.on_connect = [](QWebSocket& client) {
    client.sendBinaryMessage(encode(small_hello()));
    client.sendBinaryMessage(encode(small_gauges(second_us, 100)));
  };
  window.context().watch(Source::live(node.address()));
  ASSERT_TRUE(wait_until([&] { return window.context().node().link().state == LinkState::stale; }));
  ASSERT_TRUE(wait_until([&] { return window.banner_text().contains(QStringLiteral("silent")); }));
  EXPECT_EQ(node.clients, 1) << "it is waited for, not hammered";
  node.send(encode(small_gauges(2 * second_us, 200)));
  ASSERT_TRUE(wait_until([&] { return window.context().node().link().state == LinkState::live && window.banner_text().isEmpty(); }));
}

TEST(Live, ANodeThatLiesIsToldAndLeft) {
  MainWindow window;
  window.show();
  FakeNode node;
  node.on_connect = [](QWebSocket& client) { client.sendBinaryMessage(encode(small_hello())); };
  window.context().watch(Source::live(node.address()));
  ASSERT_TRUE(wait_until([&] { return window.context().node().known(); }));
  auto lie = small_gauges(second_us, 100);
  lie.shards[0].index = 9'999;
  node.send(encode(lie));
  node.send(encode(small_gauges(2 * second_us, 200)));
  ASSERT_TRUE(wait_until([&] { return window.banner_text().contains(QStringLiteral("index 9999, but hello named 3")); }));
  EXPECT_EQ(window.context().node().row(1)[ShardColumn::in], 200) << "the honest frame counts";
  for (int at = 0; at < 30; ++at) node.send(QByteArray(1'000, static_cast<char>(0x80 + at)));
  ASSERT_TRUE(wait_until([&] { return node.clients >= 2; })) << "left, and tried again";
}

TEST(Live, NobodyThereIsToldWithTheNextTry) {
  MainWindow window;
  window.show();
  NodeAddress nobody;
  {
    FakeNode node;
    nobody = node.address();
  }
  window.context().watch(Source::live(nobody));
  ASSERT_TRUE(wait_until([&] { return window.banner_text().contains(QStringLiteral("Trying again in")); }));
  EXPECT_FALSE(window.context().node().known());
  window.context().close(0);  // while it waits
  EXPECT_EQ(window.context().shown_index(), -1);
}

TEST(Exchange, OneBatchIsUnderWayAndTheRestIsConflated) {
  QObject receiver;
  int delivered = 0;
  std::size_t gauges = 0, events = 0;
  auto exchange = std::make_shared<Exchange>(&receiver, [&](const std::shared_ptr<const Batch>& batch) {
    ++delivered;
    gauges += batch->gauges.size();
    events += batch->events.size();
  });
  Intake intake(exchange, 0);
  intake.frame(encode(small_hello()), 0);
  EventList list;
  Event event;
  event.id = 1;
  event.at_us = test_begin_us;
  event.shard = 1;
  event.kind = EventKind::late;
  list.events = {event};
  for (int at = 0; at < 1'000; ++at) {
    intake.frame(encode(small_gauges(at * 1'000, at)), 0);
    intake.frame(encode(list), 0);
    intake.flush();
  }
  QApplication::processEvents();
  intake.flush();
  QApplication::processEvents();
  EXPECT_EQ(delivered, 2);
  EXPECT_EQ(gauges, 2u) << "gauges may be conflated";
  EXPECT_EQ(events, 1'000u) << "events never";
  intake.frame(encode(list), 0);
  intake.flush();
  exchange->detach();
  QApplication::processEvents();
  EXPECT_EQ(delivered, 2) << "nothing comes after the receiver is gone";
}

}  // namespace
}  // namespace mailroom::dashboard
