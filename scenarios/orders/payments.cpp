#include "scenarios/orders/payments.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace orders {

namespace {

Payment* find(CustomerPayments& customer, const std::string& payment) {
  const auto found = std::find_if(customer.payments.begin(), customer.payments.end(), [&](const Payment& p) { return p.charge.payment == payment; });
  return found == customer.payments.end() ? nullptr : &*found;
}

AskedRefund* find_refund(Payment& payment, const std::string& refund) {
  const auto found = std::find_if(payment.refunds.begin(), payment.refunds.end(), [&](const AskedRefund& r) { return r.refund == refund; });
  return found == payment.refunds.end() ? nullptr : &*found;
}

void finish_refund(const RefundAnswer& answer, Payment& payment, AskedRefund& refund, mailroom::Context& context) {
  if (refund.amount != answer.amount)
    throw InvariantBroken(fmt::format("refund {}: asked for {}, the gateway paid {}", refund.refund, refund.amount.to_string(), answer.amount.to_string()));
  if (refund.done) return;  // the same answer again
  refund.done = true;
  context.emit(RefundResult{refund.refund, payment.charge.payment, payment.charge.invoice, payment.charge.customer, refund.amount, refund.at});
}

}  // namespace

void Payments::on(const Charge& charge, CustomerPayments& customer, mailroom::Context& context) {
  std::erase_if(customer.payments, [&](const Payment& p) { return p.state == PaymentState::known && p.charge.at + options_.keep < charge.at; });
  if (find(customer, charge.payment) != nullptr) throw InvariantBroken(fmt::format("payment {} was asked for twice", charge.payment));
  auto& payment = customer.payments.emplace_back();
  payment.charge = charge;
  for (const auto& answer : customer.early)
    if (answer.payment == charge.payment) take(answer, payment, context);
  std::erase_if(customer.early, [&](const GatewayAnswer& answer) { return answer.payment == charge.payment; });
}

void Payments::on(const GatewayAnswer& answer, CustomerPayments& customer, mailroom::Context& context) {
  if (auto* payment = find(customer, answer.payment))
    take(answer, *payment, context);
  else
    customer.early.push_back(answer);
}

void Payments::take(const GatewayAnswer& answer, Payment& payment, mailroom::Context& context) const {
  const auto timer = fmt::format("inquire {}", payment.charge.payment);
  if (answer.answer == Answer::timed_out) {
    if (payment.state == PaymentState::asked && !answer.inquiry) {
      payment.state = PaymentState::unknown;
      payment.inquire_at = answer.answered_at + options_.inquire_after;
    } else if (payment.state != PaymentState::unknown || !answer.inquiry) {
      return;
    }
    context.at(payment.inquire_at, InquiryDue{payment.charge.payment}, timer);
    return;
  }
  if (payment.state == PaymentState::known) {
    if (payment.answer != answer.answer)
      throw InvariantBroken(fmt::format("payment {} was {} and now is said to be {}", payment.charge.payment, mailroom::value_to_text(payment.answer),
                                        mailroom::value_to_text(answer.answer)));
    return;  // the same answer again
  }
  if (answer.answer == Answer::captured && answer.amount != payment.charge.amount)
    throw InvariantBroken(fmt::format("payment {}: asked for {}, the gateway took {}", payment.charge.payment, payment.charge.amount.to_string(),
                                      answer.amount.to_string()));
  if (payment.state == PaymentState::unknown) {
    const auto first_inquiry = payment.inquire_at - payment.inquiries * options_.inquire_after;
    if (!answer.inquiry && answer.answered_at >= first_inquiry) return;  // the inquiry decides
    context.cancel(timer);
  }
  payment.state = PaymentState::known;
  payment.answer = answer.answer;
  const auto& charge = payment.charge;
  context.emit(PaymentResult{charge.payment, charge.invoice, charge.customer, answer.answer, charge.amount, answer.captured_at, answer.answered_at});
}

void Payments::on(const InquiryDue& due, CustomerPayments& customer, mailroom::Context& context) {
  auto* payment = find(customer, due.payment);
  if (payment == nullptr || payment->state != PaymentState::unknown) return;
  context.emit(Inquire{due.payment, payment->charge.customer, ++payment->inquiries, payment->inquire_at});
  payment->inquire_at = payment->inquire_at + options_.inquire_after;  // should this one stay without answer
}

void Payments::on(const Refund& refund, CustomerPayments& customer, mailroom::Context& context) {
  auto* payment = find(customer, refund.payment);
  if (payment == nullptr || payment->state != PaymentState::known || payment->answer != Answer::captured)
    throw InvariantBroken(fmt::format("refund {}: payment {} is not known to be captured", refund.refund, refund.payment));
  if (find_refund(*payment, refund.refund) != nullptr) throw InvariantBroken(fmt::format("refund {} was asked for twice", refund.refund));
  Money asked = refund.amount;
  for (const auto& other : payment->refunds) asked += other.amount;
  if (asked > payment->charge.amount)
    throw InvariantBroken(fmt::format("payment {}: {} captured, {} asked back", refund.payment, payment->charge.amount.to_string(), asked.to_string()));
  auto& mine = payment->refunds.emplace_back(AskedRefund{refund.refund, refund.amount, refund.at, false});
  for (const auto& answer : customer.early_refunds)
    if (answer.refund == refund.refund) finish_refund(answer, *payment, mine, context);
  std::erase_if(customer.early_refunds, [&](const RefundAnswer& answer) { return answer.refund == refund.refund; });
}

void Payments::on(const RefundAnswer& answer, CustomerPayments& customer, mailroom::Context& context) {
  auto* payment = find(customer, answer.payment);
  auto* refund = payment == nullptr ? nullptr : find_refund(*payment, answer.refund);
  if (refund == nullptr)
    customer.early_refunds.push_back(answer);
  else
    finish_refund(answer, *payment, *refund, context);
}

}  // namespace orders
