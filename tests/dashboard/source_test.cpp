// Sources: session files whole, cut and damaged; a node that is silent, killed, back again, or lies.
#include <QTcpServer>
#include <QTcpSocket>
#include <QTemporaryDir>
#include <random>

#include "dashboard/source/generator_feed.hpp"
#include "tests/dashboard/fake_node.hpp"

namespace mailroom::dashboard {
namespace {

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
  Context live;
  ASSERT_TRUE(watch_until_known(live, node));
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
  ASSERT_TRUE(wait_until([&] { return window.context().node().stale() && window.banner_text().contains(QStringLiteral("Not connected: what you see is of")); }));
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
  ASSERT_TRUE(watch_until_known(window.context(), node));
  auto lie = small_gauges(second_us, 100);
  lie.shards[0].index = 9'999;
  node.send(encode(lie));
  node.send(encode(small_gauges(2 * second_us, 200)));
  ASSERT_TRUE(wait_until([&] { return window.banner_text().contains(QStringLiteral("index 9999, but hello named 3")); }));
  EXPECT_EQ(window.context().node().row(1)[ShardColumn::in], 200) << "the honest frame counts";
  for (int at = 0; at < 30; ++at) node.send(QByteArray(1'000, static_cast<char>(0x80 + at)));
  ASSERT_TRUE(wait_until([&] { return node.clients >= 2; })) << "left, and tried again";
}

// Twenty thousand frames of a node that lies, among honest ones so that it is not left for it, while every view is looked at:
// damaged bytes, and well-formed frames with figures and times that cannot be.
TEST(Live, TwentyThousandLiesLeaveTheWindowUpAndTheTruthShown) {
  // Others: --gtest_shuffle --gtest_random_seed=N
  std::mt19937_64 random(20'251'125u + static_cast<unsigned>(::testing::UnitTest::GetInstance()->random_seed()));
  const auto number = [&]() -> std::int64_t {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    const std::int64_t odd[] = {0, 1, -1, 99, 100, 1 << 20, most, most - 1, std::numeric_limits<std::int64_t>::min(), test_begin_us, -test_begin_us, test_begin_us + 7 * second_us};
    return odd[random() % std::size(odd)];
  };
  MainWindow window;
  window.resize(1280, 800);
  window.show();
  FakeNode node;
  ASSERT_TRUE(watch_until_known(window.context(), node));
  const auto& model = window.context().node();
  Micros now = second_us;
  int sent = 0, damaged = 0;
  for (int round = 0; round < 200; ++round) {
    for (int each = 0; each < 100; ++each, ++sent) {
      QByteArray bytes;
      switch (random() % 5) {
        case 0: {
          auto gauges = small_gauges(now, 100);
          gauges.wall_us = random() % 3 == 0 ? number() : gauges.wall_us;
          gauges.uptime_us = number();
          for (auto& row : gauges.shards)
            for (auto& value : row.values) value = random() % 2 == 0 ? number() : value;
          for (auto& row : gauges.edges)
            for (auto& value : row.values) value = number();
          bytes = encode(gauges);
          break;
        }
        case 1: {
          Event event;
          event.id = number();
          event.at_us = random() % 2 == 0 ? number() : test_begin_us + now;
          event.kind = static_cast<EventKind>(random() % 18);
          event.shard = static_cast<int>(random() % 3);
          event.from = static_cast<int>(random() % 3);
          event.key = QString(static_cast<int>(random() % 3'000), QChar(static_cast<char16_t>(random() % 0xD800)));
          event.text = QStringLiteral("<b>%1</b>\n").arg(QString(100, u'\u202E'));
          event.trace = QString::number(random() % 7, 16);
          event.sequence = event.first = number();
          event.last = event.highest = event.left = event.count = event.attempt = number();
          event.belonged_us = event.first_us = event.delay_us = number();
          EventList list;
          list.dropped = number();
          list.events = {event};
          bytes = encode(list);
          break;
        }
        case 2: {
          Span span;
          span.trace = QString::number(random() % 7, 16);
          span.shard = static_cast<int>(random() % 3);
          span.from = static_cast<int>(random() % 3);
          span.attempt = number();
          span.entered_us = number();
          span.started_us = number();
          span.ended_us = number();
          span.outcome = static_cast<Outcome>(random() % 7);
          SpanList list;
          list.spans = {span};
          bytes = encode(list);
          break;
        }
        default: {
          bytes = random() % 2 == 0 ? encode(small_gauges(now, 100)) : encode(small_hello());
          for (auto flips = 1 + random() % 8; flips > 0; --flips) bytes[static_cast<qsizetype>(random() % static_cast<std::size_t>(bytes.size()))] = static_cast<char>(random());
          ++damaged;
        }
      }
      node.send(bytes);
      // A node that only lies is left: see above.
      if (each % 10 == 9) node.send(encode(small_hello()));
    }
    now += second_us / 4;
    node.send(encode(small_gauges(now, 1'000 + round)));
    constexpr const char* views[] = {"mailboxes", "supervision", "cluster", "dead-letters", "trace"};
    window.raise_view(views[round % 5]);
    if (round % 7 == 0 && model.shard_count() > 1) window.context().selection.select_shard(model.stage_of(1), 1);
    if (round % 11 == 0 && !model.traces().traces().empty()) window.context().selection.select_trace(model.traces().traces().back());
    if (round % 13 == 0) window.context().selection.clear();
    QApplication::processEvents(QEventLoop::AllEvents, 5);
    if (round % 10 == 0) { EXPECT_FALSE(window.grab().isNull()); }
  }
  // An honest word at the end is taken: also where a lie had named a time far ahead.
  ASSERT_TRUE(wait_until([&] {
    now += second_us / 20;
    node.send(encode(small_hello()));
    node.send(encode(small_gauges(now, 5'000'000 + now / 1'000)));
    const auto in = model.shard_count() == 3 ? model.row(1)[ShardColumn::in] : 0;
    return in > 5'000'000 && in < 10'000'000 && model.last_us() < test_begin_us + now + 10 * second_us && model.bad_frames() > 1'000 &&
           window.banner_text().contains(QStringLiteral("frames of this node are none"));
  })) << qPrintable(window.banner_text());
  EXPECT_EQ(sent, 20'000);
  EXPECT_GT(damaged, 5'000);
  EXPECT_FALSE(window.grab().isNull());
}

TEST(Live, AClockThatIsSetBackBeginsAnewInsteadOfStandingStill) {
  MainWindow window;
  window.show();
  FakeNode node;
  ASSERT_TRUE(watch_until_known(window.context(), node));
  for (int at = 0; at < 10; ++at) node.send(encode(small_gauges(3'600 * second_us + at * second_us, 100 + at)));
  ASSERT_TRUE(wait_until([&] { return window.context().node().row(1)[ShardColumn::in] == 109; }));
  for (int at = 0; at < 10; ++at) node.send(encode(small_gauges(at * second_us, 200 + at)));
  ASSERT_TRUE(wait_until([&] { return window.context().node().row(1)[ShardColumn::in] == 209; }));
  EXPECT_EQ(window.context().node().last_us(), test_begin_us + 9 * second_us);
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

TEST(Live, WhyThereIsNoConnectionIsWhatTheSystemSays) {
  const auto said = [](const QString& address) {
    MainWindow window;
    window.show();
    EXPECT_EQ(window.watch(address), QString());
    EXPECT_TRUE(wait_until([&] { return window.banner_text().contains(QStringLiteral("Trying again in")); }));
    return window.banner_text();
  };
  quint16 free_port = 0;
  {
    FakeNode node;
    free_port = node.port();
  }
  const auto refused = said(QStringLiteral("127.0.0.1:%1").arg(free_port));
  EXPECT_TRUE(refused.contains(QStringLiteral("Connection refused"))) << qPrintable(refused);
  EXPECT_FALSE(refused.contains(QStringLiteral("wss"))) << qPrintable(refused);
  // One that takes the connection and closes it at once, as a node does that wants TLS.
  QTcpServer curt;
  ASSERT_TRUE(curt.listen(QHostAddress::LocalHost));
  QObject::connect(&curt, &QTcpServer::newConnection, [&] { while (auto* socket = curt.nextPendingConnection()) socket->close(); });
  const auto closed = said(QStringLiteral("127.0.0.1:%1").arg(curt.serverPort()));
  EXPECT_TRUE(closed.contains(QStringLiteral("closed the connection")) && closed.contains(QStringLiteral("wss://"))) << qPrintable(closed);
  EXPECT_FALSE(closed.contains(QStringLiteral("?."))) << qPrintable(closed);
}

TEST(Live, ANameWithAPercentSignGarblesNoSentence) {
  auto hello = small_hello();
  hello.topology = QStringLiteral("%1 of %2");
  hello.stages[1].name = QStringLiteral("%1");
  FakeNode node;
  node.on_connect = [&](QWebSocket& client) { client.sendBinaryMessage(encode(hello)); };
  MainWindow window;
  window.show();
  window.context().watch(Source::live(node.address()));
  ASSERT_TRUE(wait_until([&] { return window.context().node().known(); }));
  EXPECT_EQ(window.context().node().shard_name(2), QStringLiteral("%1/1"));
  EXPECT_EQ(window.view("topology")->subtitle(), QStringLiteral("%1 of %2 · 2 stages"));
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

TEST(Exchange, WhatWaitsOfAnEarlierRunIsNotReadUnderTheNext) {
  QObject receiver;
  std::shared_ptr<const Batch> last;
  auto exchange = std::make_shared<Exchange>(&receiver, [&](const std::shared_ptr<const Batch>& batch) { last = batch; });
  Intake intake(exchange, 0);
  Event event;
  event.at_us = test_begin_us;
  event.shard = 2;
  event.kind = EventKind::restart;
  EventList events;
  events.events = {event};
  Span span;
  span.trace = QStringLiteral("a");
  span.shard = 2;
  SpanList spans;
  spans.spans = {span};
  const auto told_before = [&](const Hello& next) {
    for (const auto& bytes : {encode(small_hello()), encode(events), encode(spans), encode(next)}) EXPECT_TRUE(intake.frame(bytes, 0));
    intake.flush();
    QApplication::processEvents();
    return last->events.size() + last->spans.size();
  };
  EXPECT_EQ(told_before(small_hello()), 2u) << "the connection came back, the run is the same";
  auto fewer = small_hello();
  fewer.shards.pop_back();
  EXPECT_EQ(told_before(fewer), 0u);
  auto restarted = small_hello();
  ++restarted.started_us;
  EXPECT_EQ(told_before(restarted), 0u);
  auto moved = small_hello();
  std::swap(moved.shards[0], moved.shards[1]);
  EXPECT_EQ(told_before(moved), 0u);
}

}  // namespace
}  // namespace mailroom::dashboard
