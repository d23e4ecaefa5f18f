// The supervision tree: topology -> stage -> shard, with policy, restarts and escalations.
#pragma once

#include <QAbstractItemModel>

#include "dashboard/model/context.hpp"

namespace mailroom::dashboard {

class SupervisionModel : public QAbstractItemModel {
  Q_OBJECT
 public:
  enum Column { supervisor, policy, timeline, restarts, column_count };
  explicit SupervisionModel(Context& context, QObject* parent = nullptr) : QAbstractItemModel(parent), context_(context) {}
  [[nodiscard]] QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
  [[nodiscard]] QModelIndex parent(const QModelIndex& index) const override;
  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& = {}) const override { return column_count; }
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

  void rebuild();
  void refresh();  // restarts of the shown window
  // Of an index: the topology is neither.
  [[nodiscard]] int stage_of(const QModelIndex& index) const;
  [[nodiscard]] int shard_of(const QModelIndex& index) const;
  [[nodiscard]] QModelIndex stage_index(int stage, int column = 0) const;
  [[nodiscard]] QModelIndex shard_index(int shard, int column = 0) const;
  struct Mark { Micros at_us; Micros down_us; bool escalated; QString text; };
  [[nodiscard]] const std::vector<Mark>& marks(const QModelIndex& index) const;  // of the shown window, oldest first
  [[nodiscard]] bool failing(const QModelIndex& index) const;

 private:
  // internalId: 0 the topology, 1 a stage, 2 + stage a shard of it.
  Context& context_;
  std::vector<std::vector<Mark>> stage_marks_, shard_marks_;
  std::vector<Mark> topology_marks_;
  std::vector<int> place_;  // of a shard in its stage
};

}  // namespace mailroom::dashboard
