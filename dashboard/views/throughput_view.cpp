#include "dashboard/views/throughput_view.hpp"

namespace mailroom::dashboard {

ThroughputView::ThroughputView(Context& context, QWidget* parent) : View(context, "throughput", QStringLiteral("Throughput"), parent) {}

}  // namespace mailroom::dashboard
