#include "dashboard/views/trace_view.hpp"

namespace mailroom::dashboard {

TraceView::TraceView(Context& context, QWidget* parent) : View(context, "trace", QStringLiteral("Trace"), parent) {}

}  // namespace mailroom::dashboard
