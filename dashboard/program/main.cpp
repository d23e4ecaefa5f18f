// mailroom-dashboard: see docs/dashboard.md.
#include <QApplication>
#include <QCommandLineParser>
#include <QFile>
#include <QSettings>

#include "dashboard/shell/main_window.hpp"
#include "dashboard/theme/theme.hpp"

int main(int argc, char** argv) {
  using namespace mailroom::dashboard;
  QApplication app(argc, argv);
  QApplication::setApplicationName(QStringLiteral("mailroom-dashboard"));
  QApplication::setApplicationVersion(QStringLiteral(MAILROOM_DASHBOARD_VERSION));
  QApplication::setOrganizationName(QStringLiteral("mailroom"));
  QCommandLineParser options;
  options.setApplicationDescription(QStringLiteral("Mailboxes, throughput and order of a Mailroom node, live or from a recorded session."));
  options.addHelpOption();
  options.addPositionalArgument(QStringLiteral("what"), QStringLiteral("ws://HOST:PORT of nodes, or .mailroom-session files"), QStringLiteral("[what...]"));
  options.addOption({QStringLiteral("generate"), QStringLiteral("made-up telemetry, instead of a node")});
  options.addOption({QStringLiteral("seed"), QStringLiteral("of the made-up telemetry"), QStringLiteral("number"), QStringLiteral("1")});
  options.addOption({QStringLiteral("stages"), QStringLiteral("made-up stages; 0: an orders pipeline"), QStringLiteral("number"), QStringLiteral("0")});
  options.addOption({QStringLiteral("shards"), QStringLiteral("made-up shards, with --stages"), QStringLiteral("number"), QStringLiteral("0")});
  options.addOption({QStringLiteral("token-file"), QStringLiteral("a file with the token that the nodes ask for"), QStringLiteral("file")});
  options.addOption({QStringLiteral("tls-ca"), QStringLiteral("PEM certificates to trust, for wss://; without: the system's"), QStringLiteral("file")});
  options.addOption({QStringLiteral("tls-certificate"), QStringLiteral("PEM certificate to show to nodes that ask for one"), QStringLiteral("file")});
  options.addOption({QStringLiteral("tls-key"), QStringLiteral("its private key; without: in the same file"), QStringLiteral("file")});
  options.addOption({QStringLiteral("light"), QStringLiteral("light instead of dark")});
  options.addVersionOption();
  options.process(app);
  Theme::get().apply(!options.isSet(QStringLiteral("light")) && QSettings().value(QStringLiteral("dark"), true).toBool());
  MainWindow window(true);
  QString token;
  if (const auto path = options.value(QStringLiteral("token-file")); !path.isEmpty()) {
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly)) {
      qCritical("mailroom-dashboard: %s can't be read: %s", qPrintable(path), qPrintable(file.errorString()));
      return 2;
    }
    token = QString::fromUtf8(file.read(4'096)).trimmed();
  }
  const TlsFiles tls{options.value(QStringLiteral("tls-ca")), options.value(QStringLiteral("tls-certificate")), options.value(QStringLiteral("tls-key"))};
  for (const auto& what : options.positionalArguments())
    if (const auto why = window.watch(what, token, tls); !why.isEmpty()) {
      qCritical("mailroom-dashboard: %s", qPrintable(why));
      return 2;
    }
  if (options.isSet(QStringLiteral("generate"))) {
    GeneratorOptions generator;
    generator.seed = options.value(QStringLiteral("seed")).toULongLong();
    generator.stages = options.value(QStringLiteral("stages")).toInt();
    generator.shards = options.value(QStringLiteral("shards")).toInt();
    generator.history_us = (generator.stages > 0 ? 1 : 10) * 60 * second_us;
    window.context().watch(Source::generator(generator));
  }
  window.show();
  return QApplication::exec();
}
