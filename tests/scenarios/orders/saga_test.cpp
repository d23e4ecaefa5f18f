// The whole saga under seeded interleavings, without the engine.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "scenarios/orders/generator.hpp"
#include "tests/scenarios/orders/saga_router.hpp"

namespace orders_test {
namespace {

std::vector<orders::OrderLine> generated(std::uint64_t seed, std::uint64_t invoices) {
  orders::GeneratorOptions options;
  options.seed = seed;
  options.invoices = invoices;
  options.customers = 12;
  options.products = 30;
  options.mean_rows = 4;
  options.cancellations = 0.3;
  options.dirt = 0.1;
  const orders::OrdersGenerator generator(options);
  std::vector<orders::OrderLine> rows;
  for (std::uint64_t i = 0; i < invoices; ++i)
    for (auto& row : generator.invoice(i)) rows.push_back(std::move(row));
  return rows;
}

// Faults of all kinds often, stock short.
nlohmann::json rough_topology(std::uint64_t seed) {
  auto topology = read_topology();
  topology["stages"]["gateway"]["options"] = {{"seed", seed},  {"unavailable", 0.2}, {"declined", 0.1}, {"failed", 0.05}, {"late", 0.2},
                                              {"silent", 0.1}, {"lost", 0.1},        {"early", 0.1},    {"twice", 0.4},   {"inquiry_unanswered", 0.4}};
  topology["stages"]["inventory"]["options"] = {{"seed", seed}, {"opening_least", 5}, {"opening_most", 150}, {"order_below", 30}, {"delivery", 100},
                                                {"delivered_after", "12h"}};
  return topology;
}

std::string violations_of(const SagaRouter& router, const std::vector<orders::OrderLine>& rows) {
  const auto report = orders_check::check_outputs(router.outputs(), as_shop_rows(rows), as_rows(router.dead_letters()));
  if (report.violations() == 0) return {};
  std::ostringstream text;
  report.print(text);
  return text.str();
}

std::map<std::string, int> endings_of(const SagaRouter& router) {
  std::map<std::string, int> endings;
  for (const auto& row : router.outputs().outcomes) ++endings[row.at("ending").get<std::string>()];
  return endings;
}

// All files, each sorted; and the ledger as it is written for each invoice.
std::vector<std::string> sorted_outputs(const SagaRouter& router) {
  std::vector<std::string> lines;
  const auto add = [&](const char* file, const orders_check::Rows& rows) {
    for (const auto& row : rows) lines.push_back(std::string(file) + row.dump());
  };
  const auto& o = router.outputs();
  add("invoices ", o.invoices), add("outcomes ", o.outcomes), add("stock ", o.stock), add("payments ", o.payments), add("refunds ", o.refunds);
  add("ledger ", o.ledger), add("notifications ", o.notifications), add("violations ", o.violations);
  std::map<std::string, std::string> postings;
  for (const auto& row : o.ledger) postings[row.at("invoice").get<std::string>()] += " " + row.at("posting").get<std::string>();
  for (const auto& [invoice, in_order] : postings) lines.push_back("ledger of " + invoice + ":" + in_order);
  std::sort(lines.begin(), lines.end());
  return lines;
}

int seeds(int usual) {
  const auto* wanted = std::getenv("ORDERS_SEEDS");
  return wanted != nullptr ? std::atoi(wanted) : usual;
}

TEST(OrdersSaga, KeepsEveryInvariantUnderAnyInterleaving) {
  std::map<std::string, int> endings;
  std::uint64_t expired = 0, unknown = 0;
  for (int seed = 1; seed <= seeds(150); ++seed) {
    const auto rows = generated(static_cast<std::uint64_t>(seed), 60);
    SagaRouter router(rough_topology(static_cast<std::uint64_t>(seed)), {static_cast<std::uint64_t>(seed), 2, false});
    ASSERT_NO_THROW(router.run(rows)) << "seed " << seed;
    ASSERT_EQ(violations_of(router, rows), "") << "seed " << seed;
    for (const auto& [ending, times] : endings_of(router)) endings[ending] += times;
    expired += router.emitted("ReserveAgain");
    unknown += router.emitted("Inquire");
  }
  // The test is worth something only if all of this really happened.
  for (const auto* ending : {"fulfilled", "cancelled", "refused", "refunded", "partly_refunded", "nothing_refunded", "unmatched"})
    EXPECT_GT(endings[ending], 0) << ending;
  EXPECT_GT(expired, 0u);
  EXPECT_GT(unknown, 0u);
}

TEST(OrdersSaga, KeepsEveryInvariantWhenTimersRunAheadOfMessages) {
  for (int seed = 1; seed <= seeds(150); ++seed) {
    const auto rows = generated(static_cast<std::uint64_t>(seed), 60);
    SagaRouter router(rough_topology(static_cast<std::uint64_t>(seed)), {static_cast<std::uint64_t>(seed), 2, true});
    ASSERT_NO_THROW(router.run(rows)) << "seed " << seed;
    ASSERT_EQ(violations_of(router, rows), "") << "seed " << seed;
  }
}

TEST(OrdersSaga, EndsInTheSameWayUnderAnyInterleavingWhileStockIsAmple) {
  const auto rows = generated(7, 150);
  auto topology = rough_topology(7);
  make_stock_ample(topology);
  SagaRouter first(topology, {1, 1, false});
  first.run(rows);
  const auto expected = sorted_outputs(first);
  EXPECT_GT(first.emitted("ReserveAgain"), 0u);
  for (int seed = 2; seed <= seeds(40); ++seed) {
    SagaRouter other(topology, {static_cast<std::uint64_t>(seed), 1 + static_cast<std::uint32_t>(seed) % 3, false});
    other.run(rows);
    const auto found = sorted_outputs(other);
    std::vector<std::string> difference;
    std::set_symmetric_difference(expected.begin(), expected.end(), found.begin(), found.end(), std::back_inserter(difference));
    ASSERT_TRUE(difference.empty()) << "seed " << seed << ": " << difference.size() << " lines differ, such as\n" << difference.front() << "\n" << difference.back();
  }
}

}  // namespace
}  // namespace orders_test
