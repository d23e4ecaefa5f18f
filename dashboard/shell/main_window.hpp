// The window: top bar, KPI strip, docks with the views, scrubber, status line. It owns the context.
#pragma once

#include <QMainWindow>

#include "dashboard/model/context.hpp"
#include "dashboard/shell/find.hpp"
#include "dashboard/views/view.hpp"

class QLabel;
class QPushButton;
class QTabBar;
class QToolButton;

namespace mailroom::dashboard {

class DeadLettersView;
class KpiStrip;
class TopologyView;

// Keys: Ctrl+K find, F filter, P pin, Space pause, left/right scrub, [ ] window, End live, Esc back, Ctrl+E export, Ctrl+R record,
// Ctrl+O open a session, Ctrl+N connect, Ctrl+Tab next node, F6 next view, F1 all of them (keys_dialog.hpp). A widget that has a use of its own for a key keeps it.
class MainWindow : public QMainWindow {
  Q_OBJECT
 public:
  // `remember`: layout, theme and recent addresses in the user's settings; false: as it is the first time (pictures, tests).
  explicit MainWindow(bool remember = false);
  ~MainWindow() override;
  [[nodiscard]] Context& context() noexcept { return *context_; }
  [[nodiscard]] const std::vector<View*>& views() const noexcept { return views_; }
  [[nodiscard]] View* view(const char* name) const;
  void raise_view(const char* name);
  // ws address or session file. Empty, or why not.
  QString watch(const QString& what, const QString& token = {}, const TlsFiles& tls = {});
  void reset_layout();
  void record(const QString& path);
  [[nodiscard]] QString banner_text() const;
  [[nodiscard]] QString pause_text() const;

 protected:
  void closeEvent(QCloseEvent* event) override;
  bool eventFilter(QObject* watched, QEvent* event) override;

 private:
  QDockWidget* dock(View* view);
  QWidget* make_top();
  void make_actions();
  void make_status();
  void dress();
  void refresh();
  void refresh_link();
  void refresh_nodes();
  void back();
  void export_dialog(View* view);
  void record_dialog();
  void filter_dialog();
  void say_recording_failed(const QString& why);
  [[nodiscard]] View* current_view() const;
  QAction* action(const QString& text, const QString& icon, const std::vector<QKeySequence>& keys, std::function<void()> run);

  bool remember_;
  std::unique_ptr<Context> context_;
  std::vector<View*> views_;
  std::vector<QDockWidget*> docks_;
  TopologyView* topology_ = nullptr;
  KpiStrip* kpis_ = nullptr;
  View* last_view_ = nullptr;
  QLabel *name_ = nullptr, *about_ = nullptr, *dot_ = nullptr, *banner_ = nullptr;
  QLabel *status_left_ = nullptr, *status_right_ = nullptr;
  QWidget* banner_row_ = nullptr;
  QPushButton* reconnect_ = nullptr;
  QToolButton *pause_ = nullptr, *record_ = nullptr, *theme_ = nullptr, *find_ = nullptr;
  std::vector<std::pair<QToolButton*, QString>> icon_buttons_;
  QTabBar* nodes_ = nullptr;
  QTimer second_;
  std::int64_t last_values_ = 0, last_gui_us_ = 0;
  int updates_ = 0;  // of the views, since the status line was renewed
  QElapsedTimer since_second_;
};

}  // namespace mailroom::dashboard
