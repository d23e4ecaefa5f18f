// A real `mailroom run --listen`, treated badly, as the dashboard sees it: killed, stopped, slow, and one that asks for a certificate.
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QProcess>
#include <QPushButton>
#include <QRegularExpression>
#include <QTcpServer>
#include <QTcpSocket>
#include <QTemporaryDir>
#include <QTest>
#include <QTimer>
#include <csignal>

#include "dashboard/shell/connect_dialog.hpp"
#include "dashboard/views/dead_letters_view.hpp"
#include "dashboard/views/mailboxes_view.hpp"
#include "tests/dashboard/help.hpp"

namespace mailroom::dashboard {
namespace {

const QString mailroom = QStringLiteral(MAILROOM_BINARY_DIR "/bin/mailroom");

// scenarios/disorder: it stays until it is stopped.
class RealNode {
 public:
  explicit RealNode(const QString& folder, const QStringList& more = {}, quint16 port = 0) {
    process_.setProcessChannelMode(QProcess::MergedChannels);
    process_.start(mailroom, QStringList{QStringLiteral("run"), QStringLiteral(MAILROOM_SOURCE_DIR "/scenarios/disorder/disorder.json"), QStringLiteral("--listen"),
                                         QStringLiteral("127.0.0.1:%1").arg(port), QStringLiteral("--progress"), QStringLiteral("off"), QStringLiteral("--summary"),
                                         QStringLiteral("none"), QStringLiteral("--data"), folder + QStringLiteral("/data")} + more);
    static const QRegularExpression listening(QStringLiteral("Listening at https?://127\\.0\\.0\\.1:(\\d+)"));
    QString said;
    wait_until([&] {
      said += QString::fromUtf8(process_.readAll());
      if (const auto found = listening.match(said); found.hasMatch()) port_ = found.captured(1).toUShort();
      return port_ != 0 || process_.state() == QProcess::NotRunning;
    });
    EXPECT_NE(port_, 0) << qPrintable(said);
  }
  ~RealNode() { kill(); }
  void kill() {
    if (process_.state() == QProcess::NotRunning) return;
    process_.kill();  // SIGKILL
    process_.waitForFinished();
  }
  void signal(int number) const { ::kill(static_cast<pid_t>(process_.processId()), number); }
  [[nodiscard]] quint16 port() const { return port_; }
  [[nodiscard]] QString address() const { return QStringLiteral("127.0.0.1:%1").arg(port_); }

