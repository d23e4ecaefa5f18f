// The shipped checker as an invariant: `mailroom simulate` holds each run's outputs against its input.
#include <fmt/format.h>

#include <mailroom/invariant.hpp>

#include "scenarios/orders/check/outputs_check.hpp"

namespace orders {

class ShopKeepsItsPromises : public mailroom::Invariant {
 public:
  void check(const mailroom::RestingScenario& run) const override {
    if (run.has_given_up()) return;  // a parked customer's orders are not done, or done late, when their timers have run out
    orders_check::Outputs outputs;
    outputs.invoices = rows_of(run, "invoices");
    outputs.outcomes = rows_of(run, "outcomes");
    outputs.stock = rows_of(run, "stock");
    outputs.payments = rows_of(run, "payment_results");
    outputs.refunds = rows_of(run, "refunds");
    outputs.ledger = rows_of(run, "bookings");
    outputs.notifications = rows_of(run, "notifications");
    outputs.violations = rows_of(run, "violations");
    std::vector<orders_check::ShopRow> input;
    for (const auto& line : run.input_json("lines")) {
      input.push_back(orders_check::row_from_json(line.at("data")));
      input.back().origin = fmt::format("row {}", input.size());
    }
    orders_check::check_outputs(outputs, input, run.dead_letters()).throw_if_broken();
  }

 private:
  static orders_check::Rows rows_of(const mailroom::RestingScenario& run, std::string_view sink) {
    orders_check::Rows rows;
    for (auto& event : run.output_json(sink)) rows.push_back(std::move(event.at("data")));
    return rows;
  }
};
MAILROOM_INVARIANT(ShopKeepsItsPromises, "orders")

}  // namespace orders
