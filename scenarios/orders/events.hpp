// Everything that one stage of the orders scenario says to another, in the order in which an order meets it.
//
// Every decision of the saga is taken on the times written in these events, never on the moment at which they
// happen to arrive: so an invoice ends in the same way under any interleaving of the stages.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <mailroom/mailroom.hpp>

namespace orders {

using mailroom::Money;
using mailroom::Timestamp;

// A promise of this scenario is broken: the shop must not go on counting wrong, so the node stops.
class InvariantBroken : public mailroom::ScenarioError {
 public:
  using ScenarioError::ScenarioError;
};

// --- the shop's data --------------------------------------------------------------------------------------------

// One row of the shop's data as it comes, dirt and all. An invoice whose number begins with C is a cancellation.
struct OrderLine {
  std::string invoice_no, stock_code, description;
  std::int64_t quantity = 0;
  Timestamp invoice_date;
  Money unit_price;
  std::string customer_id, country;
};
MAILROOM_SHARED_EVENT(OrderLine, invoice_no, stock_code, description, quantity, invoice_date, unit_price, customer_id, country)

// Some of one product at one price. The quantity is positive in cancellations, too.
struct Line {
  std::string stock_code;
  std::int64_t quantity = 0;
  Money unit_price;

  auto operator<=>(const Line&) const = default;
};
MAILROOM_STRUCT(Line, stock_code, quantity, unit_price)

// A clean row.
struct InvoiceLine {
  std::string invoice, customer;
  bool cancellation = false;
  Timestamp at;
  Line line;
};
MAILROOM_SHARED_EVENT(InvoiceLine, invoice, customer, cancellation, at, line)

// All rows of one invoice.
struct Invoice {
  std::string invoice, customer;
  bool cancellation = false;
  Timestamp at;         // of its last row
  Timestamp closed_at;  // when no more rows were expected
  Money total;
  std::vector<Line> lines;  // as they came
};
MAILROOM_SHARED_EVENT(Invoice, invoice, customer, cancellation, at, closed_at, total, lines)

// --- the desk ---------------------------------------------------------------------------------------------------

struct Order {
  std::string invoice, customer;
  std::int64_t number = 0;  // the customer's first order is 1
  Timestamp at;
  Money total;
  std::vector<Line> items;  // one for each product and price
};
MAILROOM_SHARED_EVENT(Order, invoice, customer, number, at, total, items)

// Cancel so many of one item of one order. The pieces of a cancellation are numbered from 1.
struct CancelItem {
  std::string cancellation, invoice;
  std::int64_t piece = 0;
  Line item;
  Timestamp at;
};
MAILROOM_SHARED_EVENT(CancelItem, cancellation, invoice, piece, item, at)

struct CancellationPlaced {
  std::string cancellation, customer;
  std::int64_t pieces = 0;  // that were sent to orders
  Money asked, matched;     // matched: what these pieces are worth
  Timestamp at;
};
MAILROOM_SHARED_EVENT(CancellationPlaced, cancellation, customer, pieces, asked, matched, at)

// --- inventory --------------------------------------------------------------------------------------------------

struct Reserve {
  std::string stock_code, invoice;
  std::int64_t quantity = 0;
  Timestamp at;
};
MAILROOM_SHARED_EVENT(Reserve, stock_code, invoice, quantity, at)

struct ReserveAnswer {
  std::string invoice, stock_code;
  std::int64_t quantity = 0;
  bool granted = false;
};
MAILROOM_SHARED_EVENT(ReserveAnswer, invoice, stock_code, quantity, granted)

// The same, for an order whose reservation expired before its payment was known.
struct ReserveAgain {
  std::string stock_code, invoice;
  std::int64_t quantity = 0;
  Timestamp at;
};
MAILROOM_SHARED_EVENT(ReserveAgain, stock_code, invoice, quantity, at)

struct ReserveAgainAnswer {
  std::string invoice, stock_code;
  std::int64_t quantity = 0;
  bool granted = false;
};
MAILROOM_SHARED_EVENT(ReserveAgainAnswer, invoice, stock_code, quantity, granted)

enum class Movement : std::uint8_t {
  opening,    // on hand at the beginning
  delivery,   // from the supplier
  reserve,    // on hand -> reserved
  release,    // reserved -> on hand: the order was refused, or the item cancelled in time
  expire,     // reserved -> on hand: the payment took too long
  ship,       // reserved -> shipped
  take_back   // received again from a customer
};
MAILROOM_ENUM(Movement, opening, delivery, reserve, release, expire, ship, take_back)

// Asks the inventory for a movement other than a reservation: it can't be refused.
struct MoveStock {
  std::string stock_code, invoice;
  Movement movement = Movement::release;
  std::int64_t quantity = 0;
  Timestamp at;
};
MAILROOM_SHARED_EVENT(MoveStock, stock_code, invoice, movement, quantity, at)

struct StockMoved {
  std::string stock_code, invoice;  // no invoice: opening, delivery
  Movement movement = Movement::reserve;
  std::int64_t quantity = 0;
  Timestamp at;
};
MAILROOM_SHARED_EVENT(StockMoved, stock_code, invoice, movement, quantity, at)

// --- the order's stock is settled ---------------------------------------------------------------------------------

struct OrderReserved {
  std::string invoice, customer;
  Timestamp at, reserved_until;
  Money total;
  std::vector<Line> items;
};
MAILROOM_SHARED_EVENT(OrderReserved, invoice, customer, at, reserved_until, total, items)

struct OrderRefused {
  std::string invoice, customer;
  Timestamp at;
  std::string reason;
};
MAILROOM_SHARED_EVENT(OrderRefused, invoice, customer, at, reason)

// --- payment ------------------------------------------------------------------------------------------------------

// `payment` is the idempotency key: one for each invoice, charged once.
struct Charge {
  std::string payment, invoice, customer;
  Money amount;
  Timestamp at;
};
MAILROOM_SHARED_EVENT(Charge, payment, invoice, customer, amount, at)

enum class Answer : std::uint8_t {
  captured,
  declined,    // by the customer's bank
  failed,      // the gateway could not; nothing was charged
  timed_out,   // no answer within the time: whether it was charged is unknown
  not_charged  // to an inquiry: never was, and never will be
};
MAILROOM_ENUM(Answer, captured, declined, failed, timed_out, not_charged)

struct GatewayAnswer {
  std::string payment, customer;
  Answer answer = Answer::captured;
  Money amount;
  Timestamp captured_at;  // may be later than the answer
  Timestamp answered_at;
  bool inquiry = false;   // answers an Inquire, not the Charge
};
MAILROOM_SHARED_EVENT(GatewayAnswer, payment, customer, answer, amount, captured_at, answered_at, inquiry)

// What became of this payment?
struct Inquire {
  std::string payment, customer;
  std::int64_t number = 0;  // the first inquiry is 1
  Timestamp at;
};
MAILROOM_SHARED_EVENT(Inquire, payment, customer, number, at)

struct PaymentResult {
  std::string payment, invoice, customer;
  Answer answer = Answer::captured;  // never timed_out
  Money amount;
  Timestamp captured_at, known_at;
};
MAILROOM_SHARED_EVENT(PaymentResult, payment, invoice, customer, answer, amount, captured_at, known_at)

// `refund` is its idempotency key.
struct Refund {
  std::string refund, payment, invoice, customer;
  Money amount;
  Timestamp at;
};
MAILROOM_SHARED_EVENT(Refund, refund, payment, invoice, customer, amount, at)

struct RefundAnswer {
  std::string refund, payment, customer;
  Money amount;
  Timestamp answered_at;
};
MAILROOM_SHARED_EVENT(RefundAnswer, refund, payment, customer, amount, answered_at)

struct RefundResult {
  std::string refund, payment, invoice, customer;
  Money amount;
  Timestamp asked_at;
};
MAILROOM_SHARED_EVENT(RefundResult, refund, payment, invoice, customer, amount, asked_at)

// --- the books and the endings --------------------------------------------------------------------------------------

enum class Entry : std::uint8_t {
  capture,    // the customer's money comes in: a debt to them until the goods go out
  sale,       // the goods go out
  take_back,  // goods come back: what they cost is a debt again
  refund      // the money goes back
};
MAILROOM_ENUM(Entry, capture, sale, take_back, refund)

struct Posting {
  std::string posting, invoice, customer;  // posting: its unique name
  Entry entry = Entry::capture;
  Money amount;
  Timestamp at;
  Money owed;  // what the sender thinks is owed to the customer after it
};
MAILROOM_SHARED_EVENT(Posting, posting, invoice, customer, entry, amount, at, owed)

struct Leg {
  std::string account;  // "gateway", "customer:17850", "sales"
  Money debit, credit;
};
MAILROOM_STRUCT(Leg, account, debit, credit)

struct Booked {
  std::string posting, invoice, customer;
  Entry entry = Entry::capture;
  Timestamp at;
  std::vector<Leg> legs;
};
MAILROOM_SHARED_EVENT(Booked, posting, invoice, customer, entry, at, legs)

// What became of one piece of a cancellation.
struct CancelAnswer {
  std::string cancellation, invoice;
  std::int64_t piece = 0;
  Money stopped;   // refunded because it had not been shipped
  Money returned;  // refunded because it came back
};
MAILROOM_SHARED_EVENT(CancelAnswer, cancellation, invoice, piece, stopped, returned)

enum class Ending : std::uint8_t {
  fulfilled, cancelled, refused,                            // of an order
  refunded, partly_refunded, nothing_refunded, unmatched    // of a cancellation
};
MAILROOM_ENUM(Ending, fulfilled, cancelled, refused, refunded, partly_refunded, nothing_refunded, unmatched)

// The one final state of an invoice. Always: captured - refunded = fulfilled.
// A cancellation captures nothing; what came back to the shop is its `refunded` and, negative, its `fulfilled`.
// What it stopped before shipping is part of its order's own `refunded`.
struct Outcome {
  std::string invoice, customer;
  Ending ending = Ending::fulfilled;
  std::string reason;
  Money captured, refunded, fulfilled;
  Money given_back;  // cancellations: all that was refunded because of it, stopped and returned
  Timestamp at;
};
MAILROOM_SHARED_EVENT(Outcome, invoice, customer, ending, reason, captured, refunded, fulfilled, given_back, at)

struct Notification {
  std::string customer, invoice, text;
  Timestamp at;
};
MAILROOM_SHARED_EVENT(Notification, customer, invoice, text, at)

// Of a parcel on its way, by the carrier (the demo alone): numbered from 1 for each invoice.
struct Scan {
  std::string invoice;
  std::int64_t number = 0;
  std::string place;
  Timestamp at;
};
MAILROOM_SHARED_EVENT(Scan, invoice, number, place, at)

// Found by the audit. There should never be one.
struct Violation {
  std::string invoice, rule, found;
};
MAILROOM_SHARED_EVENT(Violation, invoice, rule, found)

}  // namespace orders
