// The whole session: throughput as an area, ticks where something was out of order (amber) or failed (vermilion), the shown window
// to drag and to widen by its edges; live button, replay at 1/2-16x.
#pragma once

#include "dashboard/views/view.hpp"

class QToolButton;

namespace mailroom::dashboard {

class ScrubberStrip : public QWidget {
  Q_OBJECT
 public:
  explicit ScrubberStrip(Context& context, QWidget* parent);
  // Where the session lies, and the shown window in it.
  [[nodiscard]] QRectF area() const;
  [[nodiscard]] QRectF window() const;
  [[nodiscard]] double x(Micros at_us) const;
  [[nodiscard]] Micros at(double x) const;

 protected:
  void paintEvent(QPaintEvent*) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent*) override;
  void focusInEvent(QFocusEvent* event) override { by_keyboard_ = event->reason() == Qt::TabFocusReason || event->reason() == Qt::BacktabFocusReason; update(); }
  void keyPressEvent(QKeyEvent* event) override;
  void resizeEvent(QResizeEvent*) override { painted_ = QPixmap(); }

 private:
  enum class Grip : std::uint8_t { none, body, left, right };
  [[nodiscard]] Grip grip_at(const QPointF& at) const;
  void draw_session(QPainter& painter) const;
  Context& context_;
  QPixmap painted_;
  std::vector<std::int64_t> painted_state_;
  Grip grip_ = Grip::none;
  bool by_keyboard_ = false;
  double grabbed_ = 0;  // from the window's begin to where it was taken, in pixels
};

class ScrubberView : public View {
  Q_OBJECT
 public:
  explicit ScrubberView(Context& context, QWidget* parent = nullptr);
  [[nodiscard]] ScrubberStrip& strip() noexcept { return *strip_; }
  [[nodiscard]] std::vector<QStringList> rows() const override;

 protected:
  void paintEvent(QPaintEvent*) override;

 private:
  void redress();
  void say();
  ScrubberStrip* strip_;
  QWidget* label_;
  QToolButton *live_, *play_, *speed_;
  double chosen_speed_ = 1;
  QString said_;
};

}  // namespace mailroom::dashboard
