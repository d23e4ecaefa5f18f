#include "dashboard/views/topology_view.hpp"

#include <QAccessible>
#include <QGraphicsItem>
#include <QGraphicsSceneMouseEvent>
#include <QHBoxLayout>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QPainterPath>
#include <QScrollArea>
#include <QScrollBar>
#include <QStackedWidget>
#include <QStyleOptionGraphicsItem>
#include <QToolButton>
#include <QToolTip>
#include <QVBoxLayout>
#include <QWheelEvent>
#include <cmath>
#include <numeric>

#include "dashboard/theme/paint.hpp"

namespace mailroom::dashboard {

namespace {
constexpr double least_scale = 0.64;  // at which names can be read
constexpr double largest_scale = 1.35;
constexpr double caption = 14;        // a name above or below its box
constexpr double overhang = 0.42;     // of the distance of two columns: what the outer names of small boxes stand over

// "1.9k": for a place that four digits do not fit.
QString short_thousands(float value) { return value < 9'999 ? QString::number(static_cast<double>(value) / 1e3, 'f', 1) + u'k' : show_count(static_cast<double>(value)); }

// The stages, the legend's line below them.
class Legend : public QWidget {
 public:
  explicit Legend(QWidget* parent) : QWidget(parent) { setFixedHeight(24); }

 protected:
  void paintEvent(QPaintEvent*) override {
    const auto& theme = Theme::get();
    const auto& c = theme.colors();
    QPainter painter(this);
    painter.setFont(theme.font(-2));
    double x = 12;
    const double y = height() / 2.0;
    const auto word = [&](const QString& text) {
      painter.setPen(c.secondary);
      const auto width = QFontMetricsF(painter.font()).horizontalAdvance(text);
      painter.drawText(QRectF(x, 0, width + 2, height()), Qt::AlignVCenter, text);
      x += width + 10;
    };
    word(QStringLiteral("Mailbox fill"));
    for (const auto& [fill, text] : {std::pair{0.5f, "under 60 %"}, {0.7f, "60–85 %"}, {1.f, "over 85 %"}}) {
      draw_tank(painter, QRectF(x, y - 5, 8, 10), 1.f - (fill < 0.85f ? 0.16f : 0.f), theme.fill(fill));
      if (fill < 0.85f) painter.fillRect(QRectF(x, y - 5, 8, 10), theme.fill(fill));
      x += 13;
      word(QString::fromUtf8(text));
    }
    painter.setPen(QPen(c.amber, 3));
    painter.drawLine(QPointF(x, y), QPointF(x + 18, y));
    x += 24;
    word(QStringLiteral("backpressured"));
    const auto note = QStringLiteral("edge width ∝ √ events per second");
    const auto note_width = QFontMetricsF(painter.font()).horizontalAdvance(note);
    if (width() - x > note_width + 12) painter.drawText(QRectF(0, 0, width() - 12, height()), Qt::AlignVCenter | Qt::AlignRight, note);
  }
};
}  // namespace

class EdgeItem : public QGraphicsItem {
 public:
  EdgeItem(TopologyView* view, int edge, const QPainterPath& path) : view_(view), edge_(edge), path_(path) {
    setZValue(-1);
    setCursor(Qt::PointingHandCursor);
  }
  QRectF boundingRect() const override { return path_.boundingRect().adjusted(-26, -12, 26, 12); }
  QPainterPath shape() const override {
    QPainterPathStroker stroker;
    stroker.setWidth(10);
    return stroker.createStroke(path_);
  }
  void paint(QPainter* painter, const QStyleOptionGraphicsItem* option, QWidget*) override {
    const auto& c = Theme::get().colors();
    const auto& info = view_->context_.node().hello().edges[static_cast<std::size_t>(edge_)];
    const auto& now = view_->edges_[static_cast<std::size_t>(edge_)];
    const bool selected = view_->context_.selection.edge() == edge_;
    const bool stale = view_->context_.node().stale();
    const double rate = std::isnan(now.rate) ? 0 : static_cast<double>(now.rate);
    const double widest = view_->look_.size == TopologyView::Look::tight ? 3 : 5;
    double width = 1 + widest * std::sqrt(rate / static_cast<double>(view_->most_rate_));
    auto color = stale ? c.border : now.blocked ? c.amber : selected ? c.accent : c.edge;
    if (view_->dimmed(info.from) && view_->dimmed(info.to)) color.setAlphaF(0.3);
    painter->setRenderHint(QPainter::Antialiasing, view_->stage_items_.size() < 80);
    QPen pen(color, width, Qt::SolidLine, Qt::FlatCap);
    if (info.feedback) { pen.setStyle(Qt::DashLine); pen.setWidthF(std::min(2.0, width)); }
    painter->setPen(pen);
    painter->setBrush(Qt::NoBrush);
    painter->drawPath(path_);
    const double lod = QStyleOptionGraphicsItem::levelOfDetailFromTransform(painter->worldTransform());
    const double head = view_->look_.size == TopologyView::Look::tight ? 5 : 7;
    if (lod > 0.45) {
      const auto end = path_.pointAtPercent(1);
      painter->setPen(Qt::NoPen);
      painter->setBrush(color);
      const double out = info.feedback ? -1 : 1;
      const double half = std::max(head / 2, width / 2 + 2);
      painter->drawPolygon(QPolygonF({end + QPointF(head * out, 0), end + QPointF(-1 * out, -half), end + QPointF(-1 * out, half)}));
    }
    (void)option;
  }
  void mousePressEvent(QGraphicsSceneMouseEvent*) override { view_->choose_edge(edge_); }

