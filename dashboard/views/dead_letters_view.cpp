#include "dashboard/views/dead_letters_view.hpp"

#include <QHBoxLayout>
#include <QLabel>
#include <QMessageBox>
#include <QPointer>
#include <QPushButton>
#include <QStyledItemDelegate>
#include <QToolButton>
#include <QVBoxLayout>
#include <cmath>

#include "dashboard/theme/paint.hpp"
#include "dashboard/views/table_look.hpp"

namespace mailroom::dashboard {

namespace {
class LetterDelegate : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    const auto& theme = Theme::get();
    const bool selected = option.state & QStyle::State_Selected;
    if (selected) painter->fillRect(option.rect, theme.colors().selection);
    if (selected && index.column() == 0) painter->fillRect(QRect(option.rect.left(), option.rect.top(), 3, option.rect.height()), theme.colors().accent);
    painter->setFont(theme.font(-1));
    painter->setPen(index.data(Qt::ForegroundRole).value<QColor>());
    draw_text(*painter, QRectF(option.rect).adjusted(8, 0, -6, 0), index.data(Qt::TextAlignmentRole).toInt(), index.data().toString());
  }
};
}  // namespace

DeadLettersView::DeadLettersView(Context& context, QWidget* parent) : View(context, "dead-letters", QStringLiteral("Dead letters"), parent) {
  model_ = new DeadLetterModel(context, this);
  table_ = new QTableView;
  table_->setModel(model_);
  dress_table(table_, QStringLiteral("Dead letters"));
  table_->setSortingEnabled(false);  // newest first, always
  table_->setItemDelegate(new LetterDelegate(table_));
  table_->horizontalHeader()->setSectionResizeMode(DeadLetterModel::reason, QHeaderView::Stretch);
  chips_ = new QWidget;
  chip_row_ = new QHBoxLayout(chips_);
  chip_row_->setContentsMargins(10, 4, 10, 0);
  chip_row_->addStretch();
  auto* buttons = new QWidget;
  auto* row = new QHBoxLayout(buttons);
  row->setContentsMargins(10, 5, 10, 7);
  const auto button = [&](const QString& text, const QString& name) {
    auto* made = new QPushButton(text);
    made->setAccessibleName(name);
    row->addWidget(made);
    return made;
  };
  retry_ = button(QStringLiteral("Retry…"), QStringLiteral("Retry the selected dead letter"));
  retry_->setProperty("primary", true);
  lane_ = button(QStringLiteral("Show in ordering"), QStringLiteral("Show its shard's lane"));
  trace_ = button(QStringLiteral("Open trace"), QStringLiteral("Open its trace"));
  discard_ = button(QStringLiteral("Discard…"), QStringLiteral("Discard the selected dead letter"));
  said_ = new QLabel;
  said_->setWordWrap(false);
  said_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  row->addWidget(said_, 1);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(table_, 1);
  column->addWidget(chips_);
  column->addWidget(buttons);
  confirm = [this](const QString& question) { return QMessageBox::question(this, QStringLiteral("Dead letter"), question) == QMessageBox::Yes; };
  connect(retry_, &QPushButton::clicked, this, [this] { act(NodeApi::Act::retry); });
  connect(discard_, &QPushButton::clicked, this, [this] { act(NodeApi::Act::discard); });
  connect(trace_, &QPushButton::clicked, this, [this] {
    if (const auto* event = current()) context_.selection.select_trace(event->trace, context_.node().stage_of(event->shard), event->shard, event->key);
  });
  connect(lane_, &QPushButton::clicked, this, [this] {
    const auto* event = current();
    if (!event) return;
    context_.selection.select_shard(context_.node().stage_of(event->shard), event->shard);
    if (event->at_us < context_.range.begin_us() || event->at_us > context_.range.end_us())
      context_.range.set(event->at_us - context_.range.width_us() / 2, event->at_us + context_.range.width_us() / 2);
  });
  connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this] {
    if (const auto* event = current(); event && event->shard >= 0) context_.selection.select_shard(context_.node().stage_of(event->shard), event->shard);
    dress();
  });
  connect(table_, &QTableView::doubleClicked, this, [this] { trace_->click(); });
  connect(&context, &Context::reset, this, [this] { said_->clear(); fitted_.fill(0); refresh(true); });
  connect(&context, &Context::tables_due, this, [this] { if (!pinned()) refresh(false); });
  connect(&context, &Context::link_changed, this, [this] { dress(); table_->viewport()->update(); });
  connect(&context.filters, &Filters::changed, this, [this] { refresh(true); });
  connect(&Theme::get(), &Theme::changed, this, [this] { shown_reasons_.clear(); refresh(false); dress(); });
  fit_columns();
  dress();
}

