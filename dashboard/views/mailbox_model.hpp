// The rows of the mailbox table: one per shard, by stable ids, sorted and filtered here (a QSortFilterProxyModel over 10,000 rows takes
// eighteen times as long).
#pragma once

#include <QAbstractTableModel>

#include "dashboard/model/context.hpp"

namespace mailroom::dashboard {

class MailboxModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Column { actor, mailbox, depth, minute, in, out, wait, clear, state, column_count };
  explicit MailboxModel(Context& context, QObject* parent = nullptr);

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override { return parent.isValid() ? 0 : static_cast<int>(order_.size()); }
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override { return parent.isValid() ? 0 : column_count; }
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
  void sort(int column, Qt::SortOrder order) override;

  // Takes the shown moment; rows keep their places.
  void refresh();
  // Filters and sorts anew.
  void arrange();
  void rebuild();  // other shards
  void set_only_filled(bool only);
  [[nodiscard]] bool only_filled() const noexcept { return only_filled_; }
  [[nodiscard]] int shard_at(int row) const { return order_[static_cast<std::size_t>(row)]; }
  [[nodiscard]] int row_of(int shard) const;  // -1: filtered out
  [[nodiscard]] const ShardSample& sample(int shard) const { return samples_[static_cast<std::size_t>(shard)]; }
  [[nodiscard]] float fill(int shard) const;
  [[nodiscard]] Micros at_us() const noexcept { return at_us_; }
  [[nodiscard]] int total() const { return static_cast<int>(samples_.size()); }

 private:
  [[nodiscard]] double number(int shard, int column) const;
  [[nodiscard]] double clear_s(const ShardSample& sample) const;
  Context& context_;
  std::vector<ShardSample> samples_;
  std::vector<QString> names_;
  std::vector<int> order_, row_of_;
  Micros at_us_ = 0;
  int sort_column_ = depth;
  Qt::SortOrder sort_order_ = Qt::DescendingOrder;
  bool only_filled_ = false;
};

}  // namespace mailroom::dashboard
