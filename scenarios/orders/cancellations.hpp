// The final state of a cancellation. Keyed by cancellation: gathers what became of its pieces, in any order.
#pragma once

#include <optional>

#include "scenarios/orders/events.hpp"

namespace orders {

struct Cancelling {
  std::optional<CancellationPlaced> placed;
  std::vector<CancelAnswer> answers;
};
MAILROOM_STATE(Cancelling, placed, answers)

class Cancellations : public mailroom::Actor<Cancelling> {
 public:
  using Emits = mailroom::Events<Outcome>;

  void on(const CancellationPlaced& placed, Cancelling& cancelling, mailroom::Context& context);
  void on(const CancelAnswer& answer, Cancelling& cancelling, mailroom::Context& context);
};
MAILROOM_ACTOR(Cancellations, CancellationPlaced, CancelAnswer)

}  // namespace orders
