#include "scenarios/orders/audit.hpp"

#include <fmt/format.h>

namespace orders {

namespace {

void report(mailroom::Context& context, std::string rule, std::string found) {
  context.log(mailroom::LogLevel::error, fmt::format("invoice {}: {}: {}", context.key(), rule, found));
  context.emit(Violation{std::string(context.key()), std::move(rule), std::move(found)});
}

}  // namespace

void Audit::on(const Order& order, Audited& audited, mailroom::Context& context) {
  if (audited.ordered) report(context, "one order", "ordered again at " + order.at.to_string());
  audited.ordered = true;
}

void Audit::on(const StockMoved& moved, Audited& audited, mailroom::Context& context) {
  switch (moved.movement) {
    case Movement::opening:
    case Movement::delivery:
    case Movement::take_back:
      return;
    case Movement::reserve:
      audited.reserved += moved.quantity;
      if (!audited.ordered) context.at(moved.at + std::chrono::hours(24), OrderMissing{moved.stock_code});
      return;
    case Movement::release:
    case Movement::expire:
    case Movement::ship:
      audited.reserved -= moved.quantity;
      if (audited.reserved < 0)
        report(context, "not more than was reserved",
               fmt::format("{} {} of {} at {}: {} too many", mailroom::value_to_text(moved.movement), moved.quantity, moved.stock_code,
                           moved.at.to_string(), -audited.reserved));
      return;
  }
}

void Audit::on(const Booked& booked, Audited& audited, mailroom::Context& context) {
  Money debits, credits;
  for (const auto& leg : booked.legs) {
    debits += leg.debit;
    credits += leg.credit;
  }
  if (debits != credits)
    report(context, "debits = credits", fmt::format("posting \"{}\": {} and {}", booked.posting, debits.to_string(), credits.to_string()));
  switch (booked.entry) {
    case Entry::capture:
      if (audited.captured_once) report(context, "at most one capture", fmt::format("posting \"{}\"", booked.posting));
      audited.captured_once = true;
      audited.captured += debits;
      break;
    case Entry::sale: audited.sold += debits; break;
    case Entry::take_back: audited.sold -= debits; break;
    case Entry::refund: audited.refunded += debits; break;
  }
  if (audited.sold < Money{0} || audited.captured - audited.refunded < audited.sold)
    report(context, "not more refunded or sold than paid for",
           fmt::format("captured {}, refunded {}, sold {}", audited.captured.to_string(), audited.refunded.to_string(), audited.sold.to_string()));
}

void Audit::on(const Outcome& outcome, Audited& audited, mailroom::Context& context) {
  if (audited.ended) report(context, "exactly one final state", fmt::format("a second one: {}", mailroom::value_to_text(outcome.ending)));
  audited.ended = true;
  if (outcome.captured - outcome.refunded != outcome.fulfilled)
    report(context, "captured - refunded = fulfilled",
           fmt::format("{} - {} and {}", outcome.captured.to_string(), outcome.refunded.to_string(), outcome.fulfilled.to_string()));
}

void Audit::on(const OrderMissing& missing, Audited& audited, mailroom::Context& context) {
  if (!audited.ordered) report(context, "no reservation without an order", missing.stock_code);
}

}  // namespace orders
