// orders-check finds what is wrong: outputs of a good run, spoilt in one place each. And the shop's real data.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <sstream>

#include "scenarios/orders/generator.hpp"
#include "scenarios/orders/intake.hpp"
#include "tests/scenarios/orders/saga_router.hpp"

namespace orders_test {
namespace {

using orders_check::Outputs;
using orders_check::Rows;

struct GoodRun {
  Outputs outputs;
  std::vector<orders_check::ShopRow> input;
  Rows dead_letters;
};

const GoodRun& good_run() {
  static const GoodRun run = [] {
    orders::GeneratorOptions options;
    options.invoices = 300;
    options.customers = 20;
    options.mean_rows = 5;
    options.cancellations = 0.25;
    const orders::OrdersGenerator generator(options);
    std::vector<orders::OrderLine> rows;
    for (std::uint64_t i = 0; i < options.invoices; ++i)
      for (auto& row : generator.invoice(i)) rows.push_back(std::move(row));
    SagaRouter router(read_topology(), {3, 2, false});
    router.run(rows);
    return GoodRun{router.outputs(), as_shop_rows(rows), as_rows(router.dead_letters())};
  }();
  return run;
}

// The invariants that are found broken after the change.
std::vector<std::string> broken_by(const std::function<void(GoodRun&)>& change, const std::set<std::string>& unsettled = {}) {
  auto run = good_run();
  change(run);
  std::vector<std::string> broken;
  for (const auto& finding : orders_check::check_outputs(run.outputs, run.input, run.dead_letters, unsettled).findings)
    if (finding.violations > 0) {
      broken.push_back(finding.invariant);
      EXPECT_FALSE(finding.first.empty()) << "it must name an offender";
    }
  return broken;
}

nlohmann::json& first_with(Rows& rows, const char* field, const std::string& value) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.at(field) == value; });
  if (found == rows.end()) throw std::runtime_error("the good run has no such row");
  return *found;
}

TEST(OrdersCheck, FindsNothingInAGoodRun) { EXPECT_TRUE(broken_by([](GoodRun&) {}).empty()); }

TEST(OrdersCheck, FindsEachKindOfDamage) {
  const auto finds = [](const char* invariant, const std::function<void(GoodRun&)>& change) {
    const auto broken = broken_by(change);
    EXPECT_NE(std::find(broken.begin(), broken.end(), invariant), broken.end()) << invariant << " is said to hold";
  };
  finds("every invoice ends in exactly one final state", [](GoodRun& run) { run.outputs.outcomes.pop_back(); });
  finds("every invoice ends in exactly one final state", [](GoodRun& run) { run.outputs.outcomes.push_back(run.outputs.outcomes[5]); });
  finds("the final state fits the kind of invoice", [](GoodRun& run) { first_with(run.outputs.outcomes, "ending", "fulfilled")["ending"] = "unmatched"; });
  finds("every clean row is in its invoice, in order", [](GoodRun& run) { run.outputs.invoices[3].at("lines").erase(0); });
  finds("every clean row is in its invoice, in order", [](GoodRun& run) { run.outputs.invoices.erase(run.outputs.invoices.begin() + 7); });
  finds("every invoice is assembled once", [](GoodRun& run) { run.outputs.invoices.push_back(run.outputs.invoices[7]); });
  finds("no invoice that was not in the input", [](GoodRun& run) { run.input.clear(); });
  finds("each customer's invoices keep their order", [](GoodRun& run) { std::reverse(run.outputs.invoices.begin(), run.outputs.invoices.end()); });
  finds("every dirty row is a dead letter with all its faults", [](GoodRun& run) { run.dead_letters.pop_back(); });
  finds("every dirty row is a dead letter with all its faults", [](GoodRun& run) { run.dead_letters[0]["reason"] = "dirty row: I did not like it"; });
  finds("every dead letter is a dirty row", [](GoodRun& run) { run.dead_letters.push_back(run.dead_letters[0]); });
  finds("on hand + reserved + shipped = received, none negative",
        [](GoodRun& run) { first_with(run.outputs.stock, "movement", "opening")["quantity"] = 1; });
  finds("no reservation without an order, and none of more", [](GoodRun& run) { first_with(run.outputs.stock, "movement", "reserve")["invoice"] = "1"; });
  finds("per order and product: reserved before released or shipped, shipped before taken back",
        [](GoodRun& run) { std::reverse(run.outputs.stock.begin(), run.outputs.stock.end()); });
  finds("nothing is reserved at the end; only fulfilled orders have shipped",
        [](GoodRun& run) { first_with(run.outputs.stock, "movement", "ship")["quantity"] = 0; });
  finds("debits = credits at every point", [](GoodRun& run) { run.outputs.ledger[4]["legs"][0]["debit"] = "0.01"; });
  finds("no posting twice", [](GoodRun& run) { run.outputs.ledger.push_back(run.outputs.ledger[4]); });
  finds("no invoice has a negative balance at any point", [](GoodRun& run) { std::reverse(run.outputs.ledger.begin(), run.outputs.ledger.end()); });
  finds("nothing is owed to anyone at the end",
        [](GoodRun& run) { std::erase_if(run.outputs.ledger, [](const auto& row) { return row["entry"] == "refund"; }); });
  finds("captured - refunded = fulfilled, in each final state and in the books",
        [](GoodRun& run) { first_with(run.outputs.outcomes, "ending", "fulfilled")["captured"] = "0.01"; });
  finds("all captured - all refunded = all fulfilled = gateway = sales",
        [](GoodRun& run) { first_with(run.outputs.outcomes, "ending", "fulfilled")["fulfilled"] = "0.01"; });
  finds("at most one capture per payment, and one sale", [](GoodRun& run) {
    auto again = first_with(run.outputs.ledger, "entry", "capture");
    again["posting"] = "another name";
    run.outputs.ledger.push_back(again);
  });
  finds("every payment has one result, equal to its books", [](GoodRun& run) { run.outputs.payments.push_back(run.outputs.payments[2]); });
  finds("every payment has one result, equal to its books", [](GoodRun& run) { first_with(run.outputs.payments, "answer", "captured")["answer"] = "declined"; });
  finds("every refund once, as booked, at most what was captured", [](GoodRun& run) { run.outputs.refunds.pop_back(); });
  finds("every final state is told to its customer once", [](GoodRun& run) { run.outputs.notifications.pop_back(); });
  finds("every final state is told to its customer once", [](GoodRun& run) { run.outputs.notifications[0]["customer"] = "1"; });
  finds("the audit found nothing while it ran", [](GoodRun& run) { run.outputs.violations.push_back({{"rule", "any"}}); });
}

