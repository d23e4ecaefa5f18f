// Tells the customer how an invoice ended: once, however often it is told. Keyed by invoice.
#pragma once

#include "scenarios/orders/events.hpp"

namespace orders {

struct Told {
  bool told = false;
};
MAILROOM_STATE(Told, told)

class Notify : public mailroom::Actor<Told> {
 public:
  using Emits = mailroom::Events<Notification>;
  void on(const Outcome& outcome, Told& told, mailroom::Context& context);
};
MAILROOM_ACTOR(Notify, Outcome)

}  // namespace orders
