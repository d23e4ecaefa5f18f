#include "dashboard/views/supervision_view.hpp"

#include <QHeaderView>
#include <QLineEdit>
#include <QStyledItemDelegate>
#include <QToolButton>
#include <QTreeView>
#include <QVBoxLayout>

#include "dashboard/theme/paint.hpp"
#include "dashboard/views/table_look.hpp"

namespace mailroom::dashboard {

namespace {

// The axis of the timeline column in its header.
class TimeHeader : public QHeaderView {
 public:
  TimeHeader(Context& context, QWidget* parent) : QHeaderView(Qt::Horizontal, parent), context_(context) {}

 protected:
  void paintSection(QPainter* painter, const QRect& area, int section) const override {
    QHeaderView::paintSection(painter, area, section);
    if (section != SupervisionModel::timeline) return;
    painter->setFont(Theme::get().font(-2));
    painter->setPen(Theme::get().colors().secondary);
    const auto width_s = static_cast<double>(context_.range.width_us()) / 1e6;
    const auto inner = QRectF(area).adjusted(8, 0, -8, 0);
    painter->setClipping(false);
    painter->drawText(inner, Qt::AlignVCenter | Qt::AlignLeft, QStringLiteral("−%1 s").arg(width_s, 0, 'f', 0));
    if (inner.width() > 130) painter->drawText(inner, Qt::AlignCenter, QStringLiteral("−%1 s").arg(width_s / 2, 0, 'f', 0));
    painter->drawText(inner, Qt::AlignVCenter | Qt::AlignRight, !context_.range.live() ? show_clock(context_.range.end_us(), false) : context_.node().link().state == LinkState::complete ? QStringLiteral("end") : QStringLiteral("now"));
  }

 private:
  Context& context_;
};

class SupervisionDelegate : public QStyledItemDelegate {
 public:
  SupervisionDelegate(Context& context, SupervisionView* view, SupervisionModel* model) : QStyledItemDelegate(view), context_(context), view_(view), model_(model) {}
  QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override { return {60, row_height}; }
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    const auto& theme = Theme::get();
    const auto& c = theme.colors();
    const bool selected = option.state & QStyle::State_Selected;
    if (selected) painter->fillRect(option.rect, c.selection);
    const auto area = QRectF(option.rect);
    const bool grey = !view_->matches(index) || context_.node().stale();
    const bool failing = model_->failing(index);
    painter->save();
    if (index.column() == SupervisionModel::supervisor) {
      const int shard = model_->shard_of(index);
      const QPointF dot(area.left() + 8, area.center().y());
      painter->setRenderHint(QPainter::Antialiasing);
      painter->setPen(Qt::NoPen);
      bool escalated = false;
      for (const auto& mark : model_->marks(index)) escalated = escalated || mark.escalated;
      painter->setBrush(grey ? c.faint : failing ? (escalated && shard < 0 ? c.amber : c.vermilion) : c.normal);
      if (!failing) painter->drawEllipse(dot, 3.2, 3.2);
      else if (escalated && shard < 0) painter->drawRect(QRectF(dot.x() - 3.5, dot.y() - 3.5, 7, 7));
      else painter->drawPolygon(QPolygonF({{dot.x(), dot.y() - 4.5}, {dot.x() + 5, dot.y() + 4}, {dot.x() - 5, dot.y() + 4}}));
      painter->setPen(grey ? c.faint : c.text);
      painter->setFont(theme.font(0, shard < 0));
      draw_text(*painter, area.adjusted(18, 0, -4, 0), Qt::AlignVCenter, index.data().toString());
    } else if (index.column() == SupervisionModel::timeline) {
      const auto line = area.adjusted(8, 0, -8, 0);
      const double y = line.center().y();
      painter->setPen(QPen(grey ? c.border : c.normal, failing ? 3 : 2));
      painter->drawLine(QPointF(line.left(), y), QPointF(line.right(), y));
      const auto x_of = [&](Micros at) { return line.left() + line.width() * static_cast<double>(at - context_.range.begin_us()) / static_cast<double>(context_.range.width_us()); };
      painter->setRenderHint(QPainter::Antialiasing);
      for (const auto& mark : model_->marks(index)) {
        const double x = x_of(mark.at_us), end = std::min(line.right(), std::max(x + 3, x_of(mark.at_us + mark.down_us)));
        if (x < line.left() || x > line.right()) continue;
        const auto color = grey ? c.faint : c.vermilion;
        if (mark.escalated) {
          painter->setPen(Qt::NoPen);
          painter->setBrush(color);
          painter->drawPolygon(QPolygonF({{x, area.top() + 2}, {x + 4.5, area.top() + 10}, {x - 4.5, area.top() + 10}}));
          painter->drawRect(QRectF(x - 0.75, area.top() + 8, 1.5, area.height() - 12));
          painter->setPen(color);
          painter->setFont(theme.font(-2));
          const auto text = QStringLiteral("escalated");
          const auto width = QFontMetricsF(painter->font()).horizontalAdvance(text);
          if (x + 8 + width < line.right()) painter->drawText(QPointF(x + 8, area.top() + 10), text);
          else painter->drawText(QPointF(x - 8 - width, area.top() + 10), text);
        } else {
          auto soft = color;
          soft.setAlphaF(0.45);
          painter->fillRect(QRectF(x, y - 4, end - x, 8), soft);
          painter->fillRect(QRectF(x - 1, y - 6, 2, 12), color);
        }
      }
    } else {
      const bool many = index.column() == SupervisionModel::restarts && failing;
      painter->setPen(grey ? c.faint : many ? c.vermilion : c.secondary);
      painter->setFont(theme.font(index.column() == SupervisionModel::policy ? -1 : 0, many));
      draw_text(*painter, area.adjusted(6, 0, -8, 0), Qt::AlignVCenter | (index.column() == SupervisionModel::restarts ? Qt::AlignRight : Qt::AlignLeft), index.data().toString() == QLatin1String("0") ? QStringLiteral("–") : index.data().toString());
    }
    painter->restore();
  }

