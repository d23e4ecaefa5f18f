#include "dashboard/theme/theme.hpp"

#include <QApplication>
#include <QDateTime>
#include <QFontDatabase>
#include <QPainter>
#include <QPalette>
#include <QStyleFactory>
#include <QSvgRenderer>
#include <QToolTip>
#include <cmath>

// Has to stand outside of every namespace: resources of a static library are pulled in by hand.
static void load_icons() { Q_INIT_RESOURCE(theme); }

namespace mailroom::dashboard {

namespace {

Colors dark_colors() {
  Colors made;
  made.window = "#12151a"; made.panel = "#191d24"; made.header = "#1d222b"; made.raised = "#222832"; made.border = "#2b323d";
  made.grid = "#262d36"; made.track = "#0f1216";
  made.text = "#dde3eb"; made.secondary = "#93a0b1"; made.faint = "#748194";
  made.accent = "#5aa9e6"; made.selection = "#233343";
  made.normal = "#5f93bf"; made.amber = "#e6a23c"; made.vermilion = "#e8663d"; made.good = "#2fae8a";
  made.edge = "#516072";
  made.tick = "#70839b"; made.late = "#e6a23c"; made.missing = "#e8663d"; made.duplicate = "#d08bc0"; made.retried = "#62c0ee";
  made.late_soft = "#423729"; made.missing_soft = "#43302b"; made.duplicate_soft = "#3a3040"; made.retried_soft = "#24394a"; made.accent_soft = "#24303d";
  made.series = {QColor("#2fae8a"), QColor("#5b9bdc"), QColor("#dfcdf3"), QColor("#c9c46a"), QColor("#9aa7b8"), QColor("#7bd0d8"), QColor("#a68be0"), QColor("#8fbf7f")};
  return made;
}

Colors light_colors() {
  Colors made;
  made.window = "#eceff3"; made.panel = "#ffffff"; made.header = "#f7f8fb"; made.raised = "#f4f6f9"; made.border = "#dce1e7";
  made.grid = "#e3e7ed"; made.track = "#dfe4ea";
  made.text = "#1d2430"; made.secondary = "#5c6777"; made.faint = "#6b7583";
  made.accent = "#1f6fb5"; made.selection = "#dbe8f3";
  made.normal = "#4b86b8"; made.amber = "#b87400"; made.vermilion = "#c2410c"; made.good = "#0a8a68";
  made.edge = "#afbece";
  made.tick = "#8494a8"; made.late = "#b87400"; made.missing = "#c2410c"; made.duplicate = "#a23a86"; made.retried = "#0b78ad";
  made.late_soft = "#f3e9d6"; made.missing_soft = "#f7ded3"; made.duplicate_soft = "#f3e0ee"; made.retried_soft = "#d6ebf6"; made.accent_soft = "#e2ecf6";
  made.series = {QColor("#0a8a68"), QColor("#2f7fd0"), QColor("#4a2a85"), QColor("#857c0c"), QColor("#6b7889"), QColor("#0f8a94"), QColor("#7d5bc4"), QColor("#4f8a3c")};
  return made;
}

QString style_sheet(const Colors& c) {
  return QStringLiteral(R"(
QMainWindow { background: %1; }
QToolButton[chip="true"] { border: 1px solid %5; border-radius: 11px; padding: 3px 10px; background: %3; }
QToolButton[chip="true"]:checked { border-color: %2; background: %9; }
QMainWindow::separator { background: %1; width: 6px; height: 6px; }
QMainWindow::separator:hover { background: %2; }
QToolTip { background: %3; color: %4; border: 1px solid %5; padding: 4px; }
QHeaderView::section { background: %6; color: %7; border: none; border-bottom: 1px solid %5; padding: 4px 7px; font-weight: normal; font-size: 11px; }
QHeaderView::up-arrow, QHeaderView::down-arrow { subcontrol-origin: padding; subcontrol-position: top center; width: 9px; height: 6px; }
QToolBar { border: none; background: %8; padding: 0; margin: 0; spacing: 0; } QStatusBar { background: %6; padding: 0 8px; } QStatusBar::item { border: none; }
QTableView, QTreeView, QListView { border: none; background: %8; alternate-background-color: %6; selection-background-color: %9; selection-color: %4; outline: none; }
QTabBar::tab { background: transparent; color: %7; padding: 7px 12px; border: none; border-bottom: 2px solid transparent; }
QTabBar::tab:selected { color: %4; border-bottom: 2px solid %2; }
QTabBar::tab:focus { color: %2; }
QToolButton { border: 1px solid transparent; border-radius: 4px; padding: 4px 7px; color: %4; }
QToolButton:hover { background: %3; }
QToolButton:checked { background: %9; }
QToolButton:focus, QPushButton:focus { border: 1px solid %2; }
QToolButton::menu-indicator { image: none; }
QPushButton { background: %3; color: %4; border: 1px solid %5; border-radius: 5px; padding: 5px 12px; }
QPushButton:hover { border-color: %2; }
QPushButton:disabled { color: %10; }
QPushButton[primary="true"]:enabled { color: %2; border-color: %2; }
QLineEdit { background: %3; color: %4; border: 1px solid %5; border-radius: 5px; padding: 4px 8px; }
QLineEdit:focus, QComboBox:focus { border-color: %2; }
QComboBox { background: %3; color: %4; border: 1px solid %5; border-radius: 5px; padding: 4px 8px; }
QComboBox::drop-down { border: none; width: 20px; }
QComboBox::down-arrow { image: none; width: 0; height: 0; border-left: 4px solid %3; border-right: 4px solid %3; border-top: 5px solid %7; }
QComboBox QLineEdit { border: none; padding: 0; }
QComboBox QAbstractItemView { background: %3; border: 1px solid %5; }
QCheckBox::indicator { width: 13px; height: 13px; border: 1px solid %7; border-radius: 3px; background: %3; }
QCheckBox::indicator:checked { background: %2; border-color: %2; }
QCheckBox:focus { color: %2; }
QListView::item { padding: 4px 6px; }
QScrollBar:vertical { background: transparent; width: 10px; } QScrollBar:horizontal { background: transparent; height: 10px; }
QScrollBar::handle { background: %5; border-radius: 4px; min-height: 24px; min-width: 24px; margin: 1px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QMenu { background: %3; color: %4; border: 1px solid %5; } QMenu::item:selected { background: %9; }
)").arg(c.window.name(), c.accent.name(), c.raised.name(), c.text.name(), c.border.name(), c.panel.name(), c.secondary.name(), c.panel.name(), c.selection.name())
      .arg(c.faint.name());
}

}  // namespace

Theme& Theme::get() {
  static Theme theme;
  static const bool loaded = (load_icons(), true);
  (void)loaded;
  if (!theme.colors_.text.isValid()) theme.colors_ = dark_colors();
  return theme;
}

void Theme::apply(bool dark) {
  dark_ = dark;
  colors_ = dark ? dark_colors() : light_colors();
  const auto& c = colors_;
  QPalette palette;
  palette.setColor(QPalette::Window, c.panel);
  palette.setColor(QPalette::WindowText, c.text);
  palette.setColor(QPalette::Base, c.panel);
  palette.setColor(QPalette::AlternateBase, c.raised);
  palette.setColor(QPalette::Text, c.text);
  palette.setColor(QPalette::PlaceholderText, c.secondary);
  palette.setColor(QPalette::Button, c.raised);
  palette.setColor(QPalette::ButtonText, c.text);
  palette.setColor(QPalette::Highlight, c.accent);
  palette.setColor(QPalette::HighlightedText, dark ? c.window : QColor(Qt::white));
  palette.setColor(QPalette::ToolTipBase, c.raised);
  palette.setColor(QPalette::ToolTipText, c.text);
  palette.setColor(QPalette::Link, c.accent);
  palette.setColor(QPalette::Mid, c.border);
  palette.setColor(QPalette::Dark, c.border);
  palette.setColor(QPalette::Light, c.raised);
  for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) palette.setColor(QPalette::Disabled, role, c.faint);
  QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
  QApplication::setPalette(palette);
  QToolTip::setPalette(palette);
  QApplication::setFont(font());
  qApp->setStyleSheet(style_sheet(c));
  Q_EMIT changed();
}

QColor Theme::fill(float fill) const {
  if (std::isnan(fill)) return colors_.faint;
  return fill > 0.85f ? colors_.vermilion : fill >= 0.6f ? colors_.amber : colors_.normal;
}

QColor Theme::state(ShardState state) const {
  switch (state) {
    case ShardState::blocked_downstream: case ShardState::paused: case ShardState::retrying: return colors_.amber;
    case ShardState::restarting: case ShardState::stuck: case ShardState::stopped: return colors_.vermilion;
    default: return colors_.secondary;
  }
}

QFont Theme::font(int points, bool bold) const {
  static const QString family = QFontDatabase::families().contains(QStringLiteral("Noto Sans")) ? QStringLiteral("Noto Sans") : QStringLiteral("DejaVu Sans");
  QFont made(family);
  made.setPixelSize(12 + points);
  made.setBold(bold);
  return made;
}

QPixmap Theme::pixmap(const QString& name, const QColor& color, int size, qreal ratio) const {
  QSvgRenderer renderer(QStringLiteral(":/mailroom/icons/%1.svg").arg(name));
  const int pixels = static_cast<int>(std::ceil(size * ratio));
  QPixmap made(pixels, pixels);
  made.fill(Qt::transparent);
  QPainter painter(&made);
  renderer.render(&painter);
  painter.setCompositionMode(QPainter::CompositionMode_SourceIn);
  painter.fillRect(made.rect(), color);
  painter.end();
  made.setDevicePixelRatio(ratio);
  return made;
}

QIcon Theme::icon(const QString& name) const {
  QIcon made;
  for (const qreal ratio : {1.0, 2.0}) {
    made.addPixmap(pixmap(name, colors_.text, 16, ratio));
    made.addPixmap(pixmap(name, colors_.faint, 16, ratio), QIcon::Disabled);
  }
  return made;
}

QString show_exact(std::int64_t value) {
  if (value < 0) return QStringLiteral("–");
  auto text = QString::number(value);
  for (auto at = text.size() - 3; at > 0; at -= 3) text.insert(at, u',');
  return text;
}

QString show_count(double value) {
  if (std::isnan(value) || value < 0) return QStringLiteral("–");
  if (value < 9'999.5) return show_exact(static_cast<std::int64_t>(std::llround(value)));
  constexpr std::pair<double, const char*> units[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
  for (const auto& [unit, letter] : units)
    if (value >= unit * 0.9995) return QString::number(value / unit, 'f', value / unit < 99.95 ? 1 : 0) + QLatin1String(letter);
  return QString::number(value);
}

QString show_rate(double value) { return !std::isnan(value) && value > 0 && value < 10 ? QString::number(value, 'f', 1) : show_count(value); }

QString show_span(double micros) {
  if (std::isnan(micros) || micros < 0) return QStringLiteral("–");
  if (micros < 1'000) return QStringLiteral("%1 µs").arg(micros, 0, 'f', 0);
  if (micros < 10'000) return QStringLiteral("%1 ms").arg(micros / 1e3, 0, 'f', 1);
  if (micros < 1e6) return QStringLiteral("%1 ms").arg(micros / 1e3, 0, 'f', 0);
  if (micros < 60e6) return QStringLiteral("%1 s").arg(micros / 1e6, 0, 'f', 1);
  if (micros < 3600e6) return QStringLiteral("%1 min").arg(micros / 60e6, 0, 'f', 1);
  return QStringLiteral("%1 h").arg(micros / 3600e6, 0, 'f', 1);
}

QString show_clock(Micros at_us, bool tenths) {
  if (at_us < 0) return QStringLiteral("–");
  const auto time = QDateTime::fromMSecsSinceEpoch(at_us / 1000);
  auto text = time.toString(QStringLiteral("HH:mm:ss"));
  if (tenths) text += QStringLiteral(".%1").arg((at_us / 100'000) % 10);
  return text;
}

}  // namespace mailroom::dashboard
