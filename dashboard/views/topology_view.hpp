// The stages and their edges. A tank is the worst mailbox of the stage, an edge's width the root of its rate, amber a producer without
// credit. A stage can be opened into its shards.
#pragma once

#include <QGraphicsView>

#include "dashboard/views/layered_layout.hpp"
#include "dashboard/views/view.hpp"

class QLabel;
class QStackedWidget;
class QToolButton;

namespace mailroom::dashboard {

class StageItem;
class EdgeItem;

// The shards of one stage as cells.
class ShardGrid : public QWidget {
  Q_OBJECT
 public:
  ShardGrid(Context& context, QWidget* parent);
  void show_stage(int stage);
  [[nodiscard]] int stage() const noexcept { return stage_; }
  [[nodiscard]] QRect cell(int place) const;  // of the stage's place-th shard

 Q_SIGNALS:
  void closed();

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  bool event(QEvent* event) override;

 private:
  [[nodiscard]] int columns() const;
  [[nodiscard]] int at(const QPoint& point) const;  // a shard, -1
  Context& context_;
  int stage_ = -1;
};

class TopologyView : public View {
  Q_OBJECT
 public:
  explicit TopologyView(Context& context, QWidget* parent = nullptr);
  [[nodiscard]] QString subtitle() const override;
  [[nodiscard]] std::vector<QStringList> rows() const override;
  [[nodiscard]] std::vector<QWidget*> title_controls() override;
  void open_stage(int stage);  // -1: back to all
  [[nodiscard]] int opened() const;
  [[nodiscard]] QGraphicsView* canvas() const noexcept { return canvas_; }
  // Where a stage is drawn, in the canvas' viewport.
  [[nodiscard]] QRect stage_rect(int stage) const;
  void zoom(double factor);
  void fit();

 protected:
  void resizeEvent(QResizeEvent* event) override;
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  friend class StageItem;
  friend class EdgeItem;
  friend class EdgeLabel;
  struct StageNow { float fill = not_known, depth = not_known, rate = not_known; int restarts = 0; bool restarted = false; ShardState worst = ShardState::unknown; };
  struct EdgeNow { float rate = not_known; bool blocked = false; };
  // How large stages are drawn: each column as wide as its longest name. A long pipeline in a small place has room for small boxes only, with the
  // names beside them, so that it is seen whole.
  struct Look {
    enum Size { roomy, snug, tight } size = roomy;
    double height = 50, gap = 54;
    std::vector<double> left, width;  // of each column
  };
  [[nodiscard]] Look look_for(const Layout& layout) const;
  [[nodiscard]] double width_of(int stage) const { return look_.width[static_cast<std::size_t>(layout_.stages[static_cast<std::size_t>(stage)].layer)]; }
  void rebuild();
  void rebuild_scene();
  void refresh();
  void choose(int stage);
  void choose_edge(int edge);
  void step(int key);
  [[nodiscard]] bool dimmed(int stage) const;
  QStackedWidget* pages_;
  QGraphicsView* canvas_;
  QGraphicsScene* scene_;
  ShardGrid* grid_;
  QWidget* legend_;
  QToolButton* back_;
  Look look_;
  Layout layout_;
  std::vector<StageItem*> stage_items_;
  std::vector<EdgeItem*> edge_items_;
  std::vector<StageNow> stages_;
  std::vector<EdgeNow> edges_;
  float most_rate_ = 1;
  QTimer refresh_timer_;
  bool fitted_ = true;
};

}  // namespace mailroom::dashboard