// Each column as wide as what stands in it, and the reason has the rest. Columns grow and do not shrink, so that nothing jumps.
void DeadLettersView::fit_columns() {
  constexpr int most[] = {100, 0, 150, 150, 190, 70, 90}, looked_at = 200;
  const QFontMetrics metrics(Theme::get().font(-1)), head(table_->horizontalHeader()->font());
  for (int column = 0; column < DeadLetterModel::column_count; ++column) {
    if (column == DeadLetterModel::reason) continue;
    int wide = head.horizontalAdvance(model_->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString()) + 26;
    for (int row = 0; row < std::min(looked_at, model_->rowCount()); ++row) wide = std::max(wide, metrics.horizontalAdvance(model_->index(row, column).data().toString()) + 16);
    wide = std::min(wide, most[column]);
    auto& fitted = fitted_[static_cast<std::size_t>(column)];
    if (wide > fitted) table_->setColumnWidth(column, fitted = wide);
  }
}

const Event* DeadLettersView::current() const {
  const auto index = table_->currentIndex();
  return index.isValid() && index.row() < model_->rowCount() ? &model_->letter(index.row()) : nullptr;
}

void DeadLettersView::refresh(bool anew) {
  const auto* before = current();
  const auto id = before ? before->id : unknown_value;
  model_->refresh(anew);
  fit_columns();
  if (id != unknown_value && !current())
    for (int row = 0; row < model_->rowCount(); ++row)
      if (model_->letter(row).id == id) { table_->setCurrentIndex(model_->index(row, 0)); break; }
  if (model_->reasons() != shown_reasons_) {
    shown_reasons_ = model_->reasons();
    while (chip_row_->count() > 1) {
      auto* item = chip_row_->takeAt(0);
      delete item->widget();
      delete item;
    }
    int at = 0;
    for (const auto& [reason, count] : shown_reasons_) {
      auto* chip = new QToolButton;
      chip->setText(QStringLiteral("%1  %2").arg(reason, show_exact(count)));
      chip->setCheckable(true);
      chip->setProperty("chip", true);
      chip->setChecked(model_->shown_reason() == reason);
      chip->setAccessibleName(QStringLiteral("Only %1, %2 dead letters").arg(reason, show_exact(count)));
      connect(chip, &QToolButton::toggled, this, [this, reason = reason](bool on) {
        QMetaObject::invokeMethod(this, [this, reason, on] {
          if (!on && model_->shown_reason() != reason) return;
          model_->show_reason(on ? reason : QString());
          for (auto* other : chips_->findChildren<QToolButton*>()) other->setChecked(on && other->text().startsWith(reason + u' '));
        }, Qt::QueuedConnection);
      });
      chip_row_->insertWidget(at++, chip);
    }
    chips_->setVisible(!shown_reasons_.empty());
  }
  dress();
  Q_EMIT subtitle_changed();
}

QString DeadLettersView::why_not() const {
  const auto* source = context_.source();
  if (!source || source->kind() != Source::Kind::live) return QStringLiteral("only a live node can act");
  if (context_.node().stale()) return QStringLiteral("the node is not connected");
  if (context_.node().hello().role != QLatin1String("operator")) return QStringLiteral("your role is viewer: retry and discard need operator");
  const auto* event = current();
  if (!event) return QStringLiteral("select a dead letter");
  if (event->letter.isEmpty()) return QStringLiteral("this letter has no id");
  if (!model_->marked(event->letter).isEmpty()) return QStringLiteral("already %1").arg(model_->marked(event->letter));
  return {};
}

