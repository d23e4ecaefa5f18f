// The mailboxes as a table: depth, the last minute, rates, wait, time to clear, state. Sorted anew once a second, not under the mouse.
#pragma once

#include "dashboard/views/mailbox_model.hpp"
#include "dashboard/views/view.hpp"

class QTableView;
class QToolButton;

namespace mailroom::dashboard {

class MailboxesView : public View {
  Q_OBJECT
 public:
  explicit MailboxesView(Context& context, QWidget* parent = nullptr);
  [[nodiscard]] QString subtitle() const override;
  [[nodiscard]] std::vector<QStringList> rows() const override;
  [[nodiscard]] std::vector<QWidget*> title_controls() override;
  [[nodiscard]] MailboxModel& model() noexcept { return *model_; }
  [[nodiscard]] QTableView* table() const noexcept { return table_; }

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  void refresh();
  void arrange();
  void follow_selection();
  MailboxModel* model_;
  QTableView* table_;
  QToolButton* only_filled_;
  bool following_ = false;
};

}  // namespace mailroom::dashboard
