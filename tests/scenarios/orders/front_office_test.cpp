// Intake, Assemble, Desk and the generator: from rows to orders.
#include <gtest/gtest.h>

#include <mailroom/testing.hpp>

#include "tests/scenarios/orders/no_options.hpp"
#include "scenarios/orders/assemble.hpp"
#include "scenarios/orders/desk.hpp"
#include "scenarios/orders/generator.hpp"
#include "scenarios/orders/intake.hpp"
#include "scenarios/orders/products.hpp"

namespace orders_test {
namespace {

using namespace orders;
using mailroom::Rejected;
using mailroom::testing::ActorTest;
using std::chrono::hours;
using std::chrono::minutes;

const Timestamp morning = Timestamp::parse("2010-12-01 08:26:00");

OrderLine good_row() { return {"536365", "85123a", "WHITE HANGING HEART", 6, morning, Money{255}, "17850.0", "United Kingdom"}; }

std::string reason_for(const OrderLine& row) {
  ActorTest<Intake> intake;
  try {
    intake.send(row, {.key = row.customer_id});
  } catch (const Rejected& refusal) {
    EXPECT_EQ(intake.emitted(), 0u);
    return refusal.what();
  }
  return {};
}

TEST(OrdersIntake, NormalisesACleanRow) {
  ActorTest<Intake> intake;
  intake.send(good_row(), {.key = "17850.0"});
  const auto lines = intake.take<InvoiceLine>();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].customer, "17850");
  EXPECT_EQ(lines[0].line, (Line{"85123A", 6, Money{255}}));
  EXPECT_FALSE(lines[0].cancellation);
}

TEST(OrdersIntake, ACancellationsQuantityIsWhatItCancels) {
  auto row = good_row();
  row.invoice_no = "C536365";
  row.quantity = -6;
  ActorTest<Intake> intake;
  intake.send(row, {.key = "17850.0"});
  const auto lines = intake.take<InvoiceLine>();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines[0].cancellation);
  EXPECT_EQ(lines[0].line.quantity, 6);
}

TEST(OrdersIntake, NamesEveryFaultOfADirtyRow) {
  const auto with = [](auto change) {
    auto row = good_row();
    change(row);
    return reason_for(row);
  };
  EXPECT_EQ(with([](OrderLine&) {}), "");
  EXPECT_EQ(with([](OrderLine& r) { r.customer_id = ""; }), "dirty row: no customer");
  EXPECT_EQ(with([](OrderLine& r) { r.customer_id = "x"; }), "dirty row: customer_id \"x\" is not a number");
  EXPECT_EQ(with([](OrderLine& r) { r.unit_price = {}; }), "dirty row: the price is 0.00");
  EXPECT_EQ(with([](OrderLine& r) { r.quantity = 0; }), "dirty row: the quantity is 0");
  EXPECT_EQ(with([](OrderLine& r) { r.quantity = -3; }), "dirty row: the quantity is -3, and this is no cancellation");
  EXPECT_EQ(with([](OrderLine& r) { r.invoice_no = "C1"; }), "dirty row: the quantity is 6 in a cancellation");
  EXPECT_EQ(with([](OrderLine& r) { r.invoice_no = "A563185"; }), "dirty row: invoice_no \"A563185\" is not a number, or C and a number");
  EXPECT_EQ(with([](OrderLine& r) { r.description = " "; }), "dirty row: no description");
  EXPECT_EQ(with([](OrderLine& r) { r.stock_code = ""; }), "dirty row: no stock code");
  EXPECT_EQ(with([](OrderLine& r) { r.customer_id = "", r.description = "", r.unit_price = {}, r.quantity = -1; }),
            "dirty row: no customer; no description; the price is 0.00; the quantity is -1, and this is no cancellation");
}

TEST(OrdersProducts, ServicesAreChargedAndNotStocked) {
  for (const auto* code : {"85123A", "22423", "15056BL", "DCGS0003"}) EXPECT_TRUE(is_stocked(code)) << code;
  for (const auto* code : {"POST", "DOT", "M", "C2", "D", "AMAZONFEE", "BANK CHARGES", "GIFT_0001_20", "S", "1234"}) EXPECT_FALSE(is_stocked(code)) << code;
  EXPECT_EQ(stock_needed({{"22423", 2, Money{100}}, {"POST", 1, Money{1800}}, {"22423", 3, Money{90}}}), (std::vector<Line>{{"22423", 5, {}}}));
}

InvoiceLine line_at(const std::string& invoice, Timestamp at, const std::string& code = "22423") {
  return {invoice, "17850", invoice.starts_with('C'), at, {code, 1, Money{100}}};
}

