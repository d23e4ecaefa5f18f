#include "scenarios/orders/notify.hpp"

#include <fmt/format.h>

namespace orders {

namespace {

std::string text_for(const Outcome& outcome) {
  switch (outcome.ending) {
    case Ending::fulfilled:
      return fmt::format("Your order {} is on its way. You paid {}.", outcome.invoice, outcome.fulfilled.to_string());
    case Ending::cancelled:
      return fmt::format("Your order {} is cancelled. We refunded {}.", outcome.invoice, outcome.refunded.to_string());
    case Ending::refused:
      return outcome.refunded > Money{0}
                 ? fmt::format("We could not fulfil your order {}: {}. We refunded {}.", outcome.invoice, outcome.reason, outcome.refunded.to_string())
                 : fmt::format("We could not fulfil your order {}: {}. You were not charged.", outcome.invoice, outcome.reason);
    case Ending::refunded:
    case Ending::partly_refunded:
      return fmt::format("We refunded {} for your cancellation {}.", outcome.given_back.to_string(), outcome.invoice);
    case Ending::nothing_refunded:
    case Ending::unmatched:
      return fmt::format("We could not refund your cancellation {}: {}.", outcome.invoice, outcome.reason);
  }
  return {};
}

}  // namespace

void Notify::on(const Outcome& outcome, Told& told, mailroom::Context& context) {
  if (told.told) return;
  told.told = true;
  context.emit(Notification{outcome.customer, outcome.invoice, text_for(outcome), outcome.at});
}

}  // namespace orders