 private:
  TopologyView* view_;
  int edge_;
  QPainterPath path_;
};

// The rate of an edge: above all edges, so that none runs through it.
class EdgeLabel : public QGraphicsItem {
 public:
  EdgeLabel(TopologyView* view, int edge, const QPointF& at) : view_(view), edge_(edge) {
    setPos(at);
    setZValue(-0.5);
    setCursor(Qt::PointingHandCursor);
  }
  QRectF boundingRect() const override { return {-32, -12, 64, 24}; }
  void paint(QPainter* painter, const QStyleOptionGraphicsItem*, QWidget*) override {
    if (QStyleOptionGraphicsItem::levelOfDetailFromTransform(painter->worldTransform()) <= 0.55) return;
    const auto& c = Theme::get().colors();
    const auto& now = view_->edges_[static_cast<std::size_t>(edge_)];
    const bool selected = view_->context_.selection.edge() == edge_, stale = view_->context_.node().stale();
    painter->setFont(Theme::get().font(-1));
    draw_pill(*painter, {}, show_rate(static_cast<double>(now.rate)), stale ? c.faint : now.blocked ? c.amber : c.secondary, c.panel, now.blocked ? c.amber : selected ? c.accent : c.border);
  }
  void mousePressEvent(QGraphicsSceneMouseEvent*) override { view_->choose_edge(edge_); }

 private:
  TopologyView* view_;
  int edge_;
};

class StageItem : public QGraphicsItem {
 public:
  StageItem(TopologyView* view, int stage) : view_(view), stage_(stage) { setCursor(Qt::PointingHandCursor); }
  QRectF boundingRect() const override {
    const auto& look = view_->look_;
    if (look.size == TopologyView::Look::tight) return name_area().united(QRectF(-4, -caption - 4, width() + 8, look.height + 2 * caption + 8));
    return {-4, -12, width() + 12, look.height + 16};
  }
  QPainterPath shape() const override {
    QPainterPath path;
    path.addRect(0, 0, width(), view_->look_.height);
    if (view_->look_.size == TopologyView::Look::tight) path.addRect(name_area().adjusted(width() / 2, 0, -width() / 2, 0));
    return path;
  }
  [[nodiscard]] double width() const { return view_->width_of(stage_); }
  // Of a tight box: neighbours' names are at other heights, so that each has the width of two.
  [[nodiscard]] QRectF name_area() const {
    const auto& look = view_->look_;
    const bool above = view_->layout_.stages[static_cast<std::size_t>(stage_)].layer % 2 == 0;
    return {width() / 2 - (width() + look.gap) + 2, above ? -caption : look.height, 2 * (width() + look.gap) - 4, caption};
  }
  void paint(QPainter* painter, const QStyleOptionGraphicsItem*, QWidget*) override {
    const auto& theme = Theme::get();
    const auto& c = theme.colors();
    const auto& look = view_->look_;
    auto& node = view_->context_.node();
    const auto& info = node.stage(stage_);
    const auto& now = view_->stages_[static_cast<std::size_t>(stage_)];
    const bool stale = node.stale();
    const bool selected = view_->context_.selection.stage() == stage_;
    const double lod = QStyleOptionGraphicsItem::levelOfDetailFromTransform(painter->worldTransform());
    const auto fill_color = stale ? c.faint : theme.fill(now.fill);
    painter->setRenderHint(QPainter::Antialiasing, lod > 0.4);
    painter->setOpacity(view_->dimmed(stage_) ? 0.35 : 1);
    const QRectF box(0, 0, width(), look.height);
    const bool full = !stale && !std::isnan(now.fill) && now.fill >= 0.6f;
    painter->setPen(selected ? QPen(c.accent, 2) : QPen(full ? theme.fill(now.fill) : c.border, 1.2));  // as the tank; a restart has its badge
    painter->setBrush(selected ? c.accent_soft : c.raised);
    painter->drawRoundedRect(box, 4, 4);
    const auto depth = info.kind == StageKind::source ? QString() : show_count(static_cast<double>(now.depth));
    const auto count = QStringLiteral("×%1").arg(node.shards_of(stage_).size());
    const auto badge = [&](int points, double right) {
      if (now.restarts == 0) return;
      painter->setFont(theme.font(points, true));
      const auto text = QStringLiteral("↻ %1").arg(now.restarts);
      const auto size = pill_rect(QFontMetricsF(painter->font()), {}, text);
      draw_pill(*painter, QPointF(right - size.width() / 2, 0), text, theme.dark() ? c.window : QColor(Qt::white), now.restarted ? c.vermilion : c.edge, {});
    };
    if (look.size == TopologyView::Look::tight) {
      draw_tank(*painter, QRectF(4, 4, 5, look.height - 8), now.fill, fill_color);
      painter->setFont(theme.font(-2, full));
      painter->setPen(full ? theme.fill(now.fill) : c.text);
      // What waits, and where it has the room what comes a second.
      const bool two = look.height >= 28;
      const QRectF words(11, two ? 2 : 0, width() - 13, two ? look.height / 2 - 1 : look.height);
      draw_text(*painter, words, Qt::AlignVCenter | Qt::AlignRight, info.kind == StageKind::source ? count : depth);
      if (two) {
        painter->setFont(theme.font(-3));
        painter->setPen(c.secondary);
        draw_text(*painter, words.translated(0, look.height / 2 - 2), Qt::AlignVCenter | Qt::AlignRight, now.rate < 999.5f || std::isnan(now.rate) ? show_rate(static_cast<double>(now.rate)) : short_thousands(now.rate));
      }
      // Its restarts stand behind its name: below the box begins the next row.
      auto name = name_area();
      painter->setFont(theme.font(-2, true));
      const auto restarts = now.restarts > 0 ? QStringLiteral(" ↻%1").arg(now.restarts) : QString();
      const QFontMetricsF metrics(painter->font());
      const double behind = metrics.horizontalAdvance(restarts), wide = std::min(name.width(), metrics.horizontalAdvance(info.name) + 1 + behind);
      name = QRectF(name.center().x() - wide / 2, name.top(), wide, name.height());
      painter->setPen(selected ? c.accent : c.text);
      draw_text(*painter, name.adjusted(0, 0, -behind, 0), Qt::AlignLeft | Qt::AlignVCenter, info.name);
      painter->setPen(now.restarted ? c.vermilion : c.secondary);
      if (now.restarts > 0) painter->drawText(name, Qt::AlignRight | Qt::AlignVCenter, restarts);
    } else {
      const bool snug = look.size == TopologyView::Look::snug;
      const double left = snug ? 15 : 21, line = look.height / 2;
      draw_tank(*painter, QRectF(snug ? 5 : 7, snug ? 6 : 8, snug ? 6 : 7, look.height - (snug ? 12 : 16)), now.fill, fill_color);
      if (lod > 0.35) {
        painter->setPen(c.text);
        painter->setFont(theme.font(snug ? -2 : 1, true));
        draw_text(*painter, QRectF(left, snug ? 2 : 5, width() - left - 4, line - (snug ? 2 : 5)), Qt::AlignVCenter, info.name);
      }
      if (lod > 0.5) {
        painter->setFont(theme.font(snug ? -2 : 0));
        painter->setPen(c.secondary);
        QString what = count;
        if (info.kind == StageKind::source && !snug) what = QStringLiteral("source ") + what;
        if (info.kind == StageKind::sink && !snug) what = QStringLiteral("sink ") + what;
        const QRectF second(left, line, width() - left - 7, line - (snug ? 2 : 5));
        painter->drawText(second, Qt::AlignVCenter, what);
        painter->setPen(full ? theme.fill(now.fill) : c.secondary);
        if (full) painter->setFont(theme.font(snug ? -2 : 0, true));
        painter->drawText(second, Qt::AlignVCenter | Qt::AlignRight, depth);
        badge(snug ? -3 : -1, width() + 4);
      }
    }
    painter->setOpacity(1);
  }
  void mousePressEvent(QGraphicsSceneMouseEvent* event) override {
    if (event->button() == Qt::LeftButton) view_->choose(stage_);
    else event->ignore();
  }
  void mouseDoubleClickEvent(QGraphicsSceneMouseEvent*) override { view_->open_stage(stage_); }

