// The nodes that are watched, a row each: load, shards as cells in groups of their stages, how old its words are, and its clock
// against this machine's.
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
  struct Row {
    QRect area;
    int cell = 24;
    std::vector<QPoint> corners;  // of the shards that have a cell
    std::vector<std::pair<QRect, int>> captions;  // a stage's name above its first cell; none where cells are too many
  };
  // Made anew when the size or the nodes are others.
  [[nodiscard]] const std::vector<Row>& layout() const;
  [[nodiscard]] QRect skew_area(int top, int high) const;
  void place(const NodeModel& node, Row& row, int height) const;
  [[nodiscard]] std::pair<int, int> at(const QPoint& point) const;  // node, shard; -1
  mutable std::vector<Row> rows_;
  mutable std::vector<std::int64_t> laid_out_for_;
};

}  // namespace mailroom::dashboard
