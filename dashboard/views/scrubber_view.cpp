#include "dashboard/views/scrubber_view.hpp"

#include <QActionGroup>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QMenu>
#include <QMouseEvent>
#include <QPainterPath>
#include <QToolButton>
#include <cmath>

#include "dashboard/theme/theme.hpp"
#include "dashboard/views/time_axis.hpp"

namespace mailroom::dashboard {

namespace {
constexpr std::array<double, 6> speeds = {0.5, 1, 2, 4, 8, 16};
QString speed_text(double speed) { return speed < 1 ? QStringLiteral("½×") : QStringLiteral("%1×").arg(speed); }
}  // namespace

ScrubberStrip::ScrubberStrip(Context& context, QWidget* parent) : QWidget(parent), context_(context) {
  setMouseTracking(true);
  setFocusPolicy(Qt::StrongFocus);
  setMinimumWidth(120);
  connect(&context, &Context::updated, this, [this] { if (isVisible()) update(); });
  connect(&context, &Context::reset, this, [this] { painted_ = QPixmap(); update(); });
  connect(&context, &Context::link_changed, this, [this] { update(); });
  connect(&context.range, &TimeRange::changed, this, [this] { update(); });
  connect(&context.crosshair, &Crosshair::changed, this, [this] { update(); });
  connect(&Theme::get(), &Theme::changed, this, [this] { painted_ = QPixmap(); update(); });
}

QRectF ScrubberStrip::area() const { return QRectF(8, 3, std::max(20.0, width() - 16.0), std::max(10.0, height() - 21.0)); }

double ScrubberStrip::x(Micros at_us) const {
  const auto first = context_.range.first_us(), last = std::max(context_.range.last_us(), first + second_us);
  return area().left() + area().width() * static_cast<double>(at_us - first) / static_cast<double>(last - first);
}

Micros ScrubberStrip::at(double x) const {
  const auto first = context_.range.first_us(), last = std::max(context_.range.last_us(), first + second_us);
  return first + static_cast<Micros>((x - area().left()) / area().width() * static_cast<double>(last - first));
}

QRectF ScrubberStrip::window() const {
  const auto in = area();
  const double left = std::clamp(x(context_.range.begin_us()), in.left(), in.right()), right = std::clamp(x(context_.range.end_us()), in.left(), in.right());
  return QRectF(std::min(left, right - 4), in.top() - 2, std::max(4.0, right - left), in.height() + 3);
}

void ScrubberStrip::draw_session(QPainter& painter) const {
  const auto& colors = Theme::get().colors();
  const auto& node = context_.node();
  const auto in = area();
  const auto columns = static_cast<std::size_t>(in.width());
  const auto& series = node.total_track().from(node.first_us());
  if (series.empty() || columns == 0) return;
  // The most of each column of pixels: no peak is lost. NaN: a hole.
  std::vector<float> most(columns, not_known);
  std::vector<char> disorder(columns), failed(columns);
  float top = 0;
  double dead = Counts::unknown, restarts = Counts::unknown;
  const auto step = series.step_us();
  const double step_pixels = x(step) - x(0);
  for (auto at = series.first_us(); at <= series.last_us(); at += step) {
    const auto* sample = series.at(at);
    if (!sample) continue;
    const double from = x(at) - in.left();
    const auto place = static_cast<std::size_t>(std::clamp(from, 0.0, static_cast<double>(columns - 1)));
    const auto until = static_cast<std::size_t>(std::clamp(from + step_pixels, 0.0, static_cast<double>(columns)));
    if (!std::isnan(sample->ingest)) {
      for (auto column = place; column < std::max(place + 1, until); ++column) most[column] = std::isnan(most[column]) ? sample->ingest : std::max(most[column], sample->ingest);
      top = std::max(top, sample->ingest);
    }
    if (sample->disorder > 0) disorder[place] = 1;
    const auto& counts = sample->so_far;
    if (counts.dead_letters > dead || counts.restarts > restarts) failed[place] = 1;
    if (!std::isnan(counts.dead_letters)) dead = counts.dead_letters;
    if (!std::isnan(counts.restarts)) restarts = counts.restarts;
  }
  if (top <= 0) top = 1;
  const double ticks = 7;
  auto body = colors.normal;
  body.setAlphaF(Theme::get().dark() ? 0.42f : 0.34f);
  painter.setPen(Qt::NoPen);
  painter.setBrush(body);
  QPainterPath path;
  bool open = false;
  double last_x = 0;
  const auto close = [&] { if (std::exchange(open, false)) { path.lineTo(last_x, in.bottom()); path.closeSubpath(); } };
  for (std::size_t column = 0; column < columns; ++column) {
    if (std::isnan(most[column])) { close(); continue; }
    const double px = in.left() + static_cast<double>(column), py = in.bottom() - static_cast<double>(most[column] / top) * (in.height() - ticks - 2);
    if (!open) { path.moveTo(px, in.bottom()); path.lineTo(px, py); open = true; }
    path.lineTo(px + 1, py);
    last_x = px + 1;
  }
  close();
  painter.drawPath(path);
  painter.setRenderHint(QPainter::Antialiasing, false);
  painter.setPen(colors.border);
  painter.drawLine(QPointF(in.left(), in.bottom()), QPointF(in.right(), in.bottom()));
  // Two rows, so that neither kind hides the other.
  for (std::size_t column = 0; column < columns; ++column) {
    const double px = in.left() + static_cast<double>(column);
    if (failed[column]) painter.fillRect(QRectF(px, in.top() + 1, 2, 4), colors.vermilion);
    if (disorder[column]) painter.fillRect(QRectF(px, in.top() + 5, 2, 3), colors.late);
  }
  painter.setRenderHint(QPainter::Antialiasing);
  TimeAxis axis{context_.range.first_us(), std::max(context_.range.last_us(), context_.range.first_us() + second_us), in.left(), in.right()};
  draw_time_labels(painter, axis, in.top(), in.bottom() - 1, AxisLabels::clock, false, 0);
}

void ScrubberStrip::paintEvent(QPaintEvent*) {
  const auto& colors = Theme::get().colors();
  const auto& node = context_.node();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const auto in = area();
  if (!node.known() || node.last_us() == unknown_value) {
    painter.setPen(colors.faint);
    painter.setFont(Theme::get().font(-1));
    painter.drawText(QRectF(rect()), Qt::AlignCenter, QStringLiteral("no session yet"));
    return;
  }
  // The session moves by pixels, and at most once a second.
  const auto pixel = std::max<Micros>(second_us, (context_.range.last_us() - context_.range.first_us()) / std::max<Micros>(1, static_cast<Micros>(in.width())));
  const std::vector<std::int64_t> state{context_.range.first_us() / pixel, context_.range.last_us() / pixel, width(), node.link().state == LinkState::complete};
  if (painted_.isNull() || state != painted_state_) {
    painted_state_ = state;
    painted_ = QPixmap(size() * devicePixelRatioF());
    painted_.setDevicePixelRatio(devicePixelRatioF());
    painted_.fill(Qt::transparent);
    QPainter into(&painted_);
    into.setRenderHint(QPainter::Antialiasing);
    draw_session(into);
  }
  if (node.stale()) painter.setOpacity(0.45);
  painter.drawPixmap(0, 0, painted_);
  painter.setOpacity(1);
  const auto shown = window();
  auto soft = colors.accent;
  soft.setAlphaF(0.16);
  painter.setPen(QPen(colors.accent, 1.6));
  painter.setBrush(soft);
  painter.drawRoundedRect(shown, 2, 2);
  painter.setPen(Qt::NoPen);
  painter.setBrush(colors.accent);
  for (const double edge : {shown.left(), shown.right()}) painter.drawRoundedRect(QRectF(edge - 2.5, shown.center().y() - 8, 5, 16), 2, 2);
  if (const auto at = context_.crosshair.at_us(); at && x(*at) >= in.left() && x(*at) <= in.right()) {
    painter.setPen(colors.secondary);
    painter.drawLine(QPointF(x(*at), in.top()), QPointF(x(*at), in.bottom()));
  }
  if (hasFocus() && by_keyboard_) {
    painter.setPen(QPen(colors.accent, 1, Qt::DotLine));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(QRectF(rect()).adjusted(1.5, 0.5, -1.5, -0.5));
  }
}

ScrubberStrip::Grip ScrubberStrip::grip_at(const QPointF& at) const {
  const auto shown = window();
  const bool right_nearer = std::abs(at.x() - shown.right()) <= std::abs(at.x() - shown.left());
  const double reach = std::min(6.0, std::max(3.0, shown.width() / 3));
  if (right_nearer && std::abs(at.x() - shown.right()) <= reach) return Grip::right;
  if (!right_nearer && std::abs(at.x() - shown.left()) <= reach) return Grip::left;
  return shown.contains(QPointF(at.x(), shown.center().y())) ? Grip::body : Grip::none;
}

void ScrubberStrip::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || !context_.node().known()) return;
  auto& range = context_.range;
  grip_ = grip_at(event->position());
  if (grip_ == Grip::none) {
    // The window goes there, its middle under the mouse.
    range.move(at(event->position().x()) + range.width_us() / 2 - range.end_us());
    grip_ = Grip::body;
  }
  grabbed_ = event->position().x() - x(range.begin_us());
}

