// dashboard-load: the window under synthetic load, and what the GUI thread pays for it.
//   QT_QPA_PLATFORM=offscreen dashboard-load [--stages 200] [--shards 10000] [--seconds 60] [--view mailboxes]
//   QT_QPA_PLATFORM=offscreen dashboard-load --history-hours 8     what that much history takes in memory, with full lists of events and traces
#include <sys/resource.h>

#include <QApplication>
#include <QCommandLineParser>
#include <QElapsedTimer>
#include <QFile>
#include <QTimer>

#include "dashboard/shell/main_window.hpp"
#include "dashboard/source/generator.hpp"
#include "dashboard/theme/theme.hpp"

namespace {
double thread_s() {
  rusage used{};
  getrusage(RUSAGE_THREAD, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}
double rss_mb() {
  QFile file(QStringLiteral("/proc/self/statm"));
  if (!file.open(QIODevice::ReadOnly)) return 0;
  return file.readAll().split(' ').value(1).toDouble() * 4096 / (1 << 20);
}
// A model filled as a node of that size would in so many hours, a frame with every row each second; faster than that, and without views.
int measure_history(int stages, int shards, int hours) {
  using namespace mailroom::dashboard;
  const double begin_mb = rss_mb();
  GeneratorOptions options;
  options.stages = stages;
  options.shards = shards;
  options.live = false;
  Generator generator(options, 1'764'685'440LL * second_us);
  NodeModel node;
  Batch batch;
  batch.hello = generator.hello();
  batch.link.state = LinkState::live;
  const auto began = batch.hello->started_us;
  batch.gauges = {generator.step(began + second_us).gauges};
  node.apply(batch);
  batch.hello.reset();
  std::printf("%d stages, %d shards\n  RSS with the first frame    %.0f MB (%.0f MB before)\n", node.stage_count(), node.shard_count(), rss_mb(), begin_mb);
  for (int at = 2; at <= hours * 3'600; ++at) {
    auto& gauges = batch.gauges.front();
    gauges.wall_us = began + at * second_us;
    for (auto& row : gauges.shards) row[ShardColumn::in] += 7, row[ShardColumn::out] += 7, row[ShardColumn::depth] = (row.index + at) % 50;
    for (auto& row : gauges.edges) row[EdgeColumn::sent] += 70;
    node.apply(batch);
    if (at % 3'600 == 0) {
      std::printf("  RSS after %d h              %.0f MB\n", at / 3'600, rss_mb());
      std::fflush(stdout);
    }
  }
  batch.gauges.clear();
  for (std::size_t at = 0; at < EventLog::most + 1'000; ++at) {
    Event event;
    event.id = static_cast<std::int64_t>(at);
    event.at_us = node.last_us();
    event.kind = EventKind::late;
    event.shard = static_cast<int>(at % static_cast<std::size_t>(node.shard_count()));
    event.key = QStringLiteral("customer-%1").arg(at);
    event.trace = QString::number(0x1'0000'0000 + at, 16);
    event.text = QStringLiteral("the price service did not answer within %1 ms").arg(at % 1'000);
    batch.events = {event};
    node.apply(batch);
  }
  std::printf("  RSS with %zu events     %.0f MB\n", node.events().all().size(), rss_mb());
  batch.events.clear();
  for (std::size_t at = 0; at < (TraceStore::most_traces + 100) * 8; ++at) {
    Span span;
    span.trace = QString::number(0x2'0000'0000 + at / 8, 16);
    span.shard = static_cast<int>(at % static_cast<std::size_t>(node.shard_count()));
    span.key = QStringLiteral("customer-%1").arg(at / 8);
    span.event = QStringLiteral("OrderLine");
    span.entered_us = span.started_us = span.ended_us = node.last_us();
    batch.spans = {span};
    node.apply(batch);
  }
  std::printf("  RSS with %zu traces of 8 visits  %.0f MB\n", node.traces().traces().size(), rss_mb());
  return 0;
}
}  // namespace

int main(int argc, char** argv) {
  using namespace mailroom::dashboard;
  QApplication app(argc, argv);
  QCommandLineParser options;
  options.addHelpOption();
  options.addOption({QStringLiteral("stages"), {}, QStringLiteral("n"), QStringLiteral("200")});
  options.addOption({QStringLiteral("shards"), {}, QStringLiteral("n"), QStringLiteral("10000")});
  options.addOption({QStringLiteral("seconds"), {}, QStringLiteral("n"), QStringLiteral("60")});
  options.addOption({QStringLiteral("view"), QStringLiteral("the tab in front"), QStringLiteral("name"), QStringLiteral("mailboxes")});
  options.addOption({QStringLiteral("history-hours"), QStringLiteral("measure the memory of so much history instead"), QStringLiteral("n"), QStringLiteral("0")});
  options.process(app);
  if (const int hours = options.value(QStringLiteral("history-hours")).toInt(); hours > 0)
    return measure_history(options.value(QStringLiteral("stages")).toInt(), options.value(QStringLiteral("shards")).toInt(), hours);
  Theme::get().apply(true);
  MainWindow window;
  window.resize(1680, 1020);
  window.show();
  window.raise_view(options.value(QStringLiteral("view")).toLatin1().constData());
  GeneratorOptions generator;
  generator.stages = options.value(QStringLiteral("stages")).toInt();
  generator.shards = options.value(QStringLiteral("shards")).toInt();
  window.context().watch(Source::generator(generator));
  // Opening and the first seconds (layout, fonts, allocations) are not the steady state.
  QElapsedTimer run, beat;
  double cpu_begin = 0, rss_begin = 0, longest_ms = 0, cpu_at_beat = 0, longest_work_ms = 0;
  std::int64_t values_begin = 0;
  int over = 0, updates = 0;
  QObject::connect(&window.context(), &Context::updated, [&] { ++updates; });
  QTimer heart;
  heart.setTimerType(Qt::PreciseTimer);
  QObject::connect(&heart, &QTimer::timeout, [&] {
    if (!run.isValid()) return;
    const double gap = static_cast<double>(beat.nsecsElapsed()) / 1e6, work = (thread_s() - cpu_at_beat) * 1e3;
    longest_ms = std::max(longest_ms, gap);
    longest_work_ms = std::max(longest_work_ms, work);
    if (work > 50) ++over;
    beat.start();
    cpu_at_beat = thread_s();
  });
  heart.start(5);
  QTimer minute;
  QObject::connect(&minute, &QTimer::timeout, [&] {
    if (!run.isValid()) return;
    std::printf("  after %3.0f s: RSS %.0f MB, GUI thread %.1f %%, longest %.1f ms\n", static_cast<double>(run.elapsed()) / 1e3, rss_mb(), (thread_s() - cpu_begin) * 1e5 / static_cast<double>(run.elapsed()), longest_work_ms);
    std::fflush(stdout);
  });
  minute.start(60'000);
  QTimer::singleShot(5'000, &app, [&] {
    cpu_begin = cpu_at_beat = thread_s();
    rss_begin = rss_mb();
    values_begin = window.context().node().values_received();
    updates = 0;
    run.start();
    beat.start();
  });
  QTimer::singleShot(5'000 + options.value(QStringLiteral("seconds")).toInt() * 1'000, &app, [&] {
    const double taken = static_cast<double>(run.nsecsElapsed()) / 1e9;
    std::printf("%d stages, %d shards, %.0f s, %s in front\n", window.context().node().stage_count(), window.context().node().shard_count(), taken, qPrintable(options.value(QStringLiteral("view"))));
    std::printf("  values received   %.0f /s\n", static_cast<double>(window.context().node().values_received() - values_begin) / taken);
    std::printf("  updates shown     %.1f /s\n", updates / taken);
    std::printf("  GUI thread        %.1f %% of a core\n", (thread_s() - cpu_begin) * 100 / taken);
    std::printf("  longest stall     %.1f ms of work without returning to the event loop (over 50 ms: %d), %.1f ms by the clock\n", longest_work_ms, over, longest_ms);
    std::printf("  RSS               %.0f MB at the begin, %.0f MB at the end\n", rss_begin, rss_mb());
    QApplication::quit();
  });
  return QApplication::exec();
}
