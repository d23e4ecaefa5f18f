#include "dashboard/shell/keys_dialog.hpp"

#include <QDialogButtonBox>
#include <QHeaderView>
#include <QTableWidget>
#include <QVBoxLayout>

#include "dashboard/theme/theme.hpp"

namespace mailroom::dashboard {

const std::vector<KeyHelp>& key_help() {
  static const std::vector<KeyHelp> all = [] {
    std::vector<KeyHelp> made;
    for (const auto& [keys, does] : std::initializer_list<std::pair<const char*, const char*>>{
             {"", "Everywhere"},
             {"Ctrl+K", "find a stage, shard, key or trace"},
             {"F", "add a filter; its chip removes it"},
             {"P", "pin the view: it keeps what it shows"},
             {"Space", "hold the display, not the collection; in a replay: stop"},
             {"Left, Right", "earlier, later"},
             {"[, ]", "half, twice the window of time"},
             {"End", "back to the newest"},
             {"Esc", "back: close the opened stage, let go of the selection, the usual window"},
             {"Ctrl+E", "export the view: PNG of it, CSV of its rows"},
             {"Ctrl+R", "record a session, or stop"},
             {"Ctrl+O, Ctrl+N", "open a session, connect to a node"},
             {"Ctrl+Tab", "the next node or session"},
             {"F6, Tab", "the next view, the next control"},
             {"F1", "this list"},
             {"", "Topology"},
             {"Arrows", "the next stage in that direction"},
             {"Return", "open the stage into its shards"},
             {"+, −, 0", "larger, smaller, all of it"},
             {"", "Ordering"},
             {"Up, Down", "the next lane"},
             {"N, Shift+N", "the lane's next, last mark"},
             {"Return", "the mark's trace"},
             {"Shift+P", "the lane to the top, and back"},
             {"", "Trace"},
             {"Up, Down", "the next visit"},
             {"Return", "select its shard"},
             {"Delete", "filter its actor out"},
             {"", "Tables, cluster, shards"},
             {"Arrows", "the next row or shard, which is selected in all views"},
         })
      made.push_back({QString::fromUtf8(keys), QString::fromUtf8(does)});
    return made;
  }();
  return all;
}

KeysDialog::KeysDialog(QWidget* parent) : QDialog(parent) {
  setWindowTitle(QStringLiteral("Keys"));
  setObjectName(QStringLiteral("keys-dialog"));
  resize(600, 660);
  const auto& theme = Theme::get();
  auto* table = new QTableWidget(static_cast<int>(key_help().size()), 2, this);
  table->setAccessibleName(QStringLiteral("What the keys do"));
  table->horizontalHeader()->hide();
  table->verticalHeader()->hide();
  table->setShowGrid(false);
  table->setFrameShape(QFrame::NoFrame);
  table->setEditTriggers(QAbstractItemView::NoEditTriggers);
  table->setSelectionBehavior(QAbstractItemView::SelectRows);
  table->verticalHeader()->setDefaultSectionSize(22);
  table->setColumnWidth(0, 130);
  table->horizontalHeader()->setStretchLastSection(true);
  int row = 0;
  for (const auto& [keys, does] : key_help()) {
    auto* left = new QTableWidgetItem(keys.isEmpty() ? does : keys);
    left->setFont(theme.font(0, true));
    table->setItem(row, 0, left);
    if (keys.isEmpty()) {
      left->setForeground(theme.colors().secondary);
      left->setFlags(Qt::ItemIsEnabled);
      table->setSpan(row, 0, 1, 2);
      if (row > 0) table->setRowHeight(row, 34);
      left->setTextAlignment(Qt::AlignLeft | Qt::AlignBottom);
    } else table->setItem(row, 1, new QTableWidgetItem(does));
    ++row;
  }
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  auto* column = new QVBoxLayout(this);
  column->addWidget(table);
  column->addWidget(buttons);
}

}  // namespace mailroom::dashboard