void ScrubberStrip::mouseMoveEvent(QMouseEvent* event) {
  auto& range = context_.range;
  const double px = event->position().x();
  if (grip_ == Grip::none) {
    const auto grip = grip_at(event->position());
    setCursor(grip == Grip::left || grip == Grip::right ? Qt::SizeHorCursor : grip == Grip::body ? Qt::OpenHandCursor : Qt::ArrowCursor);
    context_.crosshair.set(area().contains(QPointF(px, area().center().y())) && context_.node().known() ? std::optional(at(px)) : std::nullopt);
    return;
  }
  switch (grip_) {
    case Grip::body: range.move(at(px - grabbed_) + range.width_us() - range.end_us()); break;
    case Grip::left: range.set(std::clamp(at(px), range.first_us(), range.end_us() - TimeRange::least_us), range.end_us()); break;
    case Grip::right: range.set(range.begin_us(), std::clamp(at(px), range.begin_us() + TimeRange::least_us, std::max(range.begin_us() + TimeRange::least_us, range.last_us()))); break;
    case Grip::none: break;
  }
}

void ScrubberStrip::mouseReleaseEvent(QMouseEvent* event) {
  // Let go at the newest: it follows the newest again.
  if (grip_ == Grip::body && !context_.range.live() && !context_.range.paused() && context_.range.end_us() >= context_.range.last_us() && event->position().x() >= area().right() - window().width() - 2)
    context_.range.set_live();
  grip_ = Grip::none;
}

