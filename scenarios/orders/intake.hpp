// First stage: tells clean rows from dirty ones. A dirty row becomes a dead letter that names every fault in it.
#pragma once

#include "scenarios/orders/events.hpp"

namespace orders {

// "no customer; the price is 0.00". Empty for a clean row.
std::string faults_of(const OrderLine& row);
// "17850.0" -> "17850": the data were once read as decimal numbers.
std::string clean_customer(std::string_view customer_id);

class Intake : public mailroom::Actor<> {
 public:
  using Emits = mailroom::Events<InvoiceLine>;

  // Throws Rejected for a dirty row.
  void on(const OrderLine& row, mailroom::Context& context);
};
MAILROOM_ACTOR(Intake, OrderLine)

}  // namespace orders
