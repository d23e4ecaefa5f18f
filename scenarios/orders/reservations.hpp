// The first half of an order's saga, keyed by invoice: waits until the inventory has answered for every product,
// then has the payment taken; or, if one product is refused, gives the others back and refuses the order.
// The order and the inventory's answers come in any order.
#pragma once

#include <optional>

#include "scenarios/orders/events.hpp"

namespace orders {

struct ReservationsOptions {
  std::chrono::microseconds reserved_for = std::chrono::minutes(30);
};
MAILROOM_OPTIONS(ReservationsOptions, reserved_for)

struct Reserving {
  std::optional<Order> order;
  std::vector<ReserveAnswer> answers;
};
MAILROOM_STATE(Reserving, order, answers)

class Reservations : public mailroom::Actor<Reserving> {
 public:
  using Options = ReservationsOptions;
  using Emits = mailroom::Events<OrderReserved, OrderRefused, Charge, MoveStock>;
  explicit Reservations(const ReservationsOptions& options) : options_(options) {}

  void on(const Order& order, Reserving& reserving, mailroom::Context& context);
  void on(const ReserveAnswer& answer, Reserving& reserving, mailroom::Context& context);

 private:
  void decide(Reserving& reserving, mailroom::Context& context) const;
  ReservationsOptions options_;
};
MAILROOM_ACTOR(Reservations, Order, ReserveAnswer)

}  // namespace orders
