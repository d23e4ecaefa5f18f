#include "dashboard/source/live_feed.hpp"

#include <QDateTime>
#include <QNetworkRequest>
#include <QWebSocketHandshakeOptions>

#include "dashboard/source/tls.hpp"

namespace mailroom::dashboard {

namespace {

// What Qt says of a connection that did not come about, in words that say what to do.
QString plainly(const QString& error, const NodeAddress& address) {
  const auto says = [&](const char* part) { return error.contains(QLatin1String(part), Qt::CaseInsensitive); };
  if (says("status code: 401")) return QStringLiteral("the node lets in only who shows a token or a client certificate");
  if (says("status code: 403")) return QStringLiteral("the node refuses: it does not take this address for its own");
  if (says("status code: 404") || says("status code: 400")) return QStringLiteral("what answers there is no Mailroom node of this version");
  if (says("status code: 503")) return QStringLiteral("as many watch the node as it serves");
  if (says("certificate required") || says("handshake failure")) return QStringLiteral("the node lets in only who shows a client certificate that it trusts");
  if (says("unknown ca") || says("bad certificate") || says("certificate expired") || says("certificate unknown"))
    return QStringLiteral("the node does not trust the certificate that was shown to it");
  if (address.url.scheme() == QLatin1String("ws") && says("remote host closed")) return QStringLiteral("it closed the connection without a word; a node that uses TLS is reached by wss://");
  return error;
}

}  // namespace

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
  if (waiting_ || open_) connect_now();
}

void LiveFeed::connect_now() {
  waiting_ = open_ = false;
  bad_ = 0;
  if (socket_) {
    socket_->disconnect(this);
    socket_->abort();
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
    if (const auto reason = socket_->closeReason(); !reason.isEmpty()) return lost(QStringLiteral("the node closed the connection: %1").arg(reason));
    if (open_) return lost(QStringLiteral("the connection broke: the node has died, or the network has"));
    // It never came about: Qt says why in the `error` that follows, and by then has the words.
    QTimer::singleShot(0, socket_.get(), [this, socket = socket_.get()] {
      if (socket == socket_.get()) lost(plainly(socket->errorString(), address_));
    });
  });
  QObject::connect(socket_.get(), QOverload<QAbstractSocket::SocketError>::of(&QWebSocket::error), this,
                   [this] { lost(open_ ? QStringLiteral("the connection broke (%1)").arg(socket_->errorString()) : plainly(socket_->errorString(), address_)); });
  QNetworkRequest request(address_.url);
  if (!address_.token.isEmpty()) request.setRawHeader("Authorization", "Bearer " + address_.token.toUtf8());
  if (address_.url.scheme() == QLatin1String("wss")) {
    auto tls = tls_configuration(address_.tls);
    if (auto* why = std::get_if<QString>(&tls)) {
      intake_.link({LinkState::failed, *why, 0, 0});
      socket_->disconnect(this);
      socket_.reset();  // nothing is under way: it is not tried again
      return;
    }
    socket_->setSslConfiguration(std::get<QSslConfiguration>(tls));
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
