#include "dashboard/views/time_canvas.hpp"

#include <QMouseEvent>
#include <ctime>

#include "dashboard/theme/theme.hpp"

namespace mailroom::dashboard {

namespace {
// What this thread has computed, without what others took from it.
double thread_ms() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}
}  // namespace

TimeCanvas::TimeCanvas(Context& context, View& view) : QWidget(&view), context_(context), view_(view) {
  setMouseTracking(true);
  setFocusPolicy(Qt::StrongFocus);
  setAttribute(Qt::WA_OpaquePaintEvent);
  connect(&context, &Context::updated, this, &TimeCanvas::refresh);
  connect(&context, &Context::reset, this, [this] {
    forget();
    repaint_all();
  });
  connect(&context, &Context::link_changed, this, [this] { repaint_all(); });
  connect(&context.range, &TimeRange::changed, this, &TimeCanvas::refresh);
  connect(&context.selection, &Selection::changed, this, [this] { repaint_all(); });
  connect(&context.filters, &Filters::changed, this, [this] { repaint_all(); });
  connect(&context.crosshair, &Crosshair::changed, this, [this] { update(); });
  connect(&Theme::get(), &Theme::changed, this, [this] { repaint_all(); });
  connect(&view, &View::pinned_changed, this, [this](bool pinned) {
    if (pinned) pinned_window_ = {context_.range.begin_us(), context_.range.end_us()};
    repaint_all();
  });
  age_timer_ = new QTimer(this);
  age_timer_->setSingleShot(true);
  connect(age_timer_, &QTimer::timeout, this, [this] { update(); });
  later_ = new QTimer(this);
  later_->setSingleShot(true);
  connect(later_, &QTimer::timeout, this, &TimeCanvas::refresh);
  since_paint_.start();
}

TimeAxis TimeCanvas::axis() const {
  TimeAxis made;
  const auto in = plot();
  made.left = in.left();
  made.right = std::max(in.left() + 1, in.right());
  made.begin_us = view_.pinned() ? pinned_window_.first : context_.range.begin_us();
  made.end_us = view_.pinned() ? pinned_window_.second : context_.range.end_us();
  if (made.end_us <= made.begin_us) made.end_us = made.begin_us + 1;
  if (!view_.pinned() && (context_.range.live() || context_.range.speed() > 0)) {
    const auto width = made.end_us - made.begin_us, pixel = made.pixel_us();
    made.end_us = (made.end_us + pixel - 1) / pixel * pixel;
    made.begin_us = made.end_us - width;
  }
  return made;
}

AxisLabels TimeCanvas::labels() const {
  if (view_.pinned() || !context_.range.live()) return AxisLabels::clock;
  const auto state = context_.node().link().state;
  return state == LinkState::live || state == LinkState::stale || state == LinkState::waiting ? AxisLabels::back_from_now : AxisLabels::back_from_end;
}

std::vector<std::int64_t> TimeCanvas::state() const {
  const auto time = axis();
  auto made = depends();
  made.insert(made.end(), {time.begin_us, time.end_us, context_.node().stale(), static_cast<std::int64_t>(labels())});
  return made;
}

bool TimeCanvas::up_to_date() const { return !painted_.isNull() && state() == painted_state_; }

void TimeCanvas::refresh() {
  if (!isVisible()) return;
  if (up_to_date()) return;
  // A painting that costs much is made less often, for at most a fifth of the GUI thread's time.
  const double wait = paint_ms_ < 4 ? 0 : 4 * paint_ms_ - static_cast<double>(since_paint_.elapsed());
  if (painted_.isNull() || wait <= 0) repaint_all();
  else if (!later_->isActive()) later_->start(static_cast<int>(wait) + 1);
}

