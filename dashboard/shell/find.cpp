#include "dashboard/shell/find.hpp"

#include <QKeyEvent>
#include <QLineEdit>
#include <QListWidget>
#include <QSet>
#include <QVBoxLayout>

#include "dashboard/theme/theme.hpp"

namespace mailroom::dashboard {

std::vector<Found> find_named(const NodeModel& node, const QString& text, std::size_t most) {
  const auto wanted = text.trimmed();
  std::vector<Found> begins, contains;
  if (wanted.isEmpty()) return begins;
  const auto put = [&](const QString& name, Found found) {
    if (!name.contains(wanted, Qt::CaseInsensitive)) return;
    auto& into = name.startsWith(wanted, Qt::CaseInsensitive) ? begins : contains;
    if (into.size() < most) into.push_back(std::move(found));
  };
  for (int stage = 0; stage < node.stage_count(); ++stage)
    put(node.stage_name(stage), {QStringLiteral("stage"), node.stage_name(stage), QStringLiteral("%1 shards").arg(node.shards_of(stage).size()), stage, -1, {}, {}});
  for (int shard = 0; shard < node.shard_count() && begins.size() < most; ++shard) {
    if (node.shards_of(node.stage_of(shard)).size() == 1) continue;
    const auto name = node.shard_name(shard);
    put(name, {QStringLiteral("shard"), name, QStringLiteral("%1 queued").arg(show_exact(node.now().shards[static_cast<std::size_t>(shard)].depth)), node.stage_of(shard), shard, {}, {}});
  }
  QSet<QString> keys;
  int looked = 0;
  for (auto event = node.events().all().rbegin(); event != node.events().all().rend() && looked < 20'000 && keys.size() < static_cast<qsizetype>(most); ++event, ++looked) {
    if (event->key.isEmpty() || event->shard < 0 || keys.contains(event->key) || !event->key.contains(wanted, Qt::CaseInsensitive)) continue;
    keys.insert(event->key);
    put(event->key, {QStringLiteral("key"), event->key, QStringLiteral("in %1").arg(node.shard_name(event->shard)), node.stage_of(event->shard), event->shard, event->trace, event->key});
  }
  for (const auto& trace : node.traces().traces()) {
    if (!trace.startsWith(wanted, Qt::CaseInsensitive)) continue;
    const auto& spans = node.traces().spans(trace);
    put(trace, {QStringLiteral("trace"), trace, spans.empty() ? QString() : QStringLiteral("key %1").arg(spans.front().key), -1, -1, trace, {}});
  }
  begins.insert(begins.end(), contains.begin(), contains.end());
  if (begins.size() > most) begins.resize(most);
  return begins;
}

void follow(Context& context, const Found& found) {
  if (!found.trace.isEmpty()) context.selection.select_trace(found.trace, found.stage, found.shard, found.key);
  else if (found.shard >= 0) context.selection.select_shard(found.stage, found.shard);
  else if (found.stage >= 0) context.selection.select_stage(found.stage);
}

FindDialog::FindDialog(Context& context, QWidget* parent) : QDialog(parent), context_(context) {
  setWindowTitle(QStringLiteral("Find"));
  setObjectName(QStringLiteral("find"));
  setModal(true);
  resize(460, 380);
  auto* column = new QVBoxLayout(this);
  field_ = new QLineEdit;
  field_->setPlaceholderText(QStringLiteral("stage, shard, key or trace"));
  field_->setAccessibleName(QStringLiteral("Find a stage, shard, key or trace"));
  list_ = new QListWidget;
  list_->setAccessibleName(QStringLiteral("What was found"));
  column->addWidget(field_);
  column->addWidget(list_);
  field_->installEventFilter(this);
  connect(field_, &QLineEdit::textChanged, this, [this] { search(); });
  connect(field_, &QLineEdit::returnPressed, this, [this] { take(); });
  connect(list_, &QListWidget::itemActivated, this, [this] { take(); });
}

bool FindDialog::eventFilter(QObject* watched, QEvent* event) {
  if (watched == field_ && event->type() == QEvent::KeyPress) {
    const auto key = static_cast<QKeyEvent*>(event)->key();
    if (key == Qt::Key_Down || key == Qt::Key_Up) {
      const int row = std::clamp(list_->currentRow() + (key == Qt::Key_Down ? 1 : -1), 0, std::max(0, list_->count() - 1));
      list_->setCurrentRow(row);
      return true;
    }
  }
  return QDialog::eventFilter(watched, event);
}

void FindDialog::search() {
  found_ = find_named(context_.node(), field_->text());
  list_->clear();
  for (const auto& found : found_) list_->addItem(QStringLiteral("%1   %2 · %3").arg(found.name, found.kind, found.detail));
  if (found_.empty() && !field_->text().trimmed().isEmpty()) {
    auto* none = new QListWidgetItem(QStringLiteral("nothing of that name has been seen"));
    none->setFlags(Qt::NoItemFlags);
    list_->addItem(none);
  } else if (!found_.empty()) list_->setCurrentRow(0);
}

void FindDialog::take() {
  const int row = list_->currentRow();
  if (row < 0 || row >= static_cast<int>(found_.size())) return;
  follow(context_, found_[static_cast<std::size_t>(row)]);
  accept();
}

}  // namespace mailroom::dashboard
