#include "dashboard/views/ordering_view.hpp"

#include <QDateTime>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QToolButton>
#include <QVBoxLayout>
#include <cmath>

#include "dashboard/theme/theme.hpp"

namespace mailroom::dashboard {

KindChip::KindChip(std::optional<MarkKind> kind, QWidget* parent) : QAbstractButton(parent), kind_(kind) {
  setCheckable(true);
  setChecked(true);
  setFocusPolicy(Qt::TabFocus);
  setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
  setObjectName(QStringLiteral("kind-%1").arg(kind ? mark_text(*kind) : QStringLiteral("in-order")));
  connect(this, &QAbstractButton::toggled, this, [this] { say(); });
  say();
}

QString KindChip::name() const { return kind_ ? mark_text(*kind_) : QStringLiteral("in order"); }
QString KindChip::text() const { return short_ ? show_count(count_) : QStringLiteral("%1  %2").arg(name(), show_count(count_)); }

void KindChip::say() {
  setAccessibleName(QStringLiteral("%1, %2 in the window, %3").arg(name(), show_count(count_), isChecked() ? QStringLiteral("shown") : QStringLiteral("hidden")));
  setToolTip(QStringLiteral("%1: %2").arg(name(), isChecked() ? QStringLiteral("click to hide") : QStringLiteral("click to show")));
}

void KindChip::set_count(double count) {
  if (count == count_ || (std::isnan(count) && std::isnan(count_))) return;
  const auto before = sizeHint();
  count_ = count;
  say();
  if (sizeHint() != before) updateGeometry();
  update();
}

void KindChip::set_short(bool without_name) {
  if (without_name == short_) return;
  short_ = without_name;
  updateGeometry();
  update();
}

QSize KindChip::sizeHint() const {
  const QFontMetrics metrics(Theme::get().font(-2));
  return {metrics.horizontalAdvance(text()) + 34, 20};
}

void KindChip::paintEvent(QPaintEvent*) {
  const auto& theme = Theme::get();
  const auto& colors = theme.colors();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const QRectF box = QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5);
  painter.setPen(QPen(hasFocus() ? colors.accent : colors.border, 1, isChecked() ? Qt::SolidLine : Qt::DashLine));
  painter.setBrush(isChecked() ? colors.raised : colors.panel);
  painter.drawRoundedRect(box, box.height() / 2, box.height() / 2);
  if (!isChecked()) painter.setOpacity(0.5);
  const QPointF centre(15, box.center().y());
  if (kind_) draw_mark(painter, *kind_, centre);
  else {
    painter.setPen(QPen(colors.tick, 1.4));
    painter.drawLine(centre - QPointF(0, 4), centre + QPointF(0, 4));
  }
  painter.setOpacity(1);
  auto font = theme.font(-2);
  font.setStrikeOut(!isChecked());
  painter.setFont(font);
  painter.setPen(isChecked() ? colors.text : colors.secondary);
  painter.drawText(QRectF(26, 0, width() - 26.0, height()), Qt::AlignLeft | Qt::AlignVCenter, text());
}

OrderingView::OrderingView(Context& context, QWidget* parent) : View(context, "ordering", QStringLiteral("Ordering"), parent) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  auto* row = new QHBoxLayout;
  row->setContentsMargins(10, 4, 8, 4);
  row->setSpacing(5);
  canvas_ = new OrderingCanvas(context, *this);
  canvas_->setObjectName(QStringLiteral("ordering-lanes"));
  canvas_->setAccessibleName(QStringLiteral("Lanes of shards, by arrival. Up and down: lane, N: next mark, Return: its trace, Shift P: pin"));
  in_order_ = new KindChip(std::nullopt, this);
  row->addWidget(in_order_);
  connect(in_order_, &QAbstractButton::toggled, canvas_, &OrderingCanvas::show_in_order);
  for (const auto kind : {MarkKind::late, MarkKind::missing, MarkKind::duplicate, MarkKind::retried, MarkKind::skipped}) {
    auto* chip = new KindChip(kind, this);
    chips_[static_cast<std::size_t>(kind)] = chip;
    row->addWidget(chip);
    connect(chip, &QAbstractButton::toggled, canvas_, [this, kind](bool shown) { canvas_->show_kind(kind, shown); });
  }
  chips_[static_cast<std::size_t>(MarkKind::skipped)]->hide();
  hint_ = new QLabel(QStringLiteral("above the line = late   below = extra copy   box = missing, dashed while awaited"));
  hint_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  row->addSpacing(6);
  row->addWidget(hint_, 1000);
  row->addStretch(1);
  lost_ = new QLabel;
  lost_->setObjectName(QStringLiteral("ordering-lost"));
  lost_->hide();
  row->addWidget(lost_);
  sort_ = new QToolButton;
  sort_->setObjectName(QStringLiteral("ordering-sort"));
  sort_->setCheckable(true);
  sort_->setChecked(true);
  sort_->setFocusPolicy(Qt::TabFocus);
  sort_->setFixedHeight(24);
  row->addWidget(sort_);
  connect(sort_, &QToolButton::toggled, this, [this](bool on) {
    canvas_->sort_by_disorder(on);
    redress();
  });
  column->addLayout(row);
  column->addWidget(canvas_, 1);
  setMinimumSize(360, 110);
  connect(canvas_, &OrderingCanvas::counted, this, &OrderingView::say, Qt::QueuedConnection);
  connect(&Theme::get(), &Theme::changed, this, [this] { redress(); });
  redress();
}

