#include "dashboard/shell/main_window.hpp"

#include "dashboard/shell/panel.hpp"
#include "dashboard/views/ordering_view.hpp"
#include "dashboard/views/scrubber_view.hpp"
#include "dashboard/views/throughput_view.hpp"
#include "dashboard/views/trace_view.hpp"

namespace mailroom::dashboard {

MainWindow::MainWindow() : context_(std::make_unique<Context>()) {
  setWindowTitle(QStringLiteral("Mailroom"));
  setDockNestingEnabled(true);
  auto* trace = dock(new TraceView(*context_));
  auto* throughput = dock(new ThroughputView(*context_));
  auto* ordering = dock(new OrderingView(*context_));
  addDockWidget(Qt::TopDockWidgetArea, trace);
  addDockWidget(Qt::BottomDockWidgetArea, throughput);
  splitDockWidget(throughput, ordering, Qt::Horizontal);
  auto* scrubber = new ScrubberView(*context_);
  views_.push_back(scrubber);
  scrubber->setFixedHeight(56);
  setCentralWidget(scrubber);
  resize(1280, 800);
}

MainWindow::~MainWindow() = default;

QDockWidget* MainWindow::dock(View* view) {
  views_.push_back(view);
  auto* made = new QDockWidget(view->title());
  made->setObjectName(view->objectName() + QStringLiteral("-dock"));
  made->setWidget(view);
  auto* title = new PanelTitle(view, made);
  made->setTitleBarWidget(title);
  connect(title, &PanelTitle::float_wanted, made, [made] { made->setFloating(!made->isFloating()); });
  return made;
}

}  // namespace mailroom::dashboard