TEST(OrdersAssemble, ClosesAnInvoiceAfterTwoQuietMinutes) {
  ActorTest<Assemble> assemble({{"quiet", "2m"}}, morning);
  assemble.send(line_at("1", morning, "22423"), {.key = "17850"});
  assemble.advance(minutes(1));
  assemble.send(line_at("1", morning + minutes(1), "22424"), {.key = "17850"});
  assemble.advance(minutes(1));
  EXPECT_TRUE(assemble.take<Invoice>().empty());
  assemble.advance(minutes(1));
  const auto invoices = assemble.take<Invoice>();
  ASSERT_EQ(invoices.size(), 1u);
  EXPECT_EQ(invoices[0].lines.size(), 2u);
  EXPECT_EQ(invoices[0].total, Money{200});
  EXPECT_EQ(invoices[0].closed_at, morning + minutes(3));
  EXPECT_EQ(assemble.timers(), 0u);
}

TEST(OrdersAssemble, ACustomersInvoicesLeaveInTheOrderInWhichTheyWereBegun) {
  ActorTest<Assemble> assemble(no_options, morning);
  assemble.send(line_at("1", morning), {.key = "17850"});
  assemble.send(line_at("2", morning), {.key = "17850"});
  assemble.advance(minutes(1));
  assemble.send(line_at("1", morning + minutes(1)), {.key = "17850"});  // now the first is closed later than the second
  assemble.advance(minutes(10));
  const auto invoices = assemble.take<Invoice>();
  ASSERT_EQ(invoices.size(), 2u);
  EXPECT_EQ(invoices[0].invoice, "1");
  EXPECT_EQ(invoices[1].invoice, "2");
}

TEST(OrdersAssemble, RejectsARowOfAClosedInvoice) {
  ActorTest<Assemble> assemble({{"quiet", "2m"}}, morning);
  assemble.send(line_at("1", morning), {.key = "17850"});
  assemble.advance(minutes(2));
  ASSERT_EQ(assemble.take<Invoice>().size(), 1u);
  EXPECT_THROW(assemble.send(line_at("1", morning), {.key = "17850"}), Rejected);
  EXPECT_EQ(assemble.timers(), 0u);
}

TEST(OrdersAssemble, RejectsItAlsoWhenItIsTriedAgainBehindTheEndOfTheInput) {
  ActorTest<Assemble> assemble({{"quiet", "2m"}}, morning);
  assemble.send(line_at("1", morning), {.key = "17850"});
  assemble.advance(minutes(2));
  ASSERT_EQ(assemble.take<Invoice>().size(), 1u);
  assemble.advance(-minutes(2));  // the end of the input lets all timers fire; what comes then is at its own time
  EXPECT_THROW(assemble.send(line_at("1", morning), {.key = "17850"}), Rejected);
  assemble.send(line_at("2", morning + minutes(1)), {.key = "17850"});
  EXPECT_EQ(assemble.timers(), 1u);
}

Invoice invoice(const std::string& number, Timestamp at, std::vector<Line> lines) {
  const auto total = total_of(lines);
  return {number, "17850", number.starts_with('C'), at, at, total, std::move(lines)};
}

TEST(OrdersDesk, NumbersOrdersAndAsksForTheirStock) {
  ActorTest<Desk> desk(no_options, morning);
  desk.send(invoice("1", morning, {{"22423", 2, Money{100}}, {"POST", 1, Money{1800}}, {"22423", 3, Money{100}}}), {.key = "17850"});
  desk.send(invoice("2", morning, {{"POST", 1, Money{1800}}}), {.key = "17850"});
  const auto reserves = desk.take<Reserve>();
  ASSERT_EQ(reserves.size(), 1u);
  EXPECT_EQ(reserves[0].quantity, 5);
  const auto orders = desk.take<Order>();
  ASSERT_EQ(orders.size(), 2u);
  EXPECT_EQ(orders[0].number, 1);
  EXPECT_EQ(orders[1].number, 2);
  EXPECT_EQ(orders[0].items.size(), 2u);
  EXPECT_THROW(desk.send(invoice("2", morning, {{"POST", 1, Money{1800}}}), {.key = "17850"}), Rejected);
}