TEST(OrdersCheck, AsksLessOfACustomerOfWhomSomethingWasGivenUpOnAndAllOfTheOthers) {
  const auto& good = good_run();
  const auto customer = good.outputs.outcomes[5].at("customer").get<std::string>();
  const auto other = std::find_if(good.outputs.outcomes.begin(), good.outputs.outcomes.end(), [&](const auto& row) { return row.at("customer") != customer; })
                         ->at("customer")
                         .get<std::string>();
  // As if this customer had been parked before the orders ended: no ending, nothing told, a letter.
  const auto parked = [&](GoodRun& run) {
    const auto is_his = [&](const auto& row) { return row.at("customer") == customer; };
    std::erase_if(run.outputs.outcomes, is_his);
    std::erase_if(run.outputs.notifications, is_his);
    run.dead_letters.push_back({{"id", "fulfilment/0:1"}, {"kind", "failed"}, {"reason", "planted"}, {"payload", {{"customer", customer}}}});
  };
  EXPECT_FALSE(broken_by(parked).empty());
  EXPECT_FALSE(broken_by(parked, {other}).empty());
  EXPECT_TRUE(broken_by(parked, {customer}).empty());
  EXPECT_FALSE(broken_by([&](GoodRun& run) { parked(run); first_with(run.outputs.stock, "movement", "opening")["quantity"] = 1; }, {customer}).empty())
      << "the stock balances for all";
}

TEST(OrdersRealShop, AllItsRowsGoThroughAndTheBooksBalance) {
  const auto* shared = std::getenv("MAILROOM_SHARED_DATA");
  const auto folder = std::filesystem::path(shared != nullptr ? shared : MAILROOM_SOURCE_DIR "/../shared/data") / "retail";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no shop data at " << folder;

  const auto input = orders_check::read_shop_rows(folder);
  ASSERT_EQ(input.size(), 77'628u);
  std::vector<orders::OrderLine> rows;
  for (const auto& row : input)
    rows.push_back({row.invoice, row.stock_code, row.description, std::stoll(row.quantity), mailroom::Timestamp::parse(row.date),
                    mailroom::Money::parse(row.price), row.customer, row.country});
  SagaRouter router(read_topology(), {1, 2, false});
  router.run(rows);
  EXPECT_EQ(router.dead_letters().size(), 28'872u);
  const auto report = orders_check::check_outputs(router.outputs(), input, as_rows(router.dead_letters()));
  std::ostringstream text;
  report.print(text);
  EXPECT_EQ(report.violations(), 0u) << text.str();
  std::map<std::string, int> endings;
  for (const auto& row : router.outputs().outcomes) ++endings[row.at("ending").get<std::string>()];
  EXPECT_EQ(router.outputs().outcomes.size(), 2'944u) << "all invoices with a clean row";
  EXPECT_GT(endings["fulfilled"], 1'000);
  for (const auto& [ending, times] : endings) std::cout << ending << " " << times << "\n";
}

}  // namespace
}  // namespace orders_test
