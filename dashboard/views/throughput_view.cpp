#include "dashboard/views/throughput_view.hpp"

#include <QVBoxLayout>
#include <cmath>

#include "dashboard/theme/theme.hpp"

namespace mailroom::dashboard {

namespace {
float rate_of(const NodeModel& node, int stage, const StageSample& sample) { return node.stage(stage).kind == StageKind::source ? sample.out : sample.in; }

// The least of 1, 2, 2.5, 5 times a power of ten that is not below.
double nice(double value) {
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0})
    if (value <= factor * power * 1.0001) return factor * power;
  return 10 * power;
}

QString axis_text(double value) {
  if (value < 1'000) return QString::number(value, 'g', 3);
  return value < 1e6 ? QString::number(value / 1e3, 'g', 4) + QStringLiteral("k") : QString::number(value / 1e6, 'g', 4) + QStringLiteral("M");
}

QString name_of_value(double value) { return std::isnan(value) ? QStringLiteral("–") : show_rate(value); }
}  // namespace

QRectF ThroughputCanvas::plot() const {
  const double right = std::clamp(width() * 0.24, 84.0, 150.0);
  return QRectF(44, 22, std::max(20.0, width() - 44 - right), std::max(20.0, height() - 22 - 24.0));
}

std::vector<std::int64_t> ThroughputCanvas::depends() const {
  const auto& node = context_.node();
  return {node.stage_count() > 0 ? node.stage_track(0).last_us() : 0, node.events().added()};
}

float ThroughputCanvas::rate_at(int stage, Micros at_us) const { return rate_of(context_.node(), stage, context_.node().stage_track(stage).at(at_us)); }

void ThroughputCanvas::choose() {
  const auto& node = context_.node();
  const auto end = axis().end_us;
  lines_.clear();
  for (int stage = 0; stage < node.stage_count(); ++stage) {
    bool passes = context_.filters.empty() || context_.filters.passes_actor(node.stage_name(stage));
    if (!passes)
      for (const int shard : node.shards_of(stage))
        if ((passes = context_.filters.passes_actor(node.shard_name(shard)))) break;
    if (!passes) continue;
    const auto& series = node.stage_track(stage).from(axis().begin_us);
    // The newest that is known within 3 s of the end.
    float last = not_known;
    for (auto at = std::min(end, series.empty() ? end : series.last_us()); std::isnan(last) && at > end - 3 * second_us - series.step_us(); at -= series.step_us())
      if (const auto* sample = series.at(at)) last = rate_of(node, stage, *sample);
    lines_.push_back({stage, Theme::get().series(stage), last, 0, {}, {}, 0});
    if (node.stage_count() <= most_lines) continue;
    // Over ten seconds, so that the choice of lines does not flicker.
    for (int back = 1; back <= 10; ++back)
      if (const auto* sample = series.at(end - back * second_us))
        if (const float rate = rate_of(node, stage, *sample); !std::isnan(rate)) lines_.back().weight += rate;
  }
  passing_ = static_cast<int>(lines_.size());
  if (passing_ > most_lines) {
    const auto selected = context_.selection.stage();
    const auto rank = [&](const Line& line) { return line.stage == selected ? std::numeric_limits<float>::max() : std::isnan(line.last) ? -1.f : line.weight; };
    std::stable_sort(lines_.begin(), lines_.end(), [&](const Line& a, const Line& b) { return rank(a) > rank(b); });
    lines_.resize(most_lines);
  }
}

