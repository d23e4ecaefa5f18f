// One event through the stages: hatched = waited in a mailbox, solid = worked; retries, losses.
#pragma once

#include "dashboard/views/view.hpp"

namespace mailroom::dashboard {

class TraceView : public View {
  Q_OBJECT
 public:
  explicit TraceView(Context& context, QWidget* parent = nullptr);
};

}  // namespace mailroom::dashboard
