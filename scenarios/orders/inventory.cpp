#include "scenarios/orders/inventory.hpp"

#include <algorithm>
#include <fmt/format.h>

#include <mailroom/seeded_choice.hpp>

namespace orders {

using mailroom::SeededChoice;

namespace {

void check(const Stock& stock, std::string_view code) {
  if (stock.on_hand >= 0 && stock.reserved >= 0 && stock.shipped >= 0 && stock.on_hand + stock.reserved + stock.shipped == stock.received) return;
  throw InvariantBroken(fmt::format("stock of {}: on hand {} + reserved {} + shipped {} must be received {}, and none negative", code,
                                    stock.on_hand, stock.reserved, stock.shipped, stock.received));
}

void tell(Movement movement, std::int64_t quantity, const std::string& invoice, Timestamp at, mailroom::Context& context) {
  context.emit(StockMoved{std::string(context.key()), invoice, movement, quantity, at});
}

void take_from_reservation(const MoveStock& request, Stock& stock) {
  const auto held = std::find_if(stock.reservations.begin(), stock.reservations.end(), [&](const Reservation& r) { return r.invoice == request.invoice; });
  if (held == stock.reservations.end() || held->quantity < request.quantity)
    throw InvariantBroken(fmt::format("stock of {}: invoice {} wants to {} {} and has {} reserved", request.stock_code, request.invoice,
                                      mailroom::value_to_text(request.movement), request.quantity,
                                      held == stock.reservations.end() ? 0 : held->quantity));
  held->quantity -= request.quantity;
  if (held->quantity == 0) stock.reservations.erase(held);
  stock.reserved -= request.quantity;
}

}  // namespace

Inventory::Inventory(const InventoryOptions& options) : options_(options) {
  if (options.opening_least < 0 || options.opening_most < options.opening_least || options.delivery < 0)
    throw mailroom::BadValue(fmt::format("inventory: expected 0 <= opening_least <= opening_most and 0 <= delivery, found {}, {}, {}",
                                         options.opening_least, options.opening_most, options.delivery));
}

void Inventory::open(Stock& stock, mailroom::Context& context) const {
  if (stock.opened) return;
  stock.opened = true;
  stock.received = stock.on_hand = SeededChoice(options_.seed, {context.key()}).integer(options_.opening_least, options_.opening_most);
  tell(Movement::opening, stock.on_hand, {}, {}, context);  // before all time: not at the moment of the first reservation
}

bool Inventory::reserve(const std::string& invoice, std::int64_t quantity, Timestamp at, Stock& stock, mailroom::Context& context) const {
  open(stock, context);
  const bool granted = quantity <= stock.on_hand;
  if (granted) {
    stock.on_hand -= quantity;
    stock.reserved += quantity;
    stock.reservations.push_back({invoice, quantity});
    tell(Movement::reserve, quantity, invoice, at, context);
  }
  order_more(stock, at, context);
  check(stock, context.key());
  return granted;
}

void Inventory::order_more(Stock& stock, Timestamp at, mailroom::Context& context) const {
  if (stock.delivery_due || stock.on_hand >= options_.order_below) return;
  stock.delivery_due = true;
  context.at(at + options_.delivered_after, Delivery{options_.delivery});
}

void Inventory::on(const Reserve& request, Stock&, mailroom::Context& context) {
  context.at(request.at, ReserveInTurn{request.invoice, request.quantity, request.at});
}

void Inventory::on(const ReserveInTurn& request, Stock& stock, mailroom::Context& context) {
  const bool granted = reserve(request.invoice, request.quantity, request.at, stock, context);
  context.emit(ReserveAnswer{request.invoice, std::string(context.key()), request.quantity, granted});
}

void Inventory::on(const ReserveAgain& request, Stock& stock, mailroom::Context& context) {
  const bool granted = reserve(request.invoice, request.quantity, request.at, stock, context);
  context.emit(ReserveAgainAnswer{request.invoice, request.stock_code, request.quantity, granted});
}

void Inventory::on(const MoveStock& request, Stock& stock, mailroom::Context& context) {
  switch (request.movement) {
    case Movement::release:
    case Movement::expire:
      take_from_reservation(request, stock);
      stock.on_hand += request.quantity;
      break;
    case Movement::ship:
      take_from_reservation(request, stock);
      stock.shipped += request.quantity;
      break;
    case Movement::take_back:
      stock.received += request.quantity;
      stock.on_hand += request.quantity;
      break;
    case Movement::opening:
    case Movement::delivery:
    case Movement::reserve:
      throw InvariantBroken(fmt::format("stock of {}: nobody may ask for {}", request.stock_code, mailroom::value_to_text(request.movement)));
  }
  tell(request.movement, request.quantity, request.invoice, request.at, context);
  check(stock, context.key());
}

void Inventory::on(const Delivery& delivery, Stock& stock, mailroom::Context& context) {
  stock.delivery_due = false;
  stock.received += delivery.quantity;
  stock.on_hand += delivery.quantity;
  tell(Movement::delivery, delivery.quantity, {}, context.event_time(), context);
  check(stock, context.key());
}

}  // namespace orders