void ThroughputCanvas::trace_lines(const TimeAxis& time, const QRectF& in) {
  const auto& node = context_.node();
  constexpr double hole = std::numeric_limits<double>::quiet_NaN();
  double most = 0;
  for (auto& line : lines_) {
    const auto& series = node.stage_track(line.stage).from(time.begin_us);
    if (series.empty()) continue;
    const auto step = series.step_us();
    const auto from = std::max(series.first_us(), (time.begin_us / step - 1) * step), to = std::min(series.last_us(), time.end_us + step);
    const bool many = step < time.pixel_us();
    // One column of pixels: where it is entered and left, and the extremes between.
    std::int64_t column = std::numeric_limits<std::int64_t>::min();
    double first = hole, last = hole, low = hole, high = hole, x = 0;
    bool broken = false;
    const auto flush = [&] {
      if (column == std::numeric_limits<std::int64_t>::min()) return;
      if (std::isnan(first)) { line.points.append(QPointF(x, hole)); return; }
      if (broken) line.points.append(QPointF(x, hole));
      line.points.append(QPointF(x, first));
      if (low < std::min(first, last)) line.points.append(QPointF(x, low));
      if (high > std::max(first, last)) line.points.append(QPointF(x, high));
      if (last != first) line.points.append(QPointF(x, last));
    };
    for (auto at = from; at <= to; at += step) {
      const auto* sample = series.at(at);
      const double value = sample ? static_cast<double>(rate_of(node, line.stage, *sample)) : hole;
      if (!std::isnan(value) && at >= time.begin_us && at <= time.end_us) most = std::max(most, value);
      if (!many) {
        line.points.append(QPointF(time.x(at), value));
        continue;
      }
      const auto place = static_cast<std::int64_t>(std::floor(time.x(at)));
      if (place != column) {
        flush();
        column = place;
        x = static_cast<double>(place) + 0.5;
        first = last = low = high = hole;
        broken = false;
      }
      if (std::isnan(value)) { broken = true; continue; }
      if (std::isnan(first)) first = low = high = value;
      last = value;
      low = std::min(low, value);
      high = std::max(high, value);
    }
    flush();
  }
  if (most <= 0) most = 1;
  const int wanted = std::clamp(static_cast<int>(in.height() / 46), 2, 5);
  step_ = nice(most * 1.04 / wanted);
  top_ = step_ * std::ceil(most * 1.02 / step_);
  for (auto& line : lines_)
    for (auto& point : line.points)
      if (!std::isnan(point.y())) point.setY(in.bottom() - point.y() / top_ * in.height());
}

void ThroughputCanvas::place_labels(const QRectF& in) {
  const QFontMetricsF metrics(Theme::get().font(-2, true));
  const double line_height = metrics.height() - 1;
  const double right = width() - 4.0;
  // Where each ends; without a known end: where it was last known.
  std::vector<Line*> wanted;
  for (auto& line : lines_) {
    line.label = QRectF();
    line.label_from = std::numeric_limits<double>::quiet_NaN();
    for (auto at = line.points.crbegin(); at != line.points.crend(); ++at)
      if (!std::isnan(at->y()) && at->x() <= in.right() + 1) { line.label_from = at->y(); break; }
    if (!std::isnan(line.last)) line.label_from = std::clamp(in.bottom() - static_cast<double>(line.last) / top_ * in.height(), in.top(), in.bottom());  // where its number is
    if (!std::isnan(line.label_from)) wanted.push_back(&line);
  }
  // Those that there is no room for: the slowest, but never the selected one.
  const auto room = static_cast<std::size_t>(std::max(1.0, (in.height() + line_height) / line_height));
  if (wanted.size() > room) {
    const auto selected = context_.selection.stage();
    std::stable_sort(wanted.begin(), wanted.end(), [&](const Line* a, const Line* b) {
      if ((a->stage == selected) != (b->stage == selected)) return a->stage == selected;
      return (std::isnan(a->last) ? -1 : a->last) > (std::isnan(b->last) ? -1 : b->last);
    });
    wanted.resize(room);
  }
  std::stable_sort(wanted.begin(), wanted.end(), [](const Line* a, const Line* b) {
    return a->label_from != b->label_from ? a->label_from < b->label_from : a->last > b->last;  // both at the top or bottom
  });
  // Groups of labels that would overlap are spread evenly around the middle of where they belong.
  struct Group { double centre; std::size_t first, count; };
  const double lowest = in.bottom() + line_height / 2, highest = in.top() - line_height / 2;
  std::vector<Group> groups;
  const auto clamp_centre = [&](const Group& group) {
    const double half = line_height * static_cast<double>(group.count) / 2;
    return std::clamp(group.centre, highest + half, std::max(highest + half, lowest - half));
  };
  for (std::size_t at = 0; at < wanted.size(); ++at) {
    Group next{wanted[at]->label_from, at, 1};
    next.centre = clamp_centre(next);
    while (!groups.empty() && groups.back().centre + line_height * static_cast<double>(groups.back().count) / 2 > next.centre - line_height * static_cast<double>(next.count) / 2) {
      const auto before = groups.back();
      groups.pop_back();
      next.centre = (before.centre * static_cast<double>(before.count) + next.centre * static_cast<double>(next.count)) / static_cast<double>(before.count + next.count);
      next.first = before.first;
      next.count += before.count;
      next.centre = clamp_centre(next);
    }
    groups.push_back(next);
  }
  for (const auto& group : groups)
    for (std::size_t at = 0; at < group.count; ++at)
      wanted[group.first + at]->label = QRectF(in.right() + 13, group.centre + line_height * (static_cast<double>(at) - static_cast<double>(group.count) / 2), right - in.right() - 13, line_height);
}

