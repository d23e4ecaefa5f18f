#include "dashboard/views/trace_view.hpp"

#include <QApplication>
#include <QClipboard>
#include <QDateTime>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLabel>
#include <QMouseEvent>
#include <QPainter>
#include <QPushButton>
#include <QScrollBar>
#include <QStackedLayout>
#include <QTreeWidget>
#include <QVBoxLayout>
#include <cmath>

#include "dashboard/theme/theme.hpp"

namespace mailroom::dashboard {

namespace {
constexpr double row_height = 25, indent = 13, legend_height = 26, axis_height = 24, bar_height = 10;
constexpr int most_recent = 200;

void hatch(QPainter& painter, const QRectF& area, const QColor& color) {
  painter.save();
  painter.setClipRect(area, Qt::IntersectClip);
  auto faint = color;
  faint.setAlphaF(0.8f);
  painter.setPen(QPen(faint, 1));
  for (double x = area.left() - area.height(); x < area.right(); x += 5) painter.drawLine(QPointF(x, area.bottom()), QPointF(x + area.height(), area.top()));
  painter.restore();
  painter.setPen(QPen(color, 1));
  painter.setBrush(Qt::NoBrush);
  painter.drawRoundedRect(area, 1.5, 1.5);
}

// Until its retry: it is in no mailbox, and nothing works on it.
void dash(QPainter& painter, const QRectF& area, const QColor& color) {
  painter.setPen(QPen(color, 1.4, Qt::CustomDashLine, Qt::FlatCap));
  auto pen = painter.pen();
  pen.setDashPattern({3, 3});
  painter.setPen(pen);
  painter.drawLine(QPointF(area.left(), area.center().y()), QPointF(area.right(), area.center().y()));
  painter.setPen(QPen(color, 1.2));
  painter.drawLine(QPointF(area.left(), area.top() + 2), QPointF(area.left(), area.bottom() - 2));
}

double nice_step(double least) {
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (least <= factor * power) return factor * power;
  return 10 * power;
}

QString axis_text(double at_us, double step_us) {
  if (step_us < 1'000) return QStringLiteral("%1 µs").arg(at_us, 0, 'f', 0);
  if (step_us < 0.5e6) return QStringLiteral("%1 ms").arg(show_exact(static_cast<std::int64_t>(std::llround(at_us / 1e3))));
  return QStringLiteral("%1 s").arg(at_us / 1e6, 0, 'f', step_us < 1e6 ? 1 : 0);
}
QStringList columns() {
  return {QStringLiteral("Time"), QStringLiteral("Trace"), QStringLiteral("Outcome"), QStringLiteral("Total"), QStringLiteral("In mailboxes"), QStringLiteral("Visits"), QStringLiteral("Key")};
}
QString exact_span(Micros span) { return show_span(static_cast<double>(span)); }
QString waits(const Visit& visit) {
  return visit.delayed_us() != unknown_value ? QStringLiteral("waited %1 for its retry, worked %2").arg(exact_span(visit.delayed_us()), exact_span(visit.worked_us()))
                                             : QStringLiteral("in the mailbox %1, worked %2").arg(exact_span(visit.waited_us()), exact_span(visit.worked_us()));
}
}  // namespace

TraceCanvas::TraceCanvas(Context& context, QWidget* parent) : QWidget(parent), context_(context) {
  setMouseTracking(true);
  setFocusPolicy(Qt::StrongFocus);
  bar_ = new QScrollBar(Qt::Vertical, this);
  bar_->setFocusPolicy(Qt::NoFocus);
  bar_->setAccessibleName(QStringLiteral("Visits: scroll"));
  connect(bar_, &QScrollBar::valueChanged, this, [this] { update(); });
  connect(&context.filters, &Filters::changed, this, [this] { choose(); });
  connect(&context.selection, &Selection::changed, this, [this] { update(); });
  connect(&context.crosshair, &Crosshair::changed, this, [this] { if (isVisible()) update(); });
  connect(&Theme::get(), &Theme::changed, this, [this] { update(); });
}

void TraceCanvas::show_rows(TraceRows rows) {
  if (rows.trace != rows_.trace) { current_ = -1; bar_->setValue(0); }
  rows_ = std::move(rows);
  if (current_ >= static_cast<int>(rows_.visits.size())) current_ = -1;
  choose();
}

void TraceCanvas::show_critical_path(bool only) {
  critical_only_ = only;
  update();
}

void TraceCanvas::choose() {
  shown_.clear();
  const QFontMetricsF metrics(Theme::get().font(-1, true));
  name_width_ = 60;
  longest_name_ = 0;
  for (std::size_t at = 0; at < rows_.visits.size(); ++at) {
    const auto& visit = rows_.visits[at];
    const auto name = context_.node().shard_name(visit.span.shard);
    if (!context_.filters.empty() && !context_.filters.passes_actor(name)) continue;
    shown_.push_back(static_cast<int>(at));
    longest_name_ = std::max(longest_name_, metrics.horizontalAdvance(name) + 4);
    name_width_ = std::max(name_width_, metrics.horizontalAdvance(name) + indent * visit.depth);
  }
  resizeEvent(nullptr);
  update();
  Q_EMIT current_changed();
}

QRectF TraceCanvas::plot() const {
  const double left = std::min(name_width_ + 30, width() * 0.4);
  return QRectF(left, axis_height, std::max(20.0, width() - left - 66), std::max(10.0, height() - axis_height - legend_height));  // right of it: "try 3" behind the last bar, the scroll bar
}

double TraceCanvas::top_of(int place) const { return plot().top() + place * row_height - bar_->value(); }

int TraceCanvas::place_of(int visit) const {
  const auto found = std::lower_bound(shown_.begin(), shown_.end(), visit);
  return found == shown_.end() || *found != visit ? -1 : static_cast<int>(found - shown_.begin());
}

double TraceCanvas::x(Micros at_us) const {
  const auto in = plot();
  const double part = static_cast<double>(at_us - rows_.begin_us) / static_cast<double>(std::max<Micros>(1, rows_.total_us()));
  return in.left() + in.width() * std::clamp(part, -0.01, 1.01);  // times that contradict each other are drawn at the edge
}

QRectF TraceCanvas::wait_area(int visit) const {
  const auto& of = rows_.visits[static_cast<std::size_t>(visit)];
  const int place = place_of(visit);
  if (place < 0 || (of.waited_us() == unknown_value && of.delayed_us() == unknown_value)) return {};
  const double left = x(of.span.entered_us);
  return QRectF(left, top_of(place) + (row_height - bar_height) / 2, std::max(1.5, x(of.span.started_us) - left), bar_height);
}

QRectF TraceCanvas::work_area(int visit) const {
  const auto& of = rows_.visits[static_cast<std::size_t>(visit)];
  const int place = place_of(visit);
  // When a handler that threw began, a node may not know: then only its end is drawn.
  const auto begin = of.span.started_us != unknown_value ? of.span.started_us : of.span.ended_us;
  if (place < 0 || begin == unknown_value) return {};
  const auto end = of.span.ended_us != unknown_value ? of.span.ended_us : begin;
  const double left = x(begin);
  return QRectF(left, top_of(place) + (row_height - bar_height) / 2, std::max(of.span.outcome == Outcome::emitted ? 4.0 : 2.5, x(end) - left), bar_height);
}

QColor TraceCanvas::color(const Visit& visit) const {
  const auto& colors = Theme::get().colors();
  return visit.lost() ? colors.vermilion : visit.failed() ? colors.retried : visit.span.outcome == Outcome::parked ? colors.amber : colors.normal;
}

QString TraceCanvas::note(const Visit& visit) const {
  QStringList parts;
  if (visit.lost()) {
    const auto at = static_cast<std::size_t>(visit.span.outcome);
    parts.append(QStringLiteral("%1").arg(QString::fromLatin1(outcome_names[at]).replace(u'_', u' ')));
  } else if (visit.span.outcome == Outcome::parked) parts.append(QStringLiteral("parked"));
  if (visit.span.attempt > 1 || visit.failed()) parts.append(QStringLiteral("try %1").arg(std::max<std::int64_t>(1, visit.span.attempt)));
  if (visit.late_behind != unknown_value) parts.append(visit.late_behind > 0 ? QStringLiteral("arrived late: %1 was seen").arg(show_exact(visit.late_behind)) : QStringLiteral("arrived late"));
  if (!visit.span.text.isEmpty()) parts.append(visit.span.text);
  if (visit.span.outcome != Outcome::emitted && visit.span.ended_us == unknown_value) parts.append(QStringLiteral("its end is not known"));
  return parts.join(QStringLiteral(" · "));
}

void TraceCanvas::draw_names(QPainter& painter, int first, int last) const {
  const auto& theme = Theme::get();
  const auto& colors = theme.colors();
  const double right = plot().left() - 10;
  // The way from the sender: down from it, and over to the visit. Deep chains are indented no further than leaves room for the names.
  const double most = name_width_ + 30 <= width() * 0.4 ? 1e6 : std::max(0.0, right - 12 - longest_name_);
  const auto left_of = [&](int depth) { return 12 + std::min(most, indent * depth); };
  painter.setPen(QPen(colors.edge, 1));
  for (int place = 0; place < last; ++place) {
    const auto& visit = rows_.visits[static_cast<std::size_t>(shown_[static_cast<std::size_t>(place)])];
    const int parent = visit.parent < 0 ? -1 : place_of(visit.parent);
    if (parent < 0) continue;
    const double y = top_of(place) + row_height / 2, stem = left_of(visit.depth) - indent + 4;
    if (y < plot().top() - row_height) continue;
    painter.drawLine(QPointF(stem, top_of(parent) + row_height - 5), QPointF(stem, y));
    painter.drawLine(QPointF(stem, y), QPointF(left_of(visit.depth) - 2, y));
  }
  for (int place = first; place < last; ++place) {
    const int row = shown_[static_cast<std::size_t>(place)];
    const auto& visit = rows_.visits[static_cast<std::size_t>(row)];
    const bool faded = critical_only_ && !visit.critical;
    painter.setFont(theme.font(-1, critical_only_ && visit.critical));
    painter.setPen(faded ? colors.faint : visit.span.shard == context_.selection.shard() ? colors.accent : colors.text);
    const QRectF box(left_of(visit.depth) + 1, top_of(place), right - left_of(visit.depth), row_height);
    painter.drawText(box, Qt::AlignLeft | Qt::AlignVCenter, QFontMetricsF(painter.font()).elidedText(context_.node().shard_name(visit.span.shard), Qt::ElideMiddle, box.width()));
  }
}

void TraceCanvas::draw_visit(QPainter& painter, int row) const {
  const auto& theme = Theme::get();
  const auto& visit = rows_.visits[static_cast<std::size_t>(row)];
  const auto in = plot();
  const auto wait = wait_area(row), work = work_area(row);
  auto ink = color(visit);
  if (critical_only_ && !visit.critical) ink.setAlphaF(0.3f);
  if (!wait.isEmpty() && visit.waited_us() > 0) hatch(painter, wait, ink);
  if (!wait.isEmpty() && visit.delayed_us() > 0) dash(painter, wait, ink);
  if (!work.isEmpty()) {
    painter.setPen(Qt::NoPen);
    painter.setBrush(ink);
    painter.drawRoundedRect(work, 1.5, 1.5);
  }
  double right = std::max(wait.right(), work.right());
  const double left = wait.isEmpty() ? work.left() : wait.left(), y = top_of(place_of(row)) + row_height / 2;
  if (visit.lost() || visit.failed()) {
    painter.setPen(QPen(ink, 1.8));
    painter.drawLine(QPointF(right + 6, y - 4), QPointF(right + 14, y + 4));
    painter.drawLine(QPointF(right + 6, y + 4), QPointF(right + 14, y - 4));
    right += 14;
  }
  const auto text = note(visit);
  if (text.isEmpty()) return;
  painter.setFont(theme.font(-2));
  const QFontMetricsF metrics(painter.font());
  auto color_of_text = visit.lost() || visit.failed() || visit.span.outcome == Outcome::parked ? ink : visit.late_behind != unknown_value ? theme.colors().late : theme.colors().secondary;
  if (critical_only_ && !visit.critical) color_of_text.setAlphaF(0.4f);
  painter.setPen(color_of_text);
  // Behind the bar, else before it; where neither has the room it is cut, never drawn over another.
  const double behind = width() - 18 - (right + 7), before = left - 7 - in.left();
  const double wide = metrics.horizontalAdvance(text);
  if (wide <= behind || behind >= before)
    painter.drawText(QRectF(right + 7, y - row_height / 2, behind, row_height), Qt::AlignLeft | Qt::AlignVCenter, metrics.elidedText(text, Qt::ElideRight, behind));
  else painter.drawText(QRectF(in.left(), y - row_height / 2, before, row_height), Qt::AlignRight | Qt::AlignVCenter, metrics.elidedText(text, Qt::ElideRight, before));
}

void TraceCanvas::draw_legend(QPainter& painter) const {
  const auto& theme = Theme::get();
  const auto& colors = theme.colors();
  painter.setFont(theme.font(-2));
  const QFontMetricsF metrics(painter.font());
  const double y = height() - legend_height / 2;
  double x = 12;
  enum Bar { hatched, dashed, solid, crossed };
  const auto entry = [&](const QColor& color, Bar bar, const QString& text) {
    const double wide = 34 + metrics.horizontalAdvance(text);
    if (x + wide > width() - 4) return;
    const QRectF box(x, y - 4.5, 20, 9);
    if (bar == hatched) hatch(painter, box, color);
    else if (bar == dashed) dash(painter, box, color);
    else { painter.setPen(Qt::NoPen); painter.setBrush(color); painter.drawRoundedRect(box, 1.5, 1.5); }
    if (bar == crossed) {
      painter.setPen(QPen(colors.panel, 1.4));
      painter.drawLine(box.center() + QPointF(-3, -3), box.center() + QPointF(3, 3));
      painter.drawLine(box.center() + QPointF(-3, 3), box.center() + QPointF(3, -3));
    }
    painter.setPen(colors.secondary);
    painter.drawText(QRectF(x + 26, y - 9, wide, 18), Qt::AlignLeft | Qt::AlignVCenter, text);
    x += wide + 12;
  };
  entry(colors.normal, hatched, QStringLiteral("waiting in a mailbox"));
  if (rows_.delayed_us != unknown_value) entry(colors.normal, dashed, QStringLiteral("waiting for its retry"));
  entry(colors.normal, solid, QStringLiteral("working"));
  entry(colors.retried, crossed, QStringLiteral("failed, retried"));
  entry(colors.vermilion, crossed, QStringLiteral("dead letter or shed"));
  if (critical_only_ && rows_.total_us() != unknown_value) {
    const auto between = std::max<Micros>(0, rows_.total_us() - rows_.path_waited_us - rows_.path_delayed_us - rows_.path_worked_us);
    const auto retries = rows_.path_delayed_us > 0 ? QStringLiteral(" + for retries ") + exact_span(rows_.path_delayed_us) : QString();
    const auto text = QStringLiteral("critical path %1 = in mailboxes %2%3 + worked %4 + between %5").arg(exact_span(rows_.total_us()), exact_span(rows_.path_waited_us), retries, exact_span(rows_.path_worked_us), exact_span(between));
    if (x + metrics.horizontalAdvance(text) < width() - 8) {
      painter.setPen(colors.text);
      painter.drawText(QRectF(x, y - 9, width() - x - 8, 18), Qt::AlignRight | Qt::AlignVCenter, text);
    }
  }
}

void TraceCanvas::draw_hover(QPainter& painter) const {
  const auto& theme = Theme::get();
  const auto& colors = theme.colors();
  const auto in = plot();
  if (!mouse_ || mouse_->y() < in.top() || mouse_->y() > in.bottom()) return;
  const auto place = static_cast<std::size_t>((mouse_->y() - in.top() + bar_->value()) / row_height);
  if (place >= shown_.size()) return;
  const auto& visit = rows_.visits[static_cast<std::size_t>(shown_[place])];
  const auto entered = visit.begin_us();
  QStringList lines{QStringLiteral("%1 · %2").arg(context_.node().shard_name(visit.span.shard), visit.span.event.isEmpty() ? QStringLiteral("–") : visit.span.event),
                    QStringLiteral("at %1, %2 after the begin").arg(show_clock(entered, true), exact_span(entered - rows_.begin_us)),
                    waits(visit)};
  if (const auto text = note(visit); !text.isEmpty()) lines.append(text.left(90));
  const auto plain = theme.font(-1), bold = theme.font(-1, true);
  const QFontMetricsF metrics(plain), bold_metrics(bold);
  double wide = bold_metrics.horizontalAdvance(lines[0]);
  for (const auto& line : lines) wide = std::max(wide, metrics.horizontalAdvance(line));
  const QSizeF size(wide + 18, metrics.height() * static_cast<double>(lines.size()) + 12);
  const double left = std::clamp(mouse_->x() + 14, 2.0, std::max(2.0, width() - size.width() - 2));
  double top = mouse_->y() + 16;
  if (top + size.height() > height() - 2) top = mouse_->y() - size.height() - 8;
  const QRectF box(QPointF(std::round(left) + 0.5, std::round(std::max(2.0, top)) + 0.5), size);
  painter.setPen(colors.border);
  painter.setBrush(colors.raised);
  painter.drawRoundedRect(box, 5, 5);
  for (int at = 0; at < lines.size(); ++at) {
    painter.setFont(at == 0 ? bold : plain);
    painter.setPen(at == 0 ? colors.text : colors.secondary);
    painter.drawText(QRectF(box.left() + 9, box.top() + 6 + metrics.height() * at, size.width(), metrics.height()), Qt::AlignLeft | Qt::AlignVCenter, lines[at]);
  }
}

void TraceCanvas::paintEvent(QPaintEvent*) {
  const auto& theme = Theme::get();
  const auto& colors = theme.colors();
  QPainter painter(this);
  painter.fillRect(rect(), colors.panel);
  if (rows_.visits.empty()) return;
  painter.setRenderHint(QPainter::Antialiasing);
  const auto in = plot();
  // The axis: from the trace's begin.
  painter.setFont(theme.font(-2));
  const QFontMetricsF metrics(painter.font());
  const auto total = static_cast<double>(std::max<Micros>(1, rows_.total_us()));
  const double step = nice_step(total * (metrics.horizontalAdvance(QStringLiteral("1,000 ms")) + 24) / in.width());
  for (double at = 0; at <= total * 1.0001; at += step) {
    const double px = std::round(in.left() + in.width() * at / total) + 0.5;
    painter.setPen(colors.grid);
    painter.drawLine(QPointF(px, in.top()), QPointF(px, in.bottom()));
    painter.setPen(colors.secondary);
    painter.drawText(QRectF(px - 40, 2, 80, axis_height - 4), Qt::AlignCenter, axis_text(at, step));
  }
  const int first = static_cast<int>(bar_->value() / row_height);
  const int last = std::min(static_cast<int>(shown_.size()), static_cast<int>(std::ceil((bar_->value() + in.height()) / row_height)));
  painter.save();
  painter.setClipRect(QRectF(0, in.top(), width(), in.height()));
  if (const int place = current_ < 0 ? -1 : place_of(current_); place >= 0) {
    painter.fillRect(QRectF(0, top_of(place), width(), row_height), colors.selection);
    painter.fillRect(QRectF(0, top_of(place), 3, row_height), colors.accent);
  }
  draw_names(painter, first, last);
  for (int place = first; place < last; ++place) draw_visit(painter, shown_[static_cast<std::size_t>(place)]);
  if (const auto at = context_.crosshair.at_us(); at && *at >= rows_.begin_us && *at <= rows_.end_us) {
    painter.setPen(QPen(colors.secondary, 1));
    painter.drawLine(QPointF(x(*at), in.top()), QPointF(x(*at), in.bottom()));
  }
  painter.restore();
  if (shown_.empty()) {
    painter.setPen(colors.faint);
    painter.drawText(in, Qt::AlignCenter, QStringLiteral("no visit passes the filters"));
  }
  draw_legend(painter);
  draw_hover(painter);
}

void TraceCanvas::resizeEvent(QResizeEvent*) {
  const auto in = plot();
  const int all = static_cast<int>(static_cast<double>(shown_.size()) * row_height), page = static_cast<int>(in.height());
  bar_->setRange(0, std::max(0, all - page));
  bar_->setPageStep(page);
  bar_->setSingleStep(static_cast<int>(row_height));
  bar_->setVisible(all > page);
  bar_->setGeometry(width() - 11, static_cast<int>(in.top()), 11, page);
}

void TraceCanvas::set_current(int visit) {
  current_ = visit;
  if (const int place = visit < 0 ? -1 : place_of(visit); place >= 0) {
    const auto& of = rows_.visits[static_cast<std::size_t>(visit)];
    const int top = static_cast<int>(place * row_height);
    if (top < bar_->value()) bar_->setValue(top);
    else if (top + row_height > bar_->value() + bar_->pageStep()) bar_->setValue(top + static_cast<int>(row_height) - bar_->pageStep());
    setAccessibleDescription(QStringLiteral("%1, %2 %3").arg(context_.node().shard_name(of.span.shard), waits(of), note(of)));
  }
  update();
  Q_EMIT current_changed();
}

void TraceCanvas::mousePressEvent(QMouseEvent* event) {
  const auto in = plot();
  if (event->button() != Qt::LeftButton || event->position().y() < in.top() || event->position().y() > in.bottom()) return;
  const auto place = static_cast<std::size_t>((event->position().y() - in.top() + bar_->value()) / row_height);
  if (place >= shown_.size()) return set_current(-1);
  set_current(shown_[place]);
  const int shard = rows_.visits[static_cast<std::size_t>(current_)].span.shard;
  if (shard >= 0) context_.selection.select_trace(rows_.trace, context_.node().stage_of(shard), shard, rows_.key);
}

void TraceCanvas::mouseMoveEvent(QMouseEvent* event) {
  mouse_ = event->position();
  const auto in = plot();
  if (!rows_.visits.empty() && mouse_->x() >= in.left() && mouse_->x() <= in.right())
    context_.crosshair.set(rows_.begin_us + static_cast<Micros>((mouse_->x() - in.left()) / in.width() * static_cast<double>(rows_.total_us())));
  else context_.crosshair.set(std::nullopt);
  update();
}

void TraceCanvas::leaveEvent(QEvent*) {
  mouse_.reset();
  context_.crosshair.set(std::nullopt);
  update();
}

void TraceCanvas::wheelEvent(QWheelEvent* event) {
  bar_->setValue(bar_->value() - event->angleDelta().y() * static_cast<int>(row_height) / 40);
  event->accept();
}

void TraceCanvas::keyPressEvent(QKeyEvent* event) {
  const int place = current_ < 0 ? -1 : place_of(current_), last = static_cast<int>(shown_.size()) - 1;
  const auto go = [&](int to) { if (last >= 0) set_current(shown_[static_cast<std::size_t>(std::clamp(to, 0, last))]); };
  switch (event->key()) {
    case Qt::Key_Up: return go(place < 0 ? last : place - 1);
    case Qt::Key_Down: return go(place + 1);
    case Qt::Key_Return: case Qt::Key_Enter:
      if (current_ < 0) return;
      if (const int shard = rows_.visits[static_cast<std::size_t>(current_)].span.shard; shard >= 0)
        context_.selection.select_trace(rows_.trace, context_.node().stage_of(shard), shard, rows_.key);
      return;
    case Qt::Key_Delete: Q_EMIT filter_out_wanted(); return;
    default: QWidget::keyPressEvent(event);
  }
}

TraceView::TraceView(Context& context, QWidget* parent) : View(context, "trace", QStringLiteral("Trace"), parent) {
  pages_ = new QStackedLayout(this);
  // The newest traces.
  recent_ = new QTreeWidget;
  recent_->setObjectName(QStringLiteral("trace-recent"));
  recent_->setAccessibleName(QStringLiteral("Newest traces; Return opens one"));
  recent_->setHeaderLabels(columns());
  recent_->setRootIsDecorated(false);
  recent_->setAllColumnsShowFocus(true);
  recent_->setUniformRowHeights(true);
  recent_->setFrameShape(QFrame::NoFrame);
  recent_->setStyleSheet(QStringLiteral("QTreeView::item { padding: 3px 6px; }"));
  for (const int column : {3, 4, 5}) recent_->headerItem()->setTextAlignment(column, Qt::AlignRight | Qt::AlignVCenter);
  const auto open = [this](QTreeWidgetItem* item) { if (item) context_.selection.select_trace(item->text(1)); };
  connect(recent_, &QTreeWidget::itemActivated, this, open);
  connect(recent_, &QTreeWidget::itemClicked, this, open);
  // Nothing to list.
  empty_ = new QLabel;
  empty_->setAlignment(Qt::AlignCenter);
  empty_->setWordWrap(true);
  empty_->setMargin(16);
  // One trace.
  auto* one = new QWidget;
  auto* column = new QVBoxLayout(one);
  column->setContentsMargins(0, 4, 0, 6);
  column->setSpacing(2);
  head_ = new QLabel;
  head_->setObjectName(QStringLiteral("trace-head"));
  head_->setAccessibleName(QStringLiteral("The trace in short"));
  head_->setWordWrap(true);
  head_->setTextFormat(Qt::RichText);
  head_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  head_->setContentsMargins(12, 0, 12, 0);
  column->addWidget(head_);
  canvas_ = new TraceCanvas(context, this);
  canvas_->setObjectName(QStringLiteral("trace-visits"));
  canvas_->setAccessibleName(QStringLiteral("Visits of the event. Up and down: visit, Return: its shard, Delete: filter out"));
  column->addWidget(canvas_, 1);
  auto* row = new QHBoxLayout;
  row->setContentsMargins(10, 0, 10, 0);
  const auto button = [&](const char* name, const QString& text, const QString& tip) {
    auto* made = new QPushButton(text);
    made->setObjectName(QLatin1String(name));
    made->setToolTip(tip);
    made->setAccessibleName(QStringLiteral("Trace: %1").arg(text));
    row->addWidget(made);
    return made;
  };
  all_ = button("trace-all", QStringLiteral("All traces"), QStringLiteral("back to the list"));
  copy_ = button("trace-copy", QStringLiteral("Copy id"), QStringLiteral("the trace id, to the clipboard"));
  path_ = button("trace-path", QStringLiteral("Critical path"), QStringLiteral("only the visits that took the time are bright"));
  path_->setCheckable(true);
  filter_out_ = button("trace-filter-out", QStringLiteral("Filter out"), QStringLiteral("hide the chosen visit's actor in all views (Delete)"));
  row->addStretch(1);
  column->addLayout(row);
  connect(all_, &QPushButton::clicked, this, [this] { context_.selection.select_trace(QString()); });
  connect(copy_, &QPushButton::clicked, this, [this] { QApplication::clipboard()->setText(shown_trace_); });
  connect(path_, &QPushButton::toggled, canvas_, &TraceCanvas::show_critical_path);
  const auto filter_out = [this] {
    if (canvas_->current() < 0) return;
    const auto name = context_.node().shard_name(canvas_->rows().visits[static_cast<std::size_t>(canvas_->current())].span.shard);
    context_.filters.add({Filter::Field::actor, QStringLiteral("^%1$").arg(QRegularExpression::escape(name)), true});
  };
  connect(filter_out_, &QPushButton::clicked, this, filter_out);
  connect(canvas_, &TraceCanvas::filter_out_wanted, this, filter_out);
  connect(canvas_, &TraceCanvas::current_changed, this, &TraceView::say);
  pages_->addWidget(empty_);
  pages_->addWidget(recent_);
  pages_->addWidget(one);
  setMinimumSize(320, 120);

  connect(&context.selection, &Selection::changed, this, [this] {
    listed_us_ = unknown_value;
    if (isVisible()) follow();
  });
  connect(&context, &Context::tables_due, this, [this] { if (isVisible()) follow(); });
  connect(&context, &Context::reset, this, [this] {
    listed_us_ = unknown_value;
    follow();
  });
  connect(&Theme::get(), &Theme::changed, this, [this] { redress(); });
  redress();
  follow();
}

void TraceView::set_pinned(bool pinned) {
  View::set_pinned(pinned);
  follow();
}

bool TraceView::passes(const std::vector<Span>& spans) const {
  const auto& selection = context_.selection;
  const auto& node = context_.node();
  if (selection.shard() < 0 && selection.stage() < 0 && selection.edge() < 0) return true;
  for (const auto& span : spans) {
    if (selection.shard() >= 0) { if (span.shard == selection.shard()) return true; continue; }
    if (span.shard < 0 || span.shard >= node.shard_count()) continue;
    if (selection.stage() >= 0) { if (node.stage_of(span.shard) == selection.stage()) return true; continue; }
    const auto& edge = node.hello().edges[static_cast<std::size_t>(selection.edge())];
    if (span.from >= 0 && span.from < node.shard_count() && node.stage_of(span.from) == edge.from && node.stage_of(span.shard) == edge.to) return true;
  }
  return false;
}

void TraceView::list_recent() {
  const auto& node = context_.node();
  const auto second = node.last_us() / second_us;
  if (second == listed_us_) return;
  // Not under the mouse: what one is about to click stays where it is.
  if (listed_us_ != unknown_value && recent_->underMouse()) return;
  listed_us_ = second;
  const auto& traces = node.traces().traces();
  int row = 0, looked = 0;
  for (auto at = traces.rbegin(); at != traces.rend() && row < most_recent && looked < 5'000; ++at, ++looked) {
    if (!passes(node.traces().spans(*at))) continue;
    const auto rows = trace_rows(node, *at);
    auto* item = row < recent_->topLevelItemCount() ? recent_->topLevelItem(row) : new QTreeWidgetItem(recent_);
    const auto outcome = rows.outcome();
    const QStringList texts{show_clock(rows.begin_us, true), *at, outcome, exact_span(rows.total_us()), exact_span(rows.waited_us), QString::number(rows.visits.size()),
                            rows.key.isEmpty() ? QStringLiteral("–") : rows.key};
    for (int place = 0; place < texts.size(); ++place) if (item->text(place) != texts[place]) item->setText(place, texts[place]);
    for (const int place : {3, 4, 5}) item->setTextAlignment(place, Qt::AlignRight | Qt::AlignVCenter);
    item->setForeground(2, rows.lost() ? Theme::get().colors().vermilion : outcome == QStringLiteral("parked") ? Theme::get().colors().amber
                           : rows.tries > 1 ? Theme::get().colors().retried : Theme::get().colors().secondary);
    ++row;
  }
  while (recent_->topLevelItemCount() > row) delete recent_->takeTopLevelItem(recent_->topLevelItemCount() - 1);
}

void TraceView::follow() {
  if (!pinned()) shown_trace_ = context_.selection.trace();
  const auto& node = context_.node();
  if (shown_trace_.isEmpty()) {
    list_recent();
    if (recent_->topLevelItemCount() == 0) {
      const auto one_in = node.hello().trace_one_in;
      empty_->setText(!node.known() ? QStringLiteral("nothing known yet")
                      : node.traces().traces().empty() ? QStringLiteral("no trace has come yet%1").arg(one_in > 0 ? QStringLiteral(": the node samples one in %1, and every event that fails or is out of order").arg(show_exact(one_in)) : QString())
                                                       : QStringLiteral("no trace that was kept goes through what is selected"));
      pages_->setCurrentIndex(0);
    } else pages_->setCurrentIndex(1);
  } else {
    auto rows = trace_rows(node, shown_trace_);
    if (rows.visits.empty()) {
      empty_->setText(QStringLiteral("trace %1 was not kept: it was not sampled, or is forgotten (the newest %2 are kept)").arg(shown_trace_, show_exact(static_cast<std::int64_t>(TraceStore::most_traces))));
      pages_->setCurrentIndex(0);
    } else {
      const auto& colors = Theme::get().colors();
      const auto pair = [&](const char* name, const QString& value) {
        return QStringLiteral("<span style='white-space:nowrap'><span style='color:%1'>%2</span>&nbsp;<span style='color:%3'>%4</span></span>").arg(colors.secondary.name(), QString::fromUtf8(name).replace(u' ', QStringLiteral("&nbsp;")), colors.text.name(), value.toHtmlEscaped().replace(u' ', QStringLiteral("&nbsp;")));
      };
      QStringList parts{pair("trace", rows.trace), pair("key", rows.key.isEmpty() ? QStringLiteral("–") : rows.key), pair("seq", show_exact(rows.sequence)),
                        pair("total", exact_span(rows.total_us())), pair("in mailboxes", exact_span(rows.waited_us))};
      if (rows.delayed_us != unknown_value) parts << pair("waiting for retries", exact_span(rows.delayed_us));
      parts << pair("working", exact_span(rows.worked_us)) << pair("tries", show_exact(rows.tries));
      const auto text = parts.join(QStringLiteral(" &nbsp;&nbsp; "));
      if (head_->text() != text) head_->setText(text);
      canvas_->show_rows(std::move(rows));
      pages_->setCurrentIndex(2);
    }
  }
  say();
}

void TraceView::say() {
  filter_out_->setEnabled(canvas_->current() >= 0);
  if (auto text = subtitle(); text != announced_) { announced_ = text; Q_EMIT subtitle_changed(); }
}

void TraceView::redress() {
  const auto& theme = Theme::get();
  head_->setFont(theme.font(-1));
  head_->clear();
  auto palette = empty_->palette();
  palette.setColor(QPalette::WindowText, theme.colors().faint);
  empty_->setPalette(palette);
  recent_->setFont(theme.font(-1));
  QFontMetrics metrics(theme.font(-1));
  const std::array<const char*, 7> widest = {"14:31:38.4", "7f3a05b2c8d1", "done, try 3", "418 ms 00", "In mailboxes", "Visits", "c-88120-long"};
  for (int column = 0; column < 7; ++column) recent_->setColumnWidth(column, metrics.horizontalAdvance(QString::fromLatin1(widest[static_cast<std::size_t>(column)])) + 22);
  listed_us_ = unknown_value;
  follow();
}

void TraceView::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.fillRect(rect(), Theme::get().colors().panel);
}

QString TraceView::subtitle() const {
  if (shown_trace_.isEmpty()) {
    const auto& selection = context_.selection;
    const auto& node = context_.node();
    if (selection.edge() >= 0 && selection.edge() < static_cast<int>(node.hello().edges.size())) {
      const auto& edge = node.hello().edges[static_cast<std::size_t>(selection.edge())];
      return QStringLiteral("newest from %1 to %2").arg(node.stage_name(edge.from), node.stage_name(edge.to));
    }
    if (selection.shard() >= 0) return QStringLiteral("newest through %1").arg(node.shard_name(selection.shard()));
    if (selection.stage() >= 0) return QStringLiteral("newest through %1").arg(node.stage_name(selection.stage()));
    return QStringLiteral("the newest sampled events");
  }
  const auto& visits = canvas_->rows().visits;
  const auto shown = canvas_->shown().size(), all = visits.size();
  auto text = shown == all ? QStringLiteral("one event, visit by visit") : QStringLiteral("one event, %1 of %2 visits").arg(shown).arg(all);
  if (const auto& rows = canvas_->rows(); all > 0 && !rows.from_source())
    text += rows.only_trouble() && context_.node().hello().trace_one_in != 1 ? QStringLiteral(" · traced only where it failed or was out of order") : QStringLiteral(" · its beginning was not seen");
  return text;
}

std::vector<QStringList> TraceView::rows() const {
  std::vector<QStringList> made{{QStringLiteral("trace"), QStringLiteral("shard"), QStringLiteral("from"), QStringLiteral("event"), QStringLiteral("key"), QStringLiteral("sequence"), QStringLiteral("attempt"),
                                 QStringLiteral("entered_us"), QStringLiteral("started_us"), QStringLiteral("ended_us"), QStringLiteral("outcome"), QStringLiteral("text"), QStringLiteral("critical")}};
  const auto& node = context_.node();
  if (shown_trace_.isEmpty()) {
    made = {columns()};
    for (int at = 0; at < recent_->topLevelItemCount(); ++at) {
      QStringList row;
      for (int column = 0; column < 7; ++column) row.append(recent_->topLevelItem(at)->text(column));
      made.push_back(row);
    }
    return made.size() == 1 ? std::vector<QStringList>() : made;
  }
  const auto number = [](std::int64_t value) { return value == unknown_value ? QString() : QString::number(value); };
  for (const int at : canvas_->shown()) {
    const auto& visit = canvas_->rows().visits[static_cast<std::size_t>(at)];
    const auto& span = visit.span;
    made.push_back({span.trace, node.shard_name(span.shard), span.from < 0 ? QString() : node.shard_name(span.from), span.event, span.key, number(span.sequence), number(span.attempt),
                    number(span.entered_us), number(span.started_us), number(span.ended_us),
                    span.outcome == Outcome::unknown ? QString() : QString::fromLatin1(outcome_names[static_cast<std::size_t>(span.outcome)]), span.text, visit.critical ? QStringLiteral("yes") : QString()});
  }
  return made.size() == 1 ? std::vector<QStringList>() : made;
}

}  // namespace mailroom::dashboard
