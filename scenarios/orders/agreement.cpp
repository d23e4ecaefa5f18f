// What the times of several stages must be to each other (README, "What is fixed").
#include <fmt/format.h>

#include <mailroom/topology_rule.hpp>

#include "scenarios/orders/desk.hpp"
#include "scenarios/orders/gateway.hpp"
#include "scenarios/orders/payments.hpp"
#include "scenarios/orders/reservations.hpp"

namespace orders {

inline void times_agree(mailroom::RuleCheck& check) {
  const auto text = [](std::chrono::microseconds time) { return mailroom::value_to_text(time); };
  for (const auto& [payments, p] : check.stages<Payments>()) {
    const auto at_least = [&](const char* option, std::chrono::microseconds value, const std::string& other, const char* what, auto bound) {
      if (value < bound)
        check.refuse(payments, option, fmt::format("{} is {}, and {} of stage \"{}\" {}: expected at least as much", option, text(value), what, other, text(bound)));
    };
    for (const auto& [stage, o] : check.stages<Reservations>()) at_least("inquire_after", p.inquire_after, stage, "reserved_for", o.reserved_for);
    for (const auto& [stage, g] : check.stages<Gateway>()) at_least("inquire_after", p.inquire_after, stage, "latest", g.latest);
    for (const auto& [stage, d] : check.stages<Desk>()) at_least("keep", p.keep, stage, "returns_within", d.returns_within);
  }
}
MAILROOM_TOPOLOGY_RULE(times_agree)

}  // namespace orders