void OrderingView::redress() {
  const auto& theme = Theme::get();
  auto palette = hint_->palette();
  palette.setColor(QPalette::WindowText, theme.colors().secondary);
  hint_->setPalette(palette);
  hint_->setFont(theme.font(-2));
  palette.setColor(QPalette::WindowText, theme.colors().amber);
  lost_->setPalette(palette);
  lost_->setFont(theme.font(-2, true));
  sort_->setFont(theme.font(-2));
  sort_->setText(sort_->isChecked() ? QStringLiteral("by disorder") : QStringLiteral("by name"));
  sort_->setToolTip(QStringLiteral("order of the lanes: most disorder first, or by name"));
  sort_->setAccessibleName(QStringLiteral("Lanes sorted %1").arg(sort_->text()));
}

void OrderingView::resizeEvent(QResizeEvent* event) {
  View::resizeEvent(event);
  hint_->setVisible(width() > 1000);
  for (auto* chip : chips_) chip->set_short(width() < 620);
  in_order_->set_short(width() < 620);
}

void OrderingView::say() {
  in_order_->set_count(canvas_->in_order());
  for (std::size_t kind = 0; kind < mark_kinds; ++kind) chips_[kind]->set_count(canvas_->known() ? static_cast<double>(canvas_->totals()[kind]) : std::nan(""));
  auto* skipped = chips_[static_cast<std::size_t>(MarkKind::skipped)];
  skipped->setVisible(canvas_->totals()[static_cast<std::size_t>(MarkKind::skipped)] > 0 || !skipped->isChecked());
  const auto& node = context_.node();
  const auto lost = node.events_dropped();
  lost_->setVisible(lost > 0);
  if (lost > 0) {
    lost_->setText(QStringLiteral("%1 events lost").arg(show_exact(lost)));
    lost_->setToolTip(QStringLiteral("the node had no room to list %1 events: lanes may lack as many marks").arg(show_exact(lost)));
  }
  if (auto text = subtitle(); text != announced_) { announced_ = text; Q_EMIT subtitle_changed(); }
}

QString OrderingView::subtitle() const {
  const auto& node = context_.node();
  if (!node.known()) return QStringLiteral("per shard, by arrival");
  const auto lanes = canvas_->order().size();
  return QStringLiteral("per shard, by arrival (clock of %1) · %2").arg(node.hello().node.isEmpty() ? QStringLiteral("the node") : node.hello().node,
      canvas_->disordered() == 0 ? QStringLiteral("all %1 lanes flat").arg(lanes) : QStringLiteral("%1 of %2 lanes out of order").arg(canvas_->disordered()).arg(lanes));
}

std::vector<QStringList> OrderingView::rows() const {
  const auto& node = context_.node();
  std::vector<QStringList> made{{QStringLiteral("time"), QStringLiteral("shard"), QStringLiteral("kind"), QStringLiteral("key"), QStringLiteral("sequence"), QStringLiteral("count"),
                                 QStringLiteral("final"), QStringLiteral("belonged"), QStringLiteral("trace"), QStringLiteral("text")}};
  const auto clock = [](Micros at) { return at == unknown_value ? QString() : QDateTime::fromMSecsSinceEpoch(at / 1000).toUTC().toString(Qt::ISODateWithMs); };
  for (const int shard : canvas_->order())
    for (const auto& mark : canvas_->lanes().lane(shard).marks) {
      const auto* event = event_of(node, mark);
      made.push_back({clock(mark.at_us), node.shard_name(shard), mark_text(mark.kind), event ? event->key : QString(),
                      event && event->sequence != unknown_value ? QString::number(event->sequence) : QString(), QString::number(mark.count),
                      mark.final ? QStringLiteral("yes") : QStringLiteral("no"), clock(mark.belonged_us), event ? event->trace : QString(), event ? event->text : QString()});
    }
  return made.size() == 1 ? std::vector<QStringList>() : made;
}

}  // namespace mailroom::dashboard
