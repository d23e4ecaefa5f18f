// How a lane's marks are drawn: each kind by its shape, place and colour; three or more in a crowd as one capsule with counts.
#pragma once

#include <QPainter>
#include <vector>

#include "dashboard/views/ordering_lanes.hpp"
#include "dashboard/views/time_axis.hpp"

namespace mailroom::dashboard {

// Where a kind stands in its lane: above the line late, below it the extra copies, on it what is missing.
enum class MarkPlace : std::uint8_t { above, on, below };
[[nodiscard]] MarkPlace place_of(MarkKind kind);
[[nodiscard]] QColor color_of(MarkKind kind);
[[nodiscard]] QColor soft_color_of(MarkKind kind);

// One sign of the drawing: a single mark or a crowd of them.
struct Glyph {
  MarkPlace place;
  QRectF area;                  // relative to the lane: x of the canvas, y from the line
  std::vector<std::size_t> marks;  // indices of Lane::marks, by time
  std::array<std::int64_t, mark_kinds> counts{};
  bool capsule = false;
  bool final = true;            // missing: nothing of it is awaited any more
};

inline constexpr double lane_height = 38, mark_offset = 12.75;

// All marks of the kinds shown: every one is in exactly one glyph, and no two glyphs overlap.
[[nodiscard]] std::vector<Glyph> glyphs_of(const Lane& lane, const TimeAxis& axis, const std::array<bool, mark_kinds>& shown, const QFontMetricsF& metrics);

void draw_mark(QPainter& painter, MarkKind kind, const QPointF& centre);
void draw_hatched(QPainter& painter, const QRectF& area, const QColor& color, const QColor& soft, bool final);
void draw_glyph(QPainter& painter, const Glyph& glyph, double line_y, const TimeAxis& axis, const Lane& lane);
// The ways back from late events to where they belonged; below the glyphs.
void draw_arcs(QPainter& painter, const Lane& lane, double line_y, const TimeAxis& axis);

}  // namespace mailroom::dashboard