 private:
  QProcess process_;
  quint16 port_ = 0;
};

// Lets through what it is told to, in the direction from the node.
class SlowWay : public QObject {
 public:
  explicit SlowWay(quint16 to) {
    EXPECT_TRUE(server_.listen(QHostAddress::LocalHost));
    connect(&server_, &QTcpServer::newConnection, this, [this, to] {
      auto* client = server_.nextPendingConnection();
      auto* node = new QTcpSocket(client);
      ++connections;
      client->setProperty("number", connections);
      node->setReadBufferSize(4'096);  // the rest waits at the node, as behind a slow line
      node->setSocketOption(QAbstractSocket::ReceiveBufferSizeSocketOption, 4'096);
      node->connectToHost(QHostAddress::LocalHost, to);
      connect(client, &QTcpSocket::readyRead, node, [client, node] { node->write(client->readAll()); });
      connect(client, &QTcpSocket::disconnected, client, &QObject::deleteLater);
      auto* tick = new QTimer(client);
      connect(tick, &QTimer::timeout, client, [this, client, node] {
        client->write(node->read(client->property("number").toInt() == connections ? bytes_a_tick : 1));
      });
      tick->start(20);
    });
  }
  [[nodiscard]] QString address() const { return QStringLiteral("127.0.0.1:%1").arg(server_.serverPort()); }
  qint64 bytes_a_tick = 1 << 20;
  int connections = 0;

 private:
  QTcpServer server_;
};

class RealNodes : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(QFileInfo(mailroom).isExecutable()) << "cmake --build --preset release --target mailroom-program scenario-disorder";
    window.show();
  }
  NodeModel& node() { return window.context().node(); }
  // All 25 planted readings and 200 calm ones have come.
  bool complete() {
    std::int64_t in = 0;
    for (int shard = 0; shard < node().shard_count(); ++shard)
      if (node().stage_name(node().stage_of(shard)) == QLatin1String("station")) in += std::max<std::int64_t>(0, node().row(shard)[ShardColumn::in]);
    return in > 200;
  }
  bool fresh() { return node().link().state == LinkState::live && !node().stale() && node().last_us() > 0 && window.banner_text().isEmpty(); }
  bool banner_says(const char* what) { return window.banner_text().contains(QLatin1String(what)); }
  QTemporaryDir folder;
  MainWindow window;
};

const QRegularExpression clock_time(QStringLiteral("\\b\\d\\d:\\d\\d:\\d\\d \\(\\d"));

TEST_F(RealNodes, KilledItIsSaidSinceWhenAndFoundAgain) {
  auto real = std::make_unique<RealNode>(folder.path());
  ASSERT_EQ(window.watch(real->address()), QString());
  ASSERT_TRUE(wait_until([&] { return fresh() && complete(); }));
  const auto started = node().hello().started_us;
  const auto port = real->port();
  real->kill();
  ASSERT_TRUE(wait_until([&] { return banner_says("Not connected") && banner_says("Trying again in") && node().stale(); })) << qPrintable(window.banner_text());
  EXPECT_TRUE(window.banner_text().contains(clock_time)) << qPrintable(window.banner_text());
  EXPECT_TRUE(complete()) << "what was known stays to be looked at";
  auto& mailboxes = *static_cast<MailboxesView*>(window.view("mailboxes"));
  EXPECT_EQ(mailboxes.model().rowCount(), node().shard_count());
  real = std::make_unique<RealNode>(folder.path(), QStringList(), port);
  ASSERT_TRUE(wait_until([&] { return fresh() && node().hello().started_us != started && complete(); })) << qPrintable(window.banner_text());
}

TEST_F(RealNodes, StoppedItIsSilentThenLeftAndTakenUpWhenItGoesOn) {
  const RealNode real(folder.path());
  ASSERT_EQ(window.watch(real.address()), QString());
  ASSERT_TRUE(wait_until([&] { return fresh() && complete(); }));
  const auto started = node().hello().started_us, first = node().first_us();
  real.signal(SIGSTOP);
  ASSERT_TRUE(wait_until([&] { return node().link().state == LinkState::stale && banner_says("connected but silent"); })) << qPrintable(window.banner_text());
  EXPECT_TRUE(window.banner_text().contains(clock_time)) << qPrintable(window.banner_text());
  real.signal(SIGCONT);
  ASSERT_TRUE(wait_until([&] { return fresh(); })) << qPrintable(window.banner_text());
  // So long that the connection is given up: a stopped node still takes connections, and says nothing on them.
  real.signal(SIGSTOP);
  ASSERT_TRUE(wait_until([&] { return node().link().state == LinkState::waiting && banner_says("nothing came for 15 s"); })) << qPrintable(window.banner_text());
  const auto silent_since = node().last_us();
  real.signal(SIGCONT);
  ASSERT_TRUE(wait_until([&] { return fresh() && node().last_us() > silent_since + second_us; })) << qPrintable(window.banner_text());
  EXPECT_EQ(node().hello().started_us, started);
  EXPECT_LE(node().first_us(), first) << "it is the same run: its history goes on";
}

TEST_F(RealNodes, SlowItIsSaidHowFarBehindAndConnectingAnewSkipsThat) {
  const RealNode real(folder.path());
  SlowWay way(real.port());
  ASSERT_EQ(window.watch(way.address()), QString());
  ASSERT_TRUE(wait_until([&] { return fresh() && complete(); }));
  way.bytes_a_tick = 20;  // 1 kB a second at best: frames come, and come later and later
  ASSERT_TRUE(wait_until([&] { return banner_says("is slow"); })) << qPrintable(window.banner_text());
  EXPECT_TRUE(node().stale()) << "and what is old is grey";
  EXPECT_GT(node().behind_s(), 2);
  EXPECT_EQ(node().link().state, LinkState::live);
  EXPECT_TRUE(window.banner_text().contains(clock_time)) << qPrintable(window.banner_text());
  way.bytes_a_tick = 1 << 20;
  QPushButton* anew = nullptr;
  for (auto* button : window.findChildren<QPushButton*>())
    if (button->accessibleName().startsWith(QStringLiteral("Connect now")) && button->isVisible()) anew = button;
  ASSERT_TRUE(anew);
  QTest::mouseClick(anew, Qt::LeftButton);
  ASSERT_TRUE(wait_until([&] { return way.connections == 2 && fresh(); })) << qPrintable(window.banner_text());
}

TEST_F(RealNodes, ADeadLetterIsDiscardedAndTheNodeSaysWhyNot) {
  const RealNode real(folder.path());
  ASSERT_EQ(window.watch(real.address()), QString());
  window.raise_view("dead-letters");
  auto& letters = *static_cast<DeadLettersView*>(window.view("dead-letters"));
  // The planted one may have come before the dashboard did: what a node told before is not told again.
  ASSERT_TRUE(wait_until([&] { return fresh() && complete(); }));
  NodeApi api;
  QString answer = QStringLiteral("none yet");
  api.dead_letter(window.context().source()->address(), QStringLiteral("station/0:99"), NodeApi::Act::retry, [&](const QString& why) { answer = why; });
  ASSERT_TRUE(wait_until([&] { return answer != QStringLiteral("none yet"); }));
  EXPECT_TRUE(answer.contains(QStringLiteral("station/0:99"))) << qPrintable(answer);
  (void)letters;
}

// Certificates as an operator makes them.
bool openssl(const QString& folder, const QStringList& arguments) {
  QProcess process;
  process.setWorkingDirectory(folder);
  process.start(QStringLiteral("openssl"), arguments);
  return process.waitForFinished(30'000) && process.exitCode() == 0;
}
bool make_certificates(const QString& folder) {
  const auto request = [&](const QString& name, const QString& subject, const QStringList& more) {
    return openssl(folder, QStringList{QStringLiteral("req"), QStringLiteral("-newkey"), QStringLiteral("ec"), QStringLiteral("-pkeyopt"), QStringLiteral("ec_paramgen_curve:prime256v1"), QStringLiteral("-nodes"),
                                       QStringLiteral("-days"), QStringLiteral("1"), QStringLiteral("-subj"), subject, QStringLiteral("-keyout"), name + QStringLiteral(".key")} + more);
  };
  if (!request(QStringLiteral("node"), QStringLiteral("/CN=localhost"), {QStringLiteral("-x509"), QStringLiteral("-addext"), QStringLiteral("subjectAltName=IP:127.0.0.1"), QStringLiteral("-out"), QStringLiteral("node.pem")})) return false;
  for (const auto& authority : {QStringLiteral("ours"), QStringLiteral("theirs")})
    if (!request(authority, QStringLiteral("/CN=") + authority, {QStringLiteral("-x509"), QStringLiteral("-out"), authority + QStringLiteral(".pem")})) return false;
  for (const auto& [name, subject, authority] : {std::tuple(QStringLiteral("viewer"), QStringLiteral("/CN=ann"), QStringLiteral("ours")), std::tuple(QStringLiteral("operator"), QStringLiteral("/OU=operator/CN=bob"), QStringLiteral("ours")),
                                                 std::tuple(QStringLiteral("stranger"), QStringLiteral("/OU=operator/CN=eve"), QStringLiteral("theirs"))})
    if (!request(name, subject, {QStringLiteral("-out"), QStringLiteral("request.pem")}) ||
        !openssl(folder, {QStringLiteral("x509"), QStringLiteral("-req"), QStringLiteral("-days"), QStringLiteral("1"), QStringLiteral("-in"), QStringLiteral("request.pem"), QStringLiteral("-CA"), authority + QStringLiteral(".pem"), QStringLiteral("-CAkey"),
                          authority + QStringLiteral(".key"), QStringLiteral("-CAcreateserial"), QStringLiteral("-out"), name + QStringLiteral(".pem")}))
      return false;
  return true;
}

TEST_F(RealNodes, ACertificateIsShownInTheDialogAndIsTheRole) {
  if (!openssl(folder.path(), {QStringLiteral("version")})) GTEST_SKIP() << "no openssl program to make certificates with";
  ASSERT_TRUE(make_certificates(folder.path()));
  const auto file = [&](const char* name) { return folder.filePath(QLatin1String(name)); };
  const RealNode real(folder.path(), {QStringLiteral("--tls-certificate"), file("node.pem"), QStringLiteral("--tls-key"), file("node.key"), QStringLiteral("--tls-client-ca"), file("ours.pem")});
  const auto address = QStringLiteral("wss://") + real.address();
  // What a person types.
  const auto connect_as = [&](const char* certificate, const char* key) {
    ConnectDialog dialog(&window);
    dialog.show();
    dialog.field()->setEditText(address);
    const auto fill = [&](const char* name, const QString& text) {
      auto* field = dialog.findChild<QLineEdit*>(QLatin1String(name));
      field->clear();
      QTest::keyClicks(field, text);
    };
    fill("connect-ca", file("node.pem"));
    fill("connect-certificate", certificate ? file(certificate) : QString());
    fill("connect-key", key ? file(key) : QString());
    dialog.accept();
    EXPECT_EQ(dialog.result(), QDialog::Accepted) << qPrintable(dialog.findChild<QLabel*>(QStringLiteral("connect-why-not"))->text());
    window.context().watch(Source::live(dialog.address()));
  };
  connect_as("operator.pem", "operator.key");
  ASSERT_TRUE(wait_until([&] { return fresh(); })) << qPrintable(window.banner_text());
  EXPECT_EQ(node().hello().role, QStringLiteral("operator"));
  const auto ask = [&] {
    NodeApi api;
    QString answer = QStringLiteral("none yet");
    api.dead_letter(window.context().source()->address(), QStringLiteral("station/0:99"), NodeApi::Act::discard, [&](const QString& why) { answer = why; });
    EXPECT_TRUE(wait_until([&] { return answer != QStringLiteral("none yet"); }));
    return answer;
  };
  EXPECT_TRUE(ask().contains(QStringLiteral("station/0:99")));
  connect_as("viewer.pem", "viewer.key");
  ASSERT_TRUE(wait_until([&] { return fresh(); })) << qPrintable(window.banner_text());
  EXPECT_EQ(node().hello().role, QStringLiteral("viewer"));
  EXPECT_TRUE(ask().contains(QStringLiteral("you are a viewer")));
  // Its files are remembered with the address, and filled in.
  ConnectDialog again(&window);
  EXPECT_EQ(again.field()->currentText(), address);
  EXPECT_EQ(again.findChild<QLineEdit*>(QStringLiteral("connect-certificate"))->text(), file("viewer.pem"));
  EXPECT_EQ(again.findChild<QLineEdit*>(QStringLiteral("connect-token"))->text(), QString()) << "a token is not kept";
  connect_as(nullptr, nullptr);
  ASSERT_TRUE(wait_until([&] { return banner_says("client certificate"); })) << qPrintable(window.banner_text());
  EXPECT_FALSE(node().known());
  connect_as("stranger.pem", "stranger.key");
  ASSERT_TRUE(wait_until([&] { return banner_says("does not trust the certificate"); })) << qPrintable(window.banner_text());
  EXPECT_FALSE(node().known());
  // What can't work is said by the dialog.
  ConnectDialog dialog(&window);
  dialog.field()->setEditText(address);
  dialog.findChild<QLineEdit*>(QStringLiteral("connect-certificate"))->setText(file("viewer.pem"));
  dialog.findChild<QLineEdit*>(QStringLiteral("connect-key"))->setText(file("nothing.key"));
  dialog.accept();
  EXPECT_NE(dialog.result(), QDialog::Accepted);
  EXPECT_TRUE(dialog.findChild<QLabel*>(QStringLiteral("connect-why-not"))->text().contains(QStringLiteral("nothing.key")));

  // And so without a desktop.
  const auto run = [&](const QStringList& arguments) {
    QProcess process;
    process.setProcessChannelMode(QProcess::MergedChannels);
    process.start(mailroom, arguments);
    wait_until([&] { return process.state() == QProcess::NotRunning; });
    return std::pair(process.exitCode(), QString::fromUtf8(process.readAll()));
  };
  const auto https = QStringLiteral("https://") + real.address();
  const QStringList shown{QStringLiteral("--tls-ca"), file("node.pem"), QStringLiteral("--tls-certificate"), file("viewer.pem"), QStringLiteral("--tls-key"), file("viewer.key")};
  auto [code, said] = run(QStringList{QStringLiteral("top"), https, QStringLiteral("--once")} + shown);
  EXPECT_EQ(code, 0) << qPrintable(said);
  EXPECT_TRUE(said.contains(QStringLiteral("station"))) << qPrintable(said);
  std::tie(code, said) = run({QStringLiteral("top"), https, QStringLiteral("--once"), QStringLiteral("--tls-ca"), file("node.pem")});
  EXPECT_EQ(code, 1);
  EXPECT_TRUE(said.contains(QStringLiteral("give --tls-certificate"))) << qPrintable(said);
  const auto session = file("run.mailroom-session");
  std::tie(code, said) = run(QStringList{QStringLiteral("record"), https, session, QStringLiteral("--seconds"), QStringLiteral("1.5")} + shown);
  EXPECT_EQ(code, 0) << qPrintable(said);
  ASSERT_EQ(window.watch(session), QString());
  ASSERT_TRUE(wait_until([&] { return node().link().state == LinkState::complete; }));
  EXPECT_TRUE(complete());
}

}  // namespace
}  // namespace mailroom::dashboard
