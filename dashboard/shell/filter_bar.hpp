// The filters as chips that can be removed, and the dialog that makes one.
#pragma once

#include <QDialog>

#include "dashboard/model/context.hpp"

class QCheckBox;
class QComboBox;
class QLabel;
class QLineEdit;

namespace mailroom::dashboard {

class FilterBar : public QWidget {
  Q_OBJECT
 public:
  FilterBar(Context& context, QWidget* parent);

 private:
  void rebuild();
  Context& context_;
};

class FilterDialog : public QDialog {
  Q_OBJECT
 public:
  FilterDialog(Context& context, QWidget* parent);
  [[nodiscard]] QLineEdit* pattern() const noexcept { return pattern_; }
  void accept() override;

 private:
  Context& context_;
  QComboBox* field_;
  QLineEdit* pattern_;
  QCheckBox* exclude_;
  QLabel* why_;
};

}  // namespace mailroom::dashboard