QPen ThroughputCanvas::pen(const Line& line) const {
  const auto selected = context_.selection.stage();
  auto color = line.color;
  QPen made(color, line.stage == selected ? 2.4 : 1.4);
  if (selected >= 0 && line.stage != selected) { color.setAlphaF(0.45); made.setColor(color); }
  // Colours repeat after eight; the dashes tell them apart.
  const auto turn = static_cast<std::size_t>(line.stage) / Theme::get().colors().series.size();
  if (turn % 3 == 1) made.setDashPattern({6, 3});
  if (turn % 3 == 2) made.setDashPattern({2, 2});
  made.setJoinStyle(Qt::BevelJoin);
  made.setCapStyle(Qt::FlatCap);
  return made;
}

void ThroughputCanvas::paint(QPainter& painter) {
  const auto& theme = Theme::get();
  const auto& colors = theme.colors();
  const auto& node = context_.node();
  const auto in = plot();
  const auto time = axis();
  if (!node.known() || node.last_us() == unknown_value) {
    painter.setPen(colors.faint);
    painter.setFont(theme.font());
    painter.drawText(QRectF(rect()), Qt::AlignCenter, QStringLiteral("nothing known yet"));
    lines_.clear();
    return;
  }
  choose();
  trace_lines(time, in);
  place_labels(in);

  painter.setFont(theme.font(-2));
  for (double value = 0; value <= top_ * 1.0001; value += step_) {
    const double y = std::round(in.bottom() - value / top_ * in.height()) + 0.5;
    painter.setPen(value == 0 ? colors.border : colors.grid);
    painter.drawLine(QPointF(in.left(), y), QPointF(in.right(), y));
    painter.setPen(colors.secondary);
    painter.drawText(QRectF(0, y - 9, in.left() - 7, 18), Qt::AlignRight | Qt::AlignVCenter, axis_text(value));
  }
  draw_time_labels(painter, time, in.top(), in.bottom(), labels(), true);

  // The labels of markers stand in a row above; one that would lie over another is left out, its line is not.
  painter.setFont(theme.font(-2));
  const QFontMetricsF metrics(painter.font());
  double taken_to = in.left() - 40;
  for (const auto& marker : markers_in(node, context_.filters, time)) {
    const double x = time.x(marker.at_us);
    draw_marker(painter, x, in.top() - 4, in.bottom(), marker.color());
    const auto text = marker.text(node);
    const double wide = metrics.horizontalAdvance(text);
    const double left = std::clamp(x - wide / 2, 4.0, std::max(4.0, width() - wide - 4));
    if (left < taken_to + 8) continue;
    painter.setPen(marker.color());
    painter.drawText(QPointF(left, in.top() - 8), text);
    taken_to = left + wide;
  }

  painter.save();
  painter.setClipRect(in.adjusted(0, -3, 1, 2));
  std::vector<const Line*> order;
  for (const auto& line : lines_) order.push_back(&line);
  std::stable_sort(order.begin(), order.end(), [&](const Line* a, const Line* b) { return (a->stage == context_.selection.stage()) < (b->stage == context_.selection.stage()); });
  for (const auto* line : order) {
    painter.setPen(pen(*line));
    int from = 0;
    const auto& points = line->points;
    for (int at = 0; at <= points.size(); ++at) {
      if (at < points.size() && !std::isnan(points[at].y())) continue;
      if (at - from > 1) painter.drawPolyline(points.constData() + from, at - from);
      else if (at - from == 1) painter.drawPoint(points[from]);
      from = at + 1;
    }
  }
  painter.restore();

  const auto selected = context_.selection.stage();
  int unlabelled = 0;
  for (const auto& line : lines_) {
    if (line.label.isEmpty()) { unlabelled += !std::isnan(line.label_from); continue; }
    // With a selection the other lines are dim; their names are read all the same, and told from the selected one by their weight.
    painter.setPen(QPen(pen(line).color(), 1));
    painter.drawLine(QPointF(in.right() + 2, line.label_from), QPointF(line.label.left() - 3, line.label.center().y()));
    painter.setPen(line.color);
    painter.setFont(theme.font(-2, selected < 0 || line.stage == selected));
    const QFontMetricsF label_metrics(painter.font());
    const auto value = QStringLiteral(" ") + name_of_value(static_cast<double>(line.last));
    const auto name = label_metrics.elidedText(node.stage_name(line.stage), Qt::ElideMiddle, line.label.width() - label_metrics.horizontalAdvance(value));
    painter.drawText(line.label, Qt::AlignLeft | Qt::AlignVCenter, name + value);
  }
  if (unlabelled > 0) {
    painter.setFont(theme.font(-2));
    painter.setPen(colors.faint);
    painter.drawText(QRectF(in.right() + 13, in.bottom() + 5, width() - in.right() - 13, 16), Qt::AlignLeft, QStringLiteral("+ %1 slower").arg(unlabelled));
  }
  if (lines_.empty()) {
    painter.setPen(colors.faint);
    painter.drawText(in, Qt::AlignCenter, QStringLiteral("no stage passes the filters"));
  }
}

