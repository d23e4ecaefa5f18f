// What every view is: a widget over the shared context, with rows that can be exported.
#pragma once

#include <QWidget>
#include <vector>

#include "dashboard/model/context.hpp"

namespace mailroom::dashboard {

// A view repaints on context.updated (20 Hz; tables on tables_due), on changes of selection, range, crosshair and filters, and on
// Theme::changed; it does nothing while it is hidden. Its objectName names it in saved layouts and files: "throughput".
class View : public QWidget {
  Q_OBJECT
 public:
  View(Context& context, const char* name, const QString& title, QWidget* parent = nullptr) : QWidget(parent), context_(context), title_(title) {
    setObjectName(QLatin1String(name));
    setAccessibleName(title);
    setAutoFillBackground(true);
  }
  [[nodiscard]] const QString& title() const noexcept { return title_; }
  // Beside the title, small: "events per second by stage", "shown 12 of 136". Announced by subtitle_changed.
  [[nodiscard]] virtual QString subtitle() const { return {}; }
  // What it shows as rows, the header first; empty: nothing to export.
  [[nodiscard]] virtual std::vector<QStringList> rows() const { return {}; }
  // Pinned: it keeps what it shows at this moment while the others follow time and selection.
  [[nodiscard]] bool pinned() const noexcept { return pinned_; }
  virtual void set_pinned(bool pinned) { pinned_ = pinned; update(); Q_EMIT pinned_changed(pinned); }
  // Controls that stand in the view's title bar, left of its buttons; owned by the view.
  [[nodiscard]] virtual std::vector<QWidget*> title_controls() { return {}; }

 Q_SIGNALS:
  void subtitle_changed();
  void pinned_changed(bool pinned);

 protected:
  Context& context_;

 private:
  QString title_;
  bool pinned_ = false;
};

}  // namespace mailroom::dashboard
