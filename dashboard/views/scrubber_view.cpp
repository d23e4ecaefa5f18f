#include "dashboard/views/scrubber_view.hpp"

namespace mailroom::dashboard {

ScrubberView::ScrubberView(Context& context, QWidget* parent) : View(context, "scrubber", QStringLiteral("Time"), parent) {}

}  // namespace mailroom::dashboard
