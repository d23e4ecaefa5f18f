// The painted area of a view over time. It keeps what was painted and paints anew only when something that it shows has changed; the
// crosshair lies above it. Mouse: hover moves the shared crosshair, a drag sets the shared range, a double-click resets it, the
// wheel with Ctrl zooms around the mouse.
#pragma once

#include <QPixmap>

#include "dashboard/views/time_axis.hpp"
#include "dashboard/views/view.hpp"

namespace mailroom::dashboard {

class TimeCanvas : public QWidget {
  Q_OBJECT
 public:
  TimeCanvas(Context& context, View& view);
  // The shared window, or the one that a pinned view keeps; moved by whole pixels while it runs, so that what is drawn does not shimmer.
  [[nodiscard]] TimeAxis axis() const;
  [[nodiscard]] AxisLabels labels() const;
  // Nothing that it shows has changed since it was painted.
  [[nodiscard]] bool up_to_date() const;
  // How much of this thread's time the last painting took, and how many there were: for measurements.
  [[nodiscard]] double paint_ms() const noexcept { return paint_ms_; }
  [[nodiscard]] std::int64_t paints() const noexcept { return paints_; }

 protected:
  // Where time runs from left to right.
  [[nodiscard]] virtual QRectF plot() const = 0;
  virtual void paint(QPainter& painter) = 0;
  // Above the painting: repainted with each move of the mouse.
  virtual void paint_over(QPainter& painter) { (void)painter; }
  // All that the painting depends on beside window, size and theme: it is made anew where this differs.
  [[nodiscard]] virtual std::vector<std::int64_t> depends() const = 0;
  virtual void clicked(const QPointF& at) { (void)at; }
  // Another node, or another run: indices mean something else.
  virtual void forget() {}

  void repaint_all() { painted_ = QPixmap(); update(); }
  [[nodiscard]] bool hovering() const noexcept { return hovering_; }
  [[nodiscard]] const QPointF& mouse() const noexcept { return mouse_; }
  // A box with lines of text beside x, within the widget; the first line is bold. Lines with values stand in as many columns as they need.
  void draw_box(QPainter& painter, const QPointF& beside, QStringList lines, std::vector<QPen> marks = {}, QStringList values = {}) const;
  void draw_crosshair(QPainter& painter, double top, double bottom) const;

  void paintEvent(QPaintEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void resizeEvent(QResizeEvent*) override { painted_ = QPixmap(); }
  void showEvent(QShowEvent*) override { repaint_all(); }
  void changeEvent(QEvent* event) override;

  Context& context_;
  View& view_;

 private:
  [[nodiscard]] std::vector<std::int64_t> state() const;
  void refresh();
  void draw_stale(QPainter& painter);
  QPixmap painted_;
  std::vector<std::int64_t> painted_state_;
  std::pair<Micros, Micros> pinned_window_{0, 0};
  QElapsedTimer since_paint_;
  QTimer *age_timer_, *later_;
  double paint_ms_ = 0;
  std::int64_t paints_ = 0;
  QPointF mouse_, pressed_;
  bool hovering_ = false, pressing_ = false, dragging_ = false, double_clicked_ = false;
  bool zoomed_from_live_ = false;
};

}  // namespace mailroom::dashboard
