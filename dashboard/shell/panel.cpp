#include "dashboard/shell/panel.hpp"

#include <QHBoxLayout>
#include <QLabel>
#include <QToolButton>

#include "dashboard/theme/theme.hpp"

namespace mailroom::dashboard {

PanelTitle::PanelTitle(View* view, QWidget* parent) : QWidget(parent), view_(view) {
  setAutoFillBackground(true);
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(12, 2, 6, 2);
  row->setSpacing(2);
  title_ = new QLabel(view->title());
  subtitle_ = new QLabel;
  subtitle_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  row->addWidget(title_);
  row->addSpacing(8);
  row->addWidget(subtitle_, 1);
  for (auto* control : view->title_controls()) row->addWidget(control);
  const auto button = [&](const QString& icon, const QString& name, bool checkable) {
    auto* made = new QToolButton;
    made->setToolTip(name);
    made->setAccessibleName(QStringLiteral("%1: %2").arg(view_->title(), name));
    made->setObjectName(QStringLiteral("%1-%2").arg(view_->objectName(), icon));
    made->setCheckable(checkable);
    made->setFocusPolicy(Qt::TabFocus);
    row->addWidget(made);
    buttons_.emplace_back(made, icon);
    return made;
  };
  auto* pin = button(QStringLiteral("pin"), QStringLiteral("keep what it shows now (P)"), true);
  connect(pin, &QToolButton::toggled, view, &View::set_pinned);
  connect(view, &View::pinned_changed, pin, &QToolButton::setChecked);
  connect(button(QStringLiteral("filter"), QStringLiteral("filter (F)"), false), &QToolButton::clicked, this, &PanelTitle::filter_wanted);
  connect(button(QStringLiteral("export"), QStringLiteral("export as picture or rows (Ctrl+E)"), false), &QToolButton::clicked, this, &PanelTitle::export_wanted);
  connect(button(QStringLiteral("float"), QStringLiteral("as a window of its own, and back"), false), &QToolButton::clicked, this, &PanelTitle::float_wanted);
  connect(view, &View::subtitle_changed, this, [this] { subtitle_->setText(view_->subtitle()); });
  connect(&Theme::get(), &Theme::changed, this, [this] { redress(); });
  redress();
}

void PanelTitle::show_title(bool shown) { title_->setVisible(shown); }

void PanelTitle::redress() {
  const auto& theme = Theme::get();
  title_->setFont(theme.font(0, true));
  auto palette = this->palette();
  palette.setColor(QPalette::Window, theme.colors().panel);
  setPalette(palette);
  auto faint = subtitle_->palette();
  faint.setColor(QPalette::WindowText, theme.colors().secondary);
  subtitle_->setPalette(faint);
  subtitle_->setFont(theme.font(-1));
  subtitle_->setText(view_->subtitle());
  for (auto& [button, icon] : buttons_) button->setIcon(theme.icon(icon));
}

}  // namespace mailroom::dashboard