 private:
  TopologyView* view_;
  int stage_;
};

TopologyView::TopologyView(Context& context, QWidget* parent) : View(context, "topology", QStringLiteral("Topology"), parent) {
  scene_ = new QGraphicsScene(this);
  scene_->setItemIndexMethod(QGraphicsScene::NoIndex);
  canvas_ = new QGraphicsView(scene_);
  canvas_->setViewportUpdateMode(QGraphicsView::FullViewportUpdate);
  canvas_->setFrameShape(QFrame::NoFrame);
  canvas_->setDragMode(QGraphicsView::ScrollHandDrag);
  canvas_->setTransformationAnchor(QGraphicsView::AnchorUnderMouse);
  canvas_->setAccessibleName(QStringLiteral("Topology: arrows choose a stage, Enter opens it into its shards"));
  canvas_->installEventFilter(this);
  canvas_->viewport()->installEventFilter(this);
  grid_ = new ShardGrid(context, this);
  auto* scroll = new QScrollArea;
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setWidgetResizable(true);
  scroll->setWidget(grid_);
  pages_ = new QStackedWidget;
  pages_->addWidget(canvas_);
  pages_->addWidget(scroll);
  legend_ = new Legend(this);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  column->addWidget(pages_, 1);
  column->addWidget(legend_);
  back_ = new QToolButton;
  back_->setText(QStringLiteral("‹ all stages"));
  back_->setAccessibleName(QStringLiteral("Topology: back to all stages (Esc)"));
  back_->hide();
  connect(back_, &QToolButton::clicked, this, [this] { open_stage(-1); });
  connect(grid_, &ShardGrid::closed, this, [this] { open_stage(-1); });
  connect(&context, &Context::reset, this, [this] { rebuild(); });
  connect(&context, &Context::updated, this, [this] {
    // Ten times a second are enough for a tank; a large topology takes five. The last update is never left out.
    if (!refresh_timer_.isActive()) refresh_timer_.start(stage_items_.size() > 60 ? 200 : 100);
  });
  refresh_timer_.setSingleShot(true);
  connect(&refresh_timer_, &QTimer::timeout, this, [this] { if (isVisible()) refresh(); });
  connect(&context, &Context::link_changed, this, [this] { canvas_->viewport()->update(); grid_->update(); });
  connect(&context.selection, &Selection::changed, this, [this] { canvas_->viewport()->update(); grid_->update(); });
  connect(&context.filters, &Filters::changed, this, [this] { canvas_->viewport()->update(); grid_->update(); });
  connect(&Theme::get(), &Theme::changed, this, [this] {
    canvas_->setBackgroundBrush(Theme::get().colors().panel);
    scene_->invalidate();
  });
  canvas_->setBackgroundBrush(Theme::get().colors().panel);
  rebuild();
}

std::vector<QWidget*> TopologyView::title_controls() { return {back_}; }

QString TopologyView::subtitle() const {
  const auto& node = context_.node();
  if (!node.known()) return {};
  if (opened() >= 0) return QStringLiteral("%1 · %2 shards").arg(node.stage_name(opened()), show_exact(static_cast<std::int64_t>(node.shards_of(opened()).size())));
  return QStringLiteral("%1 · %2 stages").arg(node.hello().topology, show_exact(node.stage_count()));
}

bool TopologyView::dimmed(int stage) const {
  if (context_.filters.empty()) return false;
  const auto& node = context_.node();
  for (const int shard : node.shards_of(stage))
    if (context_.filters.passes_actor(node.shard_name(shard))) return false;
  return true;
}

void TopologyView::rebuild() {
  open_stage(-1);
  rebuild_scene();
  Q_EMIT subtitle_changed();
}

void TopologyView::rebuild_scene() {
  scene_->clear();
  stage_items_.clear();
  edge_items_.clear();
  const auto& node = context_.node();
  stages_.assign(static_cast<std::size_t>(node.stage_count()), {});
  edges_.assign(node.hello().edges.size(), {});
  layout_ = place_in_layers(node.hello());
  look_ = look_for(layout_);
  const double box_height = look_.height, column_gap = look_.gap;
  // Rows as far apart as the place allows at the scale that the width asks for.
  const auto size = canvas_->viewport()->size();
  const double wide = look_.size != Look::roomy || look_.left.empty() ? size.width() : std::max(look_.left.back() + look_.width.back() + 20, size.width() / largest_scale);
  const double least_pitch = box_height + (look_.size == Look::tight ? 2 * caption : 18);
  const double high = wide / std::max(1, size.width()) * size.height() - 28 - box_height - (look_.size == Look::tight ? 2 * caption : 0);
  const double pitch = std::clamp(high / std::max(1, layout_.tallest - 1), least_pitch, least_pitch + 70);
  const auto corner = [&](int stage) {
    const auto& placed = layout_.stages[static_cast<std::size_t>(stage)];
    return QPointF(look_.left[static_cast<std::size_t>(placed.layer)], placed.row * pitch);
  };
  // Edges that come from or go to one box are spread over its side, in the order of their other ends.
  std::vector<std::vector<int>> leaving(stages_.size()), entering(stages_.size());
  for (std::size_t edge = 0; edge < edges_.size(); ++edge) {
    const auto& info = node.hello().edges[edge];
    leaving[static_cast<std::size_t>(info.from)].push_back(static_cast<int>(edge));
    entering[static_cast<std::size_t>(info.to)].push_back(static_cast<int>(edge));
  }
  std::vector<double> from_y(edges_.size()), to_y(edges_.size());
  for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
    const auto order = [&](std::vector<int>& list, bool by_to, std::vector<double>& y) {
      std::sort(list.begin(), list.end(), [&](int a, int b) {
        const auto& x = node.hello().edges[static_cast<std::size_t>(a)];
        const auto& z = node.hello().edges[static_cast<std::size_t>(b)];
        return corner(by_to ? x.to : x.from).y() < corner(by_to ? z.to : z.from).y();
      });
      const double space = std::min(14.0, (box_height - (look_.size == Look::tight ? 6 : 12)) / std::max<double>(1, static_cast<double>(list.size())));
      for (std::size_t at = 0; at < list.size(); ++at)
        y[static_cast<std::size_t>(list[at])] = corner(static_cast<int>(stage)).y() + box_height / 2 + (static_cast<double>(at) - (static_cast<double>(list.size()) - 1) / 2) * space;
    };
    order(leaving[stage], true, from_y);
    order(entering[stage], false, to_y);
  }
  std::vector<QRectF> taken;
  for (int stage = 0; stage < node.stage_count(); ++stage) taken.emplace_back(corner(stage), QSizeF(width_of(stage), box_height));
  const QFontMetricsF metrics(Theme::get().font(-1));
  for (std::size_t edge = 0; edge < edges_.size(); ++edge) {
    const auto& info = node.hello().edges[edge];
    const bool back = layout_.stages[static_cast<std::size_t>(info.from)].layer >= layout_.stages[static_cast<std::size_t>(info.to)].layer;
    const QPointF from(corner(info.from).x() + width_of(info.from), from_y[edge]), to(corner(info.to).x() - (look_.size == Look::tight ? 5 : 7), to_y[edge]);
    QPainterPath path(from);
    if (back) {
      // Around below: it leaves at the right and arrives from the left.
      const double low = std::max(from.y(), to.y()) + box_height * 0.8, round = std::min(40.0, column_gap * 0.75);
      path.cubicTo(from + QPointF(round, 0), QPointF(from.x() + round, low), QPointF(from.x() - round / 2, low));
      path.lineTo(to.x() + round / 2, low);
      path.cubicTo(QPointF(to.x() - round, low), to - QPointF(round, 0), to);
    } else {
      const double half = std::max(column_gap * 0.45, (to.x() - from.x()) / 2);
      path.cubicTo(from + QPointF(half, 0), to - QPointF(half, 0), to);
    }
    QPointF label;
    bool has_label = false;
    if (edges_.size() <= 120 && !info.feedback && look_.size != Look::tight)
      for (const double part : {0.5, 0.4, 0.6, 0.3, 0.7}) {
        label = path.pointAtPercent(part);
        const auto place = pill_rect(metrics, label, QStringLiteral("99.9k"));
        if (std::none_of(taken.begin(), taken.end(), [&](const QRectF& other) { return other.intersects(place); })) {
          taken.push_back(place);
          has_label = true;
          break;
        }
      }
    auto* item = new EdgeItem(this, static_cast<int>(edge), path);
    scene_->addItem(item);
    if (has_label) scene_->addItem(new EdgeLabel(this, static_cast<int>(edge), label));
    edge_items_.push_back(item);
  }
  for (int stage = 0; stage < node.stage_count(); ++stage) {
    auto* item = new StageItem(this, stage);
    item->setPos(corner(stage));
    scene_->addItem(item);
    stage_items_.push_back(item);
  }
  auto bounds = scene_->itemsBoundingRect();
  if (look_.size == Look::tight && !look_.left.empty()) {  // the outer names need no more than their half
    const double over = (look_.width.front() + look_.gap) * overhang;
    bounds.setLeft(-over);
    bounds.setRight(look_.left.back() + look_.width.back() + over);
  }
  scene_->setSceneRect(bounds.adjusted(-10, -10, 10, 10));
  fitted_ = true;
  refresh();
  fit();
}

void TopologyView::refresh() {
  if (pinned()) return;
  const auto& node = context_.node();
  const auto& moment = context_.shown();
  if (moment.shards.size() != static_cast<std::size_t>(node.shard_count()) || stages_.size() != static_cast<std::size_t>(node.stage_count())) return;
  for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
    auto& now = stages_[stage];
    now = StageNow();
    for (const int shard : node.shards_of(static_cast<int>(stage))) {
      const auto& sample = moment.shards[static_cast<std::size_t>(shard)];
      const float fill = node.fill(shard, sample);
      if (!std::isnan(fill)) now.fill = std::isnan(now.fill) ? fill : std::max(now.fill, fill);
      if (sample.depth >= 0) now.depth = (std::isnan(now.depth) ? 0 : now.depth) + static_cast<float>(sample.depth);
      now.restarts += sample.restarts;
      const float rate = node.stage(static_cast<int>(stage)).kind == StageKind::source ? sample.out : sample.in;
      if (!std::isnan(rate)) now.rate = (std::isnan(now.rate) ? 0 : now.rate) + rate;
    }
  }
  node.events().each(context_.range.end_us() - 60 * second_us, context_.range.end_us(), [&](const Event& event) {
    if (event.kind == EventKind::restart && event.shard >= 0) stages_[static_cast<std::size_t>(node.stage_of(event.shard))].restarted = true;
    return true;
  });
  most_rate_ = 1;
  for (std::size_t edge = 0; edge < edges_.size(); ++edge) {
    edges_[edge] = {moment.edges[edge].rate, moment.edges[edge].blocked};
    if (!std::isnan(edges_[edge].rate)) most_rate_ = std::max(most_rate_, edges_[edge].rate);
  }
  canvas_->viewport()->update();
  if (opened() >= 0) grid_->update();
}

