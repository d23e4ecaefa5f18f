#include "dashboard/views/time_axis.hpp"

#include <QDateTime>

#include "dashboard/theme/theme.hpp"

namespace mailroom::dashboard {

namespace {
constexpr std::array<Micros, 17> steps = {100'000, 200'000, 500'000, 1 * second_us, 2 * second_us, 5 * second_us, 10 * second_us, 15 * second_us, 30 * second_us,
                                          60 * second_us, 120 * second_us, 300 * second_us, 600 * second_us, 1'800 * second_us, 3'600 * second_us, 7'200 * second_us,
                                          14'400 * second_us};

QString clock_text(Micros at_us, Micros step_us) {
  const auto time = QDateTime::fromMSecsSinceEpoch(at_us / 1000);
  return step_us < second_us ? show_clock(at_us, true) : time.toString(step_us < 60 * second_us ? QStringLiteral("HH:mm:ss") : QStringLiteral("HH:mm"));
}
}  // namespace

QString show_before(Micros before_us) {
  if (before_us < 100'000) return QStringLiteral("0 s");
  const auto tenths = before_us / 100'000;
  const auto seconds = tenths / 10;
  if (seconds < 120) return tenths % 10 ? QStringLiteral("−%1.%2 s").arg(seconds).arg(tenths % 10) : QStringLiteral("−%1 s").arg(seconds);
  if (seconds < 7'200) return seconds % 60 ? QStringLiteral("−%1 min %2 s").arg(seconds / 60).arg(seconds % 60) : QStringLiteral("−%1 min").arg(seconds / 60);
  return seconds % 3'600 >= 60 ? QStringLiteral("−%1 h %2 min").arg(seconds / 3'600).arg(seconds % 3'600 / 60) : QStringLiteral("−%1 h").arg(seconds / 3'600);
}

QString show_width(Micros width_us) { return width_us < 100'000 ? QStringLiteral("0 s") : show_before(width_us).mid(1); }

void draw_time_labels(QPainter& painter, const TimeAxis& axis, double top, double y, AxisLabels labels, bool grid, double overhang) {
  const auto& colors = Theme::get().colors();
  painter.setFont(Theme::get().font(-2));
  const auto metrics = painter.fontMetrics();
  const double room = metrics.horizontalAdvance(QStringLiteral("−10 min 30 s")) + 10;
  const auto least = static_cast<Micros>(room * static_cast<double>(axis.pixel_us()));
  Micros step = steps.back();
  for (auto at = steps.rbegin(); at != steps.rend() && *at >= least; ++at) step = *at;
  const auto label = [&](Micros at, const QString& text) {
    const double x = axis.x(at);
    if (grid) {
      painter.setPen(colors.grid);
      painter.drawLine(QPointF(std::round(x) + 0.5, top), QPointF(std::round(x) + 0.5, y));
    }
    painter.setPen(colors.secondary);
    const double wide = metrics.horizontalAdvance(text);
    painter.drawText(QPointF(std::clamp(x - wide / 2, axis.left - overhang, std::max(axis.left - overhang, axis.right + overhang - wide)), y + metrics.ascent() + 4), text);
  };
  if (labels == AxisLabels::clock) {
    for (Micros at = (axis.begin_us + step - 1) / step * step; at <= axis.end_us; at += step) label(at, clock_text(at, step));
  } else {
    const auto width = axis.end_us - axis.begin_us;
    label(axis.end_us, labels == AxisLabels::back_from_now ? QStringLiteral("now") : QStringLiteral("end"));
    for (Micros back = step; back <= width + axis.pixel_us(); back += step) label(axis.end_us - back, show_before(back));
  }
}

QColor TimeMarker::color() const {
  const auto& colors = Theme::get().colors();
  return kind == EventKind::restart || kind == EventKind::escalate ? colors.vermilion : colors.accent;
}

QString TimeMarker::text(const NodeModel& node) const {
  const auto who = shard >= 0 ? node.shard_name(shard) : stage >= 0 ? node.stage_name(stage) : node.hello().node;
  switch (kind) {
    case EventKind::escalate: return QStringLiteral("escalated %1").arg(who);
    case EventKind::pause: return QStringLiteral("pause %1").arg(who);
    case EventKind::resume: return QStringLiteral("resume %1").arg(who);
    case EventKind::stopping: return QStringLiteral("%1 stops").arg(who);
    default: return QStringLiteral("restart %1").arg(who);
  }
}

std::vector<TimeMarker> markers_in(const NodeModel& node, const Filters& filters, const TimeAxis& axis) {
  std::vector<TimeMarker> found;
  const auto pixel = axis.pixel_us();
  node.events().each(axis.begin_us, axis.end_us, [&](const Event& event) {
    switch (event.kind) {
      case EventKind::restart: case EventKind::escalate: case EventKind::pause: case EventKind::resume: case EventKind::stopping: break;
      default: return true;
    }
    if (event.shard >= 0 && !filters.empty() && !filters.passes_actor(node.shard_name(event.shard))) return true;
    for (auto at = found.rbegin(); at != found.rend() && event.at_us - at->at_us < pixel; ++at)
      if (at->kind == event.kind && at->shard == event.shard) return true;
    found.push_back({event.at_us, event.kind, event.shard, event.stage});
    return true;
  });
  return found;
}

void draw_marker(QPainter& painter, double x, double top, double bottom, const QColor& color) {
  QPen pen(color, 1);
  pen.setDashPattern({3, 3});
  painter.setPen(pen);
  painter.drawLine(QPointF(std::round(x) + 0.5, top), QPointF(std::round(x) + 0.5, bottom));
}

}  // namespace mailroom::dashboard
