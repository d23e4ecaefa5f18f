// Colours, font and icons, dark and light. Every painted view takes its colours from here and repaints on `changed`.
#pragma once

#include <QColor>
#include <QFont>
#include <QIcon>
#include <QObject>

#include "dashboard/source/frames.hpp"

namespace mailroom::dashboard {

// Orange and vermilion are states and never series. The kinds of disorder differ in shape, place and colour (Okabe-Ito), so that
// they can be told apart without colour vision.
struct Colors {
  QColor window, panel, header, raised, border, grid, track;  // from the back to the front
  QColor text, secondary, faint;
  QColor accent, selection;                  // selection: behind the selected row
  QColor normal, amber, vermilion, good;     // states: fill below 60 %, 60-85 %, above; connected
  QColor edge;
  QColor tick, late, missing, duplicate, retried;  // of the ordering view
  QColor late_soft, missing_soft, duplicate_soft, retried_soft, accent_soft;  // the same as backgrounds
  std::array<QColor, 8> series;
};

class Theme : public QObject {
  Q_OBJECT
 public:
  static Theme& get();
  // Palette, style and font of the whole application. GUI thread.
  void apply(bool dark);
  [[nodiscard]] bool dark() const noexcept { return dark_; }
  [[nodiscard]] const Colors& colors() const noexcept { return colors_; }
  // The colour of a stage's line, the same in all views.
  [[nodiscard]] QColor series(int stage) const { return colors_.series[static_cast<std::size_t>(stage) % colors_.series.size()]; }
  // Of a mailbox's fill, 0..1; NaN: faint.
  [[nodiscard]] QColor fill(float fill) const;
  [[nodiscard]] QColor state(ShardState state) const;
  // The application's font with digits of one width, `points` relative to it: -1 small, +4 for the KPIs' figures.
  [[nodiscard]] QFont font(int points = 0, bool bold = false) const;
  // One of theme/icons, tinted.
  [[nodiscard]] QIcon icon(const QString& name) const;
  [[nodiscard]] QPixmap pixmap(const QString& name, const QColor& color, int size, qreal ratio = 1) const;

 Q_SIGNALS:
  void changed();

 private:
  bool dark_ = true;
  Colors colors_;
};

// Numbers as people read them. Unknown is "–", never 0.
[[nodiscard]] QString show_count(double value);     // 47.9k, 3,702
[[nodiscard]] QString show_exact(std::int64_t value);  // 3,702
[[nodiscard]] QString show_rate(double value);      // as show_count, one decimal below 10
[[nodiscard]] QString show_span(double micros);     // 418 ms, 1.2 s, 80 µs
[[nodiscard]] QString show_clock(Micros at_us, bool tenths = false);  // 14:31:38.4, local time

}  // namespace mailroom::dashboard