TopologyView::Look TopologyView::look_for(const Layout& layout) const {
  const auto& node = context_.node();
  const auto columns = static_cast<std::size_t>(std::max(0, layout.layers));
  const double wide = canvas_->viewport()->width() - 28;
  const auto widths = [&](int points, double around, double least, double most) {
    const QFontMetricsF metrics(Theme::get().font(points, true));
    const double numbers = metrics.horizontalAdvance(QStringLiteral("  99,999"));
    std::vector<double> made(columns, least);
    for (int stage = 0; stage < node.stage_count(); ++stage) {
      auto& width = made[static_cast<std::size_t>(layout.stages[static_cast<std::size_t>(stage)].layer)];
      width = std::max(width, std::min(most, std::ceil(metrics.horizontalAdvance(node.stage_name(stage))) + around));
      // Below the name: its shards and what waits.
      if (node.stage(stage).kind != StageKind::source) width = std::max(width, std::ceil(metrics.horizontalAdvance(QStringLiteral("×%1").arg(node.shards_of(stage).size())) + numbers) + around);
    }
    return made;
  };
  const auto sum = [](const std::vector<double>& of) { return std::accumulate(of.begin(), of.end(), 0.0); };
  const auto place = [](Look look) {
    double x = 0;
    for (const double width : look.width) { look.left.push_back(x); x += width + look.gap; }
    return look;
  };
  const auto gaps = std::max(1.0, static_cast<double>(columns) - 1);
  constexpr double least_gap = 22;
  const auto large = widths(1, 29, 118, 230), small = widths(-2, 23, 52, 170);
  // Large, where that can be read or nothing but an overview is of use; else small ones that fit; else tiny ones.
  const bool crowd = node.stage_count() > 60;
  if (crowd || wide >= 0.85 * (sum(large) + 54 * gaps) || columns <= 1) return place({Look::roomy, 50, 54, {}, large});
  if (wide >= sum(small) + least_gap * gaps) return place({Look::snug, 38, std::min(96.0, (wide - sum(small)) / gaps), {}, small});
  if (wide >= least_scale * (sum(large) + 54 * gaps)) return place({Look::roomy, 50, 54, {}, large});
  const double pitch = std::max(46.0, wide / (static_cast<double>(columns) - 0.3 + 2 * overhang));
  // As high as leaves two lines of names between a row and the next: neighbours' names are at other heights.
  const double room = (canvas_->viewport()->height() - 28 - 2 * caption - (layout.tallest - 1) * 2 * caption) / std::max(1, layout.tallest);
  return place({Look::tight, std::clamp(room, 22.0, 34.0), pitch * 0.3, {}, std::vector<double>(columns, pitch * 0.7)});
}

