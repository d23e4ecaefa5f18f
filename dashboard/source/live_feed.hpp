// A node's WebSocket.
#pragma once

#include <QElapsedTimer>
#include <QTimer>
#include <QWebSocket>

#include "dashboard/source/feed.hpp"
#include "dashboard/source/source.hpp"

namespace mailroom::dashboard {

// Connects; when the connection is gone or nothing comes for `give_up_ms`, connects again after 0.25 s, doubling up to 10 s.
// Silence of `stale_ms` is said at once. reconnect_now() ends a back-off, and skips what queues on a slow way. A node that sends `max_bad` bad frames in a row is left, and tried again later.
class LiveFeed : public Feed {
  Q_OBJECT
 public:
  static constexpr int stale_ms = 3'000, give_up_ms = 15'000, first_wait_ms = 250, longest_wait_ms = 10'000, max_bad = 20;
  LiveFeed(std::shared_ptr<Exchange> exchange, NodeAddress address) : Feed(std::move(exchange), 0), address_(std::move(address)) {}
  void start() override;
  void stop() override;
  void reconnect_now() override;

 private:
  void connect_now();
  void lost(const QString& why);
  void tick();
  NodeAddress address_;
  std::unique_ptr<QWebSocket> socket_;
  QTimer* tick_ = nullptr;
  QElapsedTimer heard_, asked_;
  int wait_ms_ = first_wait_ms, wait_left_ms_ = 0, bad_ = 0;
  bool waiting_ = false, open_ = false;
  QString why_;
};

}  // namespace mailroom::dashboard
