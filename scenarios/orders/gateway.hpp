// The outside world: a payment gateway, and the line to it. Keyed by payment (the idempotency key), it keeps its
// own books, so that a payment asked for twice is charged once. It fails as real ones do; how, is drawn from the
// seed and the payment, never from the moment:
//   unavailable      the call fails and the engine's retries repeat it (GatewayDown)
//   declined, failed an answer that says so: nothing was charged
//   late             "timed out", then the true answer after all
//   silent           charged, and only an inquiry finds out
//   lost             never received: an inquiry closes the payment for good
//   early            an answer before the money has moved
//   twice            the same answer again, some time later
// An inquiry may time out as well; the next one is drawn anew.
#pragma once

#include "scenarios/orders/events.hpp"

namespace orders {

struct GatewayOptions {
  std::uint64_t seed = 1;
  double unavailable = 0.02, declined = 0.04, failed = 0.01, late = 0.03, silent = 0.02, lost = 0.01, early = 0.05, twice = 0.05;
  double inquiry_unanswered = 0.2;
  std::chrono::microseconds timeout = std::chrono::seconds(30);
  std::chrono::microseconds latest = std::chrono::minutes(55);  // a late answer comes at most so long after the timeout
};
MAILROOM_OPTIONS(GatewayOptions, seed, unavailable, declined, failed, late, silent, lost, early, twice, inquiry_unanswered, timeout, latest)

struct GatewayPayment {
  bool known = false;   // charged, declined, failed or closed
  Answer answer = Answer::not_charged;
  std::string customer;
  Money amount, refunded;
  Timestamp captured_at;
  std::vector<std::string> refunds;
};
MAILROOM_STATE(GatewayPayment, known, answer, customer, amount, refunded, captured_at, refunds)

// The call failed. Calling again with the same key is safe.
class GatewayDown : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Gateway : public mailroom::Actor<GatewayPayment> {
 public:
  using Options = GatewayOptions;
  using Emits = mailroom::Events<GatewayAnswer, RefundAnswer>;
  // Throws BadValue for probabilities that do not fit.
  explicit Gateway(const GatewayOptions& options);

  void on(const Charge& charge, GatewayPayment& payment, mailroom::Context& context);
  void on(const Inquire& inquiry, GatewayPayment& payment, mailroom::Context& context);
  void on(const Refund& refund, GatewayPayment& payment, mailroom::Context& context);
  // Timers: an answer's time has come.
  void on(const GatewayAnswer& answer, GatewayPayment&, mailroom::Context& context) { context.emit(answer); }
  void on(const RefundAnswer& answer, GatewayPayment&, mailroom::Context& context) { context.emit(answer); }

 private:
  void fail_sometimes(std::string_view call, const mailroom::Context& context) const;
  GatewayOptions options_;
};
MAILROOM_ACTOR(Gateway, Charge, Inquire, Refund, GatewayAnswer, RefundAnswer)

}  // namespace orders
