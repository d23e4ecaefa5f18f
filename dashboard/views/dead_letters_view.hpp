// Events given up on: why, where, and what a person can do: retry to where they came from, discard, look at their trace.
#pragma once

#include "dashboard/source/node_api.hpp"
#include "dashboard/views/dead_letter_model.hpp"
#include "dashboard/views/view.hpp"

class QHBoxLayout;
class QLabel;
class QPushButton;
class QTableView;

namespace mailroom::dashboard {

class DeadLettersView : public View {
  Q_OBJECT
 public:
  explicit DeadLettersView(Context& context, QWidget* parent = nullptr);
  [[nodiscard]] QString subtitle() const override;
  [[nodiscard]] std::vector<QStringList> rows() const override;
  [[nodiscard]] DeadLetterModel& model() noexcept { return *model_; }
  [[nodiscard]] QTableView* table() const noexcept { return table_; }
  [[nodiscard]] QPushButton* retry_button() const noexcept { return retry_; }
  // Asks a person before anything is done; a test answers for one.
  std::function<bool(const QString& question)> confirm;

 private:
  void refresh(bool anew);
  void dress();
  void fit_columns();
  void act(NodeApi::Act act);
  [[nodiscard]] const Event* current() const;
  [[nodiscard]] QString why_not() const;  // nothing can be done; empty: something can
  DeadLetterModel* model_;
  QTableView* table_;
  QWidget* chips_;
  QHBoxLayout* chip_row_;
  QPushButton *retry_, *lane_, *trace_, *discard_;
  QLabel* said_;
  NodeApi api_;
  std::vector<std::pair<QString, int>> shown_reasons_;
  std::array<int, DeadLetterModel::column_count> fitted_{};  // width of a column, as its texts asked for
};

}  // namespace mailroom::dashboard
