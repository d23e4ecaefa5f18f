// Who watches whom: the supervision tree with a timeline of restarts and escalations.
#pragma once

#include "dashboard/views/supervision_model.hpp"
#include "dashboard/views/view.hpp"

class QLineEdit;
class QToolButton;
class QTreeView;

namespace mailroom::dashboard {

class SupervisionView : public View {
  Q_OBJECT
 public:
  explicit SupervisionView(Context& context, QWidget* parent = nullptr);
  [[nodiscard]] QString subtitle() const override;
  [[nodiscard]] std::vector<QStringList> rows() const override;
  [[nodiscard]] std::vector<QWidget*> title_controls() override;
  [[nodiscard]] QTreeView* tree() const noexcept { return tree_; }
  [[nodiscard]] SupervisionModel& model() noexcept { return *model_; }
  [[nodiscard]] bool matches(const QModelIndex& index) const;  // the search; what does not match is greyed

 private:
  void follow_selection();
  void open_failing();
  SupervisionModel* model_;
  QTreeView* tree_;
  QToolButton* failing_;
  QLineEdit* search_;
  bool following_ = false;
};

}  // namespace mailroom::dashboard