void ThroughputCanvas::paint_over(QPainter& painter) {
  const auto in = plot();
  draw_crosshair(painter, in.top(), in.bottom());
  const auto at = context_.crosshair.at_us();
  const auto time = axis();
  if (!at || !time.shows(*at) || lines_.empty()) return;
  std::vector<std::pair<float, const Line*>> values;
  for (const auto& line : lines_) values.emplace_back(rate_at(line.stage, *at), &line);
  std::stable_sort(values.begin(), values.end(), [](const auto& a, const auto& b) { return (std::isnan(a.first) ? -1 : a.first) > (std::isnan(b.first) ? -1 : b.first); });
  QStringList names{QStringLiteral("%1 (%2)").arg(show_clock(*at, true), show_before(std::max<Micros>(0, time.end_us - *at)))}, numbers{QString()};
  std::vector<QPen> marks{QPen(Qt::NoPen)};
  for (const auto& [value, line] : values) {
    if (!std::isnan(value)) {
      painter.setPen(QPen(Theme::get().colors().panel, 1));
      painter.setBrush(line->color);
      const double y = in.bottom() - static_cast<double>(value) / top_ * in.height();
      if (y > in.top() - 4) painter.drawEllipse(QPointF(time.x(*at), y), 3, 3);
    }
    names.append(context_.node().stage_name(line->stage));
    numbers.append(std::isnan(value) ? QStringLiteral("–") : name_of_value(static_cast<double>(value)) + QStringLiteral("/s"));
    auto sign = pen(*line);  // as the line: dashes too
    sign.setWidthF(2);
    sign.setColor(line->color);
    marks.push_back(sign);
  }
  draw_box(painter, QPointF(time.x(*at), hovering() ? mouse().y() - 20 : in.top() + 10), names, marks, numbers);
}

