#include "scenarios/orders/reservations.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "scenarios/orders/products.hpp"

namespace orders {

void Reservations::on(const Order& order, Reserving& reserving, mailroom::Context& context) {
  if (reserving.order) throw InvariantBroken(fmt::format("order {} was placed twice", order.invoice));
  reserving.order = order;
  decide(reserving, context);
}

void Reservations::on(const ReserveAnswer& answer, Reserving& reserving, mailroom::Context& context) {
  reserving.answers.push_back(answer);
  decide(reserving, context);
}

void Reservations::decide(Reserving& reserving, mailroom::Context& context) const {
  if (!reserving.order) return;
  const auto& order = *reserving.order;
  const auto needed = stock_needed(order.items);
  if (reserving.answers.size() < needed.size()) return;

  // In the order of the invoice, whatever the order of the answers.
  std::string refused;
  std::vector<const ReserveAnswer*> granted;
  for (const auto& need : needed) {
    const auto answer = std::find_if(reserving.answers.begin(), reserving.answers.end(), [&](const ReserveAnswer& a) { return a.stock_code == need.stock_code; });
    if (answer == reserving.answers.end() || answer->quantity != need.quantity)
      throw InvariantBroken(fmt::format("order {} needs {} of {} and the inventory answered for something else", order.invoice, need.quantity, need.stock_code));
    if (answer->granted)
      granted.push_back(&*answer);
    else
      refused += (refused.empty() ? "" : ", ") + need.stock_code;
  }

  if (refused.empty()) {
    context.emit(OrderReserved{order.invoice, order.customer, order.at, order.at + options_.reserved_for, order.total, order.items});
    context.emit(Charge{"pay-" + order.invoice, order.invoice, order.customer, order.total, order.at});
  } else {
    for (const auto* answer : granted)
      context.emit(MoveStock{answer->stock_code, order.invoice, Movement::release, answer->quantity, order.at});
    context.emit(OrderRefused{order.invoice, order.customer, order.at, "out of stock: " + refused});
  }
  context.forget();
}

}  // namespace orders
