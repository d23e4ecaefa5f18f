#include "dashboard/views/mailboxes_view.hpp"

#include <QStyledItemDelegate>
#include <QToolButton>
#include <QVBoxLayout>

#include "dashboard/theme/paint.hpp"
#include "dashboard/views/table_look.hpp"

namespace mailroom::dashboard {

namespace {

class MailboxDelegate : public QStyledItemDelegate {
 public:
  MailboxDelegate(Context& context, MailboxModel* model, QObject* parent) : QStyledItemDelegate(parent), context_(context), model_(model) {}
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    const auto& theme = Theme::get();
    const auto& c = theme.colors();
    const bool selected = option.state & QStyle::State_Selected;
    if (selected) painter->fillRect(option.rect, c.selection);
    const auto area = QRectF(option.rect);
    if (selected && index.column() == MailboxModel::actor) painter->fillRect(QRectF(area.left(), area.top(), 3, area.height()), c.accent);
    const int shard = model_->shard_at(index.row());
    const float fill = model_->fill(shard);
    const auto color = context_.node().stale() ? c.faint : theme.fill(fill);
    if (index.column() == MailboxModel::mailbox) {
      if (!std::isnan(fill)) draw_bar(*painter, QRectF(area.left() + 6, area.center().y() - 3, area.width() - 14, 6), fill, color);
      return;
    }
    if (index.column() == MailboxModel::minute) {
      const auto depths = context_.node().minute_of(shard, model_->at_us());
      std::vector<float> values;
      for (const auto depth : depths) values.push_back(depth < 0 ? not_known : static_cast<float>(depth));
      if (model_->sample(shard).depth >= 0 && !std::isnan(fill)) draw_sparkline(*painter, area.adjusted(6, 4, -6, -4), values, color, true);
      return;
    }
    painter->setFont(index.data(Qt::FontRole).isValid() ? index.data(Qt::FontRole).value<QFont>() : theme.font(-1));
    painter->setPen(index.data(Qt::ForegroundRole).value<QColor>());
    auto text_area = area.adjusted(8, 0, -8, 0);
    if (index.column() == MailboxModel::state) {
      draw_state(*painter, QPointF(area.left() + 11, area.center().y()), model_->sample(shard).state);
      text_area.setLeft(area.left() + 21);
    }
    draw_text(*painter, text_area, index.data(Qt::TextAlignmentRole).toInt(), index.data().toString());
  }

 private:
  Context& context_;
  MailboxModel* model_;
};

}  // namespace

MailboxesView::MailboxesView(Context& context, QWidget* parent) : View(context, "mailboxes", QStringLiteral("Mailboxes"), parent) {
  model_ = new MailboxModel(context, this);
  table_ = new QTableView;
  table_->setModel(model_);
  dress_table(table_, QStringLiteral("Mailboxes"));
  table_->setItemDelegate(new MailboxDelegate(context, model_, table_));
  table_->horizontalHeader()->setSortIndicator(MailboxModel::depth, Qt::DescendingOrder);
  table_->horizontalHeader()->setStretchLastSection(true);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->addWidget(table_);

  only_filled_ = new QToolButton;
  only_filled_->setText(QStringLiteral("only non-empty"));
  only_filled_->setCheckable(true);
  only_filled_->setProperty("chip", true);
  only_filled_->setAccessibleName(QStringLiteral("Mailboxes: only those with events waiting"));
  only_filled_->setObjectName(QStringLiteral("mailboxes-only-filled"));
  connect(only_filled_, &QToolButton::toggled, this, [this](bool on) {
    model_->set_only_filled(on);
    Q_EMIT subtitle_changed();
  });

  auto* sorting = new QTimer(this);
  connect(sorting, &QTimer::timeout, this, [this] {
    if (!isVisible() || pinned() || table_->viewport()->underMouse()) return;
    arrange();
  });
  sorting->start(1000);
  connect(&context, &Context::tables_due, this, [this] { refresh(); });
  connect(&context, &Context::reset, this, [this] { model_->rebuild(); Q_EMIT subtitle_changed(); });
  connect(&context, &Context::link_changed, this, [this] { table_->viewport()->update(); });
  connect(&context.filters, &Filters::changed, this, [this] { model_->arrange(); follow_selection(); Q_EMIT subtitle_changed(); });
  connect(&context.selection, &Selection::changed, this, [this] { follow_selection(); });
  only_filled_->setFont(Theme::get().font(-1));
  connect(&Theme::get(), &Theme::changed, this, [this] {
    only_filled_->setFont(Theme::get().font(-1));
    table_->viewport()->update();
  });
  connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this](const QModelIndex& current) {
    if (following_ || !current.isValid()) return;
    const int shard = model_->shard_at(current.row());
    context_.selection.select_shard(context_.node().stage_of(shard), shard);
  });
}

