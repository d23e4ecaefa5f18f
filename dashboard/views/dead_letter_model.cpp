#include "dashboard/views/dead_letter_model.hpp"

#include <algorithm>

#include "dashboard/theme/theme.hpp"

namespace mailroom::dashboard {

void DeadLetterModel::refresh(bool anew) {
  const auto& node = context_.node();
  const auto end = context_.range.end_us();
  if (!anew && seen_ == node.events().added() && (context_.range.live() || end == end_us_)) return;
  seen_ = node.events().added();
  end_us_ = end;
  std::vector<Event> found;
  QHash<QString, int> counts;
  total_ = 0;
  const auto& all = node.events().all();
  for (auto event = all.rbegin(); event != all.rend(); ++event) {
    if (event->kind != EventKind::dead_letter || (!context_.range.live() && event->at_us > end)) continue;
    ++total_;
    ++counts[event->reason_kind.isEmpty() ? QStringLiteral("unknown") : event->reason_kind];
    if (!reason_.isEmpty() && event->reason_kind != reason_) continue;
    if (!context_.filters.empty() && !context_.filters.passes_event(node, *event)) continue;
    if (found.size() < most) found.push_back(*event);
  }
  reasons_.clear();
  for (auto at = counts.begin(); at != counts.end(); ++at) reasons_.emplace_back(at.key(), at.value());
  std::sort(reasons_.begin(), reasons_.end(), [](const auto& a, const auto& b) { return a.second != b.second ? a.second > b.second : a.first < b.first; });
  // The common case: new ones at the top, the rest as it was.
  const auto same = [](const Event& a, const Event& b) { return a.id == b.id && a.at_us == b.at_us; };
  if (!anew && !letters_.empty() && found.size() >= letters_.size()) {
    const auto more = found.size() - letters_.size();
    if (std::equal(letters_.begin(), letters_.end(), found.begin() + static_cast<std::ptrdiff_t>(more), same)) {
      if (more == 0) return;
      beginInsertRows({}, 0, static_cast<int>(more) - 1);
      letters_ = std::move(found);
      endInsertRows();
      return;
    }
  }
  beginResetModel();
  letters_ = std::move(found);
  endResetModel();
}

void DeadLetterModel::mark(const QString& letter, const QString& what) {
  marks_.insert(letter, what);
  if (!letters_.empty()) Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, column_count - 1));
}

QVariant DeadLetterModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= rowCount()) return {};
  const auto& event = letter(index.row());
  const auto& c = Theme::get().colors();
  if (role == Qt::ForegroundRole) {
    if (!marked(event.letter).isEmpty() || context_.node().stale()) return c.faint;
    if (index.column() == reason) return c.vermilion;
    if (index.column() == tries && event.attempt > 1) return c.amber;
    if (index.column() == trace) return c.accent;
    return index.column() == to ? c.text : c.secondary;
  }
  if (role == Qt::TextAlignmentRole) return QVariant::fromValue((index.column() == tries ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
  if (role == Qt::ToolTipRole) return QStringLiteral("%1\n%2").arg(event.event.isEmpty() ? QStringLiteral("event") : event.event, event.text);
  if (role != Qt::DisplayRole) return {};
  switch (index.column()) {
    case time: return show_clock(event.at_us, true);
    case reason: {
      const auto done = marked(event.letter);
      const auto text = event.text.isEmpty() ? event.reason_kind : event.reason_kind.isEmpty() ? event.text : QStringLiteral("%1: %2").arg(event.reason_kind, event.text);
      return done.isEmpty() ? text : QStringLiteral("%1 · %2").arg(done, text);
    }
    case to: return context_.node().shard_name(event.shard);
    case from: return context_.node().shard_name(event.from);
    case key: return event.key.isEmpty() && event.sequence < 0 ? QStringLiteral("–") : QStringLiteral("%1 · %2").arg(event.key.isEmpty() ? QStringLiteral("–") : event.key, show_exact(event.sequence));
    case tries: return show_exact(event.attempt);
    case trace: return event.trace.isEmpty() ? QStringLiteral("–") : event.trace.size() <= 8 ? event.trace : QStringLiteral("…") + event.trace.right(7);  // they differ at the end
    default: return {};
  }
}

QVariant DeadLetterModel::headerData(int section, Qt::Orientation orientation, int role) const {
  constexpr const char* names[] = {"Time", "Reason", "To", "From", "Key · seq", "Tries", "Trace"};
  if (orientation != Qt::Horizontal || section < 0 || section >= column_count) return {};
  if (role == Qt::TextAlignmentRole) return QVariant::fromValue((section == tries ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
  return role == Qt::DisplayRole ? QVariant(QString::fromUtf8(names[section])) : QVariant();
}

}  // namespace mailroom::dashboard
