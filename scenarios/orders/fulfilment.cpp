#include "scenarios/orders/fulfilment.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "scenarios/orders/products.hpp"

namespace orders {

namespace {

std::vector<Line> remaining(const Fulfilling& saga) {
  std::vector<Line> lines;
  for (const auto& item : saga.items) lines.push_back({item.ordered.stock_code, item.ordered.quantity - item.cancelled, item.ordered.unit_price});
  return lines;
}

void move_stock(const Fulfilling& saga, Movement movement, const std::vector<Line>& lines, Timestamp at, mailroom::Context& context) {
  for (const auto& need : stock_needed(lines)) context.emit(MoveStock{need.stock_code, saga.invoice, movement, need.quantity, at});
}

void post(Fulfilling& saga, std::string posting, Entry entry, Money amount, Timestamp at, mailroom::Context& context) {
  const bool adds = entry == Entry::capture || entry == Entry::take_back;
  saga.owed += adds ? amount : -amount;
  context.emit(Posting{std::move(posting), saga.invoice, saga.customer, entry, amount, at, saga.owed});
}

// Booked when it is asked for, so that an invoice's postings have one order; the gateway never refuses a refund.
void ask_refund(Fulfilling& saga, OpenRefund refund, Timestamp at, mailroom::Context& context) {
  post(saga, refund.refund, Entry::refund, refund.amount, at, context);
  context.emit(Refund{refund.refund, saga.payment->payment, saga.invoice, saga.customer, refund.amount, at});
  saga.open_refunds.push_back(std::move(refund));
}

void answer_nothing(const CancelItem& cancel, mailroom::Context& context) {
  context.emit(CancelAnswer{cancel.cancellation, cancel.invoice, cancel.piece, {}, {}});
}

void refuse(Fulfilling& saga, std::string reason, Timestamp at, mailroom::Context& context) {
  saga.phase = Phase::refused;
  saga.reason = std::move(reason);
  saga.ended_at = at;
  for (const auto& cancel : saga.waiting) answer_nothing(cancel, context);
  saga.waiting.clear();
}

// Takes the cancelled quantity off its item and asks for its money back.
void give_back(const CancelItem& cancel, Fulfilling& saga, mailroom::Context& context) {
  const auto item = std::find_if(saga.items.begin(), saga.items.end(), [&](const Item& i) {
    return i.ordered.stock_code == cancel.item.stock_code && i.ordered.unit_price == cancel.item.unit_price;
  });
  if (item == saga.items.end() || item->cancelled + cancel.item.quantity > item->ordered.quantity)
    throw InvariantBroken(fmt::format("{} cancels {} of {} in invoice {}, which has not so many left", cancel.cancellation, cancel.item.quantity,
                                      cancel.item.stock_code, saga.invoice));
  item->cancelled += cancel.item.quantity;
  const auto amount = cancel.item.unit_price * cancel.item.quantity;
  const auto name = fmt::format("{}/{}", cancel.cancellation, cancel.piece);
  const bool returned = saga.phase == Phase::shipped;
  move_stock(saga, returned ? Movement::take_back : Movement::release, {cancel.item}, cancel.at, context);
  if (returned) {
    saga.sold -= amount;
    post(saga, "take-back " + name, Entry::take_back, amount, cancel.at, context);
  } else {
    saga.stopped += amount;
  }
  ask_refund(saga, {"refund " + name, amount, cancel.cancellation, cancel.piece, returned}, cancel.at, context);
}

// Everything of before the shipping is stopped; what is left waits until it has shipped.
void stop_in_time(Fulfilling& saga, mailroom::Context& context) {
  std::vector<CancelItem> later;
  for (auto& cancel : saga.waiting) {
    if (cancel.at >= saga.ships_at) {
      later.push_back(std::move(cancel));
      continue;
    }
    give_back(cancel, saga, context);
    saga.ended_at = cancel.at;
  }
  saga.waiting = std::move(later);
  const auto left = remaining(saga);
  if (std::any_of(left.begin(), left.end(), [](const Line& line) { return line.quantity > 0; })) return;
  saga.phase = Phase::cancelled;
  saga.reason = "cancelled before shipping";
  context.cancel("ship");
}

void expire(Fulfilling& saga, mailroom::Context& context) {
  saga.expired = true;
  move_stock(saga, Movement::expire, remaining(saga), saga.reserved_until, context);
}

// The final state is told once, when no money that belongs to it is under way.
void end_if_done(Fulfilling& saga, mailroom::Context& context) {
  const bool over = saga.phase == Phase::shipped || saga.phase == Phase::cancelled || saga.phase == Phase::refused;
  const auto under_way = [](const OpenRefund& refund) { return !refund.returned; };
  if (!over || saga.ended || std::any_of(saga.open_refunds.begin(), saga.open_refunds.end(), under_way)) return;
  saga.ended = true;
  Outcome outcome{saga.invoice, saga.customer, Ending::refused, saga.reason, saga.captured, saga.stopped, {}, {}, saga.ended_at};
  if (saga.phase == Phase::shipped) outcome.ending = Ending::fulfilled;
  if (saga.phase == Phase::cancelled) outcome.ending = Ending::cancelled;
  if (saga.phase == Phase::shipped)
    for (const auto& item : saga.items) outcome.fulfilled += item.ordered.unit_price * item.ordered.quantity;
  if (saga.phase == Phase::shipped) outcome.fulfilled -= saga.stopped;
  if (outcome.captured - outcome.refunded != outcome.fulfilled)
    throw InvariantBroken(fmt::format("invoice {}: captured {} - refunded {} must be fulfilled {}", saga.invoice, outcome.captured.to_string(),
                                      outcome.refunded.to_string(), outcome.fulfilled.to_string()));
  context.emit(outcome);
}

}  // namespace

void Fulfilment::on(const OrderReserved& order, Fulfilling& saga, mailroom::Context& context) {
  if (saga.phase != Phase::begun) throw InvariantBroken(fmt::format("order {} was reserved twice", order.invoice));
  saga.phase = Phase::paying;
  saga.invoice = order.invoice;
  saga.customer = order.customer;
  for (const auto& line : order.items) saga.items.push_back({line, 0});
  saga.reserved_until = order.reserved_until;
  if (saga.payment)
    settle_payment(saga, context);
  else
    context.at(order.reserved_until, ReservationExpires{}, "reservation");
}

void Fulfilment::on(const OrderRefused& order, Fulfilling& saga, mailroom::Context& context) {
  if (saga.phase != Phase::begun) throw InvariantBroken(fmt::format("order {} was refused after it was reserved", order.invoice));
  saga.invoice = order.invoice;
  saga.customer = order.customer;
  refuse(saga, order.reason, order.at, context);
  end_if_done(saga, context);
}

void Fulfilment::on(const PaymentResult& result, Fulfilling& saga, mailroom::Context& context) {
  if (saga.payment) throw InvariantBroken(fmt::format("invoice {}: payment {} has two results", result.invoice, result.payment));
  saga.payment = result;
  if (saga.phase == Phase::paying) settle_payment(saga, context);
}

void Fulfilment::settle_payment(Fulfilling& saga, mailroom::Context& context) const {
  const auto& payment = *saga.payment;
  context.cancel("reservation");
  // Known only after the reservation had run out, even if the timer has not said so yet.
  if (!saga.expired && payment.known_at >= saga.reserved_until) expire(saga, context);

  if (payment.answer != Answer::captured) {
    if (!saga.expired) move_stock(saga, Movement::release, remaining(saga), payment.known_at, context);
    refuse(saga, fmt::format("payment {}", mailroom::value_to_text(payment.answer)), payment.known_at, context);
    end_if_done(saga, context);
    return;
  }
  saga.captured = payment.amount;
  post(saga, "capture " + saga.invoice, Entry::capture, payment.amount, payment.captured_at, context);
  const auto needed = stock_needed(remaining(saga));
  if (!saga.expired || needed.empty()) {
    pack(saga, context);
    return;
  }
  saga.phase = Phase::reserving_again;
  for (const auto& need : needed) context.emit(ReserveAgain{need.stock_code, saga.invoice, need.quantity, payment.known_at});
}

void Fulfilment::on(const ReserveAgainAnswer& answer, Fulfilling& saga, mailroom::Context& context) {
  if (saga.phase != Phase::reserving_again) throw InvariantBroken(fmt::format("invoice {} did not ask to reserve {} again", answer.invoice, answer.stock_code));
  saga.again.push_back(answer);
  const auto needed = stock_needed(remaining(saga));
  if (saga.again.size() < needed.size()) return;
  if (std::all_of(saga.again.begin(), saga.again.end(), [](const ReserveAgainAnswer& a) { return a.granted; })) {
    pack(saga, context);
    return;
  }
  const auto at = saga.payment->known_at;
  for (const auto& granted : saga.again)
    if (granted.granted) context.emit(MoveStock{granted.stock_code, saga.invoice, Movement::release, granted.quantity, at});
  saga.stopped = saga.captured;
  ask_refund(saga, {"refund " + saga.invoice, saga.captured, {}, 0, false}, at, context);
  refuse(saga, "out of stock when the payment was known", at, context);
}

void Fulfilment::pack(Fulfilling& saga, mailroom::Context& context) const {
  saga.phase = Phase::packing;
  saga.again.clear();
  saga.ships_at = std::max(saga.payment->known_at, saga.payment->captured_at) + options_.ships_after;
  context.at(saga.ships_at, ShippingDue{}, "ship");
  stop_in_time(saga, context);
  end_if_done(saga, context);
}

void Fulfilment::on(const CancelItem& cancel, Fulfilling& saga, mailroom::Context& context) {
  switch (saga.phase) {
    case Phase::begun:
    case Phase::paying:
    case Phase::reserving_again:
      saga.waiting.push_back(cancel);
      break;
    case Phase::packing:
      saga.waiting.push_back(cancel);
      stop_in_time(saga, context);
      break;
    case Phase::shipped:
    case Phase::cancelled:
      give_back(cancel, saga, context);
      break;
    case Phase::refused:
      answer_nothing(cancel, context);
      break;
  }
  end_if_done(saga, context);
}

void Fulfilment::on(const ShippingDue&, Fulfilling& saga, mailroom::Context& context) {
  if (saga.phase != Phase::packing) return;
  saga.phase = Phase::shipped;
  saga.ended_at = saga.ships_at;
  saga.reason = saga.stopped > Money{0} ? "shipped in part, the rest was cancelled" : "shipped";
  const auto lines = remaining(saga);
  move_stock(saga, Movement::ship, lines, saga.ships_at, context);
  saga.sold = total_of(lines);
  post(saga, "sale " + saga.invoice, Entry::sale, saga.sold, saga.ships_at, context);
  for (const auto& cancel : std::exchange(saga.waiting, {})) give_back(cancel, saga, context);
  end_if_done(saga, context);
}

void Fulfilment::on(const RefundResult& result, Fulfilling& saga, mailroom::Context& context) {
  const auto open = std::find_if(saga.open_refunds.begin(), saga.open_refunds.end(), [&](const OpenRefund& r) { return r.refund == result.refund; });
  if (open == saga.open_refunds.end() || open->amount != result.amount)
    throw InvariantBroken(fmt::format("invoice {}: refund {} of {} was not asked for", result.invoice, result.refund, result.amount.to_string()));
  const auto refund = *open;
  saga.open_refunds.erase(open);
  if (!refund.cancellation.empty())
    context.emit(CancelAnswer{refund.cancellation, saga.invoice, refund.piece, refund.returned ? Money{} : refund.amount,
                              refund.returned ? refund.amount : Money{}});
  end_if_done(saga, context);
}

void Fulfilment::on(const ReservationExpires&, Fulfilling& saga, mailroom::Context& context) {
  if (saga.phase == Phase::paying && !saga.expired) expire(saga, context);
}

}  // namespace orders