void TopologyView::fit() {
  if (scene_->sceneRect().isEmpty()) return;
  const auto size = canvas_->viewport()->size();
  const double all = std::min({(size.width() - 8) / scene_->sceneRect().width(), (size.height() - 8) / scene_->sceneRect().height(), largest_scale});
  // Names that can be read matter more than all at once, up to a size where nothing but an overview is of use; the rest is a drag away.
  const double scale = stage_items_.size() > 60 ? all : look_.size == Look::roomy ? std::max(all, least_scale) : std::clamp(all, 0.9, 1.0);
  canvas_->setTransform(QTransform::fromScale(scale, scale));
  if (scale > all) canvas_->centerOn(scene_->sceneRect().left(), scene_->sceneRect().center().y());
  else canvas_->centerOn(scene_->sceneRect().center());
  fitted_ = true;
}

void TopologyView::zoom(double factor) {
  const double now = canvas_->transform().m11();
  if (now * factor < 0.05 || now * factor > 4) return;
  canvas_->scale(factor, factor);
  fitted_ = false;
}

void TopologyView::resizeEvent(QResizeEvent* event) {
  View::resizeEvent(event);
  if (fitted_) QMetaObject::invokeMethod(this, [this] { rebuild_scene(); }, Qt::QueuedConnection);
}

