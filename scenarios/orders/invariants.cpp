// The shipped checker as an invariant: `mailroom simulate` holds each run's outputs against its input.
#include <fmt/format.h>

#include <mailroom/invariant.hpp>

#include "scenarios/orders/check/outputs_check.hpp"

namespace orders {

class ShopKeepsItsPromises : public mailroom::Invariant {
 public:
  void check(const mailroom::RestingScenario& run) const override {
    orders_check::Outputs outputs;
    outputs.invoices = run.rows_of("invoices");
    outputs.outcomes = run.rows_of("outcomes");
    outputs.stock = run.rows_of("stock");
    outputs.payments = run.rows_of("payment_results");
    outputs.refunds = run.rows_of("refunds");
    outputs.ledger = run.rows_of("bookings");
    outputs.notifications = run.rows_of("notifications");
    outputs.violations = run.rows_of("violations");
    std::vector<orders_check::ShopRow> input;
    std::map<std::string, std::string> customer_of;  // invoice, cancellation, and the customer itself -> customer
    for (const auto& line : run.input_json("lines")) {
      input.push_back(orders_check::row_from_json(line.at("data")));
      input.back().origin = fmt::format("row {}", input.size());
      const auto customer = orders_check::customer_of(input.back());
      customer_of.emplace(input.back().invoice, customer);
      customer_of.emplace(customer, customer);
    }
    // A customer of whom something was given up on has orders that are not done, or done when their timers had run out.
    std::set<std::string> unsettled;
    for (const auto& one : run.given_up()) unsettled.insert(customer_of_event(one, customer_of));
    orders_check::check_outputs(outputs, input, run.dead_letters(), unsettled).throw_if_broken();
  }

 private:
  // Empty: nobody's, as a delivery to the stock.
  static std::string customer_of_event(const mailroom::EventAtStage& one, const std::map<std::string, std::string>& customer_of) {
    if (const auto customer = orders_check::customer_in(one.payload, customer_of)) return *customer;
    const auto found = customer_of.find(one.key);  // a timer
    return found == customer_of.end() ? std::string() : found->second;
  }
};
MAILROOM_INVARIANT(ShopKeepsItsPromises, "orders")

}  // namespace orders
