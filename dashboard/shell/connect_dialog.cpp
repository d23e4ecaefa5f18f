#include "dashboard/shell/connect_dialog.hpp"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QFileDialog>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QHostAddress>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QToolButton>

#include "dashboard/source/tls.hpp"
#include "dashboard/theme/theme.hpp"

namespace mailroom::dashboard {

std::variant<NodeAddress, QString> parse_address(const QString& text, const QString& token, const TlsFiles& tls) {
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
  if (url.scheme() == QLatin1String("ws") && tls != TlsFiles()) return QStringLiteral("certificates are for TLS: use wss://%1").arg(url.authority());
  if (url.scheme() == QLatin1String("wss"))
    if (auto made = tls_configuration(tls); auto* why = std::get_if<QString>(&made)) return *why;
  return NodeAddress{url, token, tls};
}

QStringList recent_addresses(const QSettings& settings) { return settings.value(QStringLiteral("recent")).toStringList(); }

TlsFiles recent_tls(const QSettings& settings, const QString& address) {
  const auto files = settings.value(QStringLiteral("recent-tls")).toMap().value(address).toStringList();
  return {files.value(0), files.value(1), files.value(2)};
}

void remember_address(QSettings& settings, const NodeAddress& address) {
  const auto name = address.url.scheme() == QLatin1String("wss") ? QStringLiteral("wss://") + address.url.authority() : address.url.authority();
  auto recent = recent_addresses(settings);
  recent.removeAll(name);
  recent.prepend(name);
  while (recent.size() > 10) recent.removeLast();
  settings.setValue(QStringLiteral("recent"), recent);
  QVariantMap kept;
  const auto before = settings.value(QStringLiteral("recent-tls")).toMap();
  for (const auto& each : recent)
    if (before.contains(each)) kept.insert(each, before.value(each));
  kept.remove(name);
  if (address.tls != TlsFiles()) kept.insert(name, QStringList{address.tls.ca, address.tls.certificate, address.tls.key});
  settings.setValue(QStringLiteral("recent-tls"), kept);
}

ConnectDialog::ConnectDialog(QWidget* parent) : QDialog(parent) {
  setWindowTitle(QStringLiteral("Connect to a node"));
  setObjectName(QStringLiteral("connect-dialog"));
  auto* form = new QFormLayout(this);
  form->setFieldGrowthPolicy(QFormLayout::ExpandingFieldsGrow);
  field_ = new QComboBox;
  field_->setEditable(true);
  field_->setMinimumWidth(380);
  field_->addItems(recent_addresses(QSettings()));
  field_->lineEdit()->setPlaceholderText(QStringLiteral("127.0.0.1:7070, or wss://HOST:PORT"));
  field_->setAccessibleName(QStringLiteral("Address of the node, or a recent one"));
  field_->lineEdit()->setAccessibleName(field_->accessibleName());
  token_ = new QLineEdit;
  token_->setObjectName(QStringLiteral("connect-token"));
  token_->setEchoMode(QLineEdit::Password);
  token_->setPlaceholderText(QStringLiteral("if the node asks for one; kept in memory only"));
  token_->setAccessibleName(QStringLiteral("Token"));
  why_ = new QLabel;
  why_->setObjectName(QStringLiteral("connect-why-not"));
  why_->setWordWrap(true);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel);
  buttons->button(QDialogButtonBox::Ok)->setText(QStringLiteral("Connect"));
  form->addRow(QStringLiteral("&Node"), field_);
  form->addRow(QStringLiteral("&Token"), token_);
  auto* heading = new QLabel(QStringLiteral("For wss://, PEM files:"));
  form->addRow(heading);
  const auto row = [&](const QString& label, QLineEdit* field) { form->addRow(label, field->parentWidget()); static_cast<QLabel*>(form->labelForField(field->parentWidget()))->setBuddy(field); };
  row(QStringLiteral("T&rusted"), ca_ = file_field("connect-ca", QStringLiteral("whose certificates to trust; empty: the system's"), QStringLiteral("File of the certificates to trust")));
  row(QStringLiteral("&Certificate"), certificate_ = file_field("connect-certificate", QStringLiteral("yours, if the node asks for one"), QStringLiteral("File of your certificate")));
  row(QStringLiteral("Its &key"), key_ = file_field("connect-key", QStringLiteral("empty: in the certificate's file"), QStringLiteral("File of your certificate's private key")));
  form->addRow(why_);
  form->addRow(buttons);
  connect(buttons, &QDialogButtonBox::accepted, this, &ConnectDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, this, &ConnectDialog::reject);
  connect(field_, &QComboBox::currentIndexChanged, this, [this] { fill_in_tls(); });
  fill_in_tls();
  field_->setFocus();
  field_->lineEdit()->selectAll();
}

// A recent address comes with the files that it was reached with.
void ConnectDialog::fill_in_tls() {
  const auto files = recent_tls(QSettings(), field_->currentText());
  ca_->setText(files.ca);
  certificate_->setText(files.certificate);
  key_->setText(files.key);
}

// A field in a row with a button that looks for the file.
QLineEdit* ConnectDialog::file_field(const char* name, const QString& hint, const QString& accessible) {
  auto* row = new QWidget(this);
  auto* layout = new QHBoxLayout(row);
  layout->setContentsMargins(0, 0, 0, 0);
  auto* field = new QLineEdit(row);
  field->setObjectName(QLatin1String(name));
  field->setPlaceholderText(hint);
  field->setAccessibleName(accessible);
  auto* look = new QToolButton(row);
  look->setText(QStringLiteral("…"));
  look->setFocusPolicy(Qt::TabFocus);
  look->setAccessibleName(QStringLiteral("%1: look for it").arg(accessible));
  look->setToolTip(look->accessibleName());
  connect(look, &QToolButton::clicked, this, [this, field, accessible] {
    const auto path = QFileDialog::getOpenFileName(this, accessible, QFileInfo(field->text()).path(), QStringLiteral("PEM (*.pem *.crt *.key);;All files (*)"));
    if (!path.isEmpty()) field->setText(path);
  });
  layout->addWidget(field, 1);
  layout->addWidget(look);
  return field;
}

void ConnectDialog::accept() {
  auto parsed = parse_address(field_->currentText(), token_->text(), {ca_->text().trimmed(), certificate_->text().trimmed(), key_->text().trimmed()});
  if (auto* why = std::get_if<QString>(&parsed)) {
    why_->setText(*why);
    auto palette = why_->palette();
    palette.setColor(QPalette::WindowText, Theme::get().colors().vermilion);
    why_->setPalette(palette);
    return;
  }
  address_ = std::get<NodeAddress>(parsed);
  QSettings settings;
  remember_address(settings, address_);
  QDialog::accept();
}

}  // namespace mailroom::dashboard