QRect TopologyView::stage_rect(int stage) const {
  const auto* item = stage_items_[static_cast<std::size_t>(stage)];
  return canvas_->mapFromScene(QRectF(item->pos(), QSizeF(width_of(stage), look_.height))).boundingRect();
}

bool TopologyView::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::Wheel && watched == canvas_->viewport()) {
    auto* wheel = static_cast<QWheelEvent*>(event);
    if (wheel->modifiers() & Qt::ControlModifier) {
      zoom(wheel->angleDelta().y() > 0 ? 1.15 : 1 / 1.15);
      return true;
    }
  }
  if (event->type() == QEvent::MouseButtonDblClick && watched == canvas_->viewport()) {
    if (!canvas_->itemAt(static_cast<QMouseEvent*>(event)->pos())) fit();
  }
  if (event->type() == QEvent::Paint && watched == canvas_->viewport() && !context_.node().known()) {
    QPainter painter(canvas_->viewport());
    painter.fillRect(canvas_->viewport()->rect(), Theme::get().colors().panel);
    draw_empty(painter, canvas_->viewport()->rect(), context_.watched().empty() ? QStringLiteral("No node yet. Connect to one (Ctrl+N) or open a recorded session (Ctrl+O).")
                                                                               : QStringLiteral("Waiting for the node's first words."));
    return true;
  }
  if (event->type() == QEvent::ToolTip && watched == canvas_->viewport()) {
    auto* help = static_cast<QHelpEvent*>(event);
    for (int stage = 0; stage < static_cast<int>(stage_items_.size()); ++stage) {
      if (!stage_rect(stage).contains(help->pos())) continue;
      const auto& info = context_.node().stage(stage);
      QToolTip::showText(help->globalPos(), QStringLiteral("%1 (%2)\n%3 shards, mailboxes of %4 events, %5\nfullest mailbox %6, queued %7")
        .arg(info.name, info.type, show_exact(static_cast<std::int64_t>(context_.node().shards_of(stage).size())), show_exact(info.capacity), info.overflow.isEmpty() ? QStringLiteral("–") : info.overflow,
             std::isnan(stages_[static_cast<std::size_t>(stage)].fill) ? QStringLiteral("–") : QStringLiteral("%1 %").arg(static_cast<double>(stages_[static_cast<std::size_t>(stage)].fill) * 100, 0, 'f', 0), show_count(static_cast<double>(stages_[static_cast<std::size_t>(stage)].depth))));
      return true;
    }
    for (auto* item : canvas_->items(help->pos()))
      if (const auto found = std::find(edge_items_.begin(), edge_items_.end(), item); found != edge_items_.end()) {
        const auto edge = static_cast<std::size_t>(found - edge_items_.begin());
        const auto& info = context_.node().hello().edges[edge];
        QToolTip::showText(help->globalPos(), QStringLiteral("%1 to %2%3: %4/s of %5%6").arg(context_.node().stage_name(info.from), context_.node().stage_name(info.to), info.feedback ? QStringLiteral(" (feedback)") : QString(),
          show_rate(static_cast<double>(edges_[edge].rate)), info.events.join(QStringLiteral(", ")), edges_[edge].blocked ? QStringLiteral("\nthe producer waits for credit") : QString()));
        return true;
      }
  }
  if (event->type() == QEvent::KeyPress && watched == canvas_) {
    const auto* key = static_cast<QKeyEvent*>(event);
    if (key->modifiers() == Qt::NoModifier || key->modifiers() == Qt::KeypadModifier) switch (key->key()) {
      case Qt::Key_Left: case Qt::Key_Right: case Qt::Key_Up: case Qt::Key_Down: step(key->key()); return true;
      case Qt::Key_Return: case Qt::Key_Enter: if (context_.selection.stage() >= 0) open_stage(context_.selection.stage()); return true;
      case Qt::Key_Plus: zoom(1.15); return true;
      case Qt::Key_Minus: zoom(1 / 1.15); return true;
      case Qt::Key_0: fit(); return true;
      default: break;
    }
  }
  return View::eventFilter(watched, event);
}

