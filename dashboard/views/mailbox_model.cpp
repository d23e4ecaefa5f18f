#include "dashboard/views/mailbox_model.hpp"

#include <cmath>
#include <numeric>

#include "dashboard/theme/theme.hpp"

namespace mailroom::dashboard {

MailboxModel::MailboxModel(Context& context, QObject* parent) : QAbstractTableModel(parent), context_(context) { rebuild(); }

void MailboxModel::rebuild() {
  beginResetModel();
  const auto& node = context_.node();
  names_.clear();
  for (int shard = 0; shard < node.shard_count(); ++shard) names_.push_back(node.shard_name(shard));
  samples_.assign(names_.size(), ShardSample());
  order_.clear();
  row_of_.assign(names_.size(), -1);
  endResetModel();
  refresh();
  arrange();
}

float MailboxModel::fill(int shard) const { return context_.node().fill(shard, sample(shard)); }

void MailboxModel::refresh() {
  const auto& moment = context_.shown();
  if (moment.shards.size() != samples_.size()) return;
  at_us_ = context_.range.end_us();
  samples_ = moment.shards;
  if (!order_.empty()) Q_EMIT dataChanged(index(0, mailbox), index(static_cast<int>(order_.size()) - 1, column_count - 1));
}

double MailboxModel::clear_s(const ShardSample& sample) const {
  if (sample.depth < 0 || std::isnan(sample.in) || std::isnan(sample.out)) return std::nan("");
  if (sample.depth == 0) return 0;
  const double falls = static_cast<double>(sample.out) - static_cast<double>(sample.in);
  if (falls <= 0.01 * static_cast<double>(sample.out)) return falls < -0.02 * static_cast<double>(sample.in) ? 2e9 : 1e9;  // growing; steady
  return sample.depth / falls;
}

double MailboxModel::number(int shard, int column) const {
  const auto& of = sample(shard);
  switch (column) {
    case mailbox: { const auto value = fill(shard); return std::isnan(value) ? -1 : static_cast<double>(value); }
    case depth: case minute: return context_.node().stage(context_.node().stage_of(shard)).kind == StageKind::source ? -1 : of.depth;  // it has none
    case in: return std::isnan(of.in) ? -1 : static_cast<double>(of.in);
    case out: return std::isnan(of.out) ? -1 : static_cast<double>(of.out);
    case wait: return std::isnan(of.wait_p99_us) ? -1 : static_cast<double>(of.wait_p99_us);
    case clear: { const auto value = clear_s(of); return std::isnan(value) ? -1 : value; }
    case state: {
      constexpr int weight[] = {0, 1, 6, 5, 8, 9, 7, 2, 4, -1};
      return weight[static_cast<std::size_t>(of.state)];
    }
    default: return shard;
  }
}

void MailboxModel::arrange() {
  std::vector<int> wanted;
  for (int shard = 0; shard < total(); ++shard) {
    if (only_filled_ && sample(shard).depth <= 0) continue;
    if (!context_.filters.empty() && !context_.filters.passes_actor(names_[static_cast<std::size_t>(shard)])) continue;
    wanted.push_back(shard);
  }
  // Keys once, not once a comparison.
  std::vector<double> keys(samples_.size());
  for (const int shard : wanted) keys[static_cast<std::size_t>(shard)] = number(shard, sort_column_);
  const bool up = sort_order_ == Qt::AscendingOrder;
  std::sort(wanted.begin(), wanted.end(), [&](int a, int b) {
    const double x = keys[static_cast<std::size_t>(a)], y = keys[static_cast<std::size_t>(b)];
    return x == y ? a < b : up ? x < y : x > y;
  });
  if (wanted == order_) return;
  const int before = static_cast<int>(order_.size()), after = static_cast<int>(wanted.size());
  // The number of rows changes at the end; then the rows change places.
  if (after > before) {
    beginInsertRows({}, before, after - 1);
    std::vector<char> there(samples_.size(), 0);
    for (const int shard : order_) there[static_cast<std::size_t>(shard)] = 1;
    for (const int shard : wanted)
      if (!there[static_cast<std::size_t>(shard)] && static_cast<int>(order_.size()) < after) order_.push_back(shard);
    endInsertRows();
  } else if (after < before) {
    // Those that stay move to the front first, so that the ones removed are the ones that went.
    Q_EMIT layoutAboutToBeChanged();
    std::vector<char> stays(samples_.size(), 0);
    for (const int shard : wanted) stays[static_cast<std::size_t>(shard)] = 1;
    const auto old = order_;
    std::stable_partition(order_.begin(), order_.end(), [&](int shard) { return stays[static_cast<std::size_t>(shard)]; });
    for (std::size_t row = 0; row < order_.size(); ++row) row_of_[static_cast<std::size_t>(order_[row])] = static_cast<int>(row);
    for (const auto& held : persistentIndexList()) changePersistentIndex(held, index(row_of_[static_cast<std::size_t>(old[static_cast<std::size_t>(held.row())])], held.column()));
    Q_EMIT layoutChanged();
    beginRemoveRows({}, after, before - 1);
    for (int row = after; row < before; ++row) row_of_[static_cast<std::size_t>(order_[static_cast<std::size_t>(row)])] = -1;
    order_.resize(static_cast<std::size_t>(after));
    endRemoveRows();
  }
  Q_EMIT layoutAboutToBeChanged({}, QAbstractItemModel::VerticalSortHint);
  const auto old = std::exchange(order_, std::move(wanted));
  std::fill(row_of_.begin(), row_of_.end(), -1);
  for (std::size_t row = 0; row < order_.size(); ++row) row_of_[static_cast<std::size_t>(order_[row])] = static_cast<int>(row);
  for (const auto& held : persistentIndexList()) {
    const int row = row_of_[static_cast<std::size_t>(old[static_cast<std::size_t>(held.row())])];
    changePersistentIndex(held, row < 0 ? QModelIndex() : index(row, held.column()));
  }
  Q_EMIT layoutChanged({}, QAbstractItemModel::VerticalSortHint);
}

void MailboxModel::sort(int column, Qt::SortOrder order) {
  sort_column_ = column;
  sort_order_ = order;
  arrange();
}

void MailboxModel::set_only_filled(bool only) {
  only_filled_ = only;
  arrange();
}

int MailboxModel::row_of(int shard) const { return shard < 0 || shard >= total() ? -1 : row_of_[static_cast<std::size_t>(shard)]; }

QVariant MailboxModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= rowCount()) return {};
  const int shard = shard_at(index.row());
  const auto& of = sample(shard);
  if (role == Qt::TextAlignmentRole) {
    const bool right = index.column() == depth || (index.column() >= in && index.column() <= clear);
    return QVariant::fromValue((right ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
  }
  if (role == Qt::ForegroundRole) {
    const auto& theme = Theme::get();
    if (context_.node().stale()) return theme.colors().faint;
    if (index.column() == depth || index.column() == wait) {
      const float full = fill(shard);
      if (!std::isnan(full) && full >= 0.6f) return theme.fill(full);
    }
    if (index.column() == state) return theme.state(of.state);
    return index.column() == actor || index.column() == depth ? theme.colors().text : theme.colors().secondary;
  }
  if (role == Qt::FontRole && index.column() == depth) {
    const float full = fill(shard);
    if (!std::isnan(full) && full >= 0.6f) return Theme::get().font(-1, true);
  }
  if (role != Qt::DisplayRole && role != Qt::AccessibleTextRole && role != Qt::ToolTipRole) return {};
  switch (index.column()) {
    case actor: return names_[static_cast<std::size_t>(shard)];
    case mailbox: {
      if (role == Qt::DisplayRole) return {};
      const float full = fill(shard);
      return std::isnan(full) ? QStringLiteral("fill unknown") : QStringLiteral("%1 % full").arg(static_cast<double>(full) * 100, 0, 'f', 0);
    }
    case depth: return context_.node().stage(context_.node().stage_of(shard)).kind == StageKind::source ? QStringLiteral("–") : show_exact(of.depth);
    case minute: return role == Qt::DisplayRole ? QVariant() : QStringLiteral("depth over the last 60 s");
    case in: return show_rate(static_cast<double>(of.in));
    case out: return show_rate(static_cast<double>(of.out));
    case wait: return show_span(static_cast<double>(of.wait_p99_us));
    case clear: {
      const auto seconds = clear_s(of);
      return std::isnan(seconds) ? QStringLiteral("–") : seconds == 0 ? QStringLiteral("–") : seconds >= 2e9 ? QStringLiteral("growing") : seconds >= 1e9 ? QStringLiteral("steady") : show_span(seconds * 1e6);
    }
    case state: {
      auto text = state_text(of.state);
      if (of.restarts > 0) text += QStringLiteral(" ↻%1").arg(of.restarts);
      return text;
    }
    default: return {};
  }
}

QVariant MailboxModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= column_count) return {};
  constexpr const char* names[] = {"Actor", "Mailbox", "Depth", "60 s", "In/s", "Out/s", "Wait p99", "To clear", "State"};
  if (role == Qt::DisplayRole) return QString::fromLatin1(names[section]);
  if (role == Qt::TextAlignmentRole) {
    const bool right = section == depth || (section >= in && section <= clear);
    return QVariant::fromValue((right ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
  }
  return {};
}

}  // namespace mailroom::dashboard
