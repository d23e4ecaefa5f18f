// A customer's payments. Keyed by customer.
//
//   asked --captured/declined/failed--> known
//   asked --timed out--> UNKNOWN --the gateway's late answer, or its answer to an inquiry--> known
//
// An unknown payment is never charged again: after `inquire_after`, and as long as no answer comes every
// `inquire_after`, the gateway is asked what became of it. From then on only the answer to an inquiry counts. Answers
// may come before the Charge that they answer has come here, late, or twice.
//
// `inquire_after` should be longer than a reservation holds and than a late answer takes: then what an invoice ends
// in never depends on which of two messages is faster (README, "What is fixed").
#pragma once

#include "scenarios/orders/events.hpp"

namespace orders {

struct PaymentsOptions {
  std::chrono::microseconds inquire_after = std::chrono::hours(1);
  std::chrono::microseconds keep = std::chrono::hours(90 * 24);  // what is known is forgotten after this
};
MAILROOM_OPTIONS(PaymentsOptions, inquire_after, keep)

enum class PaymentState : std::uint8_t { asked, unknown, known };
MAILROOM_ENUM(PaymentState, asked, unknown, known)

struct AskedRefund {
  std::string refund;
  Money amount;
  Timestamp at;
  bool done = false;
};
MAILROOM_STRUCT(AskedRefund, refund, amount, at, done)

struct Payment {
  Charge charge;
  PaymentState state = PaymentState::asked;
  Answer answer = Answer::timed_out;
  Timestamp inquire_at;       // the next inquiry's time
  std::int64_t inquiries = 0;
  std::vector<AskedRefund> refunds;
};
MAILROOM_STRUCT(Payment, charge, state, answer, inquire_at, inquiries, refunds)

struct CustomerPayments {
  std::vector<Payment> payments;             // in the order in which they were asked for
  std::vector<GatewayAnswer> early;          // for payments that have not come yet
  std::vector<RefundAnswer> early_refunds;
};
MAILROOM_STATE(CustomerPayments, payments, early, early_refunds)

// Timer.
struct InquiryDue {
  std::string payment;
};
MAILROOM_EVENT(InquiryDue, payment)

class Payments : public mailroom::Actor<CustomerPayments> {
 public:
  using Options = PaymentsOptions;
  using Emits = mailroom::Events<PaymentResult, Inquire, RefundResult>;
  explicit Payments(const PaymentsOptions& options) : options_(options) {}

  void on(const Charge& charge, CustomerPayments& customer, mailroom::Context& context);
  void on(const GatewayAnswer& answer, CustomerPayments& customer, mailroom::Context& context);
  void on(const InquiryDue& due, CustomerPayments& customer, mailroom::Context& context);
  void on(const Refund& refund, CustomerPayments& customer, mailroom::Context& context);
  void on(const RefundAnswer& answer, CustomerPayments& customer, mailroom::Context& context);

 private:
  void take(const GatewayAnswer& answer, Payment& payment, mailroom::Context& context) const;
  PaymentsOptions options_;
};
MAILROOM_ACTOR(Payments, Charge, GatewayAnswer, InquiryDue, Refund, RefundAnswer)

}  // namespace orders
