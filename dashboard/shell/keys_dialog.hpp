// What the keyboard does: F1.
#pragma once

#include <QDialog>
#include <vector>

namespace mailroom::dashboard {

struct KeyHelp {
  QString keys;  // as they stand on the keyboard: "Ctrl+K"; empty: a heading
  QString does;
};
[[nodiscard]] const std::vector<KeyHelp>& key_help();

class KeysDialog : public QDialog {
  Q_OBJECT
 public:
  explicit KeysDialog(QWidget* parent);
};

}  // namespace mailroom::dashboard
