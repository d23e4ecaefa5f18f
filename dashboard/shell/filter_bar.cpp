#include "dashboard/shell/filter_bar.hpp"

#include <QCheckBox>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QRegularExpression>
#include <QToolButton>

#include "dashboard/theme/theme.hpp"

namespace mailroom::dashboard {

FilterBar::FilterBar(Context& context, QWidget* parent) : QWidget(parent), context_(context) {
  setObjectName(QStringLiteral("filters"));
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(10, 3, 10, 3);
  connect(&context.filters, &Filters::changed, this, [this] { QMetaObject::invokeMethod(this, [this] { rebuild(); }, Qt::QueuedConnection); });
  connect(&Theme::get(), &Theme::changed, this, [this] { rebuild(); });
  rebuild();
}

void FilterBar::rebuild() {
  auto* row = static_cast<QHBoxLayout*>(layout());
  while (row->count() > 0) {
    auto* item = row->takeAt(0);
    delete item->widget();
    delete item;
  }
  const auto& filters = context_.filters.all();
  setVisible(!filters.empty());
  if (filters.empty()) return;
  row->addWidget(new QLabel(QStringLiteral("Shown only:")));
  for (std::size_t at = 0; at < filters.size(); ++at) {
    auto* chip = new QToolButton;
    chip->setText(filters[at].text());
    chip->setIcon(Theme::get().icon(QStringLiteral("close")));
    chip->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    chip->setLayoutDirection(Qt::RightToLeft);
    chip->setAccessibleName(QStringLiteral("Remove the filter %1").arg(filters[at].text()));
    chip->setToolTip(chip->accessibleName());
    chip->setProperty("chip", true);
    connect(chip, &QToolButton::clicked, this, [this, at] { context_.filters.remove(at); });
    row->addWidget(chip);
  }
  row->addStretch();
}

FilterDialog::FilterDialog(Context& context, QWidget* parent) : QDialog(parent), context_(context) {
  setWindowTitle(QStringLiteral("Filter"));
  setObjectName(QStringLiteral("filter-dialog"));
  auto* form = new QFormLayout(this);
  field_ = new QComboBox;
  field_->addItems({QStringLiteral("actor (stage/shard)"), QStringLiteral("key of an event"), QStringLiteral("kind of an event")});
  field_->setAccessibleName(QStringLiteral("What the filter looks at"));
  pattern_ = new QLineEdit;
  pattern_->setPlaceholderText(QStringLiteral("regular expression, as enrich|agg-1"));
  pattern_->setAccessibleName(QStringLiteral("Regular expression"));
  pattern_->setMinimumWidth(280);
  exclude_ = new QCheckBox(QStringLiteral("hide what matches, instead of showing only it"));
  why_ = new QLabel;
  why_->setWordWrap(true);
  // What is selected is what one is likely to want.
  const auto& selection = context.selection;
  if (selection.shard() >= 0) pattern_->setText(QStringLiteral("^%1$").arg(QRegularExpression::escape(context.node().shard_name(selection.shard())).replace(QStringLiteral("\\/"), QStringLiteral("/"))));
  else if (selection.stage() >= 0) pattern_->setText(QStringLiteral("^%1(/|$)").arg(QRegularExpression::escape(context.node().stage_name(selection.stage()))));
  pattern_->selectAll();
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel);
  form->addRow(QStringLiteral("Field"), field_);
  form->addRow(QStringLiteral("Pattern"), pattern_);
  form->addRow(QString(), exclude_);
  form->addRow(why_);
  form->addRow(buttons);
  connect(buttons, &QDialogButtonBox::accepted, this, &FilterDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, this, &FilterDialog::reject);
  pattern_->setFocus();
}

void FilterDialog::accept() {
  const auto why = context_.filters.add({static_cast<Filter::Field>(field_->currentIndex()), pattern_->text(), exclude_->isChecked()});
  if (why.isEmpty()) return QDialog::accept();
  why_->setText(why);
  auto palette = why_->palette();
  palette.setColor(QPalette::WindowText, Theme::get().colors().vermilion);
  why_->setPalette(palette);
}

}  // namespace mailroom::dashboard
