// The stock of one product: on hand + reserved + shipped = received, and none of them negative, checked after
// every movement. Keyed by stock code.
//
// Orders are served by the time at which they were placed, not by the one at which they get here: a request waits
// until the clock says that no earlier one can come. (The desk's shards may be days of event time apart.)
#pragma once

#include "scenarios/orders/events.hpp"

namespace orders {

struct InventoryOptions {
  std::uint64_t seed = 1;
  std::int64_t opening_least = 1'000, opening_most = 4'000;  // on hand at first, seeded by code
  std::int64_t order_below = 800;                          // on hand below this: an order goes to the supplier; 0: never
  std::int64_t delivery = 3'000;                           // of so many
  std::chrono::microseconds delivered_after = std::chrono::hours(48);
};
MAILROOM_OPTIONS(InventoryOptions, seed, opening_least, opening_most, order_below, delivery, delivered_after)

struct Reservation {
  std::string invoice;
  std::int64_t quantity = 0;
};
MAILROOM_STRUCT(Reservation, invoice, quantity)

struct Stock {
  bool opened = false, delivery_due = false;
  std::int64_t received = 0, on_hand = 0, reserved = 0, shipped = 0;
  std::vector<Reservation> reservations;
};
MAILROOM_STATE(Stock, opened, delivery_due, received, on_hand, reserved, shipped, reservations)

// Timers: a request's turn has come; the supplier's delivery arrives.
struct ReserveInTurn {
  std::string invoice;
  std::int64_t quantity = 0;
  Timestamp at;
};
MAILROOM_EVENT(ReserveInTurn, invoice, quantity, at)

struct Delivery {
  std::int64_t quantity = 0;
};
MAILROOM_EVENT(Delivery, quantity)

class Inventory : public mailroom::Actor<Stock> {
 public:
  using Options = InventoryOptions;
  using Emits = mailroom::Events<ReserveAnswer, ReserveAgainAnswer, StockMoved>;
  // Throws BadValue for options that make no sense.
  explicit Inventory(const InventoryOptions& options);

  void on(const Reserve& request, Stock& stock, mailroom::Context& context);
  void on(const ReserveInTurn& request, Stock& stock, mailroom::Context& context);
  void on(const ReserveAgain& request, Stock& stock, mailroom::Context& context);
  void on(const MoveStock& request, Stock& stock, mailroom::Context& context);
  void on(const Delivery& delivery, Stock& stock, mailroom::Context& context);

 private:
  void open(Stock& stock, mailroom::Context& context) const;
  bool reserve(const std::string& invoice, std::int64_t quantity, Timestamp at, Stock& stock, mailroom::Context& context) const;
  void order_more(Stock& stock, Timestamp at, mailroom::Context& context) const;
  InventoryOptions options_;
};
MAILROOM_ACTOR(Inventory, Reserve, ReserveInTurn, ReserveAgain, MoveStock, Delivery)

}  // namespace orders
