// Frames: what is said comes through, what is not said stays unknown, and lies do no harm.
#include <QCborMap>
#include <QCborValue>
#include <QCborArray>
#include <random>

#include "dashboard/source/frame_codec.hpp"
#include "tests/dashboard/help.hpp"

namespace mailroom::dashboard {
namespace {

template <typename Wanted> Wanted decoded(FrameDecoder& decoder, const QByteArray& bytes) {
  auto result = decoder.decode(bytes);
  if (auto* bad = std::get_if<BadFrame>(&result)) {
    ADD_FAILURE() << qPrintable(bad->why);
    return {};
  }
  auto* found = std::get_if<Wanted>(&std::get<Frame>(result));
  if (!found) ADD_FAILURE() << "another kind of frame";
  return found ? *found : Wanted();
}

QString refused(FrameDecoder& decoder, const QByteArray& bytes) {
  auto result = decoder.decode(bytes);
  auto* bad = std::get_if<BadFrame>(&result);
  return bad ? bad->why : QString();
}

TEST(FrameCodec, EverythingSaidComesThrough) {
  GeneratorOptions options = generated(70);
  Generator generator(options, test_begin_us);
  FrameDecoder decoder;
  const auto hello = decoded<Hello>(decoder, encode(generator.hello()));
  EXPECT_EQ(hello.topology, QStringLiteral("orders pipeline"));
  EXPECT_EQ(hello.stages.size(), generator.hello().stages.size());
  EXPECT_EQ(hello.shards.size(), 175u);
  EXPECT_EQ(hello.edges.back().to, generator.hello().edges.back().to);
  ASSERT_TRUE(hello.stages[3].supervision);
  EXPECT_EQ(hello.stages[3].supervision->restarts, 3);
  auto step = generator.step(test_begin_us + 69 * second_us);
  const auto gauges = decoded<Gauges>(decoder, encode(step.gauges));
  ASSERT_EQ(gauges.shards.size(), step.gauges.shards.size());
  for (std::size_t row = 0; row < gauges.shards.size(); ++row) EXPECT_EQ(gauges.shards[row].values, step.gauges.shards[row].values);
  EXPECT_EQ(gauges.edges[4].values, step.gauges.edges[4].values);
  const auto events = decoded<EventList>(decoder, encode(step.events)).events;
  ASSERT_EQ(events.size(), step.events.events.size());
  ASSERT_GT(events.size(), 10u);
  for (std::size_t at = 0; at < events.size(); ++at) {
    EXPECT_EQ(events[at].kind, step.events.events[at].kind);
    EXPECT_EQ(events[at].belonged_us, step.events.events[at].belonged_us);
    EXPECT_EQ(events[at].key, step.events.events[at].key);
  }
  const auto spans = decoded<SpanList>(decoder, encode(step.spans)).spans;
  ASSERT_GT(spans.size(), 10u);
  EXPECT_EQ(spans[3].outcome, step.spans.spans[3].outcome);
  EXPECT_EQ(spans[3].ended_us, step.spans.spans[3].ended_us);
}

TEST(FrameCodec, ColumnsAreFoundByNameAndUnknownOnesPassedOver) {
  QCborMap hello = QCborValue::fromCbor(encode(small_hello())).toMap();
  hello[QStringLiteral("shard_columns")] = QCborArray{QStringLiteral("novelty"), QStringLiteral("out"), QStringLiteral("depth")};
  hello[QStringLiteral("a later member")] = QCborMap{{QStringLiteral("deep"), QCborArray{1, 2}}};
  FrameDecoder decoder;
  decoded<Hello>(decoder, hello.toCborValue().toCbor());
  QCborMap gauges;  // type does not come first
  gauges[QStringLiteral("shards")] = QCborArray{QCborArray{1, QStringLiteral("?"), 70, 7}};
  gauges[QStringLiteral("wall_us")] = QCborValue(qint64{test_begin_us});
  gauges[QStringLiteral("type")] = QStringLiteral("gauges");
  const auto read = decoded<Gauges>(decoder, gauges.toCborValue().toCbor());
  ASSERT_EQ(read.shards.size(), 1u);
  EXPECT_EQ(read.shards[0][ShardColumn::out], 70);
  EXPECT_EQ(read.shards[0][ShardColumn::depth], 7);
  EXPECT_EQ(read.shards[0][ShardColumn::in], unknown_value) << "what is not said is not 0";
  EXPECT_EQ(read.shards[0].state(), ShardState::unknown);
  QCborMap later;
  later[QStringLiteral("type")] = QStringLiteral("poetry");
  decoded<UnknownFrame>(decoder, later.toCborValue().toCbor());
}

TEST(FrameCodec, StagesMayBeNamedInsteadOfNumbered) {
  QCborMap hello = QCborValue::fromCbor(encode(small_hello())).toMap();
  hello[QStringLiteral("shards")] = QCborArray{QCborArray{QStringLiteral("in"), 0}, QCborArray{QStringLiteral("work"), 0}};
  hello[QStringLiteral("edges")] = QCborArray{QCborMap{{QStringLiteral("from"), QStringLiteral("in")}, {QStringLiteral("to"), QStringLiteral("work")}}};
  FrameDecoder decoder;
  const auto read = decoded<Hello>(decoder, hello.toCborValue().toCbor());
  ASSERT_EQ(read.shards.size(), 2u);
  EXPECT_EQ(read.shards[1].stage, 1);
  EXPECT_EQ(read.edges[0].to, 1);
  QCborMap gauges = QCborValue::fromCbor(encode(small_gauges(0, 1))).toMap();
  gauges[QStringLiteral("shards")] = QCborArray();
  gauges[QStringLiteral("sources")] = QCborArray{QCborArray{QStringLiteral("in"), 42}};
  const auto sources = decoded<Gauges>(decoder, gauges.toCborValue().toCbor()).sources;
  ASSERT_EQ(sources.size(), 1u);
  EXPECT_EQ(sources[0].stage, 0);
  EXPECT_EQ(sources[0][SourceColumn::events], 42);
  gauges[QStringLiteral("sources")] = QCborArray{QCborArray{QStringLiteral("out"), 42}};
  EXPECT_FALSE(refused(decoder, gauges.toCborValue().toCbor()).isEmpty());
}

TEST(FrameCodec, LiesAreRefusedWithTheirReason) {
  FrameDecoder decoder;
  EXPECT_EQ(refused(decoder, encode(small_gauges(0, 1))), QStringLiteral("a frame before hello"));
  EXPECT_EQ(refused(decoder, "GET / HTTP/1.1"), QStringLiteral("no CBOR map"));
  decoded<Hello>(decoder, encode(small_hello()));
  auto gauges = small_gauges(0, 1);
  gauges.shards[0].index = 3;
  EXPECT_EQ(refused(decoder, encode(gauges)), QStringLiteral("index 3, but hello named 3"));
  const auto good = encode(small_gauges(0, 1));
  EXPECT_FALSE(refused(decoder, good.left(good.size() - 1)).isEmpty());
  // A text of 2^60 bytes, an array of 2^40 elements, 100,000 arrays within each other.
  EXPECT_FALSE(refused(decoder, QByteArray::fromHex("a1647479706567676175676573").left(6) + QByteArray::fromHex("7b1000000000000000")).isEmpty());
  EXPECT_FALSE(refused(decoder, QByteArray::fromHex("a2647479706566676175676573667368617264739b0000010000000000")).isEmpty());
  EXPECT_FALSE(refused(decoder, QByteArray::fromHex("a26474797065666761756765736178") + QByteArray(100'000, '\x81')).isEmpty());
  EXPECT_FALSE(refused(decoder, QByteArray(max_frame_bytes + 1, '\xa0')).isEmpty());
  // A node without edges has no edge's row (nor is it taken for a stage's).
  auto alone = small_hello();
  alone.edges.clear();
  FrameDecoder without;
  decoded<Hello>(without, encode(alone));
  EXPECT_EQ(refused(without, encode(small_gauges(0, 1))), QStringLiteral("index 0, but hello named 0"));
  auto hello = small_hello();
  hello.edges[0].to = 7;
  FrameDecoder other;
  EXPECT_FALSE(refused(other, encode(hello)).isEmpty());
  decoded<Gauges>(decoder, good);  // and goes on
}

TEST(FrameCodec, FuzzedFramesNeverCrashAndNeverNameWhatIsNotThere) {
  std::mt19937 random(20'251'202);
  Generator generator(generated(0), test_begin_us);
  auto step = generator.step(test_begin_us + 75 * second_us);
  step.gauges.shards.resize(12);
  step.spans.spans.resize(std::min<std::size_t>(step.spans.spans.size(), 12));
  const std::vector<QByteArray> seeds{encode(small_hello()), encode(small_gauges(0, 9)), encode(step.gauges), encode(step.events), encode(step.spans)};
  FrameDecoder good;
  decoded<Hello>(good, encode(generator.hello()));
  int refusals = 0;
  for (int round = 0; round < 40'000; ++round) {
    auto bytes = seeds[random() % seeds.size()];
    for (auto flips = 1 + random() % 6; flips > 0; --flips) {
      const auto at = static_cast<qsizetype>(random() % static_cast<std::size_t>(bytes.size()));
      switch (random() % 4) {
        case 0: bytes[at] = static_cast<char>(random()); break;
        case 1: bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8))); break;
        case 2: bytes.truncate(at + 1); break;
        default: bytes.insert(at, static_cast<char>(random()));
      }
    }
    auto decoder = good;
    const auto result = decoder.decode(bytes);
    if (std::holds_alternative<BadFrame>(result)) { ++refusals; continue; }
    const auto& frame = std::get<Frame>(result);
    if (const auto* gauges = std::get_if<Gauges>(&frame)) {
      for (const auto& row : gauges->shards) ASSERT_LT(row.index, 175);
    } else if (const auto* events = std::get_if<EventList>(&frame)) {
      for (const auto& event : events->events) ASSERT_TRUE(event.shard < 175 && event.stage < 13);
    } else if (const auto* hello = std::get_if<Hello>(&frame)) {
      for (const auto& shard : hello->shards) ASSERT_TRUE(shard.stage >= 0 && shard.stage < static_cast<int>(hello->stages.size()));
    }
  }
  EXPECT_GT(refusals, 10'000);
}

}  // namespace
}  // namespace mailroom::dashboard
