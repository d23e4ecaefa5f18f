// The saga's second half: expiry against capture, cancellation against shipping; and what becomes of them in the
// ledger, the cancellations, the messages and the audit.
#include <gtest/gtest.h>

#include <mailroom/testing.hpp>

#include "tests/scenarios/orders/no_options.hpp"
#include "scenarios/orders/audit.hpp"
#include "scenarios/orders/cancellations.hpp"
#include "scenarios/orders/fulfilment.hpp"
#include "scenarios/orders/ledger.hpp"
#include "scenarios/orders/notify.hpp"

namespace orders_test {
namespace {

using namespace orders;
using mailroom::testing::ActorTest;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Timestamp nine = Timestamp::parse("2010-12-01 09:00:00");
const mailroom::testing::Sent of_invoice{.key = "1"};

class OrdersFulfilment : public testing::Test {
 protected:
  ActorTest<Fulfilment> saga_{{{"ships_after", "4h"}}, nine};

  void reserved() {
    saga_.send(OrderReserved{"1", "17850", nine, nine + minutes(30), Money{500}, {{"22423", 4, Money{100}}, {"POST", 1, Money{100}}}}, of_invoice);
  }
  void paid(std::chrono::microseconds known_after = seconds(2), Answer answer = Answer::captured) {
    saga_.send(PaymentResult{"pay-1", "1", "17850", answer, Money{500}, nine + seconds(2), nine + known_after}, of_invoice);
  }
  void cancel(std::chrono::microseconds after, std::int64_t quantity, std::int64_t piece = 1, const std::string& code = "22423") {
    saga_.send(CancelItem{"C2", "1", piece, {code, quantity, Money{100}}, nine + after}, of_invoice);
  }
  // The gateway pays back whatever was asked for.
  void refund_all() {
    for (const auto& refund : saga_.take<Refund>())
      saga_.send(RefundResult{refund.refund, refund.payment, refund.invoice, refund.customer, refund.amount, refund.at}, of_invoice);
  }
  std::vector<std::string> movements() {
    std::vector<std::string> all;
    for (const auto& move : saga_.take<MoveStock>()) all.push_back(mailroom::value_to_text(move.movement) + " " + std::to_string(move.quantity));
    return all;
  }
  std::vector<Outcome> outcomes() { return saga_.take<Outcome>(); }
  using Strings = std::vector<std::string>;
};

TEST_F(OrdersFulfilment, ShipsFourHoursAfterThePaymentIsKnown) {
  reserved();
  paid();
  saga_.advance(hours(4));
  EXPECT_EQ(movements(), Strings{});
  saga_.advance(seconds(2));
  EXPECT_EQ(movements(), Strings{"ship 4"});
  const auto ended = outcomes();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].ending, Ending::fulfilled);
  EXPECT_EQ(ended[0].fulfilled, Money{500});
  EXPECT_EQ(saga_.timers(), 0u);
}

TEST_F(OrdersFulfilment, APaymentsResultMayOutrunItsOrder) {
  paid();
  EXPECT_EQ(saga_.emitted(), 0u);
  reserved();
  saga_.advance(hours(5));
  EXPECT_EQ(outcomes().at(0).ending, Ending::fulfilled);
}

TEST_F(OrdersFulfilment, ARefusedPaymentReleasesTheStock) {
  reserved();
  paid(seconds(2), Answer::declined);
  EXPECT_EQ(movements(), Strings{"release 4"});
  const auto ended = outcomes();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].ending, Ending::refused);
  EXPECT_EQ(ended[0].reason, "payment declined");
  EXPECT_TRUE(saga_.take<Posting>().empty());
}

TEST_F(OrdersFulfilment, AnExpiredReservationIsMadeAgainWhenThePaymentTurnsOutCaptured) {
  reserved();
  saga_.advance(minutes(30));
  EXPECT_EQ(movements(), Strings{"expire 4"});
  paid(hours(1));
  ASSERT_EQ(saga_.take<ReserveAgain>().size(), 1u);
  saga_.send(ReserveAgainAnswer{"1", "22423", 4, true}, of_invoice);
  saga_.advance(hours(5));
  EXPECT_EQ(movements(), Strings{"ship 4"});
  EXPECT_EQ(outcomes().at(0).ending, Ending::fulfilled);
}

TEST_F(OrdersFulfilment, AResultKnownAfterTheExpiryExpiresItEvenIfTheTimerIsSlow) {
  reserved();
  paid(minutes(30));
  EXPECT_EQ(movements(), Strings{"expire 4"});
  EXPECT_EQ(saga_.take<ReserveAgain>().size(), 1u);
  saga_.advance(minutes(31));
  EXPECT_EQ(movements(), Strings{}) << "it expires once";
}

