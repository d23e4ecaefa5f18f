// The counter. Keyed by customer: numbers the customer's orders, asks for their stock, and finds out what a
// cancellation cancels. The data do not say that: it is the customer's latest orders of the same product at the
// same price, within `returns_within`, before the cancellation. Whether these orders were ever fulfilled is for
// them to answer.
#pragma once

#include "scenarios/orders/events.hpp"

namespace orders {

struct DeskOptions {
  std::chrono::microseconds returns_within = std::chrono::hours(30 * 24);
};
MAILROOM_OPTIONS(DeskOptions, returns_within)

// An item that may still be cancelled.
struct OrderedItem {
  std::string invoice;
  Timestamp at;
  Line left;
};
MAILROOM_STRUCT(OrderedItem, invoice, at, left)

struct CustomerOrders {
  std::int64_t orders = 0;
  std::vector<OrderedItem> items;  // oldest first
};
MAILROOM_STATE(CustomerOrders, orders, items)

class Desk : public mailroom::Actor<CustomerOrders> {
 public:
  using Options = DeskOptions;
  using Emits = mailroom::Events<Order, Reserve, CancelItem, CancellationPlaced>;
  explicit Desk(const DeskOptions& options) : options_(options) {}

  // Throws Rejected if the customer has an order of that number already.
  void on(const Invoice& invoice, CustomerOrders& customer, mailroom::Context& context);

 private:
  static void place(const Invoice& invoice, CustomerOrders& customer, mailroom::Context& context);
  static void cancel(const Invoice& invoice, CustomerOrders& customer, mailroom::Context& context);
  DeskOptions options_;
};
MAILROOM_ACTOR(Desk, Invoice)

}  // namespace orders