void ThroughputCanvas::clicked(const QPointF& at) {
  const Line* nearest = nullptr;
  double best = 9;
  for (const auto& line : lines_) {
    if (line.label.contains(at)) { nearest = &line; break; }
    for (int point = 1; point < line.points.size(); ++point) {
      const auto &a = line.points[point - 1], &b = line.points[point];
      if (std::isnan(a.y()) || std::isnan(b.y()) || at.x() < a.x() - 2 || at.x() > b.x() + 2) continue;
      const double part = b.x() > a.x() ? std::clamp((at.x() - a.x()) / (b.x() - a.x()), 0.0, 1.0) : 0;
      const double away = std::abs(at.y() - (a.y() + (b.y() - a.y()) * part));
      if (away < best) { best = away; nearest = &line; }
    }
  }
  if (nearest) context_.selection.select_stage(nearest->stage);
  else if (plot().contains(at)) context_.selection.clear();
}

ThroughputView::ThroughputView(Context& context, QWidget* parent) : View(context, "throughput", QStringLiteral("Throughput"), parent) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  canvas_ = new ThroughputCanvas(context, *this);
  canvas_->setObjectName(QStringLiteral("throughput-lines"));
  canvas_->setAccessibleName(QStringLiteral("Events a second by stage"));
  column->addWidget(canvas_);
  setMinimumSize(240, 110);
  connect(&context, &Context::tables_due, this, [this] {
    if (auto text = subtitle(); text != announced_) { announced_ = text; Q_EMIT subtitle_changed(); }
    if (!canvas_->hasFocus()) return;
    QStringList said;
    for (const auto& line : canvas_->lines()) said.append(QStringLiteral("%1 %2").arg(context_.node().stage_name(line.stage), name_of_value(static_cast<double>(line.last))));
    canvas_->setAccessibleDescription(said.join(QStringLiteral(", ")));
  });
}

QString ThroughputView::subtitle() const {
  const auto shown = static_cast<int>(canvas_->lines().size()), all = context_.node().stage_count();
  if (all == 0 || shown == all) return QStringLiteral("events in per second, by stage (of a source: out)");
  if (canvas_->passing() > shown) return QStringLiteral("events in per second, the %1 fastest of %2 stages").arg(shown).arg(canvas_->passing());
  return QStringLiteral("events in per second, %1 of %2 stages").arg(shown).arg(all);
}

std::vector<QStringList> ThroughputView::rows() const {
  const auto& node = context_.node();
  if (canvas_->lines().empty()) return {};
  const auto time = canvas_->axis();
  QStringList header{QStringLiteral("time")};
  for (const auto& line : canvas_->lines()) header.append(node.stage_name(line.stage));
  std::vector<QStringList> made{header};
  const auto step = node.stage_track(0).from(time.begin_us).step_us();
  for (auto at = (time.begin_us + step - 1) / step * step; at <= std::min(time.end_us, node.last_us()); at += step) {
    QStringList row{QDateTime::fromMSecsSinceEpoch(at / 1000).toUTC().toString(Qt::ISODateWithMs)};
    for (const auto& line : canvas_->lines()) {
      const auto value = canvas_->rate_at(line.stage, at);
      row.append(std::isnan(value) ? QString() : QString::number(static_cast<double>(value), 'f', 1));
    }
    made.push_back(row);
  }
  return made;
}

}  // namespace mailroom::dashboard
