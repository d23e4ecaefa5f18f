#include "dashboard/views/ordering_canvas.hpp"

#include <QAccessible>
#include <QKeyEvent>
#include <QMenu>
#include <QScrollBar>
#include <QWheelEvent>
#include <cmath>

#include "dashboard/theme/theme.hpp"

namespace mailroom::dashboard {

namespace {
constexpr double bar_width = 52, text_width = 52, pin_width = 20;

// The kinds' order in a bar, as in the chips.
QString share_text(const Lane& lane) {
  const double percent = lane.share() * 100;
  if (std::isnan(percent)) return QStringLiteral("–");
  if (lane.disorder() == 0) return QStringLiteral("0 %");
  if (percent < 0.001) return QStringLiteral("<0.001 %");
  return QStringLiteral("%1 %").arg(QString::number(percent, 'f', percent < 0.1 ? 3 : percent < 10 ? 1 : 0));
}
}  // namespace

OrderingCanvas::OrderingCanvas(Context& context, View& view) : TimeCanvas(context, view) {
  bar_ = new QScrollBar(Qt::Vertical, this);
  bar_->setAccessibleName(QStringLiteral("Lanes: scroll"));
  bar_->setFocusPolicy(Qt::NoFocus);
  connect(bar_, &QScrollBar::valueChanged, this, [this] { repaint_all(); });
  connect(&context.filters, &Filters::changed, this, [this] { lanes_dirty_ = sort_dirty_ = true; });
  connect(&context.selection, &Selection::changed, this, [this] {
    const auto& selection = context_.selection;
    if (view_.pinned() || hovering()) return;  // a click here needs no scrolling
    if (selection.shard() >= 0) return ensure_visible(selection.shard());
    for (const int shard : order_)
      if (selection.stage() >= 0 && context_.node().stage_of(shard) == selection.stage()) return ensure_visible(shard);
  });
}

void OrderingCanvas::forget() {
  pins_.clear();
  hits_.clear();
  order_.clear();
  passing_.clear();
  lanes_ = OrderingLanes();
  current_mark_ = unknown_value;
  lanes_dirty_ = sort_dirty_ = true;
}

QRectF OrderingCanvas::plot() const {
  const double left = std::clamp(name_width_ + pin_width + 14, 84.0, std::max(84.0, std::min(190.0, width() * 0.3)));
  const double right = (width() < 520 ? text_width : bar_width + text_width) + 22;
  return QRectF(left, 18, std::max(20.0, width() - left - right), std::max(20.0, height() - 18 - 22.0));
}

std::vector<std::int64_t> OrderingCanvas::depends() const {
  return {context_.node().events().added(), context_.node().last_us() / second_us, version_, bar_->value(), hasFocus(), current_mark_};
}

double OrderingCanvas::lane_top(std::size_t place) const { return plot().top() + static_cast<double>(place) * lane_height - bar_->value(); }

QRectF OrderingCanvas::band(int shard) const {
  const auto found = std::find(order_.begin(), order_.end(), shard);
  if (found == order_.end()) return {};
  const auto in = plot();
  return QRectF(in.left(), lane_top(static_cast<std::size_t>(found - order_.begin())), in.width(), lane_height).intersected(in);
}

std::vector<Glyph> OrderingCanvas::glyphs(int shard) const {
  std::vector<Glyph> made;
  for (const auto& hit : hits_) if (hit.shard == shard) made.push_back(hit.glyph);
  return made;
}

void OrderingCanvas::show_kind(MarkKind kind, bool shown) {
  shown_[static_cast<std::size_t>(kind)] = shown;
  ++version_;
  repaint_all();
}

void OrderingCanvas::show_in_order(bool shown) {
  ticks_ = shown;
  ++version_;
  repaint_all();
}

void OrderingCanvas::sort_by_disorder(bool on) {
  by_disorder_ = on;
  sort_dirty_ = true;
  repaint_all();
}

void OrderingCanvas::pin_lane(int shard, bool pinned) {
  if (pinned) pins_.insert(shard);
  else pins_.remove(shard);
  sort_dirty_ = true;
  repaint_all();
}

void OrderingCanvas::filter_lanes() {
  lanes_dirty_ = false;
  passing_.clear();
  const auto& node = context_.node();
  for (int shard = 0; shard < node.shard_count(); ++shard) {
    if (node.stage(node.stage_of(shard)).kind == StageKind::source) continue;  // nothing arrives there
    if (context_.filters.empty() || context_.filters.passes_actor(node.shard_name(shard))) passing_.push_back(shard);
  }
  order_ = passing_;
  const QFontMetricsF metrics(Theme::get().font(-1, true));
  name_width_ = 0;
  for (const int shard : passing_) name_width_ = std::max(name_width_, metrics.horizontalAdvance(node.shard_name(shard)));
}

void OrderingCanvas::count(const TimeAxis& time) {
  lanes_.build(context_.node(), context_.filters, time.begin_us, time.end_us);
  const auto [begin, end] = counted_window_;
  const bool due = std::abs(time.end_us - end) >= second_us || time.end_us - time.begin_us != end - begin;
  if (due || sort_dirty_) {
    lanes_.count_arrivals(context_.node(), passing_, time.begin_us, time.end_us);
    counted_window_ = {time.begin_us, time.end_us};
    if (sort_dirty_ || (!hovering() && !view_.pinned())) sort();
  }
  totals_ = lanes_.totals(passing_);
  std::int64_t bad = 0;
  for (const auto kind : {MarkKind::late, MarkKind::duplicate, MarkKind::retried}) bad += totals_[static_cast<std::size_t>(kind)];
  double arrived = 0;
  bool known = false;
  disordered_ = 0;
  for (const int shard : passing_) {
    const auto& lane = lanes_.lane(shard);
    arrived += lane.arrived;
    known = known || lane.known;
    disordered_ += lane.disorder() > 0;
  }
  in_order_ = known ? std::max(0.0, arrived - static_cast<double>(bad)) : std::numeric_limits<double>::quiet_NaN();
}

void OrderingCanvas::sort() {
  sort_dirty_ = false;
  auto next = passing_;
  const auto weight = [&](int shard) {
    const auto& lane = lanes_.lane(shard);
    const auto share = lane.share();
    return std::pair(std::isnan(share) ? (lane.disorder() > 0 ? 1.0 : 0.0) : share, lane.disorder());
  };
  if (by_disorder_) std::stable_sort(next.begin(), next.end(), [&](int a, int b) { return weight(a) > weight(b); });
  std::stable_partition(next.begin(), next.end(), [&](int shard) { return pins_.contains(shard); });
  if (next != order_) { order_ = std::move(next); ++version_; }
}

void OrderingCanvas::set_scroll_range() {
  const auto in = plot();
  const int all = static_cast<int>(static_cast<double>(order_.size()) * lane_height), page = static_cast<int>(in.height());
  const QSignalBlocker quiet(bar_);
  bar_->setRange(0, std::max(0, all - page));
  bar_->setPageStep(page);
  bar_->setSingleStep(static_cast<int>(lane_height));
  bar_->setVisible(all > page);
  bar_->setGeometry(width() - 11, static_cast<int>(in.top()), 11, page);
}

void OrderingCanvas::ensure_visible(int shard) {
  const auto found = std::find(order_.begin(), order_.end(), shard);
  if (found == order_.end()) return;
  const int top = static_cast<int>(static_cast<double>(found - order_.begin()) * lane_height), bottom = top + static_cast<int>(lane_height);
  if (top < bar_->value()) bar_->setValue(top);
  else if (bottom > bar_->value() + bar_->pageStep()) bar_->setValue(std::min(top, bottom - bar_->pageStep()));  // its head first, where it has no room
}

void OrderingCanvas::resizeEvent(QResizeEvent* event) {
  TimeCanvas::resizeEvent(event);
  set_scroll_range();
}

void OrderingCanvas::draw_ticks(QPainter& painter, const TimeAxis& time, std::size_t first, std::size_t last) {
  // Ticks stand at whole multiples of a grain of time, so that they run with the window. Many events make one tick; what there are
  // fewer of than ticks makes as many as there are. Where nothing is known there is no line.
  const auto& node = context_.node();
  const auto grain = std::max<Micros>(1, 4 * time.pixel_us());
  const auto slot0 = time.begin_us / grain;
  const auto slots = static_cast<std::size_t>(time.end_us / grain - slot0 + 1);
  std::vector<std::vector<float>> rates(last - first, std::vector<float>(slots, not_known));
  Micros before = unknown_value;
  const auto longest = std::max<Micros>(node.moments().long_step_us() + second_us, 3 * second_us);
  const auto cover = [&](const Moment& moment, Micros until) {
    const auto since = before == unknown_value ? moment.at_us - Moments::recent_step_us : std::max(before, moment.at_us - longest);
    before = until;
    const auto from = std::clamp<std::int64_t>(since / grain - slot0, 0, static_cast<std::int64_t>(slots)), to = std::clamp<std::int64_t>(until / grain - slot0 + 1, 0, static_cast<std::int64_t>(slots));
    for (std::size_t row = first; row < last; ++row) {
      const auto shard = static_cast<std::size_t>(order_[row]);
      if (shard >= moment.shards.size() || std::isnan(moment.shards[shard].in)) continue;
      auto& into = rates[row - first];
      for (auto slot = from; slot < to; ++slot) {
        auto& rate = into[static_cast<std::size_t>(slot)];
        rate = std::isnan(rate) ? moment.shards[shard].in : std::max(rate, moment.shards[shard].in);
      }
    }
  };
  node.moments().each(time.begin_us - longest, time.end_us, [&](const Moment& moment) { cover(moment, moment.at_us); });
  if (node.last_us() != unknown_value && time.end_us >= node.last_us() && before != unknown_value) cover(node.now(), std::min(time.end_us, node.last_us()));

  painter.setRenderHint(QPainter::Antialiasing, false);
  QVector<QLineF> lines, ticks;
  const double grain_s = static_cast<double>(grain) / 1e6;
  for (std::size_t row = first; row < last; ++row) {
    const double y = std::round(lane_top(row) + lane_height / 2);
    const auto& of = rates[row - first];
    for (std::size_t slot = 0; slot < slots; ++slot) {
      if (std::isnan(of[slot])) continue;
      const double x0 = std::clamp(time.x((slot0 + static_cast<std::int64_t>(slot)) * grain), time.left, time.right);
      std::size_t run = slot;
      while (run + 1 < slots && !std::isnan(of[run + 1])) ++run;
      lines.append(QLineF(x0, y, std::clamp(time.x((slot0 + static_cast<std::int64_t>(run) + 1) * grain), time.left, time.right), y));
      slot = run;
    }
    if (!ticks_) continue;
    for (std::size_t slot = 0; slot < slots; ++slot) {
      const double expected = std::isnan(of[slot]) ? 0 : static_cast<double>(of[slot]) * grain_s;
      if (expected <= 0) continue;
      const auto number = slot0 + static_cast<std::int64_t>(slot);
      if (expected < 1) {
        const auto stride = static_cast<std::int64_t>(std::exp2(std::ceil(std::log2(1 / expected))));
        if (number % stride != 0) continue;
      }
      const double x = std::round(time.x(number * grain));
      if (x >= time.left && x <= time.right) ticks.append(QLineF(x, y - 3, x, y + 3));
    }
  }
  auto faint = Theme::get().colors().tick;
  faint.setAlphaF(0.55f);
  painter.setPen(QPen(faint, 1));
  painter.drawLines(lines);
  painter.setPen(QPen(Theme::get().colors().tick, 1));
  painter.drawLines(ticks);
  painter.setRenderHint(QPainter::Antialiasing);
}

void OrderingCanvas::draw_lane(QPainter& painter, const TimeAxis& time, int shard, double top) {
  const auto& theme = Theme::get();
  const auto& colors = theme.colors();
  const auto& node = context_.node();
  const auto& lane = lanes_.lane(shard);
  const auto in = plot();
  const double line = std::round(top + lane_height / 2);
  const bool pinned = pins_.contains(shard), disordered = lane.disorder() > 0;
  // Name, bold where something is out of order.
  if (pinned) painter.drawPixmap(QPointF(6, line - 6), theme.pixmap(QStringLiteral("pin"), colors.accent, 12, devicePixelRatioF()));
  painter.setFont(theme.font(-1, disordered));
  painter.setPen(shard == context_.selection.shard() || (context_.selection.shard() < 0 && node.stage_of(shard) == context_.selection.stage()) ? colors.accent
                 : disordered ? colors.text : colors.secondary);
  const QRectF name(pin_width + 2, top, in.left() - pin_width - 10, lane_height);
  painter.drawText(name, Qt::AlignLeft | Qt::AlignVCenter, QFontMetricsF(painter.font()).elidedText(node.shard_name(shard), Qt::ElideMiddle, name.width()));
  // Disorder.
  const double right = width() - 14.0;
  painter.setPen(disordered ? colors.text : colors.secondary);
  painter.drawText(QRectF(right - text_width, top, text_width, lane_height), Qt::AlignRight | Qt::AlignVCenter, share_text(lane));
  if (width() >= 520) {
    const QRectF track(right - text_width - bar_width, line - 4, bar_width, 8);
    painter.setPen(Qt::NoPen);
    painter.setBrush(colors.track);
    painter.drawRoundedRect(track, 2, 2);
    if (disordered) {
      // Its length is logarithmic, 0.001 % to 100 %: one event in a hundred thousand is to be seen. Its parts are the kinds.
      const double share = lane.share();
      const double full = std::isnan(share) ? 1 : std::clamp((std::log10(share) + 5) / 5, 0.0, 1.0);
      const double length = std::max(4.0, track.width() * full);
      double x = track.left();
      for (const auto kind : {MarkKind::late, MarkKind::missing, MarkKind::skipped, MarkKind::duplicate, MarkKind::retried}) {
        const double part = length * static_cast<double>(lane.counts[static_cast<std::size_t>(kind)]) / static_cast<double>(lane.disorder());
        painter.fillRect(QRectF(x, track.top(), part, track.height()), color_of(kind));
        x += part;
      }
    }
  }
  if (lane.marks.empty()) return;
  painter.setFont(theme.font(-2, true));
  if (shown_[static_cast<std::size_t>(MarkKind::late)]) {
    painter.save();
    painter.setClipRect(QRectF(in.left() - 4, top, in.width() + 8, lane_height));
    draw_arcs(painter, lane, line, time);
    painter.restore();
  }
  for (auto& glyph : glyphs_of(lane, time, shown_, QFontMetricsF(painter.font()))) {
    draw_glyph(painter, glyph, line, time, lane);
    hits_.push_back({glyph.area.translated(0, line), shard, std::move(glyph)});
  }
}

void OrderingCanvas::paint(QPainter& painter) {
  const auto& theme = Theme::get();
  const auto& colors = theme.colors();
  const auto& node = context_.node();
  hits_.clear();
  if (lanes_dirty_) filter_lanes();
  const auto in = plot();
  painter.setFont(theme.font());
  if (!node.known() || node.last_us() == unknown_value || passing_.empty()) {
    bar_->hide();
    painter.setPen(colors.faint);
    painter.drawText(QRectF(rect()), Qt::AlignCenter, !node.known() || node.last_us() == unknown_value ? QStringLiteral("nothing known yet") : QStringLiteral("no shard passes the filters"));
    totals_.fill(0);
    known_ = node.known() && node.last_us() != unknown_value;
    in_order_ = std::numeric_limits<double>::quiet_NaN();
    disordered_ = 0;
    Q_EMIT counted();
    return;
  }
  known_ = true;
  const auto time = axis();
  count(time);
  set_scroll_range();
  const auto first = static_cast<std::size_t>(std::max(0.0, std::floor(bar_->value() / lane_height)));
  const auto last = std::min(order_.size(), static_cast<std::size_t>(std::ceil((bar_->value() + in.height()) / lane_height)));

  painter.setFont(theme.font(-2));
  painter.setPen(colors.secondary);
  painter.drawText(QRectF(width() - 214.0, 0, 200, 17), Qt::AlignRight | Qt::AlignVCenter,
                   QStringLiteral("disorder, %1").arg(show_width(time.end_us - time.begin_us)));
  draw_time_labels(painter, time, in.top(), in.bottom(), labels(), false);
  painter.save();
  painter.setClipRect(QRectF(0, in.top(), width(), in.height()));
  for (std::size_t row = first; row < last; ++row) {
    const QRectF whole(0, lane_top(row), width(), lane_height);
    if (order_[row] == context_.selection.shard()) {
      painter.fillRect(whole, colors.selection);
      painter.fillRect(QRectF(0, whole.top(), 3, whole.height()), colors.accent);
    } else if (row % 2 == 0) painter.fillRect(whole, colors.header);
  }
  for (const auto& marker : markers_in(node, context_.filters, time)) {
    auto color = marker.color();
    color.setAlphaF(0.55f);
    draw_marker(painter, time.x(marker.at_us), in.top(), std::min(in.bottom(), lane_top(order_.size())), color);
  }
  draw_ticks(painter, time, first, last);
  for (std::size_t row = first; row < last; ++row) draw_lane(painter, time, order_[row], lane_top(row));
  if (hasFocus() && context_.selection.shard() >= 0)
    for (std::size_t row = first; row < last; ++row)
      if (order_[row] == context_.selection.shard()) {
        painter.setPen(QPen(colors.accent, 1, Qt::DotLine));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(QRectF(1.5, lane_top(row) + 0.5, width() - 15.0, lane_height - 1));
      }
  painter.restore();
  Q_EMIT counted();
}

const OrderingCanvas::Hit* OrderingCanvas::hit_at(const QPointF& at) const {
  if (!QRectF(0, plot().top(), width(), plot().height()).contains(at)) return nullptr;
  for (const auto& hit : hits_)
    if (hit.area.adjusted(-1.5, -1.5, 1.5, 1.5).contains(at)) return &hit;
  return nullptr;
}

QStringList OrderingCanvas::tell(int shard, const Glyph& glyph) const {
  const auto& node = context_.node();
  const auto& marks = lanes_.lane(shard).marks;
  QStringList lines;
  if (glyph.marks.size() == 1 && glyph.marks.front() < marks.size()) {
    const auto& mark = marks[glyph.marks.front()];
    const auto* event = event_of(node, mark);
    lines.append(QStringLiteral("%1 · %2 · %3").arg(mark.kind == MarkKind::missing ? QStringLiteral("%1 missing").arg(show_exact(mark.count)) : mark_text(mark.kind), node.shard_name(shard), show_clock(mark.at_us, true)));
    if (!event) return lines << QStringLiteral("its details are forgotten");
    const auto sequence = [](std::int64_t value) { return show_exact(value); };
    if (!event->key.isEmpty()) lines.append(mark.kind == MarkKind::missing ? QStringLiteral("key %1").arg(event->key) : QStringLiteral("key %1 · sequence %2").arg(event->key, sequence(event->sequence)));
    switch (mark.kind) {
      case MarkKind::late:
        lines.append(QStringLiteral("highest seen before it: %1").arg(sequence(event->highest)));
        if (event->belonged_us != unknown_value) lines.append(QStringLiteral("%1 after its place at %2").arg(show_span(static_cast<double>(mark.at_us - event->belonged_us)), show_clock(event->belonged_us, true)));
        break;
      case MarkKind::missing:
        lines.append(QStringLiteral("sequences %1 to %2 were skipped").arg(sequence(event->first), sequence(event->last)));
        lines.append(mark.final ? QStringLiteral("final: the grace time is over") : QStringLiteral("still awaited"));
        break;
      case MarkKind::duplicate: lines.append(QStringLiteral("seen before at %1").arg(show_clock(event->first_us, true))); break;
      case MarkKind::retried:
        lines.append(QStringLiteral("try %1, after %2").arg(show_exact(event->attempt), show_span(static_cast<double>(event->delay_us))));
        break;
      case MarkKind::skipped: lines.append(QStringLiteral("given up; the key goes on without it")); break;
    }
    if (!event->text.isEmpty()) lines.append(event->text.left(80));
    lines.append(event->trace.isEmpty() ? QStringLiteral("no trace was kept") : QStringLiteral("click: trace %1").arg(event->trace));
    return lines;
  }
  QStringList parts;
  for (std::size_t kind = 0; kind < mark_kinds; ++kind)
    if (glyph.counts[kind] > 0) parts.append(QStringLiteral("%1 %2").arg(show_exact(glyph.counts[kind]), mark_text(static_cast<MarkKind>(kind))));
  lines.append(QStringLiteral("%1 · %2").arg(parts.join(QStringLiteral(", ")), node.shard_name(shard)));
  lines.append(QStringLiteral("%1 to %2").arg(show_clock(marks[glyph.marks.front()].at_us, true), show_clock(marks[glyph.marks.back()].at_us, true)));
  lines.append(QStringLiteral("click: choose one; drag over it: zoom in"));
  return lines;
}

void OrderingCanvas::paint_over(QPainter& painter) {
  const auto in = plot();
  if (context_.node().known() && !order_.empty()) draw_crosshair(painter, in.top(), std::min(in.bottom(), lane_top(order_.size())));
  if (hovering()) {
    if (const auto* hit = hit_at(mouse())) draw_box(painter, mouse() + QPointF(0, 14), tell(hit->shard, hit->glyph));
    else if (mouse().x() < in.left() && mouse().y() > in.top() && mouse().y() < in.bottom()) {
      const auto row = static_cast<std::size_t>((mouse().y() - in.top() + bar_->value()) / lane_height);
      if (row < order_.size()) {
        const auto& lane = lanes_.lane(order_[row]);
        QStringList lines{context_.node().shard_name(order_[row])};
        for (std::size_t kind = 0; kind < mark_kinds; ++kind)
          if (lane.counts[kind] > 0) lines.append(QStringLiteral("%1 %2").arg(show_exact(lane.counts[kind]), mark_text(static_cast<MarkKind>(kind))));
        lines.append(QStringLiteral("%1 of %2 events").arg(share_text(lane), lane.known ? show_count(lane.arrived) : QStringLiteral("–")));
        lines.append(QStringLiteral("click: select; at the left edge: pin to the top"));
        draw_box(painter, QPointF(in.left(), mouse().y() + 10), lines);
      }
    } else if (mouse().x() > in.right() + 10 && mouse().y() < in.bottom()) {
      draw_box(painter, QPointF(mouse().x(), mouse().y() + 10),
               {QStringLiteral("Disorder of what should have arrived"), QStringLiteral("the bar is logarithmic: 0.001 % to 100 %"), QStringLiteral("its parts are the kinds")});
    }
  } else if (current_mark_ != unknown_value && hasFocus()) {
    for (const auto& hit : hits_)
      if (hit.shard == context_.selection.shard())
        for (const auto at : hit.glyph.marks)
          if (lanes_.lane(hit.shard).marks[at].id == current_mark_) {
            painter.setPen(QPen(Theme::get().colors().accent, 1.5));
            painter.setBrush(Qt::NoBrush);
            painter.drawRoundedRect(hit.area.adjusted(-3, -3, 3, 3), 4, 4);
            auto one = hit.glyph;
            one.marks = {at};
            draw_box(painter, hit.area.bottomLeft() + QPointF(0, 6), tell(hit.shard, one));
            return;
          }
  }
}

void OrderingCanvas::open(int shard, const Mark& mark) {
  const auto* event = event_of(context_.node(), mark);
  const int stage = context_.node().stage_of(shard);
  if (event && !event->trace.isEmpty()) context_.selection.select_trace(event->trace, stage, shard, event->key);
  else context_.selection.select_shard(stage, shard);
}

void OrderingCanvas::clicked(const QPointF& at) {
  const auto in = plot();
  if (at.y() < in.top() || at.y() > in.bottom()) return;
  if (const auto* hit = hit_at(at)) {
    const auto& marks = lanes_.lane(hit->shard).marks;
    if (hit->glyph.marks.size() == 1) return open(hit->shard, marks[hit->glyph.marks.front()]);
    auto* menu = new QMenu(this);
    menu->setObjectName(QStringLiteral("ordering-crowd"));
    menu->setAttribute(Qt::WA_DeleteOnClose);
    constexpr std::size_t most = 20;
    for (std::size_t place = 0; place < hit->glyph.marks.size() && place < most; ++place) {
      const auto mark = marks[hit->glyph.marks[place]];
      const auto* event = event_of(context_.node(), mark);
      auto* action = menu->addAction(QStringLiteral("%1  %2  %3").arg(show_clock(mark.at_us, true), mark_text(mark.kind), event ? QStringLiteral("%1 · %2").arg(event->key, show_exact(event->sequence)) : QString()));
      connect(action, &QAction::triggered, this, [this, shard = hit->shard, mark] { open(shard, mark); });
    }
    if (hit->glyph.marks.size() > most) menu->addAction(QStringLiteral("%1 more: zoom in by dragging over them").arg(hit->glyph.marks.size() - most))->setEnabled(false);
    menu->popup(mapToGlobal(at.toPoint()));
    return;
  }
  const auto row = static_cast<std::size_t>(std::max(0.0, (at.y() - in.top() + bar_->value()) / lane_height));
  if (row >= order_.size()) return;
  const int shard = order_[row];
  if (at.x() < pin_width) return pin_lane(shard, !lane_pinned(shard));
  current_mark_ = unknown_value;
  context_.selection.select_shard(context_.node().stage_of(shard), shard);
}

void OrderingCanvas::wheelEvent(QWheelEvent* event) {
  if (event->modifiers() & Qt::ControlModifier) return TimeCanvas::wheelEvent(event);
  bar_->setValue(bar_->value() - event->angleDelta().y() * static_cast<int>(lane_height) / 60);
  event->accept();
}

void OrderingCanvas::describe(const QString& text) {
  if (text == said_) return;
  said_ = text;
  setAccessibleDescription(text);
  QAccessibleEvent event(this, QAccessible::DescriptionChanged);
  QAccessible::updateAccessibility(&event);
}

void OrderingCanvas::step_lane(int by) {
  if (order_.empty()) return;
  const auto found = std::find(order_.begin(), order_.end(), context_.selection.shard());
  const auto now = found == order_.end() ? (by > 0 ? -1 : static_cast<int>(order_.size())) : static_cast<int>(found - order_.begin());
  const int shard = order_[static_cast<std::size_t>(std::clamp(now + by, 0, static_cast<int>(order_.size()) - 1))];
  current_mark_ = unknown_value;
  context_.selection.select_shard(context_.node().stage_of(shard), shard);
  ensure_visible(shard);
  const auto& lane = lanes_.lane(shard);
  QStringList parts{context_.node().shard_name(shard)};
  for (std::size_t kind = 0; kind < mark_kinds; ++kind)
    if (lane.counts[kind] > 0) parts.append(QStringLiteral("%1 %2").arg(show_exact(lane.counts[kind]), mark_text(static_cast<MarkKind>(kind))));
  if (parts.size() == 1) parts.append(QStringLiteral("in order"));
  describe(parts.join(QStringLiteral(", ")));
}

void OrderingCanvas::step_mark(int by) {
  const int shard = context_.selection.shard();
  if (!lanes_.has(shard)) return;
  std::vector<const Mark*> marks;
  for (const auto& mark : lanes_.lane(shard).marks) if (shows(mark.kind)) marks.push_back(&mark);
  if (marks.empty()) return;
  auto at = std::find_if(marks.begin(), marks.end(), [&](const Mark* mark) { return mark->id == current_mark_; });
  const auto size = static_cast<int>(marks.size());
  const int now = at == marks.end() ? (by > 0 ? -1 : size) : static_cast<int>(at - marks.begin());
  const auto* mark = marks[static_cast<std::size_t>((now + by + size) % size)];
  current_mark_ = mark->id;
  context_.crosshair.set(mark->at_us);
  Glyph one{place_of(mark->kind), {}, {static_cast<std::size_t>(mark - lanes_.lane(shard).marks.data())}, {}, false, mark->final};
  describe(tell(shard, one).join(QStringLiteral(", ")));
  update();
}

void OrderingCanvas::keyPressEvent(QKeyEvent* event) {
  const int shard = context_.selection.shard();
  switch (event->key()) {
    case Qt::Key_Up: return step_lane(-1);
    case Qt::Key_Down: return step_lane(1);
    case Qt::Key_PageUp: return step_lane(-std::max(1, static_cast<int>(plot().height() / lane_height) - 1));
    case Qt::Key_PageDown: return step_lane(std::max(1, static_cast<int>(plot().height() / lane_height) - 1));
    case Qt::Key_N: return step_mark(event->modifiers() & Qt::ShiftModifier ? -1 : 1);
    case Qt::Key_P:
      if (event->modifiers() & Qt::ShiftModifier && shard >= 0) { pin_lane(shard, !lane_pinned(shard)); return; }
      break;
    case Qt::Key_Return: case Qt::Key_Enter:
      if (!lanes_.has(shard)) break;
      for (const auto& mark : lanes_.lane(shard).marks)
        if (shows(mark.kind) && (current_mark_ == unknown_value || mark.id == current_mark_)) {
          const auto* its = event_of(context_.node(), mark);
          if (current_mark_ == unknown_value && (!its || its->trace.isEmpty())) continue;
          return open(shard, mark);
        }
      return;
    default: break;
  }
  QWidget::keyPressEvent(event);
}

}  // namespace mailroom::dashboard
