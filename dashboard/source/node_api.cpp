#include "dashboard/source/node_api.hpp"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QNetworkReply>
#include <QNetworkRequest>

#include "dashboard/source/tls.hpp"

namespace mailroom::dashboard {

void NodeApi::dead_letter(const NodeAddress& node, const QString& letter, Act act, std::function<void(const QString&)> done) {
  QUrl url = node.url;
  url.setScheme(url.scheme() == QLatin1String("wss") ? QStringLiteral("https") : QStringLiteral("http"));
  url.setPath(act == Act::retry ? QStringLiteral("/api/v1/dead-letters/retry") : QStringLiteral("/api/v1/dead-letters/discard"));
  QNetworkRequest request(url);
  request.setTransferTimeout(10'000);
  request.setHeader(QNetworkRequest::ContentTypeHeader, QStringLiteral("application/json"));
  if (!node.token.isEmpty()) request.setRawHeader("Authorization", "Bearer " + node.token.toUtf8());
  if (url.scheme() == QLatin1String("https")) {
    auto tls = tls_configuration(node.tls);
    if (auto* why = std::get_if<QString>(&tls)) return done(*why);
    request.setSslConfiguration(std::get<QSslConfiguration>(tls));
  }
  auto* reply = network_.post(request, QJsonDocument(QJsonObject{{QStringLiteral("ids"), QJsonArray{letter}}}).toJson(QJsonDocument::Compact));
  connect(reply, &QNetworkReply::finished, this, [reply, done = std::move(done)] {
    reply->deleteLater();
    const auto said = QJsonDocument::fromJson(reply->read(64 << 10)).object();
    QStringList refused;
    for (const auto& each : said.value(QStringLiteral("refused")).toArray()) refused << each.toString();
    auto why = refused.join(QStringLiteral("; "));
    if (why.isEmpty()) why = said.value(QStringLiteral("error")).toObject().value(QStringLiteral("message")).toString();
    if (why.isEmpty() && reply->error() != QNetworkReply::NoError) why = reply->errorString();
    // Neither refused nor done: it is no longer there.
    if (why.isEmpty() && said.value(QStringLiteral("retried")).toInt() + said.value(QStringLiteral("discarded")).toInt() == 0) why = QStringLiteral("the node has no such letter any more");
    done(why);
  });
}

}  // namespace mailroom::dashboard
