// One lane per shard, x = arrival: a calm shard is a flat line, disorder leaves the line.
#pragma once

#include "dashboard/views/view.hpp"

namespace mailroom::dashboard {

class OrderingView : public View {
  Q_OBJECT
 public:
  explicit OrderingView(Context& context, QWidget* parent = nullptr);
};

}  // namespace mailroom::dashboard
