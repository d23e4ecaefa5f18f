#include "dashboard/views/ordering_glyphs.hpp"

#include <QPainterPath>
#include <algorithm>
#include <unordered_set>

#include "dashboard/theme/theme.hpp"

namespace mailroom::dashboard {

namespace {
constexpr double reach = 4.8;        // of a single glyph to each side
constexpr double crowd = 11;         // nearer than this is crowded
constexpr double covered = 9.6;      // nearer than this, one of two hides the other
constexpr double least_box = 16;     // a hole's width
constexpr double hole_height = 13, capsule_height = 12;
constexpr double symbol_width = 13;  // in a capsule

QString count_text(std::int64_t count) { return count < 10'000 ? QString::number(count) : show_count(static_cast<double>(count)); }

double capsule_width(const std::array<std::int64_t, mark_kinds>& counts, const QFontMetricsF& metrics) {
  double width = 10;
  for (const auto count : counts)
    if (count > 0) width += symbol_width + metrics.horizontalAdvance(count_text(count)) + 4;
  return width;
}
}  // namespace

MarkPlace place_of(MarkKind kind) {
  switch (kind) {
    case MarkKind::late: return MarkPlace::above;
    case MarkKind::missing: case MarkKind::skipped: return MarkPlace::on;
    default: return MarkPlace::below;
  }
}

QColor color_of(MarkKind kind) {
  const auto& colors = Theme::get().colors();
  switch (kind) {
    case MarkKind::late: return colors.late;
    case MarkKind::duplicate: return colors.duplicate;
    case MarkKind::retried: return colors.retried;
    default: return colors.missing;
  }
}

QColor soft_color_of(MarkKind kind) {
  const auto& colors = Theme::get().colors();
  switch (kind) {
    case MarkKind::late: return colors.late_soft;
    case MarkKind::duplicate: return colors.duplicate_soft;
    case MarkKind::retried: return colors.retried_soft;
    default: return colors.missing_soft;
  }
}

std::vector<Glyph> glyphs_of(const Lane& lane, const TimeAxis& axis, const std::array<bool, mark_kinds>& shown, const QFontMetricsF& metrics) {
  std::vector<Glyph> made;
  for (const auto place : {MarkPlace::above, MarkPlace::on, MarkPlace::below}) {
    const double middle = place == MarkPlace::above ? -mark_offset : place == MarkPlace::below ? mark_offset : 0;
    // The least extent of a glyph's marks, and the area that its drawing takes from it.
    const auto shape = [&](Glyph& glyph) {
      const double first = axis.x(lane.marks[glyph.marks.front()].at_us), last = axis.x(lane.marks[glyph.marks.back()].at_us);
      const auto missing = glyph.counts[static_cast<std::size_t>(MarkKind::missing)], skipped = glyph.counts[static_cast<std::size_t>(MarkKind::skipped)];
      double width = 0, height = 2 * reach;
      if (place == MarkPlace::on && missing > 0) {
        // A hole lies before the event that showed it.
        width = std::max(metrics.horizontalAdvance(count_text(missing)) + 10, least_box) + (skipped > 0 ? symbol_width + metrics.horizontalAdvance(count_text(skipped)) + 6 : 0);
        height = hole_height;
        const double right = std::round(last) + 0.5, left = std::round(std::min(first, right - width)) + 0.5;  // on whole pixels, crisp
        glyph.area = QRectF(left, middle - height / 2, right - left, height);
      } else if (glyph.capsule) {
        width = std::max(capsule_width(glyph.counts, metrics), last - first + 2 * reach);
        height = capsule_height;
        glyph.area = QRectF((first + last - width) / 2, middle - height / 2, width, height);
      } else {
        glyph.area = QRectF(first - reach, middle - reach, last - first + 2 * reach, height);
      }
      const double over = glyph.area.right() - (axis.right + 8), under = axis.left - 8 - glyph.area.left();
      if (over > 0) glyph.area.translate(-over, 0);
      else if (under > 0) glyph.area.translate(under, 0);
    };
    const auto single = [&](std::size_t at) {
      const auto& mark = lane.marks[at];
      Glyph glyph{place, {}, {at}, {}, false, mark.final};
      glyph.counts[static_cast<std::size_t>(mark.kind)] = mark.count;
      shape(glyph);
      return glyph;
    };
    const auto join = [&](Glyph& into, const Glyph& from) {
      into.marks.insert(into.marks.end(), from.marks.begin(), from.marks.end());
      for (std::size_t kind = 0; kind < mark_kinds; ++kind) into.counts[kind] += from.counts[kind];
      into.capsule = true;
      into.final = into.final && from.final;
      shape(into);
    };
    // Crowds first: chains of marks each near the one before; they may be large. A pair stays two, unless one would hide the other.
    std::vector<Glyph> row;
    std::vector<std::size_t> chain;
    const auto x = [&](std::size_t at) { return axis.x(lane.marks[at].at_us); };
    const auto end_chain = [&] {
      if (chain.empty()) return;
      const bool pair = place != MarkPlace::on && chain.size() == 2 && x(chain[1]) - x(chain[0]) >= covered;
      if (chain.size() == 1 || pair) {
        for (const auto at : chain) row.push_back(single(at));
      } else {
        Glyph all{place, {}, chain, {}, true, true};
        for (const auto at : chain) {
          all.counts[static_cast<std::size_t>(lane.marks[at].kind)] += lane.marks[at].count;
          all.final = all.final && lane.marks[at].final;
        }
        shape(all);
        row.push_back(std::move(all));
      }
      chain.clear();
    };
    const double near = place == MarkPlace::on ? least_box : crowd;
    for (std::size_t at = 0; at < lane.marks.size(); ++at) {
      const auto& mark = lane.marks[at];
      if (place_of(mark.kind) != place || !shown[static_cast<std::size_t>(mark.kind)] || !axis.shows(mark.at_us)) continue;
      if (!chain.empty() && x(at) - x(chain.back()) >= near) end_chain();
      chain.push_back(at);
    }
    end_chain();
    // Then what a capsule or a box now lies over becomes part of it.
    std::vector<Glyph> placed;
    for (auto& glyph : row) {
      while (!placed.empty() && placed.back().area.right() + 1 > glyph.area.left() &&
             (placed.back().capsule || glyph.capsule || place == MarkPlace::on)) {
        join(placed.back(), glyph);
        glyph = std::move(placed.back());
        placed.pop_back();
      }
      placed.push_back(std::move(glyph));
    }
    made.insert(made.end(), std::make_move_iterator(placed.begin()), std::make_move_iterator(placed.end()));
  }
  return made;
}

void draw_mark(QPainter& painter, MarkKind kind, const QPointF& centre) {
  const auto color = color_of(kind);
  switch (kind) {
    case MarkKind::late:
      painter.setPen(Qt::NoPen);
      painter.setBrush(color);
      painter.drawPolygon(QPolygonF({{centre.x(), centre.y() - 5}, {centre.x() + 4.5, centre.y()}, {centre.x(), centre.y() + 5}, {centre.x() - 4.5, centre.y()}}));
      break;
    case MarkKind::duplicate:
      painter.setPen(QPen(color, 1.5));
      painter.setBrush(Qt::NoBrush);
      painter.drawEllipse(centre - QPointF(1.8, 0), 3.1, 3.1);
      painter.drawEllipse(centre + QPointF(1.8, 0), 3.1, 3.1);
      break;
    case MarkKind::retried:
      painter.setPen(Qt::NoPen);
      painter.setBrush(color);
      painter.drawPolygon(QPolygonF({{centre.x(), centre.y() - 5}, {centre.x() + 4.8, centre.y() + 4}, {centre.x() - 4.8, centre.y() + 4}}));
      break;
    case MarkKind::missing: draw_hatched(painter, QRectF(centre.x() - 6.5, centre.y() - 4.5, 13, 9), color, soft_color_of(kind), true); break;
    case MarkKind::skipped:
      painter.setPen(QPen(color, 2));
      painter.drawLine(centre + QPointF(-4, -4), centre + QPointF(4, 4));
      painter.drawLine(centre + QPointF(-4, 4), centre + QPointF(4, -4));
      break;
  }
}

void draw_hatched(QPainter& painter, const QRectF& area, const QColor& color, const QColor& soft, bool final) {
  painter.save();
  painter.setPen(Qt::NoPen);
  painter.setBrush(soft);
  painter.drawRoundedRect(area, 2, 2);
  painter.setClipRect(area, Qt::IntersectClip);
  auto faint = color;
  faint.setAlphaF(0.55f);
  painter.setPen(QPen(faint, 1));
  for (double x = area.left() - area.height(); x < area.right(); x += 5) painter.drawLine(QPointF(x, area.bottom()), QPointF(x + area.height(), area.top()));
  painter.restore();
  QPen edge(color, 1);
  if (!final) edge.setDashPattern({3, 2});
  painter.setPen(edge);
  painter.setBrush(Qt::NoBrush);
  painter.drawRoundedRect(area, 2, 2);
}

void draw_glyph(QPainter& painter, const Glyph& glyph, double line_y, const TimeAxis& axis, const Lane& lane) {
  const auto& colors = Theme::get().colors();
  const auto area = glyph.area.translated(0, line_y);
  const QFontMetricsF metrics(painter.font());
  const auto missing = glyph.counts[static_cast<std::size_t>(MarkKind::missing)];
  if (glyph.place == MarkPlace::on && missing > 0) {
    const auto color = color_of(MarkKind::missing), soft = soft_color_of(MarkKind::missing);
    draw_hatched(painter, area, color, soft, glyph.final);
    const auto skipped = glyph.counts[static_cast<std::size_t>(MarkKind::skipped)];
    const auto text = count_text(missing);  // dashed while some of it is awaited
    const double extra = skipped > 0 ? symbol_width + metrics.horizontalAdvance(count_text(skipped)) + 4 : 0;
    const QRectF word(area.center().x() - (metrics.horizontalAdvance(text) + extra) / 2 - 2, area.top() + 1, metrics.horizontalAdvance(text) + extra + 4, area.height() - 2);
    painter.fillRect(word, soft);  // the figure is read on plain ground
    painter.setPen(color);
    painter.drawText(word.adjusted(2, -2, 0, 2), Qt::AlignLeft | Qt::AlignVCenter, text);
    if (skipped > 0) {
      draw_mark(painter, MarkKind::skipped, QPointF(word.right() - extra + 6, area.center().y()));
      painter.setPen(color);
      painter.drawText(word.adjusted(2, -2, -2, 2), Qt::AlignRight | Qt::AlignVCenter, count_text(skipped));
    }
    return;
  }
  if (!glyph.capsule) {
    for (const auto at : glyph.marks) draw_mark(painter, lane.marks[at].kind, QPointF(axis.x(lane.marks[at].at_us), area.center().y()));
    return;
  }
  std::size_t main = 0;
  for (std::size_t kind = 1; kind < mark_kinds; ++kind) if (glyph.counts[kind] > glyph.counts[main]) main = kind;
  painter.setPen(QPen(color_of(static_cast<MarkKind>(main)), 1.3));
  painter.setBrush(soft_color_of(static_cast<MarkKind>(main)));
  painter.drawRoundedRect(area, area.height() / 2, area.height() / 2);
  double x = area.center().x() - capsule_width(glyph.counts, metrics) / 2 + 5;
  painter.save();
  for (std::size_t kind = 0; kind < mark_kinds; ++kind) {
    if (glyph.counts[kind] == 0) continue;
    painter.save();
    painter.translate(x + symbol_width / 2, area.center().y());
    painter.scale(0.8, 0.8);
    draw_mark(painter, static_cast<MarkKind>(kind), QPointF(0, 0));
    painter.restore();
    painter.setPen(colors.text);
    const auto text = count_text(glyph.counts[kind]);
    painter.drawText(QRectF(x + symbol_width, area.top() - 1, 80, area.height() + 2), Qt::AlignLeft | Qt::AlignVCenter, text);
    x += symbol_width + metrics.horizontalAdvance(text) + 4;
  }
  painter.restore();
}

void draw_arcs(QPainter& painter, const Lane& lane, double line_y, const TimeAxis& axis) {
  auto color = color_of(MarkKind::late);
  color.setAlphaF(0.75f);
  std::unordered_set<std::int64_t> drawn;  // ways that would lie on another are drawn once
  for (const auto& mark : lane.marks) {
    if (mark.kind != MarkKind::late || mark.belonged_us == unknown_value || mark.belonged_us >= mark.at_us || !axis.shows(mark.at_us)) continue;
    const double to = axis.x(mark.at_us), from = std::max(axis.left - 4, axis.x(mark.belonged_us));
    if (!drawn.insert((static_cast<std::int64_t>(from / 3) << 32) + static_cast<std::int64_t>(to / 3)).second) continue;
    if (drawn.size() > 400) break;
    QPainterPath path(QPointF(to, line_y - mark_offset));
    const double top = line_y - lane_height / 2 + 2;
    path.cubicTo(QPointF(to - (to - from) * 0.25, top), QPointF(from + std::min(3.0, (to - from) * 0.2), top), QPointF(from, line_y));
    painter.setPen(QPen(color, 1));
    painter.setBrush(Qt::NoBrush);
    painter.drawPath(path);
    painter.setPen(Qt::NoPen);
    painter.setBrush(color_of(MarkKind::late));
    if (mark.belonged_us >= axis.begin_us) painter.drawEllipse(QPointF(from, line_y), 1.7, 1.7);
  }
}

}  // namespace mailroom::dashboard
