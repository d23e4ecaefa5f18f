// A line per stage, events a second, labelled at its end; restart and move markers; drag a range, double-click resets.
#pragma once

#include "dashboard/views/view.hpp"

namespace mailroom::dashboard {

class ThroughputView : public View {
  Q_OBJECT
 public:
  explicit ThroughputView(Context& context, QWidget* parent = nullptr);
};

}  // namespace mailroom::dashboard
