#include "dashboard/theme/paint.hpp"

#include <QPainterPath>
#include <cmath>

namespace mailroom::dashboard {

void draw_sparkline(QPainter& painter, const QRectF& in, const std::vector<float>& values, const QColor& color, bool filled) {
  float top = 0;
  for (const float value : values) if (!std::isnan(value)) top = std::max(top, value);
  if (values.size() < 2) return;
  if (top <= 0) top = 1;
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing);
  QPainterPath line;
  bool pen_down = false;
  double first_x = 0, last_x = 0;
  const auto flush = [&] {
    if (line.isEmpty()) return;
    if (filled) {
      QPainterPath area = line;
      area.lineTo(last_x, in.bottom());
      area.lineTo(first_x, in.bottom());
      area.closeSubpath();
      auto soft = color;
      soft.setAlphaF(0.18);
      painter.fillPath(area, soft);
    }
    painter.setPen(QPen(color, 1.2));
    painter.setBrush(Qt::NoBrush);
    painter.drawPath(line);
    line = QPainterPath();
  };
  for (std::size_t at = 0; at < values.size(); ++at) {
    if (std::isnan(values[at])) {
      flush();
      pen_down = false;
      continue;
    }
    const double x = in.left() + in.width() * static_cast<double>(at) / static_cast<double>(values.size() - 1);
    const double y = in.bottom() - 1 - (in.height() - 2) * static_cast<double>(values[at] / top);
    if (pen_down) line.lineTo(x, y);
    else { line.moveTo(x, y); first_x = x; }
    last_x = x;
    pen_down = true;
  }
  flush();
  painter.restore();
}

void draw_bar(QPainter& painter, const QRectF& in, float fill, const QColor& color) {
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(Qt::NoPen);
  painter.setBrush(Theme::get().colors().track);
  const auto radius = in.height() / 2;
  painter.drawRoundedRect(in, radius, radius);
  if (!std::isnan(fill) && fill > 0) {
    auto bar = in;
    bar.setWidth(std::max(3.0, in.width() * static_cast<double>(std::min(1.f, fill))));
    painter.setBrush(color);
    const auto round = std::min(radius, bar.width() / 2);
    painter.drawRoundedRect(bar, round, round);
  }
  painter.restore();
}

void draw_tank(QPainter& painter, const QRectF& in, float fill, const QColor& color) {
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(Qt::NoPen);
  painter.setBrush(Theme::get().colors().track);
  painter.drawRoundedRect(in, 2, 2);
  if (!std::isnan(fill)) {
    auto level = in;
    level.setTop(in.bottom() - std::max(1.5, in.height() * static_cast<double>(std::min(1.f, fill))));
    painter.setBrush(color);
    painter.drawRoundedRect(level, 2, 2);
    if (fill > 0.85f) {
      painter.setClipRect(level);
      painter.setPen(QPen(Theme::get().colors().track, 1.4));
      for (double y = level.top() - in.width(); y < level.bottom(); y += 4) painter.drawLine(QPointF(level.left(), y + in.width()), QPointF(level.right(), y));
    }
  }
  painter.restore();
}

QRectF pill_rect(const QFontMetricsF& metrics, const QPointF& centre, const QString& text) {
  const QSizeF size(metrics.horizontalAdvance(text) + 12, metrics.height() + 1);
  return {centre.x() - size.width() / 2, centre.y() - size.height() / 2, size.width(), size.height()};
}

QRectF draw_pill(QPainter& painter, const QPointF& centre, const QString& text, const QColor& ink, const QColor& back, const QColor& border) {
  const auto place = pill_rect(QFontMetricsF(painter.font()), centre, text);
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(border.isValid() ? QPen(border, 1) : QPen(Qt::NoPen));
  painter.setBrush(back);
  painter.drawRoundedRect(place, place.height() / 2, place.height() / 2);
  painter.setPen(ink);
  painter.drawText(place, Qt::AlignCenter, text);
  painter.restore();
  return place;
}

void draw_text(QPainter& painter, const QRectF& in, int flags, const QString& text) {
  painter.drawText(in, flags | Qt::TextSingleLine, painter.fontMetrics().elidedText(text, Qt::ElideRight, static_cast<int>(in.width())));
}

void draw_state(QPainter& painter, const QPointF& centre, ShardState state) {
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(Qt::NoPen);
  painter.setBrush(Theme::get().state(state));
  switch (state) {
    case ShardState::blocked_downstream: painter.drawRect(QRectF(centre.x() - 3, centre.y() - 3, 6, 6)); break;
    case ShardState::restarting: case ShardState::stuck:
      painter.drawPolygon(QPolygonF({{centre.x(), centre.y() - 4}, {centre.x() + 4.5, centre.y() + 3.5}, {centre.x() - 4.5, centre.y() + 3.5}}));
      break;
    case ShardState::stopped: case ShardState::finished: case ShardState::paused:
      painter.setBrush(Qt::NoBrush);
      painter.setPen(QPen(Theme::get().state(state), 1.4));
      painter.drawEllipse(centre, 2.6, 2.6);
      break;
    case ShardState::retrying: painter.drawPolygon(QPolygonF({{centre.x(), centre.y() - 4}, {centre.x() + 4, centre.y()}, {centre.x(), centre.y() + 4}, {centre.x() - 4, centre.y()}})); break;
    case ShardState::unknown: break;
    default: painter.drawEllipse(centre, 2.6, 2.6);
  }
  painter.restore();
}

void draw_empty(QPainter& painter, const QRectF& in, const QString& text) {
  painter.save();
  painter.setPen(Theme::get().colors().faint);
  painter.setFont(Theme::get().font());
  painter.drawText(in.adjusted(16, 8, -16, -8), Qt::AlignCenter | Qt::TextWordWrap, text);
  painter.restore();
}

}  // namespace mailroom::dashboard
