// mailroom-dashboard: see docs/dashboard.md.
#include <QApplication>
#include <QCommandLineParser>

#include "dashboard/shell/main_window.hpp"
#include "dashboard/theme/theme.hpp"

int main(int argc, char** argv) {
  using namespace mailroom::dashboard;
  QApplication app(argc, argv);
  QApplication::setApplicationName(QStringLiteral("mailroom-dashboard"));
  QApplication::setOrganizationName(QStringLiteral("mailroom"));
  QCommandLineParser options;
  options.setApplicationDescription(QStringLiteral("Mailboxes, throughput and order of a Mailroom node, live or from a recorded session."));
  options.addHelpOption();
  options.addPositionalArgument(QStringLiteral("what"), QStringLiteral("ws://HOST:PORT of nodes, or .mailroom-session files"), QStringLiteral("[what...]"));
  options.addOption({QStringLiteral("generate"), QStringLiteral("made-up telemetry, instead of a node")});
  options.addOption({QStringLiteral("light"), QStringLiteral("light instead of dark")});
  options.process(app);
  Theme::get().apply(!options.isSet(QStringLiteral("light")));
  MainWindow window;
  if (options.isSet(QStringLiteral("generate"))) {
    GeneratorOptions generator;
    generator.history_us = 10 * 60 * second_us;
    window.context().watch(Source::generator(generator));
  }
  window.show();
  return QApplication::exec();
}