TEST_F(OrdersFulfilment, GivesTheMoneyBackIfTheStockIsGoneMeanwhile) {
  reserved();
  saga_.advance(minutes(30));
  paid(hours(1));
  cancel(minutes(10), 1);  // waits, and then has nothing to cancel
  saga_.send(ReserveAgainAnswer{"1", "22423", 4, false}, of_invoice);
  EXPECT_EQ(saga_.take<CancelAnswer>().at(0).stopped, Money{0});
  EXPECT_TRUE(outcomes().empty()) << "not before the money is back";
  refund_all();
  const auto ended = outcomes();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].ending, Ending::refused);
  EXPECT_EQ(ended[0].captured, Money{500});
  EXPECT_EQ(ended[0].refunded, Money{500});
}

TEST_F(OrdersFulfilment, ADeclinedPaymentAfterExpiryReleasesNothingTwice) {
  reserved();
  saga_.advance(minutes(30));
  EXPECT_EQ(movements(), Strings{"expire 4"});
  paid(hours(1), Answer::not_charged);
  EXPECT_EQ(movements(), Strings{});
  EXPECT_EQ(outcomes().at(0).reason, "payment not_charged");
}

TEST_F(OrdersFulfilment, ACancellationBeforeShippingStopsTheItem) {
  reserved();
  paid();
  cancel(hours(2), 3);
  EXPECT_EQ(movements(), Strings{"release 3"});
  saga_.advance(hours(5));
  EXPECT_EQ(movements(), Strings{"ship 1"});
  EXPECT_TRUE(outcomes().empty()) << "300 are still under way";
  refund_all();
  const auto ended = outcomes();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].refunded, Money{300});
  EXPECT_EQ(ended[0].fulfilled, Money{200});
  EXPECT_EQ(saga_.take<CancelAnswer>().at(0).stopped, Money{300});
}

TEST_F(OrdersFulfilment, ACancellationOfTheVeryMomentOfShippingIsAReturn) {
  reserved();
  paid();
  cancel(hours(4) + seconds(2), 3);  // it comes before the timer, and is not before the shipping
  EXPECT_EQ(movements(), Strings{});
  saga_.advance(hours(5));
  EXPECT_EQ(movements(), (Strings{"ship 4", "take_back 3"}));
  EXPECT_EQ(outcomes().at(0).fulfilled, Money{500});
  refund_all();
  EXPECT_EQ(saga_.take<CancelAnswer>().at(0).returned, Money{300});
}

TEST_F(OrdersFulfilment, ACancellationThatComesTooLateIsAReturnWhateverItsTime) {
  reserved();
  paid();
  saga_.advance(hours(5));
  cancel(hours(1), 3);
  EXPECT_EQ(movements(), (Strings{"ship 4", "take_back 3"}));
}

TEST_F(OrdersFulfilment, ACancellationWaitsForAPaymentUnderWay) {
  reserved();
  cancel(minutes(1), 4);
  cancel(minutes(2), 1, 2, "POST");
  EXPECT_EQ(saga_.emitted(), 0u);
  paid();
  EXPECT_EQ(movements(), Strings{"release 4"});
  refund_all();
  const auto ended = outcomes();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].ending, Ending::cancelled);
  EXPECT_EQ(ended[0].refunded, Money{500});
  EXPECT_EQ(saga_.timers(), 0u) << "it must not ship";
}

TEST_F(OrdersFulfilment, ACancellationMayOutrunItsOrder) {
  cancel(minutes(1), 4);
  EXPECT_EQ(saga_.emitted(), 0u);
  saga_.send(OrderRefused{"1", "17850", nine, "out of stock: 22423"}, of_invoice);
  EXPECT_EQ(saga_.take<CancelAnswer>().size(), 1u);
  EXPECT_EQ(outcomes().at(0).ending, Ending::refused);
}

TEST_F(OrdersFulfilment, NothingIsCancelledOrRefundedTwice) {
  reserved();
  paid();
  cancel(hours(1), 4);
  EXPECT_THROW(cancel(hours(1), 1, 2), InvariantBroken);
  refund_all();
  EXPECT_THROW(saga_.send(RefundResult{"refund C2/1", "pay-1", "1", "17850", Money{400}, nine}, of_invoice), InvariantBroken);
  EXPECT_THROW(paid(), InvariantBroken);
}

class OrdersLedger : public testing::Test {
 protected:
  ActorTest<Ledger> ledger_;
  void post(const std::string& name, Entry entry, std::int64_t amount, std::int64_t owed) {
    ledger_.send(Posting{name, "1", "17850", entry, Money{amount}, nine, Money{owed}}, of_invoice);
  }
};

TEST_F(OrdersLedger, EveryPostingHasTwoEqualLegs) {
  post("capture 1", Entry::capture, 500, 500);
  post("sale 1", Entry::sale, 500, 0);
  post("take-back C2/1", Entry::take_back, 200, 200);
  post("refund C2/1", Entry::refund, 200, 0);
  for (const auto& booked : ledger_.take<Booked>()) {
    ASSERT_EQ(booked.legs.size(), 2u);
    EXPECT_EQ(booked.legs[0].debit, booked.legs[1].credit);
  }
  const auto accounts = ledger_.state("1");
  EXPECT_EQ(accounts.gateway, Money{300});
  EXPECT_EQ(accounts.sales, Money{300});
}

