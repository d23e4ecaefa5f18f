#include "dashboard/source/node_api.hpp"

#include <QFile>
#include <QJsonDocument>
#include <QJsonObject>
#include <QNetworkReply>
#include <QNetworkRequest>
#include <QSslConfiguration>

namespace mailroom::dashboard {

void NodeApi::dead_letter(const NodeAddress& node, const QString& letter, Act act, std::function<void(const QString&)> done) {
  QUrl url = node.url;
  url.setScheme(url.scheme() == QLatin1String("wss") ? QStringLiteral("https") : QStringLiteral("http"));
  url.setPath(QStringLiteral("/api/v1/dead-letters/%1/%2").arg(QString::fromLatin1(QUrl::toPercentEncoding(letter)), act == Act::retry ? QStringLiteral("retry") : QStringLiteral("discard")), QUrl::TolerantMode);
  QNetworkRequest request(url);
  request.setTransferTimeout(10'000);
  request.setHeader(QNetworkRequest::ContentTypeHeader, QStringLiteral("application/json"));
  if (!node.token.isEmpty()) request.setRawHeader("Authorization", "Bearer " + node.token.toUtf8());
  if (!node.ca_file.isEmpty()) {
    auto tls = QSslConfiguration::defaultConfiguration();
    tls.setCaCertificates(QSslCertificate::fromPath(node.ca_file, QSsl::Pem));
    request.setSslConfiguration(tls);
  }
  auto* reply = network_.post(request, QByteArray("{}"));
  connect(reply, &QNetworkReply::finished, this, [reply, done = std::move(done)] {
    reply->deleteLater();
    if (reply->error() == QNetworkReply::NoError) return done({});
    const auto body = reply->read(4'096);
    const auto said = QJsonDocument::fromJson(body).object();
    auto why = said.value(QStringLiteral("error")).toString();
    if (why.isEmpty()) why = said.value(QStringLiteral("message")).toString();
    done(why.isEmpty() ? reply->errorString() : why);
  });
}

}  // namespace mailroom::dashboard
