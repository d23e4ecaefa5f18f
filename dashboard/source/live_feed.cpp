#include "dashboard/source/live_feed.hpp"

#include <QDateTime>
#include <QFile>
#include <QNetworkRequest>
#include <QSslConfiguration>
#include <QWebSocketHandshakeOptions>

namespace mailroom::dashboard {

void LiveFeed::start() {
  tick_ = new QTimer(this);
  QObject::connect(tick_, &QTimer::timeout, this, [this] { tick(); });
  tick_->start(tick_ms);
  connect_now();
}

void LiveFeed::stop() {
  if (tick_) tick_->stop();
  intake_.stop_recording();
  if (socket_) {
    socket_->disconnect(this);
    socket_->abort();
    socket_.reset();
  }
}

void LiveFeed::reconnect_now() {
  if (waiting_) connect_now();
}

void LiveFeed::connect_now() {
  waiting_ = open_ = false;
  bad_ = 0;
  if (socket_) {
    socket_->disconnect(this);
    socket_.release()->deleteLater();
  }
  socket_ = std::make_unique<QWebSocket>();
  socket_->setMaxAllowedIncomingFrameSize(max_frame_bytes);
  socket_->setMaxAllowedIncomingMessageSize(max_frame_bytes);
  intake_.begin();
  intake_.link({LinkState::connecting, QStringLiteral("connecting to %1").arg(address_.url.authority()), 0, 0});
  QObject::connect(socket_.get(), &QWebSocket::connected, this, [this] {
    open_ = true;
    heard_.start();
  });
  QObject::connect(socket_.get(), &QWebSocket::binaryMessageReceived, this, [this](const QByteArray& bytes) {
    if (intake_.frame(bytes, QDateTime::currentMSecsSinceEpoch() * 1000)) {
      heard_.start();
      bad_ = 0;
      wait_ms_ = first_wait_ms;
      intake_.link({LinkState::live, {}, 0, 0});
    } else if (++bad_ >= max_bad) {
      lost(QStringLiteral("it sent %1 frames in a row that are none").arg(bad_));
    }
  });
  QObject::connect(socket_.get(), &QWebSocket::textMessageReceived, this, [this](const QString&) {
    intake_.frame(QByteArray("text"), 0);
    if (++bad_ >= max_bad) lost(QStringLiteral("it speaks something else"));
  });
  QObject::connect(socket_.get(), &QWebSocket::disconnected, this, [this] {
    const auto reason = socket_->closeReason();
    lost(reason.isEmpty() ? QStringLiteral("the node closed the connection") : QStringLiteral("the node closed the connection: %1").arg(reason));
  });
  QObject::connect(socket_.get(), QOverload<QAbstractSocket::SocketError>::of(&QWebSocket::error), this,
                   [this] { lost(socket_->errorString()); });
  QNetworkRequest request(address_.url);
  if (!address_.token.isEmpty()) request.setRawHeader("Authorization", "Bearer " + address_.token.toUtf8());
  if (address_.url.scheme() == QLatin1String("wss") && !address_.ca_file.isEmpty()) {
    auto tls = QSslConfiguration::defaultConfiguration();
    const auto certificates = QSslCertificate::fromPath(address_.ca_file, QSsl::Pem);
    if (certificates.isEmpty()) {
      intake_.link({LinkState::failed, QStringLiteral("%1 holds no PEM certificate").arg(address_.ca_file), 0, 0});
      socket_->disconnect(this);
      return;
    }
    tls.setCaCertificates(certificates);
    socket_->setSslConfiguration(tls);
  }
  QWebSocketHandshakeOptions options;
  options.setSubprotocols({QStringLiteral("mailroom.telemetry.v1")});
  asked_.start();
  socket_->open(request, options);
}

void LiveFeed::lost(const QString& why) {
  if (waiting_) return;
  waiting_ = true;
  open_ = false;
  why_ = why;
  wait_left_ms_ = wait_ms_;
  wait_ms_ = std::min(wait_ms_ * 2, longest_wait_ms);
  socket_->disconnect(this);
  socket_->abort();
  intake_.link({LinkState::waiting, why_, wait_left_ms_, 0});
}

void LiveFeed::tick() {
  if (waiting_) {
    wait_left_ms_ -= tick_ms;
    if (wait_left_ms_ <= 0) connect_now();
    else if (wait_left_ms_ % 1000 < tick_ms) intake_.link({LinkState::waiting, why_, wait_left_ms_, 0});
  } else if (open_) {
    if (heard_.hasExpired(give_up_ms)) lost(QStringLiteral("nothing came for %1 s").arg(give_up_ms / 1000));
    else if (heard_.hasExpired(stale_ms)) intake_.link({LinkState::stale, QStringLiteral("the node is silent"), 0, 0});
  } else if (socket_ && asked_.hasExpired(10'000)) {
    lost(QStringLiteral("no answer within 10 s"));
  }
  intake_.flush();
}

}  // namespace mailroom::dashboard
