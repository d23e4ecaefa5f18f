#include "dashboard/shell/connect_dialog.hpp"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QHostAddress>
#include <QLabel>
#include <QLineEdit>

#include "dashboard/theme/theme.hpp"

namespace mailroom::dashboard {

std::variant<NodeAddress, QString> parse_address(const QString& text, const QString& token, const QString& ca_file) {
  auto wanted = text.trimmed();
  if (wanted.isEmpty()) return QStringLiteral("no address: HOST:PORT or ws://HOST:PORT is expected");
  if (bool port = false; wanted.toUShort(&port) > 0 && port) wanted.prepend(QStringLiteral("127.0.0.1:"));
  if (!wanted.contains(QStringLiteral("://"))) wanted.prepend(QStringLiteral("ws://"));
  QUrl url(wanted, QUrl::StrictMode);
  if (!url.isValid() || url.host().isEmpty()) return QStringLiteral("%1 is no address: HOST:PORT or ws://HOST:PORT is expected").arg(text);
  if (url.scheme() == QLatin1String("http")) url.setScheme(QStringLiteral("ws"));
  if (url.scheme() == QLatin1String("https")) url.setScheme(QStringLiteral("wss"));
  if (url.scheme() != QLatin1String("ws") && url.scheme() != QLatin1String("wss")) return QStringLiteral("%1: ws:// or wss:// is expected").arg(text);
  if (url.port() < 0) return QStringLiteral("%1 names no port: the node says its own when it starts").arg(text);
  if (url.path().isEmpty() || url.path() == QLatin1String("/")) url.setPath(QStringLiteral("/telemetry"));
  const bool loopback = url.host() == QLatin1String("localhost") || QHostAddress(url.host()).isLoopback();
  if (url.scheme() == QLatin1String("ws") && !loopback && !token.isEmpty()) return QStringLiteral("a token is not sent in the clear: use wss://%1").arg(url.authority());
  return NodeAddress{url, token, ca_file};
}

QStringList recent_addresses(const QSettings& settings) { return settings.value(QStringLiteral("recent")).toStringList(); }

void remember_address(QSettings& settings, const QString& address) {
  auto recent = recent_addresses(settings);
  recent.removeAll(address);
  recent.prepend(address);
  while (recent.size() > 10) recent.removeLast();
  settings.setValue(QStringLiteral("recent"), recent);
}

ConnectDialog::ConnectDialog(QWidget* parent) : QDialog(parent) {
  setWindowTitle(QStringLiteral("Connect to a node"));
  setObjectName(QStringLiteral("connect-dialog"));
  auto* form = new QFormLayout(this);
  field_ = new QComboBox;
  field_->setEditable(true);
  field_->setMinimumWidth(320);
  field_->addItems(recent_addresses(QSettings()));
  field_->lineEdit()->setPlaceholderText(QStringLiteral("127.0.0.1:7070"));
  field_->setAccessibleName(QStringLiteral("Address of the node, or a recent one"));
  token_ = new QLineEdit;
  token_->setEchoMode(QLineEdit::Password);
  token_->setPlaceholderText(QStringLiteral("if the node asks for one; kept in memory only"));
  token_->setAccessibleName(QStringLiteral("Token"));
  ca_file_ = new QLineEdit;
  ca_file_->setPlaceholderText(QStringLiteral("PEM file, for wss:// with a certificate of your own"));
  ca_file_->setAccessibleName(QStringLiteral("File of trusted certificates"));
  why_ = new QLabel;
  why_->setWordWrap(true);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel);
  form->addRow(QStringLiteral("Node"), field_);
  form->addRow(QStringLiteral("Token"), token_);
  form->addRow(QStringLiteral("Certificates"), ca_file_);
  form->addRow(why_);
  form->addRow(buttons);
  connect(buttons, &QDialogButtonBox::accepted, this, &ConnectDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, this, &ConnectDialog::reject);
  field_->setFocus();
}

void ConnectDialog::accept() {
  auto parsed = parse_address(field_->currentText(), token_->text(), ca_file_->text().trimmed());
  if (auto* why = std::get_if<QString>(&parsed)) {
    why_->setText(*why);
    auto palette = why_->palette();
    palette.setColor(QPalette::WindowText, Theme::get().colors().vermilion);
    why_->setPalette(palette);
    return;
  }
  address_ = std::get<NodeAddress>(parsed);
  QSettings settings;
  remember_address(settings, address_.url.scheme() == QLatin1String("wss") ? QStringLiteral("wss://") + address_.url.authority() : address_.url.authority());
  QDialog::accept();
}

}  // namespace mailroom::dashboard
