// The lanes. Keys: up and down go through them, N and Shift+N through the marks of one, Return opens the mark's trace, Shift+P pins the lane.
#pragma once

#include <QSet>

#include "dashboard/views/ordering_glyphs.hpp"
#include "dashboard/views/time_canvas.hpp"

class QScrollBar;

namespace mailroom::dashboard {

class OrderingCanvas : public TimeCanvas {
  Q_OBJECT
 public:
  OrderingCanvas(Context& context, View& view);

  // Shards with a lane, from the top: pinned ones first. All that receive events and pass the filters.
  [[nodiscard]] const std::vector<int>& order() const noexcept { return order_; }
  [[nodiscard]] const OrderingLanes& lanes() const noexcept { return lanes_; }
  // The band of a shard's lane on this widget; empty: scrolled out of sight, or none.
  [[nodiscard]] QRectF band(int shard) const;
  // What was painted last in a lane: areas relative to its line.
  [[nodiscard]] std::vector<Glyph> glyphs(int shard) const;
  [[nodiscard]] QRectF plot() const override;

  [[nodiscard]] bool shows(MarkKind kind) const { return shown_[static_cast<std::size_t>(kind)]; }
  void show_kind(MarkKind kind, bool shown);
  void show_in_order(bool shown);
  // Off: by name. By disorder they are sorted anew once a second, but not under the mouse.
  void sort_by_disorder(bool on);
  [[nodiscard]] bool lane_pinned(int shard) const { return pins_.contains(shard); }
  void pin_lane(int shard, bool pinned);
  [[nodiscard]] const std::array<std::int64_t, mark_kinds>& totals() const noexcept { return totals_; }
  [[nodiscard]] bool known() const noexcept { return known_; }  // else the totals say nothing
  [[nodiscard]] double in_order() const noexcept { return in_order_; }  // NaN: unknown
  [[nodiscard]] int disordered() const noexcept { return disordered_; }

 Q_SIGNALS:
  void counted();  // totals are new

 protected:
  void paint(QPainter& painter) override;
  void paint_over(QPainter& painter) override;
  [[nodiscard]] std::vector<std::int64_t> depends() const override;
  void clicked(const QPointF& at) override;
  void forget() override;
  void resizeEvent(QResizeEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  struct Hit { QRectF area; int shard; Glyph glyph; };
  void filter_lanes();
  void count(const TimeAxis& time);
  void sort();
  void set_scroll_range();
  void ensure_visible(int shard);
  void draw_ticks(QPainter& painter, const TimeAxis& time, std::size_t first, std::size_t last);
  void draw_lane(QPainter& painter, const TimeAxis& time, int shard, double top);
  void open(int shard, const Mark& mark);
  void step_lane(int by);
  void step_mark(int by);
  void describe(const QString& text);
  [[nodiscard]] const Hit* hit_at(const QPointF& at) const;
  [[nodiscard]] QStringList tell(int shard, const Glyph& glyph) const;
  [[nodiscard]] double lane_top(std::size_t place) const;

  QScrollBar* bar_;
  OrderingLanes lanes_;
  std::vector<int> passing_, order_;
  QSet<int> pins_;
  std::array<bool, mark_kinds> shown_{true, true, true, true, true};
  std::array<std::int64_t, mark_kinds> totals_{};
  std::vector<Hit> hits_;
  double in_order_ = 0, name_width_ = 0;
  bool known_ = false;
  int disordered_ = 0;
  bool ticks_ = true, by_disorder_ = true, lanes_dirty_ = true, sort_dirty_ = true;
  std::int64_t version_ = 0;  // of order, pins and kinds
  std::pair<Micros, Micros> counted_window_{0, 0};
  std::int64_t current_mark_ = unknown_value;  // by the keyboard: the event's id
  QString said_;
};

}  // namespace mailroom::dashboard
