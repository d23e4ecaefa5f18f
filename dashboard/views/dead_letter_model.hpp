// The dead letters of the shown node up to the end of the shown time, newest first.
#pragma once

#include <QAbstractTableModel>
#include <QSet>

#include "dashboard/model/context.hpp"

namespace mailroom::dashboard {

class DeadLetterModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Column { time, reason, to, from, key, tries, trace, column_count };
  static constexpr std::size_t most = 10'000;  // the newest; what the node still keeps can be listed with its HTTP API
  explicit DeadLetterModel(Context& context, QObject* parent = nullptr) : QAbstractTableModel(parent), context_(context) {}
  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override { return parent.isValid() ? 0 : static_cast<int>(letters_.size()); }
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override { return parent.isValid() ? 0 : column_count; }
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
  void refresh(bool anew = false);
  [[nodiscard]] const Event& letter(int row) const { return letters_[static_cast<std::size_t>(row)]; }
  void show_reason(const QString& only) { reason_ = only; refresh(true); }  // empty: all
  [[nodiscard]] const QString& shown_reason() const noexcept { return reason_; }
  [[nodiscard]] const std::vector<std::pair<QString, int>>& reasons() const noexcept { return reasons_; }
  [[nodiscard]] int total() const noexcept { return total_; }
  // A person retried or discarded it: it is marked, and gone after the node says so in its own words.
  void mark(const QString& letter, const QString& what);
  [[nodiscard]] QString marked(const QString& letter) const { return marks_.value(letter); }

 private:
  Context& context_;
  std::vector<Event> letters_;  // newest first
  std::vector<std::pair<QString, int>> reasons_;
  QString reason_;
  QHash<QString, QString> marks_;
  int total_ = 0;
  std::int64_t seen_ = -1;
  Micros end_us_ = -1;
};

}  // namespace mailroom::dashboard
