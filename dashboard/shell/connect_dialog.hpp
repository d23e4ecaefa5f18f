// Which node: an address, or one of the recent ones; a token or a client certificate where the node asks for one.
#pragma once

#include <QDialog>
#include <QSettings>

#include "dashboard/source/source.hpp"

class QComboBox;
class QLabel;
class QLineEdit;

namespace mailroom::dashboard {

// "7070", "host:port", "ws://host:port", "wss://host:port/telemetry" -> a NodeAddress, or why it is none.
[[nodiscard]] std::variant<NodeAddress, QString> parse_address(const QString& text, const QString& token = {}, const TlsFiles& tls = {});

// The newest first, at most ten, as a person would type them. Kept with the names of their TLS files; tokens are never kept.
[[nodiscard]] QStringList recent_addresses(const QSettings& settings);
[[nodiscard]] TlsFiles recent_tls(const QSettings& settings, const QString& address);
void remember_address(QSettings& settings, const NodeAddress& address);

class ConnectDialog : public QDialog {
  Q_OBJECT
 public:
  explicit ConnectDialog(QWidget* parent);
  [[nodiscard]] const NodeAddress& address() const noexcept { return address_; }
  [[nodiscard]] QComboBox* field() const noexcept { return field_; }
  void accept() override;

 private:
  void fill_in_tls();
  QLineEdit* file_field(const char* name, const QString& hint, const QString& accessible);

  QComboBox* field_;
  QLineEdit *token_, *ca_, *certificate_, *key_;
  QLabel* why_;
  NodeAddress address_;
};

}  // namespace mailroom::dashboard
