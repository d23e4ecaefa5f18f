// Small drawings that several views share.
#pragma once

#include <QPainter>
#include <vector>

#include "dashboard/theme/theme.hpp"

namespace mailroom::dashboard {

// A line over its own range from 0 to the largest value; holes (NaN) stay holes. With `filled`, softly filled below.
void draw_sparkline(QPainter& painter, const QRectF& in, const std::vector<float>& values, const QColor& color, bool filled);
// A horizontal bar on its track, 0..1; NaN: the track alone.
void draw_bar(QPainter& painter, const QRectF& in, float fill, const QColor& color);
// A tank: a vertical bar on its track; above 85 % hatched, so that it does not need its colour.
void draw_tank(QPainter& painter, const QRectF& in, float fill, const QColor& color);
// A pill with a text in it, centred at a point. Returns where it is.
QRectF draw_pill(QPainter& painter, const QPointF& centre, const QString& text, const QColor& ink, const QColor& back, const QColor& border);
[[nodiscard]] QRectF pill_rect(const QFontMetricsF& metrics, const QPointF& centre, const QString& text);
// One line of text, cut with an ellipsis where it does not fit.
void draw_text(QPainter& painter, const QRectF& in, int flags, const QString& text);
// Of a state, so that it does not need its colour: dot, square (backpressure), triangle (restarting, stuck).
void draw_state(QPainter& painter, const QPointF& centre, ShardState state);
// In the middle of a view that has nothing to show: what is missing, and what to do about it.
void draw_empty(QPainter& painter, const QRectF& in, const QString& text);

}  // namespace mailroom::dashboard