// The nearest stage in that direction.
void TopologyView::step(int key) {
  if (stage_items_.empty()) return;
  const int from = context_.selection.stage();
  if (from < 0) return choose(0);
  const auto origin = stage_items_[static_cast<std::size_t>(from)]->pos();
  int best = -1;
  double best_way = 1e18;
  for (int stage = 0; stage < static_cast<int>(stage_items_.size()); ++stage) {
    const auto way = stage_items_[static_cast<std::size_t>(stage)]->pos() - origin;
    const double along = key == Qt::Key_Left ? -way.x() : key == Qt::Key_Right ? way.x() : key == Qt::Key_Up ? -way.y() : way.y();
    const double across = std::abs(key == Qt::Key_Left || key == Qt::Key_Right ? way.y() : way.x());
    if (stage == from || along < 1) continue;
    if (along + 2 * across < best_way) { best_way = along + 2 * across; best = stage; }
  }
  if (best >= 0) choose(best);
}

void TopologyView::choose(int stage) {
  canvas_->setFocus();
  context_.selection.select_stage(stage);
  canvas_->ensureVisible(stage_items_[static_cast<std::size_t>(stage)], 10, 10);
  canvas_->setAccessibleDescription(QStringLiteral("%1, queued %2").arg(context_.node().stage_name(stage), show_count(static_cast<double>(stages_[static_cast<std::size_t>(stage)].depth))));
}

