#include "scenarios/orders/gateway.hpp"

#include <algorithm>
#include <fmt/format.h>

#include <mailroom/seeded_choice.hpp>

namespace orders {

using mailroom::SeededChoice;

namespace {
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

microseconds between(SeededChoice& choice, microseconds least, microseconds most) {
  return microseconds(choice.integer(least.count(), std::max(least, most).count()));
}
}  // namespace

Gateway::Gateway(const GatewayOptions& options) : options_(options) {
  for (const auto p : {options.unavailable, options.declined, options.failed, options.late, options.silent, options.lost, options.early, options.twice,
                       options.inquiry_unanswered})
    if (!(p >= 0 && p <= 1)) throw mailroom::BadValue(fmt::format("gateway: a probability is {}, expected 0 to 1", p));
  const auto sum = options.declined + options.failed + options.late + options.silent + options.lost + options.early;
  if (sum > 1) throw mailroom::BadValue(fmt::format("gateway: declined, failed, late, silent, lost and early add up to {}, expected at most 1", sum));
  if (options.inquiry_unanswered >= 1) throw mailroom::BadValue("gateway: inquiry_unanswered is 1, so a payment would stay unknown for ever; expected less");
}

void Gateway::fail_sometimes(std::string_view call, const mailroom::Context& context) const {
  if (SeededChoice(options_.seed, {"unavailable", call}, context.attempt()).chance(options_.unavailable))
    throw GatewayDown(fmt::format("the gateway is unavailable ({}, attempt {})", call, context.attempt()));
}

void Gateway::on(const Charge& charge, GatewayPayment& payment, mailroom::Context& context) {
  if (payment.known) return;  // the same key again: it is answered already, or will be
  fail_sometimes(charge.payment, context);

  SeededChoice choice(options_.seed, {"fate", charge.payment});
  const auto answered_at = charge.at + between(choice, milliseconds(300), seconds(4));
  const auto late_at = charge.at + options_.timeout + between(choice, seconds(1), options_.latest);
  const auto again_after = between(choice, seconds(1), minutes(90));
  const bool twice = choice.chance(options_.twice);
  auto left = choice.real();
  const auto falls_on = [&left](double probability) {
    const bool hit = left >= 0 && left < probability;
    left -= probability;
    return hit;
  };

  payment.customer = charge.customer;
  payment.amount = charge.amount;
  GatewayAnswer answer{charge.payment, charge.customer, Answer::captured, charge.amount, {}, answered_at, false};
  const auto send = [&](Timestamp when) {
    answer.answered_at = when;
    context.at(when, answer);
    if (twice) context.at(when + again_after, answer);
  };
  const auto send_timeout = [&] {
    auto nothing = answer;
    nothing.answer = Answer::timed_out;
    nothing.answered_at = charge.at + options_.timeout;
    nothing.captured_at = {};
    context.at(nothing.answered_at, nothing);
  };

  if (falls_on(options_.lost)) {
    send_timeout();
    return;  // the gateway has never heard of it
  }
  payment.known = true;
  if (falls_on(options_.declined)) {
    payment.answer = answer.answer = Answer::declined;
    send(answered_at);
    return;
  }
  if (falls_on(options_.failed)) {
    payment.answer = answer.answer = Answer::failed;
    send(answered_at);
    return;
  }
  payment.answer = Answer::captured;
  payment.captured_at = answer.captured_at = answered_at;
  if (falls_on(options_.late)) {
    send_timeout();
    send(late_at);
  } else if (falls_on(options_.silent)) {
    send_timeout();
  } else if (falls_on(options_.early)) {
    send(charge.at);
  } else {
    send(answered_at);
  }
}

void Gateway::on(const Inquire& inquiry, GatewayPayment& payment, mailroom::Context& context) {
  fail_sometimes(fmt::format("{}?{}", inquiry.payment, inquiry.number), context);
  if (SeededChoice(options_.seed, {"inquiry", inquiry.payment}, static_cast<std::uint64_t>(inquiry.number)).chance(options_.inquiry_unanswered)) {
    context.emit(GatewayAnswer{inquiry.payment, inquiry.customer, Answer::timed_out, payment.amount, {}, inquiry.at + options_.timeout, true});
    return;
  }
  if (!payment.known) {
    payment.known = true;  // closed: should the charge arrive after all, it does nothing
    payment.answer = Answer::not_charged;
    payment.customer = inquiry.customer;
  }
  context.emit(GatewayAnswer{inquiry.payment, payment.customer, payment.answer, payment.amount, payment.captured_at, inquiry.at, true});
}

void Gateway::on(const Refund& refund, GatewayPayment& payment, mailroom::Context& context) {
  fail_sometimes(refund.refund, context);
  SeededChoice choice(options_.seed, {"refund", refund.refund});
  const RefundAnswer answer{refund.refund, refund.payment, refund.customer, refund.amount, refund.at + between(choice, seconds(1), minutes(20))};
  if (std::find(payment.refunds.begin(), payment.refunds.end(), refund.refund) != payment.refunds.end()) {
    context.emit(answer);  // the same key again: done already
    return;
  }
  if (payment.answer != Answer::captured || payment.refunded + refund.amount > payment.amount)
    throw InvariantBroken(fmt::format("refund {} of {}: payment {} has captured {} and refunded {}", refund.refund, refund.amount.to_string(),
                                      refund.payment, payment.answer == Answer::captured ? payment.amount.to_string() : "nothing",
                                      payment.refunded.to_string()));
  payment.refunds.push_back(refund.refund);
  payment.refunded += refund.amount;
  context.at(answer.answered_at, answer);
  if (choice.chance(options_.twice)) context.at(answer.answered_at + between(choice, seconds(1), minutes(90)), answer);
}

}  // namespace orders