void ScrubberStrip::mouseDoubleClickEvent(QMouseEvent*) { context_.range.reset_width(); }

void ScrubberStrip::leaveEvent(QEvent*) { context_.crosshair.set(std::nullopt); }

void ScrubberStrip::keyPressEvent(QKeyEvent* event) {
  auto& range = context_.range;
  switch (event->key()) {
    case Qt::Key_Left: range.move(-range.width_us() / 10); break;
    case Qt::Key_Right: range.move(range.width_us() / 10); break;
    case Qt::Key_PageUp: range.move(-range.width_us()); break;
    case Qt::Key_PageDown: range.move(range.width_us()); break;
    case Qt::Key_Home: range.move(range.first_us() + range.width_us() - range.end_us()); break;
    case Qt::Key_End: range.set_live(); break;
    default: QWidget::keyPressEvent(event);
  }
}

ScrubberView::ScrubberView(Context& context, QWidget* parent) : View(context, "scrubber", QStringLiteral("Time"), parent) {
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(12, 4, 12, 2);
  row->setSpacing(4);
  auto* label = new QLabel;
  label->setObjectName(QStringLiteral("scrubber-label"));
  label_ = label;
  row->addWidget(label);
  strip_ = new ScrubberStrip(context, this);
  strip_->setObjectName(QStringLiteral("scrubber-strip"));
  strip_->setAccessibleName(QStringLiteral("Session: the shown window of time"));
  strip_->setToolTip(QStringLiteral("drag the window, or its edges; double-click: 60 s\namber: out of order, vermilion: restart or dead letter"));
  row->addWidget(strip_, 1);
  const auto button = [&](const char* name, const QString& said, const QString& tip) {
    auto* made = new QToolButton;
    made->setObjectName(QLatin1String(name));
    made->setAccessibleName(said);
    made->setToolTip(tip);
    row->addWidget(made);
    return made;
  };
  play_ = button("scrubber-play", QStringLiteral("Replay"), QStringLiteral("replay from here"));
  speed_ = button("scrubber-speed", QStringLiteral("Replay speed"), QStringLiteral("how fast it is replayed"));
  speed_->setPopupMode(QToolButton::InstantPopup);
  auto* menu = new QMenu(speed_);
  auto* group = new QActionGroup(menu);
  for (const double speed : speeds) {
    auto* action = menu->addAction(speed_text(speed));
    action->setObjectName(QStringLiteral("speed-%1").arg(speed));
    action->setCheckable(true);
    action->setChecked(speed == chosen_speed_);
    group->addAction(action);
    connect(action, &QAction::triggered, this, [this, speed] {
      chosen_speed_ = speed;
      speed_->setText(speed_text(speed));
      if (context_.range.speed() > 0) context_.range.play(speed);
      say();
    });
  }
  speed_->setMenu(menu);
  speed_->setText(speed_text(chosen_speed_));
  live_ = button("scrubber-live", QStringLiteral("Live"), QStringLiteral("follow the newest (End)"));
  live_->setCheckable(true);
  live_->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  connect(play_, &QToolButton::clicked, this, [this] { context_.range.play(context_.range.speed() > 0 ? 0 : chosen_speed_); });
  connect(live_, &QToolButton::clicked, this, [this] { context_.range.set_live(); say(); });
  connect(&context.range, &TimeRange::mode_changed, this, &ScrubberView::say);
  connect(&context.range, &TimeRange::changed, this, &ScrubberView::say);
  connect(&context, &Context::link_changed, this, &ScrubberView::say);
  connect(&context, &Context::reset, this, &ScrubberView::say);
  connect(&Theme::get(), &Theme::changed, this, [this] { redress(); });
  setMinimumHeight(52);
  redress();
}

