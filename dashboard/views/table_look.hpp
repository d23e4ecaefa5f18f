// How all tables look and behave: fixed rows, one selected row, sorting by the header.
#pragma once

#include <QHeaderView>
#include <QTableView>

#include "dashboard/theme/theme.hpp"

namespace mailroom::dashboard {

inline constexpr int row_height = 23;

inline void dress_table(QTableView* table, const QString& accessible_name) {
  table->setAccessibleName(accessible_name);
  table->setSelectionBehavior(QAbstractItemView::SelectRows);
  table->setSelectionMode(QAbstractItemView::SingleSelection);
  table->setShowGrid(false);
  table->setSortingEnabled(true);
  table->setWordWrap(false);
  table->setTabKeyNavigation(false);
  table->setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
  table->verticalHeader()->hide();
  table->verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
  table->verticalHeader()->setDefaultSectionSize(row_height);
  table->verticalHeader()->setMinimumSectionSize(row_height);
  table->horizontalHeader()->setHighlightSections(false);
  table->horizontalHeader()->setSectionResizeMode(QHeaderView::Interactive);
  table->horizontalHeader()->setFixedHeight(26);
  table->horizontalHeader()->setFont(Theme::get().font(-1));
  table->setFrameShape(QFrame::NoFrame);
}

}  // namespace mailroom::dashboard
