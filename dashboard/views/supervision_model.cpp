#include "dashboard/views/supervision_model.hpp"

#include "dashboard/theme/theme.hpp"

namespace mailroom::dashboard {

QModelIndex SupervisionModel::index(int row, int column, const QModelIndex& parent) const {
  if (row < 0 || column < 0 || column >= column_count || row >= rowCount(parent)) return {};
  if (!parent.isValid()) return createIndex(row, column, quintptr(0));
  if (parent.internalId() == 0) return createIndex(row, column, quintptr(1));
  return createIndex(row, column, quintptr(2 + parent.row()));
}

QModelIndex SupervisionModel::parent(const QModelIndex& index) const {
  if (!index.isValid() || index.internalId() == 0) return {};
  if (index.internalId() == 1) return createIndex(0, 0, quintptr(0));
  return createIndex(static_cast<int>(index.internalId() - 2), 0, quintptr(1));
}

int SupervisionModel::rowCount(const QModelIndex& parent) const {
  const auto& node = context_.node();
  if (parent.column() > 0) return 0;
  if (stage_marks_.empty()) return 0;
  if (!parent.isValid()) return 1;
  if (parent.internalId() == 0) return node.stage_count();
  if (parent.internalId() == 1) return static_cast<int>(node.shards_of(parent.row()).size());
  return 0;
}

int SupervisionModel::stage_of(const QModelIndex& index) const {
  return !index.isValid() || index.internalId() == 0 ? -1 : index.internalId() == 1 ? index.row() : static_cast<int>(index.internalId() - 2);
}
int SupervisionModel::shard_of(const QModelIndex& index) const {
  return !index.isValid() || index.internalId() < 2 ? -1 : context_.node().shards_of(stage_of(index))[static_cast<std::size_t>(index.row())];
}
QModelIndex SupervisionModel::stage_index(int stage, int column) const { return stage < 0 ? QModelIndex() : createIndex(stage, column, quintptr(1)); }
QModelIndex SupervisionModel::shard_index(int shard, int column) const {
  return shard < 0 ? QModelIndex() : createIndex(place_[static_cast<std::size_t>(shard)], column, quintptr(2 + context_.node().stage_of(shard)));
}

const std::vector<SupervisionModel::Mark>& SupervisionModel::marks(const QModelIndex& index) const {
  if (const int shard = shard_of(index); shard >= 0) return shard_marks_[static_cast<std::size_t>(shard)];
  if (const int stage = stage_of(index); stage >= 0) return stage_marks_[static_cast<std::size_t>(stage)];
  return topology_marks_;
}

bool SupervisionModel::failing(const QModelIndex& index) const {
  if (!marks(index).empty()) return true;
  const int shard = shard_of(index);
  if (shard < 0) return false;
  const auto& moment = context_.shown();
  const auto state = moment.shards[static_cast<std::size_t>(shard)].state;
  return state == ShardState::restarting || state == ShardState::stuck || state == ShardState::stopped;
}

void SupervisionModel::rebuild() {
  beginResetModel();
  const auto& node = context_.node();
  stage_marks_.assign(static_cast<std::size_t>(node.stage_count()), {});
  shard_marks_.assign(static_cast<std::size_t>(node.shard_count()), {});
  topology_marks_.clear();
  place_.assign(static_cast<std::size_t>(node.shard_count()), 0);
  for (int stage = 0; stage < node.stage_count(); ++stage) {
    int place = 0;
    for (const int shard : node.shards_of(stage)) place_[static_cast<std::size_t>(shard)] = place++;
  }
  endResetModel();
}

void SupervisionModel::refresh() {
  const auto& node = context_.node();
  if (stage_marks_.size() != static_cast<std::size_t>(node.stage_count())) return;
  for (auto* of : {&stage_marks_, &shard_marks_}) for (auto& list : *of) list.clear();
  topology_marks_.clear();
  node.events().each(context_.range.begin_us(), context_.range.end_us(), [&](const Event& event) {
    if (event.kind != EventKind::restart && event.kind != EventKind::escalate) return true;
    Mark mark{event.at_us, std::max<Micros>(0, event.delay_us), event.kind == EventKind::escalate, event.text};
    if (event.shard >= 0) {
      shard_marks_[static_cast<std::size_t>(event.shard)].push_back(mark);
      stage_marks_[static_cast<std::size_t>(node.stage_of(event.shard))].push_back(mark);
    } else if (event.stage >= 0) stage_marks_[static_cast<std::size_t>(event.stage)].push_back(mark);
    else topology_marks_.push_back(mark);
    return true;
  });
  if (rowCount() > 0) Q_EMIT dataChanged(index(0, timeline), index(0, restarts));
}

QVariant SupervisionModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const auto& node = context_.node();
  const int stage = stage_of(index), shard = shard_of(index);
  if (role != Qt::DisplayRole && role != Qt::ToolTipRole && role != Qt::AccessibleTextRole) return {};
  switch (index.column()) {
    case supervisor: return shard >= 0 ? node.shard_name(shard) : stage >= 0 ? node.stage_name(stage) : node.hello().topology;
    case policy: {
      if (shard >= 0) return {};
      const auto& of = stage >= 0 ? node.stage(stage).supervision : node.hello().supervision;
      if (!of) return stage >= 0 ? QStringLiteral("as above") : QStringLiteral("–");
      auto strategy = of->strategy;
      strategy.replace(u'_', u'-');
      int used = 0;
      for (const auto& mark : marks(index))
        if (!mark.escalated && mark.at_us > context_.range.end_us() - std::max<Micros>(0, of->within_us)) ++used;
      return QStringLiteral("%1 · %2 of %3 in %4").arg(strategy, QString::number(used), show_exact(of->restarts), show_span(static_cast<double>(of->within_us)).remove(QStringLiteral(".0")));
    }
    case timeline: {
      if (role == Qt::DisplayRole) return {};
      QStringList lines;
      for (const auto& mark : marks(index)) lines << QStringLiteral("%1 %2: %3").arg(show_clock(mark.at_us, true), mark.escalated ? QStringLiteral("escalated") : QStringLiteral("restarted"), mark.text);
      return lines.isEmpty() ? QStringLiteral("no restart in the shown time") : lines.join(u'\n');
    }
    case restarts: {
      std::int64_t count = 0;
      const auto& moment = context_.shown();
      if (moment.shards.size() != shard_marks_.size()) return QStringLiteral("–");
      if (shard >= 0) count = moment.shards[static_cast<std::size_t>(shard)].restarts;
      else if (stage >= 0) for (const int each : node.shards_of(stage)) count += moment.shards[static_cast<std::size_t>(each)].restarts;
      else for (const auto& each : moment.shards) count += each.restarts;
      return moment.at_us < 0 ? QStringLiteral("–") : show_exact(count);
    }
    default: return {};
  }
}

QVariant SupervisionModel::headerData(int section, Qt::Orientation orientation, int role) const {
  constexpr const char* names[] = {"Supervisor", "Policy · budget used", "", "Restarts"};
  if (orientation != Qt::Horizontal || section < 0 || section >= column_count) return {};
  if (role == Qt::TextAlignmentRole && section == restarts) return QVariant::fromValue(Qt::AlignRight | Qt::AlignVCenter);
  if (role == Qt::TextAlignmentRole) return QVariant::fromValue(Qt::AlignLeft | Qt::AlignVCenter);
  if (role == Qt::AccessibleTextRole && section == timeline) return QStringLiteral("Timeline");
  return role == Qt::DisplayRole ? QVariant(QString::fromUtf8(names[section])) : QVariant();
}

}  // namespace mailroom::dashboard