TEST_F(OrdersLedger, RefusesWhatCannotBe) {
  EXPECT_THROW(post("refund", Entry::refund, 1, -1), InvariantBroken);
  post("capture 1", Entry::capture, 500, 500);
  EXPECT_THROW(post("capture 1", Entry::capture, 500, 1000), InvariantBroken);
  EXPECT_THROW(post("sale 1", Entry::sale, 501, -1), InvariantBroken);
  EXPECT_THROW(post("sale 1", Entry::sale, 400, 99), InvariantBroken) << "what is owed differs";
  EXPECT_EQ(ledger_.take<Booked>().size(), 1u);
}

Ending ending_of(std::int64_t asked, std::int64_t matched, std::vector<CancelAnswer> answers) {
  ActorTest<Cancellations> cancellations;
  const mailroom::testing::Sent sent{.key = "C2"};
  if (!answers.empty()) cancellations.send(answers.back(), sent);  // one outruns the rest
  cancellations.send(CancellationPlaced{"C2", "17850", static_cast<std::int64_t>(answers.size()), Money{asked}, Money{matched}, nine}, sent);
  for (std::size_t i = 0; i + 1 < answers.size(); ++i) cancellations.send(answers[i], sent);
  const auto outcomes = cancellations.take<Outcome>();
  EXPECT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].captured - outcomes[0].refunded, outcomes[0].fulfilled);
  return outcomes[0].ending;
}

TEST(OrdersCancellations, EndInOneOfFourWays) {
  EXPECT_EQ(ending_of(500, 0, {}), Ending::unmatched);
  EXPECT_EQ(ending_of(500, 500, {{"C2", "1", 1, Money{200}, {}}, {"C2", "2", 2, {}, Money{300}}}), Ending::refunded);
  EXPECT_EQ(ending_of(500, 400, {{"C2", "1", 1, Money{400}, {}}}), Ending::partly_refunded);
  EXPECT_EQ(ending_of(500, 500, {{"C2", "1", 1, {}, {}}}), Ending::nothing_refunded);
}

TEST(OrdersNotify, TellsOnce) {
  ActorTest<Notify> notify;
  const Outcome outcome{"1", "17850", Ending::fulfilled, "shipped", Money{500}, {}, Money{500}, {}, nine};
  notify.send(outcome, of_invoice);
  notify.send(outcome, of_invoice);
  const auto told = notify.take<Notification>();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].text, "Your order 1 is on its way. You paid 5.00.");
}

class OrdersAudit : public testing::Test {
 protected:
  ActorTest<Audit> audit_{no_options, nine};
  void moved(Movement movement, std::int64_t quantity) { audit_.send(StockMoved{"22423", "1", movement, quantity, nine}, of_invoice); }
  void booked(Entry entry, std::int64_t debit, std::int64_t credit) {
    audit_.send(Booked{"p", "1", "17850", entry, nine, {{"a", Money{debit}, {}}, {"b", {}, Money{credit}}}}, of_invoice);
  }
  void ended() { audit_.send(Outcome{"1", "17850", Ending::fulfilled, "", Money{5}, {}, Money{5}, {}, nine}, of_invoice); }
  std::vector<std::string> rules() {
    std::vector<std::string> broken;
    for (const auto& violation : audit_.take<Violation>()) broken.push_back(violation.rule);
    return broken;
  }
  using Strings = std::vector<std::string>;
};

TEST_F(OrdersAudit, HasNothingToSayWhenAllIsWellInAnyOrder) {
  ended();
  moved(Movement::reserve, 4);
  moved(Movement::ship, 4);
  booked(Entry::capture, 5, 5);
  booked(Entry::sale, 5, 5);
  audit_.send(Order{"1", "17850", 1, nine, Money{5}, {}}, of_invoice);
  audit_.advance(hours(48));
  EXPECT_EQ(rules(), Strings{});
}

TEST_F(OrdersAudit, SeesWhatCannotBe) {
  moved(Movement::reserve, 4);
  audit_.advance(hours(25));
  EXPECT_EQ(rules(), Strings{"no reservation without an order"});
  moved(Movement::ship, 5);
  EXPECT_EQ(rules(), Strings{"not more than was reserved"});
  booked(Entry::capture, 5, 4);
  EXPECT_EQ(rules(), Strings{"debits = credits"});
  booked(Entry::capture, 5, 5);
  EXPECT_EQ(rules(), Strings{"at most one capture"});
  booked(Entry::refund, 11, 11);
  EXPECT_EQ(rules(), Strings{"not more refunded or sold than paid for"});
  ended();
  ended();
  EXPECT_EQ(rules(), Strings{"exactly one final state"});
}

}  // namespace
}  // namespace orders_test
