// dashboard-pictures: renders the window or one view without a screen, from generated telemetry or a recorded session.
//   QT_QPA_PLATFORM=offscreen dashboard-pictures --out window.png [--view throughput] [--size 1280x800] [--light] [--recording FILE]
#include <QApplication>
#include <QCommandLineParser>
#include <QElapsedTimer>
#include <QComboBox>
#include <QLineEdit>
#include <QTimer>

#include "dashboard/shell/connect_dialog.hpp"
#include "dashboard/shell/filter_bar.hpp"
#include "dashboard/shell/find.hpp"
#include "dashboard/shell/keys_dialog.hpp"
#include "dashboard/shell/main_window.hpp"
#include "dashboard/theme/theme.hpp"
#include "dashboard/views/topology_view.hpp"

int main(int argc, char** argv) {
  using namespace mailroom::dashboard;
  qputenv("TZ", "UTC");
  QApplication app(argc, argv);
  QApplication::setApplicationName(QStringLiteral("dashboard-pictures"));
  QCommandLineParser options;
  options.addHelpOption();
  options.addOption({QStringLiteral("out"), QStringLiteral("the PNG"), QStringLiteral("file"), QStringLiteral("window.png")});
  options.addOption({QStringLiteral("view"), QStringLiteral("one view alone, by its name"), QStringLiteral("name")});
  options.addOption({QStringLiteral("size"), QStringLiteral("WxH"), QStringLiteral("size"), QStringLiteral("1280x800")});
  options.addOption({QStringLiteral("light"), QStringLiteral("light instead of dark")});
  options.addOption({QStringLiteral("calm"), QStringLiteral("without trouble and disorder")});
  // (Qt takes --session for itself.)
  options.addOption({QStringLiteral("recording"), QStringLiteral("a recorded session instead of the generator"), QStringLiteral("file")});
  options.addOption({QStringLiteral("length"), QStringLiteral("seconds of generated history"), QStringLiteral("seconds"), QStringLiteral("437")});
  options.addOption({QStringLiteral("raise"), QStringLiteral("the view to have in front"), QStringLiteral("name")});
  options.addOption({QStringLiteral("select"), QStringLiteral("a shard, by its name"), QStringLiteral("shard")});
  options.addOption({QStringLiteral("failed-trace"), QStringLiteral("select the newest trace with a failure")});
  options.addOption({QStringLiteral("open"), QStringLiteral("a stage to open into its shards, by its name"), QStringLiteral("stage")});
  options.addOption({QStringLiteral("node"), QStringLiteral("a running node instead of the generator, looked at for --length seconds"), QStringLiteral("address")});
  options.addOption({QStringLiteral("at"), QStringLiteral("seconds after the begin where the window ends, or \"busiest\": where most is queued"), QStringLiteral("seconds")});
  options.addOption({QStringLiteral("hover"), QStringLiteral("the crosshair, 0..1 of the window"), QStringLiteral("part")});
  options.addOption({QStringLiteral("trace"), QStringLiteral("select the first trace of at least so many visits"), QStringLiteral("visits")});
  options.addOption({QStringLiteral("dialog"), QStringLiteral("connect, find, filter or keys, instead of the window"), QStringLiteral("name")});
  options.process(app);
  Theme::get().apply(!options.isSet(QStringLiteral("light")));
  const auto size = options.value(QStringLiteral("size")).split(u'x');
  MainWindow window;
  window.resize(size.value(0).toInt(), size.value(1).toInt());
  auto& context = window.context();
  if (options.isSet(QStringLiteral("node"))) {
    if (const auto why = window.watch(options.value(QStringLiteral("node"))); !why.isEmpty()) {
      qCritical("%s", qPrintable(why));
      return 1;
    }
  } else if (options.isSet(QStringLiteral("recording"))) {
    context.watch(Source::session(options.value(QStringLiteral("recording"))));
  } else {
    GeneratorOptions generator;
    generator.begin_us = 1'764'685'440LL * second_us;  // 2025-12-02 14:24:00 UTC
    generator.history_us = options.value(QStringLiteral("length")).toLongLong() * second_us;
    generator.live = false;
    generator.trouble = generator.disorder = !options.isSet(QStringLiteral("calm"));
    context.watch(Source::generator(generator));
  }
  window.show();
  QElapsedTimer looked;
  looked.start();
  while (context.node().link().state != LinkState::complete) {
    if (options.isSet(QStringLiteral("node")) && looked.elapsed() > options.value(QStringLiteral("length")).toLongLong() * 1000) break;
    QApplication::processEvents(QEventLoop::AllEvents | QEventLoop::WaitForMoreEvents, 100);
    if (!options.isSet(QStringLiteral("node")) && context.node().link().state == LinkState::failed) {
      qCritical("%s", qPrintable(context.node().link().text));
      return 1;
    }
  }
  // What the range may show follows what has come with the context's next tick.
  while (context.range.last_us() != context.node().last_us() && !options.isSet(QStringLiteral("node"))) QApplication::processEvents(QEventLoop::AllEvents | QEventLoop::WaitForMoreEvents, 20);
  if (options.isSet(QStringLiteral("at"))) {
    auto end = context.node().first_us() + static_cast<Micros>(options.value(QStringLiteral("at")).toDouble() * 1e6);
    if (options.value(QStringLiteral("at")) == QStringLiteral("busiest")) {
      // Of the selected shard, if there is one.
      const int wanted = context.node().find_shard(options.value(QStringLiteral("select")));
      std::int64_t most = -1;
      for (auto at = context.node().last_us() - second_us; at > context.node().last_us() - 40 * second_us; at -= second_us / 2) {
        std::int64_t queued = 0;
        const auto& moment = context.node().at(at);
        for (int shard = 0; shard < context.node().shard_count(); ++shard)
          if (wanted < 0 || shard == wanted) queued += std::max(0, moment.shards[static_cast<std::size_t>(shard)].depth);
        if (queued > most) most = queued, end = at;
      }
    }
    context.range.set(end - TimeRange::default_width_us, end);
  }
  if (const auto name = options.value(QStringLiteral("raise")); !name.isEmpty()) window.raise_view(name.toLatin1().constData());
  if (const int shard = context.node().find_shard(options.value(QStringLiteral("select"))); shard >= 0) context.selection.select_shard(context.node().stage_of(shard), shard);
  if (options.isSet(QStringLiteral("failed-trace"))) {
    // One that a picture can show: from its source on, within a second, about ten visits; else where it failed.
    const auto& traces = context.node().traces();
    QString best;
    double most = -1e9;
    for (auto trace = traces.traces().rbegin(); trace != traces.traces().rend(); ++trace) {
      const auto& spans = traces.spans(*trace);
      const auto count = [&](Outcome outcome) { return std::count_if(spans.begin(), spans.end(), [&](const Span& span) { return span.outcome == outcome; }); };
      if (count(Outcome::failed) == 0 || spans.back().outcome != Outcome::done || (context.range.end_us() < spans.back().ended_us && !context.range.live())) continue;
      const auto took_s = static_cast<double>(spans.back().ended_us - spans.front().started_us) / 1e6;
      const auto worth = (count(Outcome::emitted) > 0 && took_s < 1 ? 1'000.0 : 0.0) - 20 * took_s - std::abs(static_cast<double>(spans.size()) - 10);
      if (worth > most) most = worth, best = *trace;
    }
    if (!best.isEmpty()) context.selection.select_trace(best);
  }
  for (int stage = 0; stage < context.node().stage_count(); ++stage)
    if (context.node().stage_name(stage) == options.value(QStringLiteral("open"))) static_cast<TopologyView*>(window.view("topology"))->open_stage(stage);
  QTimer::singleShot(1'600, &app, [&] {
    QWidget* shown = &window;
    if (const auto name = options.value(QStringLiteral("view")); !name.isEmpty()) {
      shown = window.findChild<QWidget*>(name);
      if (!shown) {
        qCritical("no view is named %s", qPrintable(name));
        return QApplication::exit(1);
      }
      if (options.isSet(QStringLiteral("size")) && shown != &window) {
        shown->setParent(nullptr);
        shown->resize(size.value(0).toInt(), size.value(1).toInt());
        shown->show();
        for (int at = 0; at < 12; ++at) QApplication::processEvents(QEventLoop::AllEvents | QEventLoop::WaitForMoreEvents, 50);
      }
    }
    if (options.isSet(QStringLiteral("hover")))
      context.crosshair.set(context.range.begin_us() + static_cast<Micros>(options.value(QStringLiteral("hover")).toDouble() * static_cast<double>(context.range.width_us())));
    if (options.isSet(QStringLiteral("trace"))) {
      // The first with so many visits: its retries and losses are worth a look.
      const auto wanted = options.value(QStringLiteral("trace")).toULongLong();
      for (const auto& trace : context.node().traces().traces())
        if (context.node().traces().spans(trace).size() >= wanted) { context.selection.select_trace(trace); break; }
    }
    std::unique_ptr<QDialog> dialog;
    if (const auto name = options.value(QStringLiteral("dialog")); name == QStringLiteral("connect")) {
      auto made = std::make_unique<ConnectDialog>(&window);
      made->field()->setEditText(QStringLiteral("wss://node.example:7070"));
      dialog = std::move(made);
    } else if (name == QStringLiteral("find")) {
      auto made = std::make_unique<FindDialog>(context, &window);
      made->field()->setText(QStringLiteral("track"));
      dialog = std::move(made);
    } else if (name == QStringLiteral("filter")) dialog = std::make_unique<FilterDialog>(context, &window);
    else if (name == QStringLiteral("keys")) dialog = std::make_unique<KeysDialog>(&window);
    if (dialog) {
      dialog->show();
      for (int at = 0; at < 6; ++at) QApplication::processEvents(QEventLoop::AllEvents | QEventLoop::WaitForMoreEvents, 50);
      shown = dialog.get();
    }
    const auto picture = shown->grab();
    QApplication::exit(picture.save(options.value(QStringLiteral("out"))) ? 0 : 1);
  });
  return QApplication::exec();
}