// An edge's newest trace is shown with it.
void TopologyView::choose_edge(int edge) {
  const auto& node = context_.node();
  const auto& info = node.hello().edges[static_cast<std::size_t>(edge)];
  context_.selection.select_edge(edge);
  const auto& traces = node.traces().traces();
  int looked = 0;
  for (auto trace = traces.rbegin(); trace != traces.rend() && looked < 2'000; ++trace, ++looked)
    for (const auto& span : node.traces().spans(*trace))
      if (span.shard >= 0 && span.from >= 0 && node.stage_of(span.shard) == info.to && node.stage_of(span.from) == info.from)
        return context_.selection.select_trace(*trace);
}

void TopologyView::open_stage(int stage) {
  grid_->show_stage(stage);
  pages_->setCurrentIndex(stage < 0 ? 0 : 1);
  back_->setVisible(stage >= 0);
  if (stage >= 0) grid_->setFocus();
  Q_EMIT subtitle_changed();
}

int TopologyView::opened() const { return pages_->currentIndex() == 1 ? grid_->stage() : -1; }

std::vector<QStringList> TopologyView::rows() const {
  std::vector<QStringList> made{{QStringLiteral("from"), QStringLiteral("to"), QStringLiteral("events_per_s"), QStringLiteral("backpressured"), QStringLiteral("in_flight")}};
  const auto& node = context_.node();
  const auto& moment = context_.shown();
  for (std::size_t edge = 0; edge < node.hello().edges.size(); ++edge) {
    const auto& info = node.hello().edges[edge];
    const auto& sample = moment.edges[edge];
    made.push_back({node.stage_name(info.from), node.stage_name(info.to), std::isnan(sample.rate) ? QString() : QString::number(static_cast<double>(sample.rate), 'f', 1),
                    sample.blocked ? QStringLiteral("yes") : QStringLiteral("no"), sample.in_flight < 0 ? QString() : QString::number(sample.in_flight)});
  }
  return made;
}

// --- the shards of one stage ---

namespace {
constexpr int cell_width = 92, cell_height = 52, cell_gap = 8, grid_top = 12;
}

ShardGrid::ShardGrid(Context& context, QWidget* parent) : QWidget(parent), context_(context) {
  setFocusPolicy(Qt::StrongFocus);
  setAccessibleName(QStringLiteral("Shards of the opened stage: arrows choose one, Esc goes back"));
}

void ShardGrid::show_stage(int stage) {
  stage_ = stage;
  if (stage >= 0) {
    const auto count = static_cast<int>(context_.node().shards_of(stage).size());
    const int per_row = columns();
    setMinimumHeight(grid_top * 2 + (count + per_row - 1) / per_row * (cell_height + cell_gap));
  }
  update();
}

int ShardGrid::columns() const { return std::max(1, (std::max(width(), 300) - 16) / (cell_width + cell_gap)); }

QRect ShardGrid::cell(int place) const {
  return {12 + place % columns() * (cell_width + cell_gap), grid_top + place / columns() * (cell_height + cell_gap), cell_width, cell_height};
}

int ShardGrid::at(const QPoint& point) const {
  if (stage_ < 0) return -1;
  const auto& shards = context_.node().shards_of(stage_);
  for (int place = 0; place < static_cast<int>(shards.size()); ++place)
    if (cell(place).contains(point)) return shards[static_cast<std::size_t>(place)];
  return -1;
}

void ShardGrid::paintEvent(QPaintEvent* event) {
  const auto& theme = Theme::get();
  const auto& c = theme.colors();
  QPainter painter(this);
  painter.fillRect(rect(), c.panel);
  const auto& node = context_.node();
  if (stage_ < 0 || stage_ >= node.stage_count()) return;
  const auto& shards = node.shards_of(stage_);
  const auto& moment = context_.shown();
  for (int place = 0; place < static_cast<int>(shards.size()); ++place) {
    const auto box = cell(place);
    if (!event->rect().intersects(box)) continue;
    const int shard = shards[static_cast<std::size_t>(place)];
    const auto& sample = moment.shards[static_cast<std::size_t>(shard)];
    const float fill = node.fill(shard, sample);
    const bool selected = context_.selection.shard() == shard;
    painter.setOpacity(context_.filters.passes_actor(node.shard_name(shard)) ? 1 : 0.35);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(selected ? QPen(c.accent, 2) : QPen(!std::isnan(fill) && fill >= 0.6f && !node.stale() ? theme.fill(fill) : c.border, 1));
    painter.setBrush(selected ? c.accent_soft : c.raised);
    painter.drawRoundedRect(QRectF(box).adjusted(1, 1, -1, -1), 4, 4);
    draw_tank(painter, QRectF(box.left() + 7, box.top() + 8, 7, box.height() - 16), fill, node.stale() ? c.faint : theme.fill(fill));
    painter.setPen(c.text);
    painter.setFont(theme.font(-1, true));
    draw_text(painter, QRectF(box.left() + 21, box.top() + 6, box.width() - 40, 18), Qt::AlignVCenter, QStringLiteral("/%1").arg(node.hello().shards[static_cast<std::size_t>(shard)].number));
    painter.setFont(theme.font(-2));
    painter.setPen(c.secondary);
    draw_text(painter, QRectF(box.left() + 21, box.top() + 27, box.width() - 27, 16), Qt::AlignVCenter,
              node.stage(stage_).kind == StageKind::source ? QStringLiteral("%1/s").arg(show_rate(static_cast<double>(sample.out))) : show_exact(sample.depth));
    draw_state(painter, QPointF(box.right() - 12, box.top() + 15), sample.state);
    painter.setOpacity(1);
  }
}

void ShardGrid::mousePressEvent(QMouseEvent* event) {
  setFocus();
  if (const int shard = at(event->pos()); shard >= 0) context_.selection.select_shard(stage_, shard);
}

bool ShardGrid::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip) {
    auto* help = static_cast<QHelpEvent*>(event);
    if (const int shard = at(help->pos()); shard >= 0) {
      const auto& sample = context_.shown().shards[static_cast<std::size_t>(shard)];
      QToolTip::showText(help->globalPos(), QStringLiteral("%1: %2\nqueued %3, in %4/s, out %5/s, wait p99 %6").arg(context_.node().shard_name(shard), state_text(sample.state), show_exact(sample.depth),
        show_rate(static_cast<double>(sample.in)), show_rate(static_cast<double>(sample.out)), show_span(static_cast<double>(sample.wait_p99_us))));
    }
    return true;
  }
  if (event->type() == QEvent::Resize && stage_ >= 0) show_stage(stage_);
  return QWidget::event(event);
}

void ShardGrid::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Escape) return Q_EMIT closed();
  if (stage_ < 0) return event->ignore();
  const auto& shards = context_.node().shards_of(stage_);
  const auto found = std::find(shards.begin(), shards.end(), context_.selection.shard());
  int place = found == shards.end() ? -1 : static_cast<int>(found - shards.begin());
  switch (event->key()) {
    case Qt::Key_Right: ++place; break;
    case Qt::Key_Left: --place; break;
    case Qt::Key_Down: place = place < 0 ? 0 : place + columns(); break;
    case Qt::Key_Up: place -= columns(); break;
    default: return event->ignore();
  }
  if (place < 0 || place >= static_cast<int>(shards.size())) return;
  context_.selection.select_shard(stage_, shards[static_cast<std::size_t>(place)]);
}

}  // namespace mailroom::dashboard
