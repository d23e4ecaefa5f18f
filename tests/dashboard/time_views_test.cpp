// The painted views over time, by meaning: what was planted is where it belongs, in its colour, and nothing is where nothing was.
#include <rapidcheck/gtest.h>

#include <QAbstractButton>
#include <QClipboard>
#include <QLabel>
#include <QMenu>
#include <QPushButton>
#include <QTemporaryDir>
#include <QTest>
#include <QToolButton>
#include <QTreeWidget>

#include "dashboard/source/frame_codec.hpp"
#include "dashboard/source/session_file.hpp"
#include "dashboard/theme/theme.hpp"
#include "dashboard/views/ordering_view.hpp"
#include "dashboard/views/scrubber_view.hpp"
#include "dashboard/views/throughput_view.hpp"
#include "dashboard/views/trace_view.hpp"
#include "tests/dashboard/fake_node.hpp"
#include "tests/dashboard/help.hpp"

namespace mailroom::dashboard {
namespace {

Micros at_s(double seconds) { return test_begin_us + static_cast<Micros>(seconds * 1e6); }

// A session of which everything is known: 100 events a second at both shards of "work", and what a test plants.
class Planted {
 public:
  explicit Planted(int seconds, std::function<double(double)> rate = [](double) { return 100.0; }, std::function<bool(double)> silent = [](double) { return false; }) {
    frames_.emplace_back(test_begin_us, encode(small_hello()));
    double in = 0;
    for (int quarter = 0; quarter <= seconds * 4; ++quarter) {
      const double s = quarter / 4.0;
      in += rate(s) / 4;
      if (silent(s)) continue;
      auto gauges = small_gauges(static_cast<Micros>(s * 1e6), static_cast<std::int64_t>(in));
      gauges.shards[2] = shard_row(2, 3, static_cast<std::int64_t>(in), static_cast<std::int64_t>(in));
      gauges.full = quarter % 4 == 0;
      frames_.emplace_back(at_s(s), encode(gauges));
    }
  }
  Event& event(double s, EventKind kind, int shard) {
    Event made;
    made.id = next_++;
    made.at_us = at_s(s);
    made.kind = kind;
    made.shard = shard;
    made.key = QStringLiteral("k-%1").arg(shard);
    made.sequence = made.id;
    made.trace = QStringLiteral("t%1").arg(made.id);
    events_.push_back(made);
    return events_.back();
  }
  Span& span(const QString& trace, int shard, int from, double entered_ms, double started_ms, double ended_ms, Outcome outcome = Outcome::done) {
    Span made;
    made.trace = trace;
    made.shard = shard;
    made.from = from;
    made.key = QStringLiteral("k-1");
    made.sequence = 17;
    made.attempt = 1;
    made.entered_us = entered_ms < 0 ? unknown_value : at_s(5) + static_cast<Micros>(entered_ms * 1e3);
    made.started_us = at_s(5) + static_cast<Micros>(started_ms * 1e3);
    made.ended_us = ended_ms < 0 ? unknown_value : at_s(5) + static_cast<Micros>(ended_ms * 1e3);
    made.outcome = outcome;
    spans_.push_back(made);
    return spans_.back();
  }
  void open(Context& context) {
    for (const auto& each : events_) frames_.emplace_back(each.at_us, encode(EventList{0, {each}}));
    for (const auto& each : spans_) frames_.emplace_back(at_s(6), encode(SpanList{0, {each}}));
    std::stable_sort(frames_.begin(), frames_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    const auto path = home_.filePath(QStringLiteral("planted.mailroom-session"));
    {
      SessionWriter writer(path);
      for (const auto& [at, bytes] : frames_) writer.frame(bytes, at);
      writer.close();
      ASSERT_EQ(writer.error(), QString());
    }
    context.watch(Source::session(path));
    ASSERT_TRUE(wait_until([&] { return context.node().link().state == LinkState::complete && context.range.last_us() == context.node().last_us(); }));
  }

 private:
  QTemporaryDir home_;
  std::vector<std::pair<Micros, QByteArray>> frames_;
  std::deque<Event> events_;  // references stay good
  std::deque<Span> spans_;
  std::int64_t next_ = 1;
};

bool near(QRgb pixel, const QColor& color, int within) {
  return std::abs(qRed(pixel) - color.red()) + std::abs(qGreen(pixel) - color.green()) + std::abs(qBlue(pixel) - color.blue()) <= within;
}

// `within`: a thin line that lies between two rows of pixels has its colour mixed with the ground's.
int pixels(const QImage& image, const QRectF& area, const QColor& color, int within = 20) {
  int count = 0;
  const auto in = area.toAlignedRect().intersected(image.rect());
  for (int y = in.top(); y <= in.bottom(); ++y)
    for (int x = in.left(); x <= in.right(); ++x) count += near(image.pixel(x, y), color, within);
  return count;
}

template <typename Wanted> class Shown : public ::testing::Test {
 protected:
  void open(Planted& planted, QSize size = QSize(900, 300)) {
    planted.open(context);
    view.resize(size);
    view.show();
    settle();
  }
  void settle() { for (int at = 0; at < 4; ++at) QApplication::processEvents(QEventLoop::AllEvents, 20); }
  void look(double from_s, double to_s) { context.range.set(at_s(from_s), at_s(to_s)); settle(); }
  QImage picture() {
    if constexpr (std::is_base_of_v<TimeCanvas, std::remove_reference_t<decltype(view.canvas())>>) {
      EXPECT_TRUE(wait_until([&] { view.canvas().grab(); return view.canvas().up_to_date(); }, 10'000));
    }
    return view.canvas().grab().toImage();
  }
  Context context;
  Wanted view{context};
};

// --- ordering
constexpr int work0 = 1, work1 = 2;

class Ordering : public Shown<OrderingView> {
 protected:
  OrderingCanvas& canvas() { return view.canvas(); }
  // Around a moment, in a lane: above its line, on it, below it.
  QRectF spot(int shard, double s, MarkPlace place, double half = 6) {
    const auto band = canvas().band(shard);
    const double x = canvas().axis().x(at_s(s)), line = band.top() + lane_height / 2;
    if (place == MarkPlace::above) return QRectF(x - half, line - mark_offset - 5, 2 * half, 8);
    if (place == MarkPlace::below) return QRectF(x - half, line + mark_offset - 4, 2 * half, 8);
    return QRectF(x - half, line - 6, 2 * half, 12);
  }
  const Theme& theme = Theme::get();
};

TEST_F(Ordering, EachKindIsInItsLaneAtItsPlaceAndNowhereElse) {
  Planted planted(60);
  planted.event(20, EventKind::late, work0).belonged_us = at_s(12);
  planted.event(50, EventKind::retry, work0);
  planted.event(30, EventKind::duplicate, work1);
  auto& gap = planted.event(40, EventKind::gap, work1);
  gap.first = 5;
  gap.last = 7;
  auto& final = planted.event(45, EventKind::gap_final, work1);
  final.gap = gap.id;
  final.left = 3;
  open(planted);
  for (const bool dark : {true, false}) {
    Theme::get().apply(dark);
    look(0, 60);
    const auto image = picture();
    const auto& c = theme.colors();
    EXPECT_GT(pixels(image, spot(work0, 20, MarkPlace::above), c.late), 15) << "the diamond, above";
    EXPECT_GT(pixels(image, spot(work0, 12, MarkPlace::on, 3), c.late), 2) << "the arc ends where it belonged";
    EXPECT_GT(pixels(image, spot(work0, 50, MarkPlace::below), c.retried), 15) << "the triangle, below";
    EXPECT_GT(pixels(image, spot(work1, 30, MarkPlace::below), c.duplicate), 8) << "the rings, below";
    EXPECT_GT(pixels(image, spot(work1, 39.5, MarkPlace::on, 14), c.missing), 20) << "the box, on the line";
    // And in no other lane or half.
    EXPECT_EQ(pixels(image, canvas().band(work1), c.late), 0);
    EXPECT_EQ(pixels(image, canvas().band(work1), c.retried), 0);
    EXPECT_EQ(pixels(image, canvas().band(work0), c.duplicate), 0);
    EXPECT_EQ(pixels(image, canvas().band(work0), c.missing), 0);
    EXPECT_EQ(pixels(image, spot(work0, 20, MarkPlace::below), c.late), 0);
    EXPECT_EQ(pixels(image, spot(work0, 50, MarkPlace::above), c.retried), 0);
    EXPECT_EQ(pixels(image, spot(work0, 35, MarkPlace::above, 60), c.late), 0) << "nothing between";
  }
  Theme::get().apply(true);
}

// What dashboard/pictures/record_disorder.py planted on a real node: each kind in the lane of its sensor, where it happened.
TEST_F(Ordering, TheShippedSessionOfARealNodeShowsWhatWasPlanted) {
  context.watch(Source::session(QStringLiteral(MAILROOM_SOURCE_DIR "/docs/dashboard/disorder.mailroom-session")));
  ASSERT_TRUE(wait_until([&] { return context.node().link().state == LinkState::complete && context.range.last_us() == context.node().last_us(); })) << qPrintable(context.node().link().text);
  const auto& node = context.node();
  EXPECT_EQ(node.bad_frames(), 0) << qPrintable(node.bad_frame());
  EXPECT_GT(node.last_us() - node.first_us(), 60 * second_us);
  view.resize(900, 300);
  view.show();
  struct { const char* sensor; EventKind kind; MarkKind mark; const char* lane; int times; } const planted[] = {
      {"s-late", EventKind::late, MarkKind::late, "station/3", 2},          {"s-burst", EventKind::late, MarkKind::late, "station/3", 5},
      {"s-burst", EventKind::duplicate, MarkKind::duplicate, "station/3", 2}, {"s-burst", EventKind::gap, MarkKind::missing, "station/3", 1},
      {"s-twice", EventKind::duplicate, MarkKind::duplicate, "station/2", 2}, {"s-gap-2", EventKind::gap, MarkKind::missing, "station/1", 1},
      {"s-retry-2", EventKind::retry, MarkKind::retried, "station/1", 2}};
  for (const auto& [sensor, kind, mark, lane, times] : planted) {
    int found = 0;
    for (const auto& event : node.events().all()) {
      if (event.key != QLatin1String(sensor) || event.kind != kind) continue;
      ++found;
      EXPECT_EQ(node.shard_name(event.shard), QLatin1String(lane)) << sensor;
      context.range.set(event.at_us - 30 * second_us, std::min(node.last_us(), event.at_us + 30 * second_us));
      settle();
      picture();
      const double x = canvas().axis().x(event.at_us);
      bool there = false;
      std::string others;
      for (const auto& glyph : canvas().glyphs(event.shard)) {
        others += " " + std::to_string(glyph.area.left()) + ".." + std::to_string(glyph.area.right()) + "x" + std::to_string(glyph.counts[static_cast<std::size_t>(mark)]);
        there = there || (glyph.counts[static_cast<std::size_t>(mark)] > 0 && glyph.area.left() - 2 <= x && x <= glyph.area.right() + 2 && glyph.place == place_of(mark));
      }
      EXPECT_TRUE(there) << sensor << " " << qPrintable(mark_text(mark)) << " at " << x << ":" << others;
    }
    EXPECT_EQ(found, times) << sensor << " " << qPrintable(mark_text(mark));
  }
  const int calm = node.find_shard(QStringLiteral("station/0"));
  for (const auto& event : node.events().all()) {
    if (is_disorder(event.kind)) { EXPECT_NE(event.shard, calm); }
  }
  const auto letters = std::count_if(node.events().all().begin(), node.events().all().end(), [](const Event& event) { return event.kind == EventKind::dead_letter && event.key == QLatin1String("s-refused"); });
  EXPECT_EQ(letters, 1);
  // What is missing in the end: three readings of s-gap-2.
  for (const auto& event : node.events().all())
    if (event.kind == EventKind::gap_final && event.key == QLatin1String("s-gap-2")) { EXPECT_EQ(event.left, 3); }
}

TEST_F(Ordering, ACalmRunIsFlatLinesWithoutAnyOfTheColours) {
  view.resize(1000, 500);
  view.show();
  context.watch(Source::generator(generated(60, false, false)));
  ASSERT_TRUE(wait_until([&] { return context.node().link().state == LinkState::complete; }));
  settle();
  const auto image = picture();
  const auto& c = theme.colors();
  const auto all = QRectF(image.rect());
  for (const auto& color : {c.late, c.missing, c.duplicate, c.retried}) EXPECT_EQ(pixels(image, all, color), 0);
  int lanes = 0;
  for (const int shard : canvas().order()) {
    const auto band = canvas().band(shard);
    if (band.height() < lane_height) continue;
    ++lanes;
    const double line = band.top() + lane_height / 2;
    EXPECT_GT(pixels(image, QRectF(band.left(), line - 4, band.width(), 8), c.tick), 100) << "ticks are on the line";
    const auto ground = image.pixel(static_cast<int>(band.left()) + 2, static_cast<int>(band.top()) + 3);
    for (const double y : {band.top() + 3, line - 8, line + 8, band.bottom() - 3})
      for (double x = band.left() + 2; x < band.right() - 2; ++x)
        ASSERT_EQ(image.pixel(static_cast<int>(x), static_cast<int>(y)), ground) << "off the line at " << x << "," << y;
    EXPECT_EQ(canvas().lanes().lane(shard).disorder(), 0);
    EXPECT_EQ(canvas().lanes().lane(shard).share(), 0.0);
  }
  EXPECT_GT(lanes, 8);
  EXPECT_EQ(canvas().disordered(), 0);
}

TEST_F(Ordering, AGapShrinksAndTurnsFinal) {
  Planted planted(60);
  auto& gap = planted.event(20, EventKind::gap, work0);
  gap.first = 10;
  gap.last = 14;
  const auto id = gap.id;
  for (const auto& [s, left] : {std::pair(25.0, 4), std::pair(26.0, 3)}) {
    planted.event(s, EventKind::late, work0);
    auto& filled = planted.event(s, EventKind::gap_filled, work0);
    filled.gap = id;
    filled.left = left;
  }
  auto& final = planted.event(30, EventKind::gap_final, work0);
  final.gap = id;
  final.left = 3;
  // Another is filled to its end, and is none any more.
  auto& whole = planted.event(22, EventKind::gap, work1);
  whole.first = whole.last = 9;
  auto& closed = planted.event(24, EventKind::gap_filled, work1);
  closed.gap = whole.id;
  closed.left = 0;
  open(planted);
  struct Then { double s; int left; bool final; };
  for (const auto& then : {Then{23, 5, false}, Then{25.5, 4, false}, Then{28, 3, false}, Then{31, 3, true}}) {
    look(then.s - 15, then.s);
    const auto image = picture();
    const auto& lane = canvas().lanes().lane(work0);
    EXPECT_EQ(lane.counts[static_cast<std::size_t>(MarkKind::missing)], then.left) << "at " << then.s;
    const auto glyphs = canvas().glyphs(work0);
    const auto box = std::find_if(glyphs.begin(), glyphs.end(), [](const Glyph& glyph) { return glyph.place == MarkPlace::on; });
    ASSERT_NE(box, glyphs.end());
    EXPECT_EQ(box->final, then.final) << "at " << then.s;
    // Dashed while it is awaited: its upper edge has holes.
    const auto area = box->area.translated(0, canvas().band(work0).top() + lane_height / 2);
    const QRectF edge(area.left() + 3, area.top() - 1, area.width() - 6, 2);
    int widest_hole = 0, hole = 0;
    for (double x = edge.left(); x < edge.right(); ++x) {
      const bool ink = pixels(image, QRectF(x, edge.top(), 0.5, 2), theme.colors().missing) > 0;
      hole = ink ? 0 : hole + 1;
      widest_hole = std::max(widest_hole, hole);
    }
    if (then.final) EXPECT_EQ(widest_hole, 0);
    else EXPECT_GT(widest_hole, 0);
  }
  look(8, 23);
  picture();
  EXPECT_EQ(canvas().lanes().lane(work1).counts[static_cast<std::size_t>(MarkKind::missing)], 1);
  look(10, 25);
  const auto image = picture();
  EXPECT_EQ(canvas().lanes().lane(work1).disorder(), 0);
  EXPECT_EQ(pixels(image, canvas().band(work1), theme.colors().missing), 0);
}

TEST_F(Ordering, ACrowdIsACapsuleWithItsCountsAndNothingIsLost) {
  Planted planted(60);
  for (int at = 0; at < 5; ++at) planted.event(20 + at * 0.2, EventKind::late, work0);
  planted.event(40, EventKind::late, work0);
  for (int at = 0; at < 2; ++at) planted.event(30 + at * 0.2, EventKind::duplicate, work0);
  planted.event(30.3, EventKind::retry, work0);
  open(planted);
  look(0, 60);
  picture();
  const auto glyphs = canvas().glyphs(work0);
  std::vector<const Glyph*> above, below;
  for (const auto& glyph : glyphs) (glyph.place == MarkPlace::above ? above : below).push_back(&glyph);
  ASSERT_EQ(above.size(), 2u);
  EXPECT_TRUE(above[0]->capsule);
  EXPECT_EQ(above[0]->counts[static_cast<std::size_t>(MarkKind::late)], 5);
  EXPECT_FALSE(above[1]->capsule);
  ASSERT_EQ(below.size(), 1u);
  EXPECT_TRUE(below[0]->capsule);
  EXPECT_EQ(below[0]->counts[static_cast<std::size_t>(MarkKind::duplicate)], 2);
  EXPECT_EQ(below[0]->counts[static_cast<std::size_t>(MarkKind::retried)], 1);
  // Zoomed in, each stands for itself.
  look(19, 23);
  picture();
  EXPECT_EQ(canvas().glyphs(work0).size(), 5u);
}

RC_GTEST_PROP(OrderingGlyphs, EveryMarkIsInOneGlyphAndNoneLieOverAnother, ()) {
  Lane lane;
  auto times = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 60'000));
  std::sort(times.begin(), times.end());
  for (const int ms : times) {
    Mark mark{static_cast<MarkKind>(*rc::gen::inRange(0, static_cast<int>(mark_kinds))), *rc::gen::arbitrary<bool>(), at_s(ms / 1e3)};
    mark.count = mark.kind == MarkKind::missing ? *rc::gen::inRange(1, 5'000) : 1;
    lane.marks.push_back(mark);
    lane.counts[static_cast<std::size_t>(mark.kind)] += mark.count;
  }
  const TimeAxis axis{at_s(0), at_s(60), 100, 100.0 + *rc::gen::inRange(50, 1'500)};
  const auto glyphs = glyphs_of(lane, axis, {true, true, true, true, true}, QFontMetricsF(Theme::get().font(-2, true)));
  std::vector<int> seen(lane.marks.size());
  std::array<std::int64_t, mark_kinds> counts{};
  for (const auto& glyph : glyphs) {
    for (const auto mark : glyph.marks) ++seen[mark];
    for (std::size_t kind = 0; kind < mark_kinds; ++kind) counts[kind] += glyph.counts[kind];
    for (const auto& other : glyphs)
      if (&other != &glyph) RC_ASSERT(!glyph.area.intersects(other.area));
  }
  RC_ASSERT(std::all_of(seen.begin(), seen.end(), [](int times_seen) { return times_seen == 1; }));
  RC_ASSERT(counts == lane.counts);
}

TEST_F(Ordering, ChipsCountTheKindsAndHideThem) {
  Planted planted(60);
  planted.event(20, EventKind::late, work0);
  planted.event(30, EventKind::duplicate, work1);
  open(planted);
  look(0, 60);
  picture();
  ASSERT_TRUE(wait_until([&] { return view.chip(MarkKind::late)->accessibleName().contains(QStringLiteral("late, 1")); }));
  QTest::mouseClick(view.chip(MarkKind::late), Qt::LeftButton);
  auto image = picture();
  EXPECT_EQ(pixels(image, canvas().plot(), theme.colors().late), 0);
  EXPECT_GT(pixels(image, canvas().band(work1), theme.colors().duplicate), 0);
  EXPECT_TRUE(view.chip(MarkKind::late)->accessibleName().contains(QStringLiteral("hidden")));
  EXPECT_EQ(canvas().totals()[static_cast<std::size_t>(MarkKind::late)], 1) << "hidden, and counted";
  view.chip(MarkKind::late)->setFocus();
  QTest::keyClick(view.chip(MarkKind::late), Qt::Key_Space);
  EXPECT_GT(pixels(picture(), canvas().plot(), theme.colors().late), 0);
  QTest::mouseClick(view.in_order_chip(), Qt::LeftButton);
  EXPECT_LT(pixels(picture(), canvas().band(work0), theme.colors().tick), 10);
}

TEST_F(Ordering, OneDisorderedEventInHundredsOfThousandsIsSeen) {
  Planted planted(60, [](double) { return 10'000.0; });
  planted.event(20, EventKind::late, work1);
  open(planted);
  look(0, 60);
  const auto image = picture();
  const auto& lane = canvas().lanes().lane(work1);
  EXPECT_GT(lane.arrived, 500'000);
  EXPECT_GT(lane.share(), 0);
  EXPECT_LT(lane.share(), 1e-5);
  EXPECT_EQ(canvas().order().front(), work1) << "the lane with disorder is the first";
  EXPECT_GT(pixels(image, spot(work1, 20, MarkPlace::above), theme.colors().late), 15);
  const auto band = canvas().band(work1);
  EXPECT_GT(pixels(image, QRectF(band.right(), band.top(), image.width() - band.right(), band.height()), theme.colors().late), 10) << "its bar is not empty";
}

TEST_F(Ordering, ABurstBeforeTheFirstRateIsStillCounted) {
  // All 400 events come before the second frame, and none after.
  Planted planted(60, [](double s) { return s == 0 ? 1'600.0 : 0.0; });
  for (const double s : {0.1, 0.2}) planted.event(s, EventKind::duplicate, work1);
  open(planted);
  look(-5, 60);
  picture();
  EXPECT_NEAR(canvas().lanes().lane(work1).share(), 2.0 / 400, 1e-9);
  // In a window that the counters say nothing of, the share is unknown and not 100 %.
  look(0, 30);
  picture();
  EXPECT_EQ(canvas().lanes().lane(work1).disorder(), 2);
  EXPECT_TRUE(std::isnan(canvas().lanes().lane(work1).share()));
}

TEST_F(Ordering, LanesAreSortedByDisorderOrNameAndPinned) {
  Planted planted(60);
  for (const double s : {10.0, 20.0, 30.0}) planted.event(s, EventKind::late, work1);
  open(planted);
  look(0, 60);
  picture();
  EXPECT_EQ(canvas().order(), (std::vector<int>{work1, work0}));
  QTest::mouseClick(view.findChild<QToolButton*>(QStringLiteral("ordering-sort")), Qt::LeftButton);
  picture();
  EXPECT_EQ(canvas().order(), (std::vector<int>{work0, work1}));
  // Pinned at its left edge.
  QTest::mouseClick(&canvas(), Qt::LeftButton, {}, QPoint(8, static_cast<int>(canvas().band(work1).center().y())));
  EXPECT_TRUE(canvas().lane_pinned(work1));
  picture();
  EXPECT_EQ(canvas().order(), (std::vector<int>{work1, work0}));
}

TEST_F(Ordering, AMarkIsClickedForItsTraceAndACrowdAsksWhich) {
  Planted planted(60);
  const auto late = planted.event(20, EventKind::late, work0).trace;
  std::vector<QString> crowd;
  for (int at = 0; at < 4; ++at) crowd.push_back(planted.event(40 + at * 0.1, EventKind::retry, work0).trace);
  open(planted);
  look(0, 60);
  picture();
  QTest::mouseClick(&canvas(), Qt::LeftButton, {}, spot(work0, 20, MarkPlace::above).center().toPoint());
  EXPECT_EQ(context.selection.trace(), late);
  EXPECT_EQ(context.selection.shard(), work0);
  picture();
  QTest::mouseClick(&canvas(), Qt::LeftButton, {}, spot(work0, 40.2, MarkPlace::below).center().toPoint());
  auto* menu = canvas().findChild<QMenu*>(QStringLiteral("ordering-crowd"));
  ASSERT_NE(menu, nullptr);
  ASSERT_EQ(menu->actions().size(), 4);
  menu->actions()[2]->trigger();
  EXPECT_EQ(context.selection.trace(), crowd[2]);
  menu->close();
}

TEST_F(Ordering, TheKeyboardReachesLanesMarksAndTraces) {
  Planted planted(60);
  planted.event(20, EventKind::late, work0);
  const auto second = planted.event(30, EventKind::duplicate, work0).trace;
  open(planted);
  look(0, 60);
  picture();
  canvas().setFocus();
  QTest::keyClick(&canvas(), Qt::Key_Down);
  EXPECT_EQ(context.selection.shard(), work0);
  EXPECT_TRUE(canvas().accessibleDescription().contains(QStringLiteral("1 late")));
  QTest::keyClick(&canvas(), Qt::Key_N);
  EXPECT_EQ(context.crosshair.at_us(), at_s(20));
  QTest::keyClick(&canvas(), Qt::Key_N);
  EXPECT_EQ(context.crosshair.at_us(), at_s(30));
  EXPECT_TRUE(canvas().accessibleDescription().startsWith(QStringLiteral("duplicate")));
  QTest::keyClick(&canvas(), Qt::Key_Return);
  EXPECT_EQ(context.selection.trace(), second);
  QTest::keyClick(&canvas(), Qt::Key_P, Qt::ShiftModifier);
  EXPECT_TRUE(canvas().lane_pinned(work0));
}

TEST_F(Ordering, FiltersHideLanesAndEvents) {
  Planted planted(60);
  planted.event(20, EventKind::late, work0);
  planted.event(30, EventKind::late, work1);
  open(planted);
  look(0, 60);
  context.filters.add({Filter::Field::key, QStringLiteral("k-2"), false});
  picture();
  EXPECT_EQ(canvas().lanes().lane(work0).disorder(), 0);
  EXPECT_EQ(canvas().lanes().lane(work1).disorder(), 1);
  context.filters.add({Filter::Field::actor, QStringLiteral("work/0"), true});
  picture();
  EXPECT_EQ(canvas().order(), (std::vector<int>{work1}));
}

TEST_F(Ordering, WhatIsNotKnownHasNoLine) {
  Planted planted(60, [](double) { return 100.0; }, [](double s) { return s > 20 && s < 40; });
  open(planted);
  look(0, 60);
  const auto image = picture();
  const auto hole = spot(work0, 30, MarkPlace::on, 40);
  const auto ground = image.pixel(static_cast<int>(hole.left()), static_cast<int>(hole.top()));
  for (double x = hole.left(); x < hole.right(); ++x)
    for (double y = hole.top(); y < hole.bottom(); ++y) ASSERT_EQ(image.pixel(static_cast<int>(x), static_cast<int>(y)), ground) << x << "," << y;
  EXPECT_GT(pixels(image, spot(work0, 10, MarkPlace::on, 40), theme.colors().tick), 20);
}

// --- throughput
class Throughput : public Shown<ThroughputView> {};

TEST_F(Throughput, LinesAreTheRatesAndAPeakIsNotAveragedAway) {
  // One quarter second of ten times the rate, in a window of nine minutes: four samples a pixel.
  Planted planted(540, [](double s) { return s == 300 ? 5'000.0 : 500.0; });
  open(planted, QSize(700, 300));
  look(0, 540);
  picture();
  const auto& lines = view.canvas().lines();
  ASSERT_EQ(lines.size(), 2u);
  const auto in = view.canvas().plot();
  for (const auto& line : lines) {
    double highest = in.bottom(), typical = 0;
    for (const auto& point : line.points) if (!std::isnan(point.y())) { highest = std::min(highest, point.y()); typical = std::max(typical, point.y()); }
    const double peak = in.bottom() - highest, calm = in.bottom() - typical;
    EXPECT_GT(peak, 8 * calm) << "the peak has its height";
    EXPECT_LE(line.points.size(), 4 * in.width() + 8) << "a few points a pixel, however many samples";
  }
  EXPECT_NEAR(static_cast<double>(view.canvas().rate_at(1, at_s(100))), 1'000, 10) << "both shards";
}

TEST_F(Throughput, LabelsNeverLieOverAnotherNorOutside) {
  auto options = generated(30);
  options.stages = 60;
  options.shards = 60;
  context.watch(Source::generator(options));
  view.show();
  ASSERT_TRUE(wait_until([&] { return context.node().link().state == LinkState::complete; }));
  for (const auto size : {QSize(300, 110), QSize(420, 200), QSize(900, 420)}) {
    view.resize(size);
    settle();
    picture();
    const auto& lines = view.canvas().lines();
    EXPECT_EQ(static_cast<int>(lines.size()), ThroughputCanvas::most_lines);
    int labelled = 0;
    for (const auto& line : lines) {
      if (line.label.isEmpty()) continue;
      ++labelled;
      EXPECT_TRUE(QRectF(view.canvas().rect()).contains(line.label)) << size.width();
      for (const auto& other : lines) {
        if (&other == &line || other.label.isEmpty()) continue;
        EXPECT_FALSE(line.label.adjusted(0, 0.01, 0, -0.01).intersects(other.label));
      }
    }
    EXPECT_GE(labelled, size.height() > 400 ? ThroughputCanvas::most_lines : 4);
  }
  EXPECT_TRUE(view.subtitle().contains(QStringLiteral("14 fastest of 60")));
}

TEST_F(Throughput, ASilenceIsAHoleAndARestartADashedLine) {
  Planted planted(60, [](double) { return 100.0; }, [](double s) { return s > 20 && s < 40; });
  planted.event(50, EventKind::restart, work0);
  open(planted);
  look(0, 60);
  const auto image = picture();
  const auto time = view.canvas().axis();
  const auto in = view.canvas().plot();
  for (const auto& line : view.canvas().lines()) {
    EXPECT_EQ(pixels(image, QRectF(time.x(at_s(25)), in.top(), time.x(at_s(35)) - time.x(at_s(25)), in.height()), line.color, 120), 0);
    EXPECT_GT(pixels(image, QRectF(time.x(at_s(2)), in.top(), time.x(at_s(18)) - time.x(at_s(2)), in.height()), line.color, 120), 50);
  }
  const auto marked = pixels(image, QRectF(time.x(at_s(50)) - 1, in.top(), 2, in.height()), Theme::get().colors().vermilion);
  EXPECT_GT(marked, in.height() / 3);
  EXPECT_LT(marked, in.height() * 0.8) << "dashed";
  EXPECT_EQ(pixels(image, QRectF(time.x(at_s(2)), in.top(), time.x(at_s(18)) - time.x(at_s(2)), in.height()), Theme::get().colors().vermilion), 0);
}

TEST_F(Throughput, HoverMovesTheSharedCrosshairAndShowsAllValues) {
  Planted planted(60, [](double s) { return s < 30 ? 100.0 : 300.0; });
  open(planted);
  OrderingView ordering(context);
  ordering.resize(900, 300);
  ordering.show();
  look(0, 60);
  const auto before = picture();
  const auto time = view.canvas().axis();
  QTest::mouseMove(&view.canvas(), QPoint(static_cast<int>(time.x(at_s(45))), 100));
  ASSERT_TRUE(context.crosshair.at_us().has_value());
  EXPECT_NEAR(static_cast<double>(*context.crosshair.at_us() - at_s(45)), 0, static_cast<double>(2 * time.pixel_us()));
  EXPECT_NEAR(static_cast<double>(view.canvas().rate_at(1, *context.crosshair.at_us())), 600, 10);
  const auto after = picture();
  EXPECT_NE(before, after) << "the box with the values";
  const auto x = static_cast<int>(std::round(ordering.canvas().axis().x(*context.crosshair.at_us())));
  const auto in = ordering.canvas().plot();
  EXPECT_GT(pixels(ordering.canvas().grab().toImage(), QRectF(x, in.top(), 1, 70), Theme::get().colors().secondary), 40) << "the other view shows it, too";
  QEvent leave(QEvent::Leave);
  QApplication::sendEvent(&view.canvas(), &leave);
  EXPECT_FALSE(context.crosshair.at_us().has_value());
}

TEST_F(Throughput, ADragIsTheRangeAndADoubleClickResetsIt) {
  Planted planted(120);
  open(planted);
  ASSERT_TRUE(context.range.live());
  auto& canvas = view.canvas();
  const auto time = canvas.axis();
  const auto from = time.begin_us + (time.end_us - time.begin_us) / 4, to = time.begin_us + (time.end_us - time.begin_us) / 2;
  const int y = static_cast<int>(canvas.plot().center().y());
  QTest::mousePress(&canvas, Qt::LeftButton, {}, QPoint(static_cast<int>(time.x(from)), y));
  QTest::mouseMove(&canvas, QPoint(static_cast<int>(time.x(to)), y));
  QTest::mouseRelease(&canvas, Qt::LeftButton, {}, QPoint(static_cast<int>(time.x(to)), y));
  EXPECT_FALSE(context.range.live());
  EXPECT_NEAR(static_cast<double>(context.range.begin_us()), static_cast<double>(from), static_cast<double>(2 * time.pixel_us()));
  EXPECT_NEAR(static_cast<double>(context.range.end_us()), static_cast<double>(to), static_cast<double>(2 * time.pixel_us()));
  QTest::mouseDClick(&canvas, Qt::LeftButton, {}, QPoint(300, y));
  EXPECT_TRUE(context.range.live());
  EXPECT_EQ(context.range.width_us(), TimeRange::default_width_us);
  EXPECT_TRUE(context.selection.stage() < 0) << "a double-click is no click on a line";
}

TEST_F(Throughput, APinnedViewKeepsItsWindow) {
  Planted planted(120);
  open(planted);
  look(30, 60);
  view.set_pinned(true);
  look(80, 110);
  EXPECT_EQ(view.canvas().axis().end_us, at_s(60));
  view.set_pinned(false);
  EXPECT_EQ(view.canvas().axis().end_us, at_s(110));
}

TEST(TimeViews, DataThatStopsComingIsGreyAndSaidSo) {
  FakeNode node;
  node.on_connect = [](QWebSocket& client) {
    client.sendBinaryMessage(encode(small_hello()));
    for (int at = 0; at < 40; ++at) client.sendBinaryMessage(encode(small_gauges(at * 250'000, at * 50)));
  };
  {
    Context context;
    ThroughputView view(context);
    view.resize(600, 240);
    view.show();
    context.watch(Source::live(node.address()));
    ASSERT_TRUE(wait_until([&] { return context.node().link().state == LinkState::live; }));
    EXPECT_EQ(pixels(view.grab().toImage(), QRectF(view.rect()), Theme::get().colors().amber), 0);
    ASSERT_TRUE(wait_until([&] { return context.node().stale(); }));
    EXPECT_GT(pixels(view.grab().toImage(), QRectF(view.rect()), Theme::get().colors().amber), 20);
  }
}

// --- scrubber
class Scrubber : public ::testing::Test {
 protected:
  void SetUp() override {
    context.watch(Source::generator(generated(300)));
    view.resize(1'000, 56);
    view.show();
    ASSERT_TRUE(wait_until([&] { return context.node().link().state == LinkState::complete && context.range.last_us() == context.node().last_us(); }));
  }
  void drag(double from, double to) {
    const int y = static_cast<int>(strip().area().center().y());
    QTest::mousePress(&strip(), Qt::LeftButton, {}, QPoint(static_cast<int>(std::round(from)), y));
    QTest::mouseMove(&strip(), QPoint(static_cast<int>(std::round(to)), y));
    QTest::mouseRelease(&strip(), Qt::LeftButton, {}, QPoint(static_cast<int>(std::round(to)), y));
  }
  ScrubberStrip& strip() { return view.strip(); }
  Context context;
  ScrubberView view{context};
};

TEST_F(Scrubber, TheWindowIsDraggedAndWidenedAndGoesBackToTheEnd) {
  auto& range = context.range;
  const auto pixel = strip().at(101) - strip().at(100);
  const auto end = range.end_us();
  ASSERT_TRUE(range.live());
  const auto grip = strip().window().center().x();
  drag(grip, grip - 300);
  EXPECT_FALSE(range.live());
  EXPECT_EQ(range.width_us(), TimeRange::default_width_us);
  EXPECT_NEAR(static_cast<double>(end - range.end_us()), static_cast<double>(300 * pixel), static_cast<double>(3 * pixel));
  const auto right = range.end_us();
  drag(strip().window().left(), strip().window().left() - 100);
  EXPECT_NEAR(static_cast<double>(range.width_us() - TimeRange::default_width_us), static_cast<double>(100 * pixel), static_cast<double>(4 * pixel));
  EXPECT_EQ(range.end_us(), right);
  // Elsewhere: it goes there.
  const auto x = strip().x(at_s(250));
  QTest::mouseClick(&strip(), Qt::LeftButton, {}, QPoint(static_cast<int>(x), 20));
  EXPECT_NEAR(static_cast<double>((range.begin_us() + range.end_us()) / 2), static_cast<double>(at_s(250)), static_cast<double>(range.width_us()) / 2);
  QTest::mouseClick(view.findChild<QToolButton*>(QStringLiteral("scrubber-live")), Qt::LeftButton);
  EXPECT_TRUE(range.live());
  EXPECT_EQ(range.end_us(), range.last_us());
}

TEST_F(Scrubber, ReplayRunsAtTheChosenSpeedAndStops) {
  auto* play = view.findChild<QToolButton*>(QStringLiteral("scrubber-play"));
  auto* speed = view.findChild<QToolButton*>(QStringLiteral("scrubber-speed"));
  QStringList speeds;
  for (auto* action : speed->menu()->actions()) speeds.append(action->text());
  EXPECT_EQ(speeds, (QStringList{QStringLiteral("½×"), QStringLiteral("1×"), QStringLiteral("2×"), QStringLiteral("4×"), QStringLiteral("8×"), QStringLiteral("16×")}));
  context.range.set(at_s(10), at_s(70));
  speed->menu()->actions().back()->trigger();
  QTest::mouseClick(play, Qt::LeftButton);
  EXPECT_EQ(context.range.speed(), 16);
  const auto begin = context.range.end_us();
  ASSERT_TRUE(wait_until([&] { return context.range.end_us() > begin + 5 * second_us; }));
  EXPECT_TRUE(view.findChild<QLabel*>(QStringLiteral("scrubber-label"))->text().contains(QStringLiteral("16×")));
  QTest::mouseClick(play, Qt::LeftButton);
  EXPECT_EQ(context.range.speed(), 0);
}

TEST_F(Scrubber, TroubleHasItsTicksAndCalmHasNone) {
  const auto ticks = [&](double from_s, double to_s, const QColor& color) {
    const auto image = strip().grab().toImage();
    const double left = strip().x(at_s(from_s));
    return pixels(image, QRectF(left, strip().area().top(), strip().x(at_s(to_s)) - left, 9), color);
  };
  context.range.set(at_s(0), at_s(20));
  const auto& c = Theme::get().colors();
  EXPECT_GT(ticks(60, 75, c.late), 5) << "disorder";
  EXPECT_GT(ticks(70, 90, c.vermilion), 5) << "restarts and dead letters";
  EXPECT_EQ(ticks(2, 34, c.late) + ticks(2, 34, c.vermilion), 0);
}

// --- trace
class Trace : public Shown<TraceView> {
 protected:
  const QString id = QStringLiteral("abc123");
  void plant(Planted& planted) {
    planted.span(id, 0, -1, -1, 0, -1, Outcome::emitted);
    planted.span(id, work0, 0, 10, 50, 70, Outcome::failed).text = QStringLiteral("timeout");
    auto& second = planted.span(id, work0, 0, 100, 140, 160);
    second.attempt = 2;
    planted.span(id, work1, work0, 160, 170, 200, Outcome::dead_letter).text = QStringLiteral("no such account");
  }
};

TEST_F(Trace, VisitsAreRowsBelowTheirSenderWithWaitingAndWorkInProportion) {
  Planted planted(20);
  plant(planted);
  open(planted, QSize(800, 320));
  context.selection.select_trace(id);
  settle();
  auto& canvas = view.canvas();
  const auto& rows = canvas.rows();
  ASSERT_EQ(rows.visits.size(), 4u);
  EXPECT_EQ(rows.visits[1].parent, 0);
  EXPECT_EQ(rows.visits[2].parent, 0) << "a try again has the same sender";
  EXPECT_EQ(rows.visits[3].parent, 2) << "sent by the try that was done";
  EXPECT_EQ(rows.total_us(), 200'000);
  EXPECT_EQ(rows.waited_us, 50'000);
  EXPECT_EQ(rows.delayed_us, 40'000) << "until its retry: in no mailbox";
  EXPECT_EQ(rows.worked_us, 70'000);
  EXPECT_EQ(rows.tries, 2);
  EXPECT_NEAR(canvas.wait_area(1).width(), canvas.plot().width() * 40 / 200, 1);
  EXPECT_NEAR(canvas.work_area(1).width(), canvas.plot().width() * 20 / 200, 1);
  EXPECT_NEAR(canvas.work_area(1).left(), canvas.wait_area(1).right(), 0.1);
  const auto image = canvas.grab().toImage();
  const auto& c = Theme::get().colors();
  const auto part = [&](const QRectF& area, const QColor& color) { return pixels(image, area.adjusted(2, 2, -2, -2), color) / ((area.width() - 4) * (area.height() - 4)); };
  EXPECT_GT(part(canvas.work_area(1), c.retried), 0.8) << "failed and tried again: solid blue";
  EXPECT_LT(part(canvas.wait_area(1), c.retried), 0.6) << "waiting is hatched";
  EXPECT_GT(part(canvas.work_area(2), c.normal), 0.8);
  EXPECT_LT(part(canvas.wait_area(2), c.normal), 0.25) << "waiting for the retry: a dashed line, no hatched bar";
  EXPECT_GT(part(canvas.wait_area(2), c.normal), 0.02);
  EXPECT_GT(part(canvas.work_area(3), c.vermilion), 0.8) << "a dead letter";
  EXPECT_EQ(rows.outcome(), QStringLiteral("dead letter"));
  const auto head = view.findChild<QLabel*>(QStringLiteral("trace-head"))->text();
  for (const char* said : {"abc123", "k-1", "17", "200&nbsp;ms", "mailboxes</span>&nbsp;<span style='color:", "50&nbsp;ms", "waiting&nbsp;for&nbsp;retries", "40&nbsp;ms", "70&nbsp;ms"}) EXPECT_TRUE(head.contains(QLatin1String(said))) << said << " in " << head.toStdString();
}

TEST_F(Trace, WhyItBeginsInTheMidstIsSaidRightly) {
  Planted planted(20);
  const auto one = [&](const char* trace, Outcome outcome, int attempt = 1) { planted.span(QLatin1String(trace), work0, 0, 10, 20, 30, outcome).attempt = attempt; };
  one("whole", Outcome::done);
  planted.span(QStringLiteral("whole"), 0, -1, -1, 0, -1, Outcome::emitted);
  one("from-before", Outcome::done);  // its source emitted it before anybody listened
  one("from-before-and-failed", Outcome::failed);
  planted.span(QStringLiteral("from-before-and-failed"), work1, 0, 40, 50, 60);
  one("failed", Outcome::failed);
  one("failed", Outcome::done, 2);
  one("refused", Outcome::rejected);
  one("shed", Outcome::shed);
  one("late", Outcome::done);
  auto& late = planted.event(5.02, EventKind::late, work0);
  late.trace = QStringLiteral("late");
  late.highest = 20;
  one("twice", Outcome::done);
  planted.event(5.02, EventKind::duplicate, work0).trace = QStringLiteral("twice");
  open(planted, QSize(800, 320));
  const auto said = [&](const char* trace) {
    context.selection.select_trace(QLatin1String(trace));
    settle();
    return view.subtitle();
  };
  EXPECT_EQ(said("whole"), QStringLiteral("one event, visit by visit"));
  for (const char* trace : {"from-before", "from-before-and-failed"}) EXPECT_TRUE(said(trace).endsWith(QStringLiteral("its beginning was not seen"))) << trace << ": " << qPrintable(view.subtitle());
  for (const char* trace : {"failed", "refused", "shed", "late", "twice"}) EXPECT_TRUE(said(trace).endsWith(QStringLiteral("traced only where it failed or was out of order"))) << trace << ": " << qPrintable(view.subtitle());
  context.selection.select_trace(QString());
  ASSERT_TRUE(wait_until([&] { return view.recent().topLevelItemCount() == 8; }));
  QHash<QString, QString> outcomes;
  for (int row = 0; row < 8; ++row) outcomes[view.recent().topLevelItem(row)->text(1)] = view.recent().topLevelItem(row)->text(2);
  EXPECT_EQ(outcomes[QStringLiteral("refused")], QStringLiteral("dead letter"));
  EXPECT_EQ(outcomes[QStringLiteral("shed")], QStringLiteral("shed"));
  EXPECT_EQ(outcomes[QStringLiteral("failed")], QStringLiteral("done, try 2"));
}

TEST_F(Trace, TheCriticalPathGoesThroughTheTriesAndLeavesOutWhatRanBeside) {
  Planted planted(20);
  plant(planted);
  planted.span(id, work1, 0, 20, 22, 24);  // beside it, done long before
  open(planted, QSize(800, 320));
  context.selection.select_trace(id);
  settle();
  const auto& visits = view.canvas().rows().visits;
  ASSERT_EQ(visits.size(), 5u);
  for (const auto& visit : visits) EXPECT_EQ(visit.critical, !(visit.span.shard == work1 && visit.span.from == 0)) << visit.span.shard;
  const auto before = view.canvas().grab().toImage();
  QTest::mouseClick(view.findChild<QPushButton*>(QStringLiteral("trace-path")), Qt::LeftButton);
  EXPECT_NE(view.canvas().grab().toImage(), before);
}

TEST_F(Trace, ItsIdIsCopiedAndAnActorFilteredOut) {
  Planted planted(20);
  plant(planted);
  open(planted, QSize(800, 320));
  context.selection.select_trace(id);
  settle();
  QTest::mouseClick(view.findChild<QPushButton*>(QStringLiteral("trace-copy")), Qt::LeftButton);
  EXPECT_EQ(QApplication::clipboard()->text(), id);
  auto& canvas = view.canvas();
  QTest::mouseClick(&canvas, Qt::LeftButton, {}, canvas.work_area(3).center().toPoint());
  EXPECT_EQ(context.selection.shard(), work1);
  EXPECT_EQ(context.selection.trace(), id) << "the trace stays";
  QTest::mouseClick(view.findChild<QPushButton*>(QStringLiteral("trace-filter-out")), Qt::LeftButton);
  ASSERT_EQ(context.filters.all().size(), 1u);
  EXPECT_EQ(canvas.shown().size(), 3u);
  EXPECT_TRUE(view.subtitle().contains(QStringLiteral("3 of 4")));
  context.filters.clear();
  canvas.setFocus();
  QTest::keyClick(&canvas, Qt::Key_Up);
  QTest::keyClick(&canvas, Qt::Key_Delete);
  EXPECT_EQ(context.filters.all().size(), 1u);
}

TEST_F(Trace, WithoutOneTheNewestAreListedAndAnUnknownOneIsSaidSo) {
  Planted planted(20);
  plant(planted);
  planted.span(QStringLiteral("other"), work1, -1, 0, 1, -1);
  open(planted, QSize(800, 320));
  ASSERT_TRUE(wait_until([&] { return view.recent().topLevelItemCount() == 2; }));
  context.selection.select_shard(1, work0);
  ASSERT_TRUE(wait_until([&] { return view.recent().topLevelItemCount() == 1; }));
  EXPECT_EQ(view.recent().topLevelItem(0)->text(1), id);
  context.selection.select_trace(QStringLiteral("gone"));
  settle();
  bool said = false;
  for (auto* label : view.findChildren<QLabel*>()) said = said || (label->isVisible() && label->text().contains(QStringLiteral("trace gone was not kept")));
  EXPECT_TRUE(said);
  context.selection.select_trace(QStringLiteral("other"));
  settle();
  EXPECT_TRUE(view.findChild<QLabel*>(QStringLiteral("trace-head"))->text().contains(QStringLiteral("–"))) << "unknown work is not 0";
}

// No test of speed: what docs/dashboard.md says of it is measured with
//   test-dashboard --gtest_also_run_disabled_tests --gtest_filter='*PaintCost*'
TEST(TimeViews, DISABLED_PaintCost) {
  Context context;
  ThroughputView throughput(context);
  OrderingView ordering(context);
  ScrubberView scrubber(context);
  throughput.resize(560, 320);
  ordering.resize(800, 320);
  scrubber.resize(1'400, 56);
  for (View* each : std::initializer_list<View*>{&throughput, &ordering, &scrubber}) each->show();
  GeneratorOptions options;
  options.stages = 200;
  options.shards = 10'000;
  options.history_us = 60 * second_us;
  context.watch(Source::generator(options));
  ASSERT_TRUE(wait_until([&] { return context.node().link().state == LinkState::live; }, 300'000));
  QElapsedTimer run, spent;
  double blit_ms = 0;
  const auto throughput_before = throughput.canvas().paints(), ordering_before = ordering.canvas().paints();
  double throughput_ms = 0, ordering_ms = 0;
  run.start();
  int frames = 0;
  QObject::connect(&context, &Context::updated, [&] {
    ++frames;
    throughput_ms += throughput.canvas().paint_ms();
    ordering_ms += ordering.canvas().paint_ms();
  });
  while (run.elapsed() < 10'000) QApplication::processEvents(QEventLoop::AllEvents | QEventLoop::WaitForMoreEvents, 20);
  const double seconds = static_cast<double>(run.elapsed()) / 1e3;
  spent.start();
  for (int at = 0; at < 50; ++at) scrubber.strip().grab();
  blit_ms = static_cast<double>(spent.nsecsElapsed()) / 50e6;
  const auto per_s = [&](std::int64_t paints) { return static_cast<double>(paints) / seconds; };
  std::printf("10,000 shards, 200 stages, %.0f updates/s\n", frames / seconds);
  std::printf("throughput: %.2f ms a painting, %.1f a second\n", throughput_ms / frames, per_s(throughput.canvas().paints() - throughput_before));
  std::printf("ordering:   %.2f ms a painting, %.1f a second\n", ordering_ms / frames, per_s(ordering.canvas().paints() - ordering_before));
  std::printf("scrubber:   %.2f ms a painting\n", blit_ms);
}

TEST_F(Ordering, DISABLED_PaintCostOfAFlood) {
  Planted planted(60);
  for (int at = 0; at < 100'000; ++at) planted.event(at * 0.0006, std::array{EventKind::late, EventKind::duplicate, EventKind::retry, EventKind::gap}[static_cast<std::size_t>(at % 4)], 1 + at % 2).belonged_us = at_s(at * 0.0005);
  open(planted, QSize(800, 320));
  look(0, 60);
  picture();
  std::printf("100,000 marks in two lanes: %.1f ms a painting\n", canvas().paint_ms());

}

}  // namespace
}  // namespace mailroom::dashboard
