#include "dashboard/shell/main_window.hpp"

#include <sys/resource.h>

#include <QAbstractButton>
#include <QAbstractItemView>
#include <QAction>
#include <QApplication>
#include <QCloseEvent>
#include <QFileDialog>
#include <QGraphicsView>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QMessageBox>
#include <QPushButton>
#include <QStatusBar>
#include <QTabBar>
#include <QToolBar>
#include <QToolButton>
#include <QVBoxLayout>

#include "dashboard/shell/connect_dialog.hpp"
#include "dashboard/shell/export.hpp"
#include "dashboard/shell/filter_bar.hpp"
#include "dashboard/shell/keys_dialog.hpp"
#include "dashboard/shell/panel.hpp"
#include "dashboard/theme/theme.hpp"
#include "dashboard/views/cluster_view.hpp"
#include "dashboard/views/dead_letters_view.hpp"
#include "dashboard/views/kpi_strip.hpp"
#include "dashboard/views/mailboxes_view.hpp"
#include "dashboard/views/ordering_view.hpp"
#include "dashboard/views/scrubber_view.hpp"
#include "dashboard/views/supervision_view.hpp"
#include "dashboard/views/throughput_view.hpp"
#include "dashboard/views/topology_view.hpp"
#include "dashboard/views/trace_view.hpp"

