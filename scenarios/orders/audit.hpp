// Looks over the shoulders of all the others. Keyed by invoice, it sees what was ordered, moved, booked and
// concluded, each by its own way and so in any order, and says what can't be true:
//   - one order, one capture, one final state
//   - no reservation without an order (a timer leaves the order the time to arrive)
//   - not more released, expired and shipped than was reserved
//   - not more refunded than was captured, not more sold than was paid for
//   - a final state in which captured - refunded = fulfilled
#pragma once

#include "scenarios/orders/events.hpp"

namespace orders {

struct Audited {
  bool ordered = false, ended = false, captured_once = false;
  std::int64_t reserved = 0;  // units
  Money captured, refunded, sold;
};
MAILROOM_STATE(Audited, ordered, ended, captured_once, reserved, captured, refunded, sold)

// Timer.
struct OrderMissing {
  std::string stock_code;
};
MAILROOM_EVENT(OrderMissing, stock_code)

class Audit : public mailroom::Actor<Audited> {
 public:
  using Emits = mailroom::Events<Violation>;

  void on(const Order& order, Audited& audited, mailroom::Context& context);
  void on(const StockMoved& moved, Audited& audited, mailroom::Context& context);
  void on(const Booked& booked, Audited& audited, mailroom::Context& context);
  void on(const Outcome& outcome, Audited& audited, mailroom::Context& context);
  void on(const OrderMissing& missing, Audited& audited, mailroom::Context& context);
};
MAILROOM_ACTOR(Audit, Order, StockMoved, Booked, Outcome, OrderMissing)

}  // namespace orders
