// Which node: an address, or one of the recent ones; a token and certificates where the node asks for them.
#pragma once

#include <QDialog>
#include <QSettings>

#include "dashboard/source/source.hpp"

class QComboBox;
class QLabel;
class QLineEdit;

namespace mailroom::dashboard {

// "7070", "host:port", "ws://host:port", "wss://host:port/telemetry" -> a NodeAddress, or why it is none.
[[nodiscard]] std::variant<NodeAddress, QString> parse_address(const QString& text, const QString& token = {}, const QString& ca_file = {});

// The newest first, at most ten; tokens are never kept.
[[nodiscard]] QStringList recent_addresses(const QSettings& settings);
void remember_address(QSettings& settings, const QString& address);

class ConnectDialog : public QDialog {
  Q_OBJECT
 public:
  explicit ConnectDialog(QWidget* parent);
  [[nodiscard]] const NodeAddress& address() const noexcept { return address_; }
  [[nodiscard]] QComboBox* field() const noexcept { return field_; }
  void accept() override;

 private:
  QComboBox* field_;
  QLineEdit *token_, *ca_file_;
  QLabel* why_;
  NodeAddress address_;
};

}  // namespace mailroom::dashboard
