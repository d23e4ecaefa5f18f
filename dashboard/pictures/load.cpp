// dashboard-load: the window under synthetic load, and what the GUI thread pays for it.
//   QT_QPA_PLATFORM=offscreen dashboard-load [--stages 200] [--shards 10000] [--seconds 60] [--view mailboxes]
#include <sys/resource.h>

#include <QApplication>
#include <QCommandLineParser>
#include <QElapsedTimer>
#include <QFile>
#include <QTimer>

#include "dashboard/shell/main_window.hpp"
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
  options.process(app);
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