TEST(OrdersDesk, ACancellationTakesTheLatestOrdersOfTheSameProductAndPriceFirst) {
  ActorTest<Desk> desk(no_options, morning);
  desk.send(invoice("1", morning, {{"22423", 5, Money{100}}}), {.key = "17850"});
  desk.send(invoice("2", morning + hours(1), {{"22423", 5, Money{90}}}), {.key = "17850"});   // another price
  desk.send(invoice("3", morning + hours(2), {{"22423", 3, Money{100}}}), {.key = "17850"});
  desk.send(invoice("C4", morning + hours(3), {{"22423", 4, Money{100}}}), {.key = "17850"});
  auto pieces = desk.take<CancelItem>();
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0].invoice, "3");
  EXPECT_EQ(pieces[0].item.quantity, 3);
  EXPECT_EQ(pieces[1].invoice, "1");
  EXPECT_EQ(pieces[1].item.quantity, 1);
  EXPECT_EQ(pieces[1].piece, 2);

  desk.send(invoice("C5", morning + hours(4), {{"22423", 9, Money{100}}}), {.key = "17850"});
  pieces = desk.take<CancelItem>();
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(pieces[0].item.quantity, 4);  // what is left of order 1
  const auto placed = desk.take<CancellationPlaced>();
  ASSERT_EQ(placed.size(), 2u);
  EXPECT_EQ(placed[1].asked, Money{900});
  EXPECT_EQ(placed[1].matched, Money{400});
}

TEST(OrdersDesk, AnOldOrderCantBeCancelled) {
  ActorTest<Desk> desk({{"returns_within", "30d"}}, morning);
  desk.send(invoice("1", morning, {{"22423", 5, Money{100}}}), {.key = "17850"});
  desk.send(invoice("C2", morning + hours(31 * 24), {{"22423", 5, Money{100}}}), {.key = "17850"});
  EXPECT_TRUE(desk.take<CancelItem>().empty());
  EXPECT_EQ(desk.take<CancellationPlaced>().at(0).pieces, 0);
}

std::vector<std::string> read_all(OrdersGenerator& generator, std::size_t at_once) {
  std::vector<std::string> rows;
  mailroom::SourceBatch batch;
  for (auto status = mailroom::ReadStatus::more; status == mailroom::ReadStatus::more;) {
    batch.clear();
    status = generator.read(batch, at_once);
    for (std::size_t i = 0; i < batch.events.size(); ++i) rows.push_back(batch.events.type(i).to_json(batch.events.event(i)).dump());
  }
  return rows;
}

TEST(OrdersGeneratorTest, GivesTheSameRowsHoweverItIsReadAndWhereverItGoesOn) {
  GeneratorOptions options;
  options.invoices = 200;
  OrdersGenerator first(options), second(options), third(options);
  const auto rows = read_all(first, 1000);
  EXPECT_EQ(read_all(second, 7), rows);

  mailroom::SourceBatch batch;
  third.read(batch, 501);
  OrdersGenerator resumed(options);
  resumed.seek(third.position());
  auto rest = read_all(resumed, 64);
  ASSERT_EQ(batch.events.size() + rest.size(), rows.size());
  EXPECT_TRUE(std::equal(rest.begin(), rest.end(), rows.begin() + static_cast<std::ptrdiff_t>(batch.events.size())));

  options.seed = 2;
  OrdersGenerator other(options);
  EXPECT_NE(read_all(other, 1000), rows);
}

TEST(OrdersGeneratorTest, HasTheShapeOfTheShopsData) {
  GeneratorOptions options;
  options.invoices = 2000;
  const OrdersGenerator generator(options);
  std::size_t rows = 0, dirty = 0, cancellations = 0;
  Timestamp last = Timestamp::min();
  for (std::uint64_t i = 0; i < options.invoices; ++i) {
    const auto invoice_rows = generator.invoice(i);
    ASSERT_FALSE(invoice_rows.empty());
    EXPECT_GE(invoice_rows[0].invoice_date, last);
    last = invoice_rows[0].invoice_date;
    if (invoice_rows[0].invoice_no.starts_with('C')) ++cancellations;
    rows += invoice_rows.size();
    for (const auto& row : invoice_rows) dirty += faults_of(row).empty() ? 0 : 1;
  }
  EXPECT_NEAR(static_cast<double>(rows) / 2000, 14, 3);
  EXPECT_NEAR(static_cast<double>(dirty) / static_cast<double>(rows), 0.08, 0.04);
  EXPECT_NEAR(static_cast<double>(cancellations) / 2000, 0.12, 0.03);
}

TEST(OrdersGeneratorTest, RefusesOptionsThatMakeNoSense) {
  GeneratorOptions options;
  options.customers = 0;
  EXPECT_THROW(OrdersGenerator{options}, mailroom::BadValue);
}

}  // namespace
}  // namespace orders_test