void ScrubberView::redress() {
  const auto& theme = Theme::get();
  auto palette = label_->palette();
  palette.setColor(QPalette::WindowText, theme.colors().secondary);
  label_->setPalette(palette);
  label_->setFont(theme.font(-1));
  label_->setFixedWidth(QFontMetrics(theme.font(-1)).horizontalAdvance(QStringLiteral("replaying at 16×")) + 6);
  said_.clear();
  say();
}

void ScrubberView::say() {
  const auto& range = context_.range;
  const auto& theme = Theme::get();
  const bool known = context_.node().known() && range.last_us() > 0;
  const auto state = context_.node().link().state;
  const bool ended = state == LinkState::complete || state == LinkState::loading;
  const auto doing = range.speed() > 0 ? QStringLiteral("replaying at %1").arg(speed_text(range.speed()))
                   : range.paused()    ? QStringLiteral("paused")
                                       : QStringLiteral("%1 window").arg(show_width(range.width_us()));
  const auto text = known ? QStringLiteral("%1\n%2").arg(show_clock(range.end_us()), doing) : QStringLiteral("–");
  const auto mode = QStringLiteral("%1|%2|%3|%4").arg(text).arg(range.live()).arg(range.speed()).arg(static_cast<int>(state));
  if (mode == said_) return;
  said_ = mode;
  static_cast<QLabel*>(label_)->setText(text);
  strip_->setAccessibleDescription(QStringLiteral("ends at %1, %2").arg(show_clock(range.end_us()), doing));
  live_->setText(ended ? QStringLiteral("End") : QStringLiteral("Live"));
  live_->setAccessibleName(ended ? QStringLiteral("To the end of the session") : QStringLiteral("Live: follow the newest"));
  live_->setChecked(range.live());
  live_->setIcon(QIcon(theme.pixmap(QStringLiteral("live"), range.live() ? theme.colors().accent : theme.colors().faint, 16, devicePixelRatioF())));
  play_->setIcon(theme.icon(range.speed() > 0 ? QStringLiteral("stop") : QStringLiteral("play")));
  play_->setAccessibleName(range.speed() > 0 ? QStringLiteral("Stop replay") : QStringLiteral("Replay from here"));
}

void ScrubberView::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.fillRect(rect(), Theme::get().colors().panel);
}

std::vector<QStringList> ScrubberView::rows() const {
  const auto& node = context_.node();
  if (!node.known()) return {};
  std::vector<QStringList> made{{QStringLiteral("time"), QStringLiteral("ingest per s"), QStringLiteral("disorder per s"), QStringLiteral("dead letters"), QStringLiteral("restarts")}};
  const auto& series = node.total_track().from(node.first_us());
  const auto number = [](auto value, int digits) { return std::isnan(value) ? QString() : QString::number(static_cast<double>(value), 'f', digits); };
  if (!series.empty())
    for (auto at = series.first_us(); at <= series.last_us(); at += series.step_us())
      if (const auto* sample = series.at(at))
        made.push_back({QDateTime::fromMSecsSinceEpoch(at / 1000).toUTC().toString(Qt::ISODateWithMs), number(sample->ingest, 1), number(sample->disorder, 3),
                        number(sample->so_far.dead_letters, 0), number(sample->so_far.restarts, 0)});
  return made;
}

}  // namespace mailroom::dashboard
