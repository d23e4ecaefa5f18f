// The whole session's throughput with anomaly ticks; drag the window, live, replay at 1/2-16x.
#pragma once

#include "dashboard/views/view.hpp"

namespace mailroom::dashboard {

class ScrubberView : public View {
  Q_OBJECT
 public:
  explicit ScrubberView(Context& context, QWidget* parent = nullptr);
};

}  // namespace mailroom::dashboard
