// A node as far as a WebSocket goes.
#pragma once

#include <QWebSocket>
#include <QWebSocketServer>

#include "tests/dashboard/help.hpp"

namespace mailroom::dashboard {

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

// The context watches the node, which greets whoever comes as a small one; true once it is known.
inline bool watch_until_known(Context& context, FakeNode& node) {
  node.on_connect = [](QWebSocket& client) { client.sendBinaryMessage(encode(small_hello())); };
  context.watch(Source::live(node.address()));
  return wait_until([&] { return context.node().known(); });
}

}  // namespace mailroom::dashboard
