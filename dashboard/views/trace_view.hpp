// One event through the stages: hatched = waited in a mailbox, solid = worked; retries, losses. Without a selected trace: the newest ones, of
// the selected edge, shard or stage.
#pragma once

#include "dashboard/views/trace_rows.hpp"
#include "dashboard/views/view.hpp"

class QLabel;
class QPushButton;
class QScrollBar;
class QStackedLayout;
class QTreeWidget;

namespace mailroom::dashboard {

// Keys: up and down go through the visits, Return selects a visit's shard, Delete filters its actor out.
class TraceCanvas : public QWidget {
  Q_OBJECT
 public:
  TraceCanvas(Context& context, QWidget* parent);
  void show_rows(TraceRows rows);
  [[nodiscard]] const TraceRows& rows() const noexcept { return rows_; }
  // Rows of visits() that pass the filters.
  [[nodiscard]] const std::vector<int>& shown() const noexcept { return shown_; }
  void show_critical_path(bool only);
  [[nodiscard]] QRectF plot() const;
  // Where a visit's waiting and its work are drawn; empty: out of sight or unknown.
  [[nodiscard]] QRectF wait_area(int visit) const;
  [[nodiscard]] QRectF work_area(int visit) const;
  [[nodiscard]] int current() const noexcept { return current_; }  // row of visits(); -1: none

 Q_SIGNALS:
  void current_changed();
  void filter_out_wanted();

 protected:
  void paintEvent(QPaintEvent*) override;
  void resizeEvent(QResizeEvent*) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent*) override;
  void wheelEvent(QWheelEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  void choose();
  void set_current(int visit);
  [[nodiscard]] double top_of(int place) const;
  [[nodiscard]] int place_of(int visit) const;  // in shown_
  [[nodiscard]] double x(Micros at_us) const;
  [[nodiscard]] QString note(const Visit& visit) const;
  [[nodiscard]] QColor color(const Visit& visit) const;
  void draw_names(QPainter& painter, int first, int last) const;
  void draw_visit(QPainter& painter, int visit) const;
  void draw_legend(QPainter& painter) const;
  void draw_hover(QPainter& painter) const;
  Context& context_;
  QScrollBar* bar_;
  TraceRows rows_;
  std::vector<int> shown_;
  double name_width_ = 120, longest_name_ = 0;
  bool critical_only_ = false;
  int current_ = -1;
  std::optional<QPointF> mouse_;
};

class TraceView : public View {
  Q_OBJECT
 public:
  explicit TraceView(Context& context, QWidget* parent = nullptr);
  [[nodiscard]] QString subtitle() const override;
  [[nodiscard]] std::vector<QStringList> rows() const override;
  void set_pinned(bool pinned) override;
  [[nodiscard]] TraceCanvas& canvas() noexcept { return *canvas_; }
  [[nodiscard]] QTreeWidget& recent() noexcept { return *recent_; }

 protected:
  void paintEvent(QPaintEvent*) override;
  void showEvent(QShowEvent*) override { follow(); }

 private:
  void follow();
  void list_recent();
  void redress();
  void say();
  [[nodiscard]] bool passes(const std::vector<Span>& spans) const;
  QString shown_trace_;
  Micros listed_us_ = unknown_value;
  QStackedLayout* pages_;
  QTreeWidget* recent_;
  QLabel *head_, *empty_;
  TraceCanvas* canvas_;
  QPushButton *all_, *copy_, *path_, *filter_out_;
  QString announced_;
};

}  // namespace mailroom::dashboard