namespace mailroom::dashboard {

namespace {
constexpr int layout_version = 1;

std::int64_t gui_thread_us() {
  rusage used{};
  getrusage(RUSAGE_THREAD, &used);
  return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1'000'000LL + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
}

void color_text(QWidget* widget, const QColor& color) {
  auto palette = widget->palette();
  palette.setColor(QPalette::WindowText, color);
  widget->setPalette(palette);
}
}  // namespace

MainWindow::MainWindow(bool remember) : remember_(remember), context_(std::make_unique<Context>()) {
  setWindowTitle(QStringLiteral("Mailroom"));
  setObjectName(QStringLiteral("mailroom"));
  setDockNestingEnabled(true);
  setDockOptions(AllowNestedDocks | AllowTabbedDocks | AnimatedDocks);
  setTabPosition(Qt::AllDockWidgetAreas, QTabWidget::North);
  setMenuWidget(make_top());
  dock(topology_ = new TopologyView(*context_));
  dock(new MailboxesView(*context_));
  dock(new SupervisionView(*context_));
  dock(new ClusterView(*context_));
  dock(new DeadLettersView(*context_));
  dock(new TraceView(*context_));
  dock(new ThroughputView(*context_));
  dock(new OrderingView(*context_));
  auto* scrubber = new ScrubberView(*context_);
  views_.push_back(scrubber);
  scrubber->setFixedHeight(60);
  auto* bottom = new QToolBar(QStringLiteral("Time"));
  bottom->setObjectName(QStringLiteral("time-bar"));
  bottom->setMovable(false);
  bottom->setFloatable(false);
  bottom->toggleViewAction()->setVisible(false);
  bottom->addWidget(scrubber);
  bottom->layout()->setContentsMargins(0, 0, 0, 0);
  addToolBar(Qt::BottomToolBarArea, bottom);
  make_status();
  make_actions();
  resize(1280, 800);
  reset_layout();
  if (remember_) {
    QSettings settings;
    restoreGeometry(settings.value(QStringLiteral("geometry")).toByteArray());
    restoreState(settings.value(QStringLiteral("layout")).toByteArray(), layout_version);
  }
  connect(context_.get(), &Context::updated, this, [this] { ++updates_; });
  connect(context_.get(), &Context::tables_due, this, [this] { refresh(); });
  connect(context_.get(), &Context::link_changed, this, [this] { refresh_link(); });
  connect(context_.get(), &Context::reset, this, [this] { refresh_link(); });
  connect(context_.get(), &Context::nodes_changed, this, [this] { refresh_nodes(); });
  connect(&context_->range, &TimeRange::mode_changed, this, [this] { refresh(); });
  connect(&context_->selection, &Selection::trace_wanted, this, [this] { raise_view("trace"); });
  connect(&Theme::get(), &Theme::changed, this, [this] { dress(); });
  connect(kpis_, &KpiStrip::dead_letters_wanted, this, [this] { raise_view("dead-letters"); });
  connect(kpis_, &KpiStrip::cluster_wanted, this, [this] { raise_view("cluster"); });
  since_second_.start();
  connect(&second_, &QTimer::timeout, this, [this] { refresh_link(); });
  second_.start(1000);
  qApp->installEventFilter(this);
  dress();
  refresh_nodes();
  refresh_link();
  topology_->canvas()->setFocus();
}

MainWindow::~MainWindow() {
  qApp->removeEventFilter(this);
  // Views refer to the context: they go first.
  for (auto* dock : docks_) delete dock;
  docks_.clear();
  delete menuWidget();
  for (auto* bar : findChildren<QToolBar*>()) delete bar;
}

QWidget* MainWindow::make_top() {
  auto* top = new QWidget;
  auto* column = new QVBoxLayout(top);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(0);
  auto* bar = new QWidget;
  bar->setObjectName(QStringLiteral("top-bar"));
  bar->setAutoFillBackground(true);
  auto* row = new QHBoxLayout(bar);
  row->setContentsMargins(12, 4, 8, 4);
  row->setSpacing(4);
  name_ = new QLabel;
  name_->setObjectName(QStringLiteral("node-name"));
  dot_ = new QLabel;
  about_ = new QLabel;
  about_->setObjectName(QStringLiteral("node-about"));
  row->addWidget(name_);
  row->addSpacing(4);
  row->addWidget(dot_);
  row->addWidget(about_);
  row->addSpacing(12);
  const auto button = [&](const QString& text, const QString& icon, const QString& name, bool checkable) {
    auto* made = new QToolButton;
    made->setText(text);
    made->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    made->setAccessibleName(name);
    made->setToolTip(name);
    made->setObjectName(QStringLiteral("button-") + icon);
    made->setCheckable(checkable);
    made->setFocusPolicy(Qt::TabFocus);
    row->addWidget(made);
    icon_buttons_.emplace_back(made, icon);
    return made;
  };
  pause_ = button(QStringLiteral("Pause"), QStringLiteral("pause"), QStringLiteral("Hold the display, not the collection (Space)"), true);
  connect(pause_, &QToolButton::clicked, this, [this](bool on) { context_->range.set_paused(on); });
  record_ = button(QStringLiteral("Record"), QStringLiteral("record"), QStringLiteral("Record a session (Ctrl+R)"), true);
  connect(record_, &QToolButton::clicked, this, [this] { record_dialog(); });
  auto* open = button(QStringLiteral("Open"), QStringLiteral("open"), QStringLiteral("Open a recorded session (Ctrl+O)"), false);
  connect(open, &QToolButton::clicked, this, [this] { findChild<QAction*>(QStringLiteral("action-open"))->trigger(); });
  auto* join = button(QStringLiteral("Connect"), QStringLiteral("connect"), QStringLiteral("Connect to a node (Ctrl+N)"), false);
  connect(join, &QToolButton::clicked, this, [this] { findChild<QAction*>(QStringLiteral("action-connect"))->trigger(); });
  row->addStretch();
  find_ = button(QStringLiteral("Find actor, shard, key or trace   Ctrl+K"), QStringLiteral("find"), QStringLiteral("Find a stage, shard, key or trace (Ctrl+K)"), false);
  connect(find_, &QToolButton::clicked, this, [this] { findChild<QAction*>(QStringLiteral("action-find"))->trigger(); });
  auto* filters = button(QStringLiteral("Filter"), QStringLiteral("filter"), QStringLiteral("Add a filter (F)"), false);
  connect(filters, &QToolButton::clicked, this, [this] { filter_dialog(); });
  auto* exporting = button(QStringLiteral("Export"), QStringLiteral("export"), QStringLiteral("Export the view that was used last (Ctrl+E)"), false);
  connect(exporting, &QToolButton::clicked, this, [this] { export_dialog(current_view()); });
  auto* views = button(QStringLiteral("Views"), QStringLiteral("more"), QStringLiteral("Show and hide views, reset the layout"), false);
  views->setPopupMode(QToolButton::InstantPopup);
  auto* menu = new QMenu(views);
  connect(menu, &QMenu::aboutToShow, this, [this, menu] {
    menu->clear();
    for (auto* dock : docks_) menu->addAction(dock->toggleViewAction());
    menu->addSeparator();
    menu->addAction(QStringLiteral("Reset layout"), this, [this] { reset_layout(); });
    menu->addAction(findChild<QAction*>(QStringLiteral("action-keys")));
  });
  views->setMenu(menu);
  theme_ = button(QStringLiteral("Dark"), QStringLiteral("theme"), QStringLiteral("Dark or light"), false);
  connect(theme_, &QToolButton::clicked, this, [this] {
    Theme::get().apply(!Theme::get().dark());
    if (remember_) QSettings().setValue(QStringLiteral("dark"), Theme::get().dark());
  });
  column->addWidget(bar);
  nodes_ = new QTabBar;
  nodes_->setObjectName(QStringLiteral("nodes"));
  nodes_->setAccessibleName(QStringLiteral("Nodes and sessions"));
  nodes_->setExpanding(false);
  nodes_->setDrawBase(false);
  nodes_->setTabsClosable(true);
  connect(nodes_, &QTabBar::tabBarClicked, this, [this](int at) { if (at >= 0) context_->show(static_cast<std::size_t>(at)); });
  connect(nodes_, &QTabBar::currentChanged, this, [this](int at) { if (at >= 0 && at != context_->shown_index()) context_->show(static_cast<std::size_t>(at)); });
  connect(nodes_, &QTabBar::tabCloseRequested, this, [this](int at) { context_->close(static_cast<std::size_t>(at)); });
  column->addWidget(nodes_);
  banner_row_ = new QWidget;
  banner_row_->setAutoFillBackground(true);
  auto* banner_row = new QHBoxLayout(banner_row_);
  banner_row->setContentsMargins(12, 4, 12, 4);
  banner_ = new QLabel;
  banner_->setObjectName(QStringLiteral("banner"));
  banner_->setAccessibleName(QStringLiteral("State of the connection"));
  banner_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  reconnect_ = new QPushButton(QStringLiteral("Connect now"));
  reconnect_->setAccessibleName(QStringLiteral("Connect now, without waiting"));
  connect(reconnect_, &QPushButton::clicked, this, [this] { if (auto* source = context_->source()) source->reconnect_now(); });
  banner_row->addWidget(banner_, 1);
  banner_row->addWidget(reconnect_);
  banner_row_->hide();
  column->addWidget(banner_row_);
  kpis_ = new KpiStrip(*context_);
  views_.push_back(kpis_);
  column->addWidget(kpis_);
  column->addWidget(new FilterBar(*context_, top));
  return top;
}

QDockWidget* MainWindow::dock(View* view) {
  views_.push_back(view);
  auto* made = new QDockWidget(view->title());
  made->setObjectName(view->objectName() + QStringLiteral("-dock"));
  made->setWidget(view);
  view->setMinimumSize(220, 90);
  auto* title = new PanelTitle(view, made);
  made->setTitleBarWidget(title);
  connect(title, &PanelTitle::float_wanted, made, [made] { made->setFloating(!made->isFloating()); });
  connect(title, &PanelTitle::export_wanted, this, [this, view] { export_dialog(view); });
  connect(title, &PanelTitle::filter_wanted, this, [this] { filter_dialog(); });
  const auto retitle = [this, made, title] { title->show_title(made->isFloating() || tabifiedDockWidgets(made).isEmpty()); };
  connect(made, &QDockWidget::visibilityChanged, title, retitle);
  connect(made, &QDockWidget::topLevelChanged, title, retitle);
  docks_.push_back(made);
  return made;
}

void MainWindow::reset_layout() {
  for (auto* dock : docks_) {
    dock->setFloating(false);
    removeDockWidget(dock);
  }
  const auto named = [&](const char* name) {
    for (auto* dock : docks_) if (dock->objectName() == QLatin1String(name) + QStringLiteral("-dock")) return dock;
    return docks_.front();
  };
  auto *topology = named("topology"), *mailboxes = named("mailboxes"), *throughput = named("throughput"), *ordering = named("ordering");
  addDockWidget(Qt::LeftDockWidgetArea, topology);
  splitDockWidget(topology, throughput, Qt::Vertical);
  splitDockWidget(topology, mailboxes, Qt::Horizontal);
  splitDockWidget(throughput, ordering, Qt::Horizontal);
  auto* before = mailboxes;
  for (const char* name : {"supervision", "cluster", "dead-letters", "trace"}) {
    tabifyDockWidget(before, named(name));
    before = named(name);
  }
  for (auto* dock : docks_) dock->show();
  mailboxes->raise();
  const int w = width();
  resizeDocks({topology, mailboxes}, {w * 49 / 100, w * 51 / 100}, Qt::Horizontal);
  resizeDocks({throughput, ordering}, {w * 42 / 100, w * 58 / 100}, Qt::Horizontal);
  resizeDocks({topology, throughput}, {56, 44}, Qt::Vertical);
}

QAction* MainWindow::action(const QString& text, const QString& name, const std::vector<QKeySequence>& keys, std::function<void()> run) {
  auto* made = new QAction(text, this);
  made->setObjectName(QStringLiteral("action-") + name);
  made->setShortcuts(QList<QKeySequence>(keys.begin(), keys.end()));
  made->setShortcutContext(Qt::WindowShortcut);
  connect(made, &QAction::triggered, this, std::move(run));
  addAction(made);
  return made;
}

void MainWindow::make_actions() {
  auto& range = context_->range;
  action(QStringLiteral("Find"), QStringLiteral("find"), {Qt::CTRL | Qt::Key_K}, [this] { FindDialog(*context_, this).exec(); });
  action(QStringLiteral("Filter"), QStringLiteral("filter"), {Qt::Key_F}, [this] { filter_dialog(); });
  action(QStringLiteral("Pin"), QStringLiteral("pin"), {Qt::Key_P}, [this] { if (auto* view = current_view()) view->set_pinned(!view->pinned()); });
  action(QStringLiteral("Pause"), QStringLiteral("pause"), {Qt::Key_Space}, [&range] {
    if (range.speed() > 0) range.play(0);
    else range.set_paused(!range.paused());
  });
  action(QStringLiteral("Back in time"), QStringLiteral("left"), {Qt::Key_Left}, [&range] { range.move(-range.width_us() / 10); });
  action(QStringLiteral("Forward in time"), QStringLiteral("right"), {Qt::Key_Right}, [&range] { range.move(range.width_us() / 10); });
  action(QStringLiteral("Shorter window"), QStringLiteral("shorter"), {QKeySequence(Qt::Key_BracketLeft)}, [&range] { range.set_width(range.width_us() / 2); });
  action(QStringLiteral("Longer window"), QStringLiteral("longer"), {QKeySequence(Qt::Key_BracketRight)}, [&range] { range.set_width(range.width_us() * 2); });
  action(QStringLiteral("Live"), QStringLiteral("live"), {Qt::Key_End}, [&range] { range.set_live(); });
  action(QStringLiteral("Back"), QStringLiteral("back"), {Qt::Key_Escape}, [this] { back(); });
  action(QStringLiteral("Export"), QStringLiteral("export"), {Qt::CTRL | Qt::Key_E}, [this] { export_dialog(current_view()); });
  action(QStringLiteral("Record"), QStringLiteral("record"), {Qt::CTRL | Qt::Key_R}, [this] { record_dialog(); });
  action(QStringLiteral("Open a session"), QStringLiteral("open"), {Qt::CTRL | Qt::Key_O}, [this] {
    const auto path = QFileDialog::getOpenFileName(this, QStringLiteral("Open a session"), {}, QStringLiteral("Sessions (*.mailroom-session);;All files (*)"));
    if (!path.isEmpty()) watch(path);
  });
  action(QStringLiteral("Connect"), QStringLiteral("connect"), {Qt::CTRL | Qt::Key_N}, [this] {
    ConnectDialog dialog(this);
    if (dialog.exec() == QDialog::Accepted) context_->watch(Source::live(dialog.address()));
  });
  action(QStringLiteral("Keys"), QStringLiteral("keys"), {Qt::Key_F1}, [this] { KeysDialog(this).exec(); });
  action(QStringLiteral("Next node"), QStringLiteral("next-node"), {Qt::CTRL | Qt::Key_Tab}, [this] {
    if (const auto count = context_->watched().size(); count > 1) context_->show(static_cast<std::size_t>(context_->shown_index() + 1) % count);
  });
  action(QStringLiteral("Next view"), QStringLiteral("next-view"), {Qt::Key_F6}, [this] {
    const auto found = std::find(views_.begin(), views_.end(), current_view());
    for (std::size_t step = 1; step <= views_.size(); ++step) {
      auto* next = views_[(static_cast<std::size_t>(found - views_.begin()) + step) % views_.size()];
      if (!next->isVisible() || next->visibleRegion().isEmpty()) continue;
      for (auto* widget = next->nextInFocusChain(); widget; widget = widget->nextInFocusChain()) {
        if (next == widget || !next->isAncestorOf(widget)) break;
        if (widget->focusPolicy() & Qt::TabFocus && widget->isVisible()) return widget->setFocus(Qt::TabFocusReason);
      }
      if (next->focusPolicy() & Qt::TabFocus) return next->setFocus(Qt::TabFocusReason);
    }
  });
}

void MainWindow::make_status() {
  status_left_ = new QLabel;
  status_right_ = new QLabel(QStringLiteral("Space pause · ←/→ scrub · [ ] window · End live · F filter · P pin · Ctrl+E export · F1 all keys"));
  status_left_->setContentsMargins(10, 0, 0, 0);
  status_right_->setContentsMargins(0, 0, 10, 0);
  status_left_->setObjectName(QStringLiteral("status"));
  statusBar()->addWidget(status_left_, 1);
  statusBar()->addPermanentWidget(status_right_);
  statusBar()->setSizeGripEnabled(false);
}

void MainWindow::dress() {
  const auto& theme = Theme::get();
  const auto& c = theme.colors();
  for (auto& [button, icon] : icon_buttons_) {
    button->setIcon(theme.icon(icon));
    button->setFont(theme.font());
  }
  record_->setIcon(QIcon(theme.pixmap(QStringLiteral("record"), c.vermilion, 16)));
  theme_->setText(theme.dark() ? QStringLiteral("Dark") : QStringLiteral("Light"));
  name_->setFont(theme.font(1, true));
  about_->setFont(theme.font(-1));
  color_text(about_, c.secondary);
  status_left_->setFont(theme.font(-2));
  status_right_->setFont(theme.font(-2));
  color_text(status_left_, c.secondary);
  color_text(status_right_, c.secondary);
  auto palette = banner_row_->palette();
  palette.setColor(QPalette::Window, c.late_soft);
  banner_row_->setPalette(palette);
  color_text(banner_, c.amber);
  find_->setStyleSheet(QStringLiteral("QToolButton { background: %1; border: 1px solid %2; border-radius: 5px; color: %3; padding: 5px 10px; text-align: left; }")
                         .arg(c.raised.name(), c.border.name(), c.secondary.name()));
  refresh();
  refresh_link();
}

View* MainWindow::view(const char* name) const {
  for (auto* view : views_) if (view->objectName() == QLatin1String(name)) return view;
  return nullptr;
}

void MainWindow::raise_view(const char* name) {
  for (auto* dock : docks_)
    if (dock->objectName() == QLatin1String(name) + QStringLiteral("-dock")) {
      dock->show();
      dock->raise();
    }
}

View* MainWindow::current_view() const {
  for (auto* widget = QApplication::focusWidget(); widget; widget = widget->parentWidget()) {
    if (auto* view = qobject_cast<View*>(widget)) return view;
    if (auto* panel = qobject_cast<QDockWidget*>(widget)) return qobject_cast<View*>(panel->widget());
  }
  return last_view_ ? last_view_ : topology_;
}

QString MainWindow::watch(const QString& what, const QString& token, const TlsFiles& tls) {
  if (QFileInfo(what).isFile()) {
    context_->watch(Source::session(what));
    return {};
  }
  if (what.endsWith(QLatin1String(".mailroom-session"))) return QStringLiteral("%1 is not there").arg(what);
  auto parsed = parse_address(what, token, tls);
  if (auto* why = std::get_if<QString>(&parsed)) return *why;
  context_->watch(Source::live(std::get<NodeAddress>(parsed)));
  if (remember_) {
    QSettings settings;
    remember_address(settings, std::get<NodeAddress>(parsed));
  }
  return {};
}

void MainWindow::refresh() {
  for (auto* dock : docks_)
    if (dock->objectName() == QLatin1String("dead-letters-dock")) {
      const auto count = static_cast<DeadLettersView*>(dock->widget())->model().total();
      dock->setWindowTitle(count == 0 ? QStringLiteral("Dead letters") : QStringLiteral("Dead letters %1").arg(show_exact(count)));
    }
  const auto& range = context_->range;
  pause_->setChecked(range.paused());
  pause_->setText(pause_text());
  pause_->setIcon(Theme::get().icon(range.paused() ? QStringLiteral("play") : QStringLiteral("pause")));
}

QString MainWindow::pause_text() const {
  return context_->range.paused() ? QStringLiteral("Paused, %1 newer").arg(show_exact(context_->newer())) : QStringLiteral("Pause");
}

QString MainWindow::banner_text() const { return banner_row_->isHidden() ? QString() : banner_->text(); }

void MainWindow::refresh_link() {
  const auto& c = Theme::get().colors();
  auto& node = context_->node();
  auto* source = context_->source();
  const auto& link = node.link();
  const bool known = node.known();
  name_->setText(known ? node.hello().topology : source ? source->name() : QStringLiteral("Mailroom"));
  setWindowTitle(known ? QStringLiteral("%1 · %2 · Mailroom").arg(node.hello().topology, node.hello().node) : QStringLiteral("Mailroom"));
  QString about = QStringLiteral("no node");
  auto color = c.faint;
  QString banner;
  bool can_reconnect = false;
  if (source) {
    const auto age = show_span(node.age_s() * 1e6);
    // Since when, by this machine's clock.
    const auto since = QStringLiteral("%1 (%2 ago)").arg(QDateTime::currentDateTime().addMSecs(-static_cast<qint64>(node.age_s() * 1e3)).toString(QStringLiteral("HH:mm:ss")), age);
    switch (link.state) {
      case LinkState::idle: case LinkState::connecting:
        about = link.text.isEmpty() ? QStringLiteral("connecting") : link.text;
        color = c.amber;
        if (known) banner = QStringLiteral("Not connected: what you see is of %1. %2.").arg(since, link.text);
        break;
      case LinkState::live:
        about = QStringLiteral("%1 · %2 Hz · %3 shards").arg(node.hello().node, QString::number(node.hello().rate_hz, 'f', 0), show_exact(node.shard_count()));
        color = c.good;
        if (node.stale() && node.behind_s() > 2) {
          about = QStringLiteral("%1 behind").arg(age);
          color = c.vermilion;
          banner = QStringLiteral("The node, or the way from it, is slow: what you see is of %1, and more of it is under way. Connecting anew skips that.").arg(since);
          can_reconnect = true;
        } else if (node.stale()) banner = QStringLiteral("The node is silent: what you see is of %1.").arg(since);
        break;
      case LinkState::stale:
        about = QStringLiteral("silent for %1").arg(age);
        color = c.vermilion;
        banner = QStringLiteral("The node is connected but silent: stopped, or too busy to speak. What you see is of %1.").arg(since);
        break;
      case LinkState::waiting:
        about = QStringLiteral("not connected");
        color = c.vermilion;
        banner = QStringLiteral("%1%2: %3. Trying again in %4 s.").arg(known ? QStringLiteral("Not connected: what you see is of %1. ").arg(since) : QString(), source->name(), link.text, QString::number((link.retry_in_ms + 999) / 1000));
        can_reconnect = true;
        break;
      case LinkState::loading: about = QStringLiteral("%1, %2 %").arg(link.text, QString::number(link.loaded * 100, 'f', 0)); color = c.amber; break;
      case LinkState::complete:
        about = QStringLiteral("%1 · %2 · %3 shards").arg(source->kind() == Source::Kind::session ? QStringLiteral("recorded session") : source->name(), node.hello().node, show_exact(node.shard_count()));
        color = c.normal;
        break;
      case LinkState::failed: about = QStringLiteral("failed"); color = c.vermilion; banner = link.text; break;
    }
    if (node.bad_frames() > 0 && banner.isEmpty()) banner = QStringLiteral("%1 frames of this node are none (%2): they are left out.").arg(show_exact(node.bad_frames()), node.bad_frame());
  }
  about_->setText(about);
  dot_->setPixmap([&] {
    QPixmap made(20, 20);
    made.setDevicePixelRatio(2);
    made.fill(Qt::transparent);
    QPainter painter(&made);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(color);
    painter.drawEllipse(QPointF(5, 5), 4, 4);
    return made;
  }());
  banner_->setText(banner);
  banner_->setToolTip(banner);
  banner_row_->setVisible(!banner.isEmpty());
  reconnect_->setVisible(can_reconnect);
  const bool recording = !node.recording().isEmpty();
  record_->setChecked(recording);
  record_->setText(recording ? QStringLiteral("Recording") : QStringLiteral("Record"));
  record_->setEnabled(source && source->kind() != Source::Kind::session);

  // The status line, once a second.
  const auto taken = since_second_.nsecsElapsed() / 1000;
  if (taken >= 900'000) {
    const auto gui = gui_thread_us();
    QStringList parts;
    if (known && link.state == LinkState::live)
      parts << QStringLiteral("%1 values/s, shown %2 times a second").arg(show_count(static_cast<double>(std::max<std::int64_t>(0, node.values_received() - last_values_)) * 1e6 / static_cast<double>(taken)))
                 .arg(static_cast<double>(updates_) * 1e6 / static_cast<double>(taken), 0, 'f', 0);
    parts << QStringLiteral("GUI %1 %").arg(static_cast<double>(gui - last_gui_us_) * 100 / static_cast<double>(taken), 0, 'f', 0);
    if (known) {
      parts << QStringLiteral("events lost %1").arg(show_exact(node.events_dropped()));
      if (node.spans_dropped() > 0) parts << QStringLiteral("spans lost %1").arg(show_exact(node.spans_dropped()));
      if (node.events().forgotten() > 0) parts << QStringLiteral("oldest %1 events forgotten").arg(show_exact(node.events().forgotten()));
      const auto& gauges = node.gauges();
      if (gauges.rss_bytes > 0) parts << QStringLiteral("node %1 MB").arg(show_exact(gauges.rss_bytes >> 20));
      if (gauges.sync_p99_us >= 0) parts << QStringLiteral("sync p99 %1").arg(show_span(static_cast<double>(gauges.sync_p99_us)));
    }
    if (recording) parts << QStringLiteral("recording to %1").arg(node.recording());
    status_left_->setText(parts.join(QStringLiteral("  ·  ")));
    last_gui_us_ = gui;
    last_values_ = node.values_received();
    updates_ = 0;
    since_second_.start();
  }
}

void MainWindow::refresh_nodes() {
  const auto& watched = context_->watched();
  QSignalBlocker quiet(nodes_);
  while (nodes_->count() > static_cast<int>(watched.size())) nodes_->removeTab(nodes_->count() - 1);
  while (nodes_->count() < static_cast<int>(watched.size())) nodes_->addTab(QString());
  for (std::size_t at = 0; at < watched.size(); ++at) {
    const auto& node = *watched[at].node;
    nodes_->setTabText(static_cast<int>(at), QStringLiteral("%1%2").arg(node.known() ? QStringLiteral("%1 · ").arg(node.hello().node) : QString(), watched[at].source->name()));
    nodes_->setTabIcon(static_cast<int>(at), node.stale() ? QIcon(Theme::get().pixmap(QStringLiteral("live"), Theme::get().colors().vermilion, 16)) : QIcon());
    connect(&node, &NodeModel::recording_failed, this, &MainWindow::say_recording_failed, Qt::UniqueConnection);
  }
  nodes_->setCurrentIndex(context_->shown_index());
  nodes_->setVisible(watched.size() > 1);
}

void MainWindow::back() {
  auto& selection = context_->selection;
  if (topology_->opened() >= 0) return topology_->open_stage(-1);
  if (selection.stage() >= 0 || selection.edge() >= 0 || !selection.trace().isEmpty()) return selection.clear();
  if (context_->range.width_us() != TimeRange::default_width_us) context_->range.reset_width();
}

void MainWindow::export_dialog(View* view) {
  if (!view) return;
  const auto picture = QStringLiteral("Picture (*.png)"), rows = QStringLiteral("Rows (*.csv)");
  auto chosen = picture;
  const auto typed = QFileDialog::getSaveFileName(this, QStringLiteral("Export %1").arg(view->title()), view->objectName() + QStringLiteral(".png"), view->rows().empty() ? picture : picture + QStringLiteral(";;") + rows, &chosen);
  if (typed.isEmpty()) return;
  // A suffix that was typed says it, too.
  const auto path = export_path(typed, chosen == rows || typed.endsWith(QLatin1String(".csv"), Qt::CaseInsensitive));
  if (const auto why = export_view(*view, path); !why.isEmpty()) QMessageBox::warning(this, QStringLiteral("Export"), why);
}

void MainWindow::record(const QString& path) {
  if (auto* source = context_->source()) source->record(path);
}

void MainWindow::record_dialog() {
  auto* source = context_->source();
  if (!source || source->kind() == Source::Kind::session) return;
  if (!context_->node().recording().isEmpty()) return source->stop_recording();
  const auto name = QStringLiteral("%1-%2.mailroom-session").arg(context_->node().known() ? context_->node().hello().topology : QStringLiteral("session"), QDateTime::currentDateTime().toString(QStringLiteral("yyyyMMdd-HHmmss"))).replace(u' ', u'-');
  auto path = QFileDialog::getSaveFileName(this, QStringLiteral("Record a session"), name, QStringLiteral("Sessions (*.mailroom-session)"));
  record_->setChecked(false);
  if (!path.isEmpty() && QFileInfo(path).suffix().isEmpty()) path += QStringLiteral(".mailroom-session");
  if (!path.isEmpty()) record(path);
}

void MainWindow::say_recording_failed(const QString& why) { statusBar()->showMessage(QStringLiteral("Recording ended: %1").arg(why), 15'000); }

void MainWindow::filter_dialog() { FilterDialog(*context_, this).exec(); }

void MainWindow::closeEvent(QCloseEvent* event) {
  if (remember_) {
    QSettings settings;
    settings.setValue(QStringLiteral("geometry"), saveGeometry());
    settings.setValue(QStringLiteral("layout"), saveState(layout_version));
  }
  QMainWindow::closeEvent(event);
}

// A widget that uses a key itself keeps it: Space on a button, arrows in a list or a picture that can be walked through.
bool MainWindow::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::ShortcutOverride) {
    const auto* key = static_cast<QKeyEvent*>(event);
    auto* focus = QApplication::focusWidget();
    if (key->modifiers() == Qt::NoModifier && focus) {
      const bool arrow = key->key() == Qt::Key_Left || key->key() == Qt::Key_Right || key->key() == Qt::Key_End;
      const bool walks = qobject_cast<QAbstractItemView*>(focus) || qobject_cast<QGraphicsView*>(focus) || qobject_cast<QTabBar*>(focus) || qobject_cast<ShardGrid*>(focus) || qobject_cast<ClusterView*>(focus);
      if ((key->key() == Qt::Key_Space && qobject_cast<QAbstractButton*>(focus)) || (arrow && key->key() != Qt::Key_End && walks)) {
        event->accept();
        return true;
      }
    }
  }
  if (event->type() == QEvent::FocusIn || event->type() == QEvent::MouseButtonPress)
    for (auto* at = qobject_cast<QWidget*>(watched); at; at = at->parentWidget())
      if (auto* view = qobject_cast<View*>(at); view && view->window() == this) { last_view_ = view; break; }
  return QMainWindow::eventFilter(watched, event);
}

}  // namespace mailroom::dashboard
