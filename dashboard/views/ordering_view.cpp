#include "dashboard/views/ordering_view.hpp"

namespace mailroom::dashboard {

OrderingView::OrderingView(Context& context, QWidget* parent) : View(context, "ordering", QStringLiteral("Ordering"), parent) {}

}  // namespace mailroom::dashboard
