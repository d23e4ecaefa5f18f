// The time axis that throughput and ordering share: where a moment is, its labels, and the dashed verticals of what happened to the node.
#pragma once

#include <QPainter>
#include <vector>

#include "dashboard/model/context.hpp"

namespace mailroom::dashboard {

struct TimeAxis {
  Micros begin_us = 0, end_us = 1;
  double left = 0, right = 1;
  [[nodiscard]] double x(Micros at_us) const { return left + (right - left) * static_cast<double>(at_us - begin_us) / static_cast<double>(end_us - begin_us); }
  [[nodiscard]] Micros at(double x) const { return begin_us + static_cast<Micros>((x - left) / (right - left) * static_cast<double>(end_us - begin_us)); }
  [[nodiscard]] double width() const { return right - left; }
  [[nodiscard]] Micros pixel_us() const { return std::max<Micros>(1, static_cast<Micros>(static_cast<double>(end_us - begin_us) / std::max(1.0, width()))); }
  [[nodiscard]] bool shows(Micros at_us) const { return at_us >= begin_us && at_us <= end_us; }
};

// How the labels of an axis count: back from the end of a window that follows the newest, or by the clock.
enum class AxisLabels : std::uint8_t { back_from_now, back_from_end, clock };

// Labels below the axis, never one over another; with `grid`, faint verticals from `top` to `y` at them. They may reach beyond the
// axis by `overhang` pixels.
void draw_time_labels(QPainter& painter, const TimeAxis& axis, double top, double y, AxisLabels labels, bool grid, double overhang = 14);

// "−21.6 s", "−3 min 20 s".
[[nodiscard]] QString show_before(Micros before_us);
// The width of a window: "60 s", "12.5 s", "5 min 30 s".
[[nodiscard]] QString show_width(Micros width_us);

// What all time views mark with a dashed vertical. `shard` -1: the stage or the node.
struct TimeMarker {
  Micros at_us;
  EventKind kind;
  int shard, stage;
  [[nodiscard]] QColor color() const;  // vermilion: something failed; accent: a person or the node did it
  [[nodiscard]] QString text(const NodeModel& node) const;  // "restart agg-1/5"
};
// Oldest first, at most one of a kind and shard per pixel. Filters hide those of other actors.
[[nodiscard]] std::vector<TimeMarker> markers_in(const NodeModel& node, const Filters& filters, const TimeAxis& axis);
void draw_marker(QPainter& painter, double x, double top, double bottom, const QColor& color);

}  // namespace mailroom::dashboard
