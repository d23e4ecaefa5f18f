// The window: top bar, KPI strip, docks with the views, scrubber, status line. It owns the context.
#pragma once

#include <QMainWindow>

#include "dashboard/model/context.hpp"
#include "dashboard/views/view.hpp"

namespace mailroom::dashboard {

class MainWindow : public QMainWindow {
  Q_OBJECT
 public:
  MainWindow();
  ~MainWindow() override;
  [[nodiscard]] Context& context() noexcept { return *context_; }
  [[nodiscard]] const std::vector<View*>& views() const noexcept { return views_; }

 private:
  QDockWidget* dock(View* view);
  std::unique_ptr<Context> context_;
  std::vector<View*> views_;
};

}  // namespace mailroom::dashboard