 private:
  Context& context_;
  SupervisionView* view_;
  SupervisionModel* model_;
};

}  // namespace

SupervisionView::SupervisionView(Context& context, QWidget* parent) : View(context, "supervision", QStringLiteral("Supervision"), parent) {
  model_ = new SupervisionModel(context, this);
  tree_ = new QTreeView;
  tree_->setAccessibleName(QStringLiteral("Supervision tree"));
  tree_->setHeader(new TimeHeader(context, tree_));
  tree_->setModel(model_);
  tree_->setItemDelegate(new SupervisionDelegate(context, this, model_));
  tree_->setUniformRowHeights(true);
  tree_->setFrameShape(QFrame::NoFrame);
  tree_->setIndentation(16);
  tree_->header()->setFixedHeight(28);
  tree_->header()->setStretchLastSection(false);
  tree_->header()->setSectionResizeMode(SupervisionModel::timeline, QHeaderView::Stretch);
  tree_->setColumnWidth(SupervisionModel::supervisor, 170);
  tree_->setColumnWidth(SupervisionModel::policy, 196);
  tree_->setColumnWidth(SupervisionModel::restarts, 76);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->addWidget(tree_);
  search_ = new QLineEdit;
  search_->setPlaceholderText(QStringLiteral("search the tree"));
  search_->setAccessibleName(QStringLiteral("Supervision: search the tree; the rest is greyed"));
  search_->setClearButtonEnabled(true);
  search_->setMaximumWidth(150);
  failing_ = new QToolButton;
  failing_->setText(QStringLiteral("open failing"));
  failing_->setAccessibleName(QStringLiteral("Supervision: open the failing branches only"));
  connect(failing_, &QToolButton::clicked, this, [this] { open_failing(); });
  connect(search_, &QLineEdit::textChanged, this, [this] { tree_->viewport()->update(); });
  connect(&context, &Context::reset, this, [this] {
    model_->rebuild();
    tree_->expand(model_->index(0, 0));
    Q_EMIT subtitle_changed();
  });
  connect(&context, &Context::tables_due, this, [this] {
    if (!isVisible() || pinned()) return;
    model_->refresh();
    tree_->viewport()->update();
    tree_->header()->viewport()->update();
    Q_EMIT subtitle_changed();
  });
  connect(&context, &Context::link_changed, this, [this] { tree_->viewport()->update(); });
  connect(&context.selection, &Selection::changed, this, [this] { follow_selection(); });
  connect(tree_->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this](const QModelIndex& current) {
    if (following_ || !current.isValid()) return;
    if (const int shard = model_->shard_of(current); shard >= 0) context_.selection.select_shard(model_->stage_of(current), shard);
    else if (const int stage = model_->stage_of(current); stage >= 0) context_.selection.select_stage(stage);
  });
  model_->rebuild();
  tree_->expand(model_->index(0, 0));
}