void DeadLettersView::dress() {
  const auto* event = current();
  const auto no = why_not();
  for (auto* button : {retry_, discard_}) {
    button->setEnabled(no.isEmpty());
    button->setToolTip(no);
  }
  retry_->setText(event ? QStringLiteral("Retry to %1…").arg(context_.node().shard_name(event->shard)) : QStringLiteral("Retry…"));
  lane_->setEnabled(event && event->shard >= 0);
  trace_->setEnabled(event && !event->trace.isEmpty());
  if (!no.isEmpty() && event) said_->setText(no);
  auto palette = said_->palette();
  palette.setColor(QPalette::WindowText, Theme::get().colors().secondary);
  said_->setPalette(palette);
  said_->setToolTip(said_->text());
}

void DeadLettersView::act(NodeApi::Act act) {
  const auto* event = current();
  if (!event || !why_not().isEmpty()) return;
  const auto letter = event->letter;
  const auto where = context_.node().shard_name(event->shard);
  const auto question = act == NodeApi::Act::retry
      ? QStringLiteral("Retry dead letter %1 (key %2) to %3? It takes its old place in no order: it comes after what its key has done since.").arg(letter, event->key, where)
      : QStringLiteral("Discard dead letter %1 (key %2, %3)? It can't be brought back.").arg(letter, event->key, event->text);
  if (!confirm(question)) return;
  said_->setText(QStringLiteral("asking the node…"));
  api_.dead_letter(context_.source()->address(), letter, act, [this, letter, act](const QString& why) {
    if (!why.isEmpty()) {
      said_->setText(QStringLiteral("the node did not: %1").arg(why));
      said_->setToolTip(said_->text());
      return;
    }
    model_->mark(letter, act == NodeApi::Act::retry ? QStringLiteral("retried") : QStringLiteral("discarded"));
    said_->setText(QStringLiteral("letter %1 %2").arg(letter, model_->marked(letter)));
    dress();
  });
}

QString DeadLettersView::subtitle() const {
  const auto& node = context_.node();
  if (!node.known() || node.last_us() == unknown_value) return {};
  const auto end = context_.range.end_us();
  const auto recent = show_exact(node.events().count(EventKind::dead_letter, end - 60 * second_us, end));
  auto text = QStringLiteral("%1 seen · %2 in the last 60 s").arg(show_exact(model_->total()), recent);
  const auto unheard = node.unheard();
  if (const double written = node.counts_at(end).dead_letters; unheard.letters > 0 && written > static_cast<double>(model_->total()))
    text = QStringLiteral("%1 seen of %2: the others came %3 · %4 in the last 60 s")
               .arg(show_exact(model_->total()), show_exact(static_cast<std::int64_t>(std::min(written, 1e15))),
                    unheard.came_back ? QStringLiteral("before the dashboard, or while it was not connected") : QStringLiteral("before the dashboard"), recent);
  // The node's own list is shorter than what was told of it.
  if (const auto forgotten = node.gauges().letters_forgotten; forgotten > 0) text += QStringLiteral(" · the node has dropped its oldest %1: they can't be retried").arg(show_exact(forgotten));
  if (model_->rowCount() < model_->total()) text += QStringLiteral(" · %1 shown").arg(show_exact(model_->rowCount()));
  return text;
}

std::vector<QStringList> DeadLettersView::rows() const {
  std::vector<QStringList> made{{QStringLiteral("time_us"), QStringLiteral("reason"), QStringLiteral("text"), QStringLiteral("to"), QStringLiteral("from"), QStringLiteral("key"), QStringLiteral("sequence"), QStringLiteral("tries"), QStringLiteral("trace"), QStringLiteral("letter")}};
  for (int row = 0; row < model_->rowCount(); ++row) {
    const auto& event = model_->letter(row);
    made.push_back({QString::number(event.at_us), event.reason_kind, event.text, context_.node().shard_name(event.shard), context_.node().shard_name(event.from), event.key,
                    event.sequence < 0 ? QString() : QString::number(event.sequence), event.attempt < 0 ? QString() : QString::number(event.attempt), event.trace, event.letter});
  }
  return made;
}

}  // namespace mailroom::dashboard