void TimeCanvas::paintEvent(QPaintEvent*) {
  if (painted_.isNull()) {
    const double before_ms = thread_ms();
    painted_ = QPixmap(size() * devicePixelRatioF());
    painted_.setDevicePixelRatio(devicePixelRatioF());
    painted_.fill(Theme::get().colors().panel);
    QPainter painter(&painted_);
    painter.setRenderHint(QPainter::Antialiasing);
    paint(painter);
    painter.end();
    painted_state_ = state();  // with what the painting itself decided
    paint_ms_ = thread_ms() - before_ms;
    ++paints_;
    since_paint_.start();
  }
  QPainter painter(this);
  painter.drawPixmap(0, 0, painted_);
  painter.setRenderHint(QPainter::Antialiasing);
  if (dragging_) {
    const auto in = plot();
    const double from = std::clamp(std::min(pressed_.x(), mouse_.x()), in.left(), in.right()), to = std::clamp(std::max(pressed_.x(), mouse_.x()), in.left(), in.right());
    auto soft = Theme::get().colors().accent;
    soft.setAlphaF(0.18);
    painter.fillRect(QRectF(from, in.top(), to - from, in.height()), soft);
    painter.setPen(Theme::get().colors().accent);
    painter.drawLine(QPointF(from, in.top()), QPointF(from, in.bottom()));
    painter.drawLine(QPointF(to, in.top()), QPointF(to, in.bottom()));
  }
  paint_over(painter);
  draw_stale(painter);
}

void TimeCanvas::draw_crosshair(QPainter& painter, double top, double bottom) const {
  const auto at = context_.crosshair.at_us();
  const auto time = axis();
  if (!at || !time.shows(*at)) return;
  painter.setPen(QPen(Theme::get().colors().secondary, 1));
  const double x = std::round(time.x(*at)) + 0.5;
  painter.drawLine(QPointF(x, top), QPointF(x, bottom));
}

void TimeCanvas::draw_stale(QPainter& painter) {
  if (!context_.node().stale() || !context_.node().known() || view_.pinned()) return;
  if (!age_timer_->isActive()) age_timer_->start(1000);  // nothing else moves while nothing comes
  const auto& colors = Theme::get().colors();
  auto veil = colors.panel;
  veil.setAlphaF(0.62);
  painter.fillRect(rect(), veil);
  painter.setFont(Theme::get().font(-1, true));
  const auto text = QStringLiteral("no data for %1").arg(show_span(context_.node().age_s() * 1e6));
  const QFontMetricsF metrics(painter.font());
  const QRectF box(width() / 2.0 - metrics.horizontalAdvance(text) / 2 - 12, plot().top() + 8, metrics.horizontalAdvance(text) + 24, metrics.height() + 8);
  painter.setPen(colors.amber);
  painter.setBrush(colors.raised);
  painter.drawRoundedRect(box, 4, 4);
  painter.drawText(box, Qt::AlignCenter, text);
}

void TimeCanvas::draw_box(QPainter& painter, const QPointF& beside, QStringList lines, std::vector<QPen> marks, QStringList values) const {
  const auto& colors = Theme::get().colors();
  const auto plain = Theme::get().font(-1), bold = Theme::get().font(-1, true);
  const QFontMetricsF metrics(plain), bold_metrics(bold);
  const double line = metrics.height() + 1, gap = 18;
  const auto marked = [&](int at) { return static_cast<std::size_t>(at) < marks.size() && marks[static_cast<std::size_t>(at)] != QPen(Qt::NoPen); };
  double text_width = 0, value_width = 0;
  for (int at = values.isEmpty() ? 0 : 1; at < lines.size(); ++at) text_width = std::max(text_width, (marked(at) ? 18 : 0) + (at == 0 ? bold_metrics : metrics).horizontalAdvance(lines[at]));
  for (const auto& value : values) value_width = std::max(value_width, metrics.horizontalAdvance(value) + 16);
  // Values that do not fit below each other stand side by side, below the title.
  const double column = text_width + value_width;
  int columns = 1, rows = static_cast<int>(lines.size());
  if (!values.isEmpty() && rows > 1) {
    const int fit = std::max(1, static_cast<int>((height() - 16) / line) - 1), wide = std::max(1, static_cast<int>((width() - 22 + gap) / (column + gap)));
    columns = std::clamp((rows - 2 + fit) / fit, 1, wide);
    if (rows - 1 > fit * columns) {  // no room at all
      const int left = rows - fit * columns;
      lines.resize(fit * columns);
      lines.append(QStringLiteral("and %1 more").arg(left));
      values.resize(fit * columns);
      values.append(QString());
      marks.resize(static_cast<std::size_t>(fit * columns));
    }
    rows = 1 + (static_cast<int>(lines.size()) - 2 + columns) / columns;
  }
  const double inner = std::max(column * columns + gap * (columns - 1), lines.isEmpty() ? 0 : bold_metrics.horizontalAdvance(lines.front()));
  const QSizeF size(inner + 18, line * rows + 12);
  double x = beside.x() - size.width() - 12;
  if (x < 2) x = beside.x() + 12;
  x = std::clamp(x, 2.0, std::max(2.0, width() - size.width() - 2));
  const double y = std::clamp(beside.y(), 2.0, std::max(2.0, height() - size.height() - 2));
  const QRectF box(QPointF(std::round(x) + 0.5, std::round(y) + 0.5), size);
  painter.setPen(colors.border);
  painter.setBrush(colors.raised);
  painter.drawRoundedRect(box, 5, 5);
  for (int at = 0; at < lines.size(); ++at) {
    const int place = std::max(0, at - 1);
    const double top = box.top() + 6 + line * (at == 0 ? 0 : 1 + place % std::max(1, rows - 1));
    double left = box.left() + 9 + (at == 0 ? 0 : (column + gap) * (place / std::max(1, rows - 1)));
    const QRectF value(left, top, columns == 1 ? inner : column, line);
    if (marked(at)) {
      painter.setPen(marks[static_cast<std::size_t>(at)]);
      painter.drawLine(QPointF(left, top + line / 2), QPointF(left + 13, top + line / 2));
      left += 18;
    }
    painter.setFont(at == 0 ? bold : plain);
    painter.setPen(at == 0 ? colors.text : colors.secondary);
    painter.drawText(QRectF(left, top, size.width(), line), Qt::AlignLeft | Qt::AlignVCenter, lines[at]);
    if (at < values.size()) {
      painter.setPen(colors.text);
      painter.drawText(value, Qt::AlignRight | Qt::AlignVCenter, values[at]);
    }
  }
}

