// The second half of an order's saga, keyed by invoice: the payment's result, the reservation's expiry, shipping,
// cancellations before and after it, compensation, and the one final state.
//
//   begun ──reserved──> paying ──captured in time──> packing ──timer──> SHIPPED (fulfilled) <── returns
//     │                   │ └─captured after expiry─> reserving again ─granted─> packing
//     └─refused─> REFUSED <┴─declined, failed, not charged   └──refused──> refund all ─> REFUSED
//                                   packing ──every item cancelled──> CANCELLED
//
// A cancellation waits while the payment is not known, for money under way can't be called back. Once it is known
// when the order will ship, a cancellation of before that moment stops the item; a later one is a return.
#pragma once

#include <optional>

#include "scenarios/orders/events.hpp"

namespace orders {

struct FulfilmentOptions {
  std::chrono::microseconds ships_after = std::chrono::hours(4);  // the payment is known
};
MAILROOM_OPTIONS(FulfilmentOptions, ships_after)

enum class Phase : std::uint8_t { begun, paying, reserving_again, packing, shipped, cancelled, refused };
MAILROOM_ENUM(Phase, begun, paying, reserving_again, packing, shipped, cancelled, refused)

// What an order has of one product at one price.
struct Item {
  Line ordered;
  std::int64_t cancelled = 0;  // stopped or returned
};
MAILROOM_STRUCT(Item, ordered, cancelled)

// Asked for, not yet done.
struct OpenRefund {
  std::string refund;
  Money amount;
  std::string cancellation;  // empty: the whole order's
  std::int64_t piece = 0;
  bool returned = false;     // of goods that came back, not of goods stopped
};
MAILROOM_STRUCT(OpenRefund, refund, amount, cancellation, piece, returned)

struct Fulfilling {
  Phase phase = Phase::begun;
  std::string invoice, customer;
  std::vector<Item> items;
  Timestamp reserved_until, ships_at, ended_at;
  bool expired = false;
  std::optional<PaymentResult> payment;
  std::vector<ReserveAgainAnswer> again;
  std::vector<CancelItem> waiting;         // cancellations that can't be decided yet, in order of arrival
  std::vector<OpenRefund> open_refunds;
  Money captured, stopped, sold, owed;     // sold: net of returns; owed: to the customer, now
  std::string reason;
  bool ended = false;                      // its Outcome is out
};
MAILROOM_STATE(Fulfilling, phase, invoice, customer, items, reserved_until, ships_at, ended_at, expired, payment, again, waiting, open_refunds,
               captured, stopped, sold, owed, reason, ended)

// Timers.
struct ReservationExpires {
  bool due = true;
};
MAILROOM_EVENT(ReservationExpires, due)
struct ShippingDue {
  bool due = true;
};
MAILROOM_EVENT(ShippingDue, due)

class Fulfilment : public mailroom::Actor<Fulfilling> {
 public:
  using Options = FulfilmentOptions;
  using Emits = mailroom::Events<MoveStock, ReserveAgain, Refund, Posting, CancelAnswer, Outcome>;
  explicit Fulfilment(const FulfilmentOptions& options) : options_(options) {}

  void on(const OrderReserved& order, Fulfilling& saga, mailroom::Context& context);
  void on(const OrderRefused& order, Fulfilling& saga, mailroom::Context& context);
  void on(const PaymentResult& result, Fulfilling& saga, mailroom::Context& context);
  void on(const ReserveAgainAnswer& answer, Fulfilling& saga, mailroom::Context& context);
  void on(const CancelItem& cancel, Fulfilling& saga, mailroom::Context& context);
  void on(const RefundResult& result, Fulfilling& saga, mailroom::Context& context);
  void on(const ReservationExpires&, Fulfilling& saga, mailroom::Context& context);
  void on(const ShippingDue&, Fulfilling& saga, mailroom::Context& context);

 private:
  void settle_payment(Fulfilling& saga, mailroom::Context& context) const;
  void pack(Fulfilling& saga, mailroom::Context& context) const;
  FulfilmentOptions options_;
};
MAILROOM_ACTOR(Fulfilment, OrderReserved, OrderRefused, PaymentResult, ReserveAgainAnswer, CancelItem, RefundResult, ReservationExpires, ShippingDue)

}  // namespace orders
