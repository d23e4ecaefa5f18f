#include "dashboard/source/tls.hpp"

#include <QFile>
#include <QSslCertificate>
#include <QSslKey>

namespace mailroom::dashboard {

namespace {

std::variant<QList<QSslCertificate>, QString> certificates_in(const QString& path) {
  QFile file(path);
  if (!file.open(QIODevice::ReadOnly)) return QStringLiteral("%1 can't be read: %2").arg(path, file.errorString());
  auto found = QSslCertificate::fromDevice(&file, QSsl::Pem);
  if (found.isEmpty()) return QStringLiteral("%1 holds no PEM certificate").arg(path);
  return found;
}

std::variant<QSslKey, QString> key_in(const QString& path) {
  QFile file(path);
  if (!file.open(QIODevice::ReadOnly)) return QStringLiteral("%1 can't be read: %2").arg(path, file.errorString());
  const auto bytes = file.readAll();
  for (const auto algorithm : {QSsl::Ec, QSsl::Rsa, QSsl::Dsa})
    if (QSslKey key(bytes, algorithm, QSsl::Pem); !key.isNull()) return key;
  return bytes.contains("ENCRYPTED") ? QStringLiteral("%1 has a passphrase: a key without one is expected").arg(path)
                                     : QStringLiteral("%1 holds no PEM private key").arg(path);
}

}  // namespace

std::variant<QSslConfiguration, QString> tls_configuration(const TlsFiles& files) {
  auto made = QSslConfiguration::defaultConfiguration();
  if (!files.ca.isEmpty()) {
    auto trusted = certificates_in(files.ca);
    if (auto* why = std::get_if<QString>(&trusted)) return *why;
    made.setCaCertificates(std::get<QList<QSslCertificate>>(trusted));
  }
  if (files.certificate.isEmpty()) {
    if (!files.key.isEmpty()) return QStringLiteral("%1 is a key without its certificate").arg(files.key);
    return made;
  }
  auto chain = certificates_in(files.certificate);
  if (auto* why = std::get_if<QString>(&chain)) return *why;
  auto key = key_in(files.key.isEmpty() ? files.certificate : files.key);
  if (auto* why = std::get_if<QString>(&key)) return *why;
  made.setLocalCertificateChain(std::get<QList<QSslCertificate>>(chain));
  made.setPrivateKey(std::get<QSslKey>(key));
  return made;
}

}  // namespace mailroom::dashboard
