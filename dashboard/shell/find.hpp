// Ctrl+K: stages, shards, keys and traces by a part of their name.
#pragma once

#include <QDialog>

#include "dashboard/model/context.hpp"

class QLineEdit;
class QListWidget;

namespace mailroom::dashboard {

struct Found {
  QString kind, name, detail;  // "shard", "enrich-b/11", "3,702 queued"
  int stage = -1, shard = -1;
  QString trace, key;
};
// The best first, at most `most`: names that begin with the text before names that contain it.
[[nodiscard]] std::vector<Found> find_named(const NodeModel& node, const QString& text, std::size_t most = 40);
void follow(Context& context, const Found& found);

class FindDialog : public QDialog {
  Q_OBJECT
 public:
  FindDialog(Context& context, QWidget* parent);
  [[nodiscard]] QLineEdit* field() const noexcept { return field_; }
  [[nodiscard]] QListWidget* list() const noexcept { return list_; }

 protected:
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  void search();
  void take();
  Context& context_;
  QLineEdit* field_;
  QListWidget* list_;
  std::vector<Found> found_;
};

}  // namespace mailroom::dashboard
