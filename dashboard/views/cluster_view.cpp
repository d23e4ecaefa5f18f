#include "dashboard/views/cluster_view.hpp"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QToolTip>
#include <cmath>

#include "dashboard/theme/paint.hpp"

namespace mailroom::dashboard {

namespace {
constexpr int header = 28, name_width = 120, load_width = 84, right_width = 168, gap = 3, group_gap = 9, caption = 13;
float load_of(const NodeModel& node) {
  int busy = 0, counted = 0;
  for (int shard = 0; shard < node.shard_count(); ++shard) {
    const auto& sample = node.now().shards[static_cast<std::size_t>(shard)];
    if (node.stage(node.stage_of(shard)).kind == StageKind::source || sample.state == ShardState::unknown) continue;
    ++counted;
    const float fill = node.fill(shard, sample);
    if (!std::isnan(fill) && fill >= 0.6f) ++busy;
  }
  return counted == 0 ? not_known : static_cast<float>(busy) / static_cast<float>(counted);
}
}  // namespace

ClusterView::ClusterView(Context& context, QWidget* parent) : View(context, "cluster", QStringLiteral("Cluster"), parent) {
  setFocusPolicy(Qt::StrongFocus);
  setAccessibleName(QStringLiteral("Cluster: nodes and their shards; arrows choose a shard"));
  connect(&context, &Context::tables_due, this, [this] { if (isVisible() && !pinned()) { update(); Q_EMIT subtitle_changed(); } });
  connect(&context, &Context::nodes_changed, this, [this] { update(); Q_EMIT subtitle_changed(); });
  connect(&context, &Context::link_changed, this, [this] { update(); });
  connect(&context.selection, &Selection::changed, this, [this] { update(); });
  connect(&context.filters, &Filters::changed, this, [this] { update(); });
  connect(&Theme::get(), &Theme::changed, this, [this] { update(); });
}

QString ClusterView::subtitle() const {
  std::int64_t shards = unknown_value;
  for (const auto& watched : context_.watched())
    if (watched.node->known()) shards = std::max<std::int64_t>(0, shards) + watched.node->shard_count();
  return context_.watched().empty() ? QString() : QStringLiteral("%1 node%2 watched · %3 shards").arg(context_.watched().size()).arg(context_.watched().size() == 1 ? QString() : QStringLiteral("s")).arg(show_exact(shards));
}

const std::vector<ClusterView::Row>& ClusterView::layout() const {
  std::vector<std::int64_t> wanted{width(), height()};
  for (const auto& watched : context_.watched()) {
    wanted.push_back(watched.node->hello().started_us);
    wanted.push_back(watched.node->shard_count());
    wanted.push_back(watched.node->stage_count());
  }
  if (wanted == laid_out_for_) return rows_;
  laid_out_for_ = std::move(wanted);
  rows_.clear();
  int top = header;
  const int each = std::max(60, (height() - header) / std::max<int>(1, static_cast<int>(context_.watched().size())));
  for (const auto& watched : context_.watched()) {
    auto& row = rows_.emplace_back();
    row.area = QRect(0, top, width(), 0);
    place(*watched.node, row, each - 12);
    int bottom = top + 52;
    for (const auto& corner : row.corners) bottom = std::max(bottom, corner.y() + row.cell + 8);
    row.area.setBottom(bottom);
    top = bottom + 1;
  }
  return rows_;
}

// The largest cells with which all fit, in groups if they can be told apart; below 8 pixels the rest is counted in words.
void ClusterView::place(const NodeModel& node, Row& row, int height) const {
  const int left = 12 + name_width + load_width, wide = std::max(60, width() - left - right_width);
  const QFontMetrics metrics(Theme::get().font(-3));
  for (int cell = 26; cell >= 15; --cell) {
    row.cell = cell;
    row.corners.assign(static_cast<std::size_t>(node.shard_count()), {});
    row.captions.clear();
    int x = 0, y = row.area.top() + 4 + caption;
    for (int stage = 0; stage < node.stage_count(); ++stage) {
      const auto& shards = node.shards_of(stage);
      if (shards.empty()) continue;
      const int cells = static_cast<int>(shards.size()) * (cell + gap) - gap;
      const int least = std::max(std::min(cells, wide), std::min(metrics.horizontalAdvance(node.stage_name(stage)) + 2, 64));
      if (x > 0 && x + least > wide) x = 0, y += caption + cell + gap;
      row.captions.emplace_back(QRect(left + x, y - caption, std::min(std::max(cells, least), wide - x), caption), stage);
      const int begin = x;
      for (const int shard : shards) {
        if (x > 0 && x + cell > wide) x = 0, y += caption + cell + gap;
        row.corners[static_cast<std::size_t>(shard)] = QPoint(left + x, y);
        x += cell + gap;
      }
      x = std::max(x - gap, begin + least) + group_gap;
    }
    if (y + cell - row.area.top() <= height) return;
  }
  row.captions.clear();
  int per_row = 1;
  for (row.cell = 24; row.cell > 8; --row.cell) {
    per_row = std::max(1, wide / (row.cell + gap));
    if ((node.shard_count() + per_row - 1) / per_row * (row.cell + gap) <= height) break;
  }
  per_row = std::max(1, wide / (row.cell + gap));
  const int rows = std::max(1, std::min((node.shard_count() + per_row - 1) / per_row, height / (row.cell + gap)));
  row.corners.resize(static_cast<std::size_t>(std::min(node.shard_count(), rows * per_row)));
  for (int at = 0; at < static_cast<int>(row.corners.size()); ++at)
    row.corners[static_cast<std::size_t>(at)] = QPoint(left + at % per_row * (row.cell + gap), row.area.top() + 8 + at / per_row * (row.cell + gap));
}

QRect ClusterView::cell(int shard) const {
  const int shown = context_.shown_index();
  if (shown < 0 || shard < 0) return {};
  const auto& row = layout()[static_cast<std::size_t>(shown)];
  if (shard >= static_cast<int>(row.corners.size())) return {};
  return {row.corners[static_cast<std::size_t>(shard)], QSize(row.cell, row.cell)};
}

QRect ClusterView::skew_area(int top, int high) const { return {width() - 96, top, 86, high}; }

void ClusterView::paintEvent(QPaintEvent*) {
  const auto& theme = Theme::get();
  const auto& c = theme.colors();
  QPainter painter(this);
  painter.fillRect(rect(), c.panel);
  const auto heard_column = [&](int high) { return QRect(width() - right_width, 0, 62, high); };
  if (context_.watched().empty()) return draw_empty(painter, rect(), QStringLiteral("No node yet. Connect to one (Ctrl+N)."));
  painter.setFont(theme.font(-2));
  painter.setPen(c.secondary);
  const int cells_left = 12 + name_width + load_width;
  painter.drawText(QRect(12, 0, name_width, header), Qt::AlignVCenter, QStringLiteral("Node"));
  painter.drawText(QRect(12 + name_width, 0, load_width, header), Qt::AlignVCenter, QStringLiteral("Over 60 %"));
  draw_text(painter, QRect(cells_left, 0, width() - cells_left - right_width, header), Qt::AlignVCenter, QStringLiteral("Shards (level and colour = mailbox fill)"));
  painter.drawText(heard_column(header), Qt::AlignVCenter | Qt::AlignRight, QStringLiteral("Heard"));
  painter.drawText(skew_area(0, header), Qt::AlignVCenter | Qt::AlignRight, QStringLiteral("Skew − delay"));
  painter.setPen(c.border);
  painter.drawLine(0, header - 1, width(), header - 1);
  for (std::size_t at = 0; at < context_.watched().size(); ++at) {
    const auto& watched = context_.watched()[at];
    const auto& node = *watched.node;
    const auto& of = layout()[at];
    const bool shown = static_cast<int>(at) == context_.shown_index();
    const bool stale = node.stale();
    painter.setPen(shown ? c.text : c.secondary);
    painter.setFont(theme.font(0, true));
    draw_text(painter, QRect(12, of.area.top() + 8, name_width - 8, 18), Qt::AlignVCenter, node.known() ? node.hello().node : QStringLiteral("–"));
    painter.setFont(theme.font(-2));
    painter.setPen(c.secondary);
    draw_text(painter, QRect(12, of.area.top() + 26, name_width - 8, 16), Qt::AlignVCenter, watched.source->name());
    const float load = load_of(node);
    const auto load_color = stale ? c.faint : std::isnan(load) ? c.faint : load > 0.25f ? c.vermilion : load > 0 ? c.amber : c.normal;
    draw_bar(painter, QRectF(12 + name_width, of.area.top() + 15, load_width - 20, 6), load, load_color);
    painter.setPen(load_color == c.normal ? c.secondary : load_color);
    painter.drawText(QRect(12 + name_width, of.area.top() + 26, load_width - 16, 16), Qt::AlignVCenter, std::isnan(load) ? QStringLiteral("–") : load <= 0 ? QStringLiteral("none") : QStringLiteral("%1 % of them").arg(static_cast<double>(load) * 100, 0, 'f', load < 0.1f ? 1 : 0));
    const auto& moment = shown ? context_.shown() : node.now();
    painter.setFont(theme.font(-3));
    for (const auto& [place, stage] : of.captions) {
      painter.setPen(shown && context_.selection.stage() == stage ? c.accent : c.secondary);
      draw_text(painter, place, Qt::AlignLeft | Qt::AlignVCenter, node.stage_name(stage));
    }
    for (int shard = 0; shard < static_cast<int>(of.corners.size()); ++shard) {
      const QRect box(of.corners[static_cast<std::size_t>(shard)], QSize(of.cell, of.cell));
      const auto& sample = moment.shards[static_cast<std::size_t>(shard)];
      const float fill = node.fill(shard, sample);
      const bool selected = shown && context_.selection.shard() == shard;
      const bool of_stage = shown && context_.selection.shard() < 0 && context_.selection.stage() >= 0 && node.stage_of(shard) == context_.selection.stage();
      const auto color = stale ? c.faint : theme.fill(fill);
      painter.setOpacity(context_.filters.passes_actor(node.shard_name(shard)) ? 1 : 0.3);
      painter.fillRect(box, c.raised);
      if (!std::isnan(fill)) {
        auto level = box;
        level.setTop(box.bottom() + 1 - std::max(1, static_cast<int>(std::lround(static_cast<double>(fill) * box.height()))));
        auto soft = color;
        soft.setAlphaF(fill >= 0.6f ? 0.9 : 0.6);
        painter.fillRect(level, soft);
      }
      painter.setPen(selected ? QPen(c.accent, 2) : QPen(of_stage ? c.accent : !std::isnan(fill) && fill >= 0.6f ? color : c.border, 1));
      painter.drawRect(box.adjusted(0, 0, -1, -1));
      if (of.cell >= 17) {
        painter.setPen(!std::isnan(fill) && fill > 0.85f && !stale ? (theme.dark() ? c.window : QColor(Qt::white)) : c.text);
        painter.setFont(theme.font(-3));
        painter.drawText(box, Qt::AlignCenter, QString::number(node.hello().shards[static_cast<std::size_t>(shard)].number));
      }
      painter.setOpacity(1);
    }
    painter.setFont(theme.font(-2));
    if (static_cast<int>(of.corners.size()) < node.shard_count()) {
      painter.setPen(c.amber);
      painter.drawText(QRect(width() - right_width, of.area.bottom() - 18, right_width - 10, 16), Qt::AlignRight | Qt::AlignVCenter, QStringLiteral("+ %1 more").arg(show_exact(node.shard_count() - static_cast<int>(of.corners.size()))));
    }
    painter.setPen(stale ? c.vermilion : c.secondary);
    const bool is_session = watched.source->kind() == Source::Kind::session || node.link().state == LinkState::complete;
    painter.drawText(heard_column(18).translated(0, of.area.top() + 8), Qt::AlignVCenter | Qt::AlignRight, is_session || !node.known() ? QStringLiteral("–") : QStringLiteral("%1 ms").arg(node.age_s() * 1000, 0, 'f', 0));
    painter.setPen(c.secondary);
    // The newest gauges' time against this machine's clock when they came: by so much the node's clock is ahead, less the time
    // that they were under way. The one can't be told from the other without asking back.
    QString skew = QStringLiteral("–");
    if (watched.source->kind() == Source::Kind::live && node.known() && !stale) {
      const double off = static_cast<double>(node.now_us() - QDateTime::currentMSecsSinceEpoch() * 1000) / 1000;
      skew = std::abs(off) < 60'000 ? QStringLiteral("%1%2 ms").arg(off >= 0 ? QStringLiteral("+") : QStringLiteral("−")).arg(std::abs(off), 0, 'f', 0) : QStringLiteral("> 1 min");
    }
    painter.drawText(skew_area(of.area.top() + 8, 18), Qt::AlignVCenter | Qt::AlignRight, skew);
    painter.setPen(c.border);
    painter.drawLine(12, of.area.bottom(), width() - 12, of.area.bottom());
  }
}

std::pair<int, int> ClusterView::at(const QPoint& point) const {
  for (std::size_t node = 0; node < layout().size(); ++node) {
    const auto& of = rows_[node];
    if (!of.area.contains(point)) continue;
    for (std::size_t shard = 0; shard < of.corners.size(); ++shard)
      if (QRect(of.corners[shard], QSize(of.cell, of.cell)).contains(point)) return {static_cast<int>(node), static_cast<int>(shard)};
    return {static_cast<int>(node), -1};
  }
  return {-1, -1};
}

void ClusterView::mousePressEvent(QMouseEvent* event) {
  setFocus();
  const auto [node, shard] = at(event->pos());
  if (node < 0) return;
  if (node != context_.shown_index()) context_.show(static_cast<std::size_t>(node));
  if (shard >= 0) context_.selection.select_shard(context_.node().stage_of(shard), shard);
}

void ClusterView::keyPressEvent(QKeyEvent* event) {
  const int shown = context_.shown_index();
  if (shown < 0) return View::keyPressEvent(event);
  int shard = context_.selection.shard();
  const auto& corners = layout()[static_cast<std::size_t>(shown)].corners;
  // The cell of the next line that is nearest.
  const auto line = [&](int way) {
    if (shard < 0 || shard >= static_cast<int>(corners.size())) return corners.empty() ? -1 : 0;
    const auto from = corners[static_cast<std::size_t>(shard)];
    int best = shard;
    for (int at = 0; at < static_cast<int>(corners.size()); ++at) {
      const auto to = corners[static_cast<std::size_t>(at)];
      if ((to.y() - from.y()) * way <= 0) continue;
      const auto& old = corners[static_cast<std::size_t>(best)];
      const auto far = [&](const QPoint& point) { return std::pair(std::abs(point.y() - from.y()), std::abs(point.x() - from.x())); };
      if (best == shard || far(to) < far(old)) best = at;
    }
    return best;
  };
  switch (event->key()) {
    case Qt::Key_Right: ++shard; break;
    case Qt::Key_Left: --shard; break;
    case Qt::Key_Down: shard = line(1); break;
    case Qt::Key_Up: shard = line(-1); break;
    default: return View::keyPressEvent(event);
  }
  if (shard >= 0 && shard < context_.node().shard_count()) context_.selection.select_shard(context_.node().stage_of(shard), shard);
}

bool ClusterView::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip) {
    auto* help = static_cast<QHelpEvent*>(event);
    if (help->x() >= skew_area(0, 0).left() - 10) {
      QToolTip::showText(help->globalPos(), QStringLiteral("The node's clock against this machine's, less the time that its frame took to come:\nclock skew and network delay together. −12 ms is a node 12 ms behind, or a way of 12 ms, or both.\nCompare times of two nodes only as far as this allows."));
      return true;
    }
    const auto [node, shard] = at(help->pos());
    if (node >= 0 && shard >= 0) {
      const auto& of = *context_.watched()[static_cast<std::size_t>(node)].node;
      QToolTip::showText(help->globalPos(), QStringLiteral("%1 on %2: queued %3").arg(of.shard_name(shard), of.hello().node, show_exact(of.now().shards[static_cast<std::size_t>(shard)].depth)));
    } else QToolTip::hideText();
    return true;
  }
  return View::event(event);
}

std::vector<QStringList> ClusterView::rows() const {
  std::vector<QStringList> made{{QStringLiteral("node"), QStringLiteral("address"), QStringLiteral("shard"), QStringLiteral("depth"), QStringLiteral("fill")}};
  for (const auto& watched : context_.watched()) {
    const auto& node = *watched.node;
    for (int shard = 0; shard < node.shard_count(); ++shard) {
      const auto& sample = node.now().shards[static_cast<std::size_t>(shard)];
      const float fill = node.fill(shard, sample);
      made.push_back({node.hello().node, watched.source->name(), node.shard_name(shard), sample.depth < 0 ? QString() : QString::number(sample.depth), std::isnan(fill) ? QString() : QString::number(static_cast<double>(fill), 'f', 3)});
    }
  }
  return made;
}

}  // namespace mailroom::dashboard
