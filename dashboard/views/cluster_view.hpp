// The nodes that are watched, a row each: load, shards as cells, how old its words are, and its clock against this machine's.
#pragma once

#include "dashboard/views/view.hpp"

namespace mailroom::dashboard {

class ClusterView : public View {
  Q_OBJECT
 public:
  explicit ClusterView(Context& context, QWidget* parent = nullptr);
  [[nodiscard]] QString subtitle() const override;
  [[nodiscard]] std::vector<QStringList> rows() const override;
  // Where a shard of the shown node is drawn; empty: folded away, as there are too many for cells.
  [[nodiscard]] QRect cell(int shard) const;

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  bool event(QEvent* event) override;

 private:
  struct Row { QRect area; QRect cells; int per_row = 1, cell = 24, shown = 0; };
  [[nodiscard]] Row row(std::size_t node) const;
  [[nodiscard]] std::pair<int, int> at(const QPoint& point) const;  // node, shard; -1
};

}  // namespace mailroom::dashboard