std::vector<QWidget*> SupervisionView::title_controls() { return {search_, failing_}; }

void SupervisionView::open_failing() {
  model_->refresh();
  tree_->collapseAll();
  tree_->expand(model_->index(0, 0));
  for (int stage = 0; stage < context_.node().stage_count(); ++stage) {
    bool any = false;
    for (const int shard : context_.node().shards_of(stage)) any = any || model_->failing(model_->shard_index(shard));
    if (any) tree_->expand(model_->stage_index(stage));
  }
}

void SupervisionView::follow_selection() {
  following_ = true;
  const auto& selection = context_.selection;
  auto index = model_->shard_index(selection.shard());
  // A closed branch stays closed: its stage is shown instead.
  if (!index.isValid() || !tree_->isExpanded(index.parent())) index = model_->stage_index(selection.stage());
  if (index.isValid()) tree_->setCurrentIndex(index);
  else tree_->selectionModel()->clear();
  following_ = false;
}

bool SupervisionView::matches(const QModelIndex& index) const {
  const auto name = model_->data(index.siblingAtColumn(SupervisionModel::supervisor), Qt::DisplayRole).toString();
  if (!search_->text().isEmpty() && !name.contains(search_->text(), Qt::CaseInsensitive)) return false;
  return context_.filters.empty() || model_->shard_of(index) < 0 || context_.filters.passes_actor(name);
}

QString SupervisionView::subtitle() const {
  if (!context_.node().known() || context_.node().last_us() == unknown_value) return {};
  int restarts = 0;
  context_.node().events().each(context_.range.begin_us(), context_.range.end_us(), [&](const Event& event) { restarts += event.kind == EventKind::restart; return true; });
  return restarts == 0 ? QStringLiteral("no restarts in %1").arg(show_span(static_cast<double>(context_.range.width_us())).remove(QStringLiteral(".0")))
                       : QStringLiteral("%1 restart%2 in %3").arg(restarts).arg(restarts == 1 ? QString() : QStringLiteral("s")).arg(show_span(static_cast<double>(context_.range.width_us())).remove(QStringLiteral(".0")));
}

std::vector<QStringList> SupervisionView::rows() const {
  std::vector<QStringList> made{{QStringLiteral("time_us"), QStringLiteral("what"), QStringLiteral("actor"), QStringLiteral("reason")}};
  const auto& node = context_.node();
  node.events().each(context_.range.begin_us(), context_.range.end_us(), [&](const Event& event) {
    if (event.kind == EventKind::restart || event.kind == EventKind::escalate)
      made.push_back({QString::number(event.at_us), QString::fromLatin1(event_kind_names[static_cast<std::size_t>(event.kind)]), event.shard >= 0 ? node.shard_name(event.shard) : node.stage_name(event.stage), event.text});
    return true;
  });
  return made;
}

}  // namespace mailroom::dashboard
