// The frame around a view: its title bar with pin, filter, export and float, in a dock.
#pragma once

#include <QDockWidget>

#include "dashboard/views/view.hpp"

class QLabel;
class QToolButton;

namespace mailroom::dashboard {

class PanelTitle : public QWidget {
  Q_OBJECT
 public:
  PanelTitle(View* view, QWidget* parent);
  // Where a tab says the title already, it is not said twice.
  void show_title(bool shown);

 Q_SIGNALS:
  void filter_wanted();
  void export_wanted();
  void float_wanted();

 private:
  void redress();
  View* view_;
  QLabel *title_, *subtitle_;
  std::vector<std::pair<QToolButton*, QString>> buttons_;
};

}  // namespace mailroom::dashboard