void TimeCanvas::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton) return;
  pressed_ = mouse_ = event->position();
  pressing_ = true;
  dragging_ = double_clicked_ = false;
}

void TimeCanvas::mouseMoveEvent(QMouseEvent* event) {
  mouse_ = event->position();
  hovering_ = true;
  const auto in = plot();
  if (pressing_ && in.contains(pressed_) && std::abs(mouse_.x() - pressed_.x()) > 5) dragging_ = true;
  if (in.contains(mouse_)) context_.crosshair.set(axis().at(mouse_.x()));
  else context_.crosshair.set(std::nullopt);
  update();
}

void TimeCanvas::mouseReleaseEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || !pressing_) return;
  mouse_ = event->position();
  pressing_ = false;
  if (double_clicked_) return;
  if (!std::exchange(dragging_, false)) return clicked(mouse_);
  const auto time = axis();
  const auto in = plot();
  auto from = time.at(std::clamp(pressed_.x(), in.left(), in.right())), to = time.at(std::clamp(mouse_.x(), in.left(), in.right()));
  if (from > to) std::swap(from, to);
  if (context_.range.live()) zoomed_from_live_ = true;
  context_.range.set(from, to);
}

void TimeCanvas::mouseDoubleClickEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton) return;
  pressing_ = double_clicked_ = true;
  if (!plot().contains(event->position())) return;
  context_.range.reset_width();
  if (std::exchange(zoomed_from_live_, false) && !context_.range.paused()) context_.range.set_live();
}

void TimeCanvas::wheelEvent(QWheelEvent* event) {
  if (!(event->modifiers() & Qt::ControlModifier) || !plot().contains(event->position())) return event->ignore();
  const double factor = event->angleDelta().y() > 0 ? 0.8 : 1.25;
  if (context_.range.live()) {
    context_.range.set_width(static_cast<Micros>(static_cast<double>(context_.range.width_us()) * factor));
  } else {
    const auto time = axis();
    const auto at = time.at(event->position().x());
    const auto begin = at - static_cast<Micros>(static_cast<double>(at - time.begin_us) * factor);
    context_.range.set(begin, begin + std::clamp<Micros>(static_cast<Micros>(static_cast<double>(time.end_us - time.begin_us) * factor), TimeRange::least_us, history_us));
  }
  event->accept();
}

void TimeCanvas::leaveEvent(QEvent*) {
  hovering_ = false;
  context_.crosshair.set(std::nullopt);
  update();
}

void TimeCanvas::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::FontChange || event->type() == QEvent::PaletteChange) repaint_all();
}

}  // namespace mailroom::dashboard
