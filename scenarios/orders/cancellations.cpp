#include "scenarios/orders/cancellations.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace orders {

namespace {

void end_if_done(Cancelling& cancelling, mailroom::Context& context) {
  if (!cancelling.placed || static_cast<std::int64_t>(cancelling.answers.size()) < cancelling.placed->pieces) return;
  const auto& placed = *cancelling.placed;
  Outcome outcome{placed.cancellation, placed.customer, Ending::unmatched, {}, {}, {}, {}, {}, placed.at};
  for (const auto& answer : cancelling.answers) {
    outcome.refunded += answer.returned;
    outcome.given_back += answer.returned + answer.stopped;
  }
  outcome.fulfilled = -outcome.refunded;
  if (outcome.given_back > placed.matched || placed.matched > placed.asked)
    throw InvariantBroken(fmt::format("cancellation {}: asked {}, matched {}, given back {}", placed.cancellation, placed.asked.to_string(),
                                      placed.matched.to_string(), outcome.given_back.to_string()));
  if (placed.pieces == 0) {
    outcome.reason = "no order of this customer has these items at this price";
  } else if (outcome.given_back == placed.asked) {
    outcome.ending = Ending::refunded;
    outcome.reason = "all of it";
  } else {
    outcome.ending = outcome.given_back > Money{0} ? Ending::partly_refunded : Ending::nothing_refunded;
    outcome.reason = fmt::format("asked {}, matched with orders {}, charged for and refunded {}", placed.asked.to_string(), placed.matched.to_string(),
                                 outcome.given_back.to_string());
  }
  context.emit(outcome);
  context.forget();
}

}  // namespace

void Cancellations::on(const CancellationPlaced& placed, Cancelling& cancelling, mailroom::Context& context) {
  if (cancelling.placed) throw InvariantBroken(fmt::format("cancellation {} was placed twice", placed.cancellation));
  cancelling.placed = placed;
  end_if_done(cancelling, context);
}

void Cancellations::on(const CancelAnswer& answer, Cancelling& cancelling, mailroom::Context& context) {
  if (std::any_of(cancelling.answers.begin(), cancelling.answers.end(), [&](const CancelAnswer& other) { return other.piece == answer.piece; }))
    throw InvariantBroken(fmt::format("cancellation {}: piece {} was answered twice", answer.cancellation, answer.piece));
  cancelling.answers.push_back(answer);
  end_if_done(cancelling, context);
}

}  // namespace orders