std::vector<QWidget*> MailboxesView::title_controls() { return {only_filled_}; }

void MailboxesView::refresh() {
  if (!isVisible() || pinned()) return;
  model_->refresh();
}

// Whom a person looks at stays in sight.
void MailboxesView::arrange() {
  const auto current = table_->currentIndex();
  const bool in_sight = current.isValid() && table_->viewport()->rect().intersects(table_->visualRect(current));
  following_ = true;
  model_->arrange();
  following_ = false;
  if (!in_sight) return Q_EMIT subtitle_changed();
  // At the top, if it is in sight from there: what is above it matters most.
  if (table_->currentIndex().row() < table_->viewport()->height() / row_height) table_->scrollToTop();
  else table_->scrollTo(table_->currentIndex());
  Q_EMIT subtitle_changed();
}

// Names, bars and sparklines share what a wide window has more.
void MailboxesView::resizeEvent(QResizeEvent* event) {
  View::resizeEvent(event);
  constexpr int widths[] = {92, 64, 58, 54, 54, 56, 70, 66, 120};
  const int more = std::max(0, width() - 660);
  for (int column = 0; column < MailboxModel::column_count; ++column) {
    const bool grows = column == MailboxModel::actor || column == MailboxModel::mailbox || column == MailboxModel::minute;
    table_->setColumnWidth(column, widths[column] + (grows ? std::min(200, more / 4) : std::min(24, more / 20)));
  }
}

void MailboxesView::follow_selection() {
  following_ = true;
  const int row = model_->row_of(context_.selection.shard());
  if (row < 0) table_->selectionModel()->clear();
  else if (table_->currentIndex().row() != row) table_->setCurrentIndex(model_->index(row, 0));
  following_ = false;
}

QString MailboxesView::subtitle() const {
  if (!context_.node().known()) return {};
  return model_->rowCount() == model_->total() ? QStringLiteral("%1 shards").arg(show_exact(model_->total()))
                                               : QStringLiteral("%1 of %2 shards shown").arg(show_exact(model_->rowCount()), show_exact(model_->total()));
}

std::vector<QStringList> MailboxesView::rows() const {
  std::vector<QStringList> made{{QStringLiteral("actor"), QStringLiteral("fill"), QStringLiteral("depth"), QStringLiteral("in_per_s"), QStringLiteral("out_per_s"), QStringLiteral("wait_p99_us"), QStringLiteral("state"), QStringLiteral("restarts")}};
  const auto text = [](float value) { return std::isnan(value) ? QString() : QString::number(static_cast<double>(value), 'g', 6); };
  for (int row = 0; row < model_->rowCount(); ++row) {
    const int shard = model_->shard_at(row);
    const auto& of = model_->sample(shard);
    made.push_back({model_->index(row, MailboxModel::actor).data().toString(), text(model_->fill(shard)), of.depth < 0 ? QString() : QString::number(of.depth), text(of.in), text(of.out),
                    text(of.wait_p99_us), state_text(of.state), QString::number(of.restarts)});
  }
  return made;
}

}  // namespace mailroom::dashboard
