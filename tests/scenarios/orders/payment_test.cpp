// Payments and the gateway: answers early, late, twice, never.
#include <gtest/gtest.h>

#include <mailroom/testing.hpp>

#include "tests/scenarios/orders/no_options.hpp"
#include "scenarios/orders/gateway.hpp"
#include "scenarios/orders/payments.hpp"

namespace orders_test {
namespace {

using namespace orders;
using mailroom::testing::ActorTest;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Timestamp ten = Timestamp::parse("2010-12-01 10:00:00");
const mailroom::testing::Sent of_customer{.key = "17850"}, of_payment{.key = "pay-1"};
const Charge charge{"pay-1", "1", "17850", Money{500}, ten};

GatewayAnswer answered(Answer answer, Timestamp at, bool inquiry = false) {
  return {"pay-1", "17850", answer, Money{500}, answer == Answer::captured ? ten + seconds(1) : Timestamp{}, at, inquiry};
}

class OrdersPayments : public testing::Test {
 protected:
  ActorTest<Payments> payments_{{{"inquire_after", "1h"}}, ten};
  void send(Answer answer, std::chrono::microseconds after, bool inquiry = false) { payments_.send(answered(answer, ten + after, inquiry), of_customer); }
  std::vector<PaymentResult> results() { return payments_.take<PaymentResult>(); }
};

TEST_F(OrdersPayments, TheFirstAnswerCountsAndTheSecondMustAgree) {
  payments_.send(charge, of_customer);
  send(Answer::captured, seconds(1));
  send(Answer::captured, minutes(5));
  EXPECT_EQ(results().size(), 1u);
  EXPECT_THROW(send(Answer::declined, minutes(6)), InvariantBroken);
}

TEST_F(OrdersPayments, AnAnswerMayComeBeforeItsRequest) {
  send(Answer::captured, {});
  EXPECT_TRUE(results().empty());
  payments_.send(charge, of_customer);
  EXPECT_EQ(results().size(), 1u);
  EXPECT_TRUE(payments_.state("17850").early.empty());
}

TEST_F(OrdersPayments, ALateAnswerEndsTheUncertainty) {
  payments_.send(charge, of_customer);
  send(Answer::timed_out, seconds(30));
  EXPECT_TRUE(results().empty());
  EXPECT_EQ(payments_.state("17850").payments.at(0).state, PaymentState::unknown);
  send(Answer::captured, minutes(10));
  const auto found = results();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].known_at, ten + minutes(10));
  payments_.advance(hours(5));
  EXPECT_TRUE(payments_.take<Inquire>().empty());
}

TEST_F(OrdersPayments, AnUnknownPaymentIsAskedForUntilItIsKnown) {
  payments_.send(charge, of_customer);
  send(Answer::timed_out, seconds(30));
  payments_.advance(hours(1) + seconds(30));
  auto inquiries = payments_.take<Inquire>();
  ASSERT_EQ(inquiries.size(), 1u);
  EXPECT_EQ(inquiries[0].number, 1);
  EXPECT_EQ(payments_.timers(), 0u);  // it waits for the gateway to answer or to time out: no timer feeds itself
  send(Answer::timed_out, hours(1) + minutes(1), true);
  payments_.advance(hours(1));
  inquiries = payments_.take<Inquire>();
  ASSERT_EQ(inquiries.size(), 1u);
  EXPECT_EQ(inquiries[0].number, 2);
  EXPECT_EQ(inquiries[0].at, ten + hours(2) + seconds(30));
  send(Answer::not_charged, hours(2) + seconds(30), true);
  const auto found = results();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].answer, Answer::not_charged);
}

TEST_F(OrdersPayments, OnceAskedOnlyTheAnswerToTheInquiryCounts) {
  payments_.send(charge, of_customer);
  send(Answer::timed_out, seconds(30));
  payments_.advance(hours(2));
  send(Answer::captured, hours(1) + minutes(5));
  EXPECT_TRUE(results().empty());
  send(Answer::captured, hours(1) + seconds(30), true);
  EXPECT_EQ(results().at(0).known_at, ten + hours(1) + seconds(30));
  send(Answer::captured, hours(3));
  EXPECT_TRUE(results().empty());
}

TEST_F(OrdersPayments, NeverChargesTwice) {
  payments_.send(charge, of_customer);
  EXPECT_THROW(payments_.send(charge, of_customer), InvariantBroken);
}

TEST_F(OrdersPayments, RefundsOnceAndAtMostWhatWasCaptured) {
  const Refund refund{"r1", "pay-1", "1", "17850", Money{300}, ten + hours(1)};
  const RefundAnswer done{"r1", "pay-1", "17850", Money{300}, ten + hours(1)};
  payments_.send(charge, of_customer);
  EXPECT_THROW(payments_.send(refund, of_customer), InvariantBroken);
  send(Answer::captured, seconds(1));
  payments_.send(done, of_customer);  // the gateway is faster than the request
  EXPECT_TRUE(payments_.take<RefundResult>().empty());
  payments_.send(refund, of_customer);
  payments_.send(done, of_customer);
  const auto refunded = payments_.take<RefundResult>();
  ASSERT_EQ(refunded.size(), 1u);
  EXPECT_EQ(refunded[0].asked_at, ten + hours(1));
  EXPECT_THROW(payments_.send(Refund{"r2", "pay-1", "1", "17850", Money{201}, ten}, of_customer), InvariantBroken);
  payments_.send(Refund{"r2", "pay-1", "1", "17850", Money{200}, ten}, of_customer);
}

// All fates impossible but those given.
nlohmann::json only(nlohmann::json fates) {
  nlohmann::json options{{"unavailable", 0}, {"declined", 0}, {"failed", 0}, {"late", 0}, {"silent", 0}, {"lost", 0}, {"early", 0}, {"twice", 0}, {"inquiry_unanswered", 0}};
  options.update(fates);
  return options;
}

std::vector<GatewayAnswer> answers_to_charge(ActorTest<Gateway>& gateway) {
  gateway.send(charge, of_payment);
  gateway.advance(hours(24));
  return gateway.take<GatewayAnswer>();
}

TEST(OrdersGateway, AnswersOnceWithinSecondsIfNothingGoesWrong) {
  ActorTest<Gateway> gateway(only(no_options), ten);
  const auto answers = answers_to_charge(gateway);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].answer, Answer::captured);
  EXPECT_LE(answers[0].answered_at, ten + seconds(5));
  EXPECT_TRUE(answers_to_charge(gateway).empty()) << "the same key again charges nothing and says nothing new";
}

TEST(OrdersGateway, DeclinesAndFailsWithoutCharging) {
  ActorTest<Gateway> declining(only({{"declined", 1}}), ten), failing(only({{"failed", 1}}), ten);
  EXPECT_EQ(answers_to_charge(declining).at(0).answer, Answer::declined);
  EXPECT_EQ(answers_to_charge(failing).at(0).answer, Answer::failed);
}

TEST(OrdersGateway, AnswersLateAfterItTimedOut) {
  ActorTest<Gateway> gateway(only({{"late", 1}, {"latest", "55m"}}), ten);
  const auto answers = answers_to_charge(gateway);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].answer, Answer::timed_out);
  EXPECT_EQ(answers[1].answer, Answer::captured);
  EXPECT_GT(answers[1].answered_at, answers[0].answered_at);
  EXPECT_LE(answers[1].answered_at, answers[0].answered_at + minutes(55));
}

TEST(OrdersGateway, AnswersTwice) {
  ActorTest<Gateway> gateway(only({{"twice", 1}}), ten);
  EXPECT_EQ(answers_to_charge(gateway).size(), 2u);
}

TEST(OrdersGateway, AnswersEarlyBeforeTheMoneyHasMoved) {
  ActorTest<Gateway> gateway(only({{"early", 1}}), ten);
  const auto answers = answers_to_charge(gateway);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].answered_at, ten);
  EXPECT_GT(answers[0].captured_at, ten);
}

TEST(OrdersGateway, ASilentCaptureIsFoundByInquiry) {
  ActorTest<Gateway> gateway(only({{"silent", 1}}), ten);
  EXPECT_EQ(answers_to_charge(gateway).at(0).answer, Answer::timed_out);
  gateway.send(Inquire{"pay-1", "17850", 1, ten + hours(1)}, of_payment);
  const auto answers = gateway.take<GatewayAnswer>();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].answer, Answer::captured);
  EXPECT_TRUE(answers[0].inquiry);
}

TEST(OrdersGateway, AnInquiryClosesALostPaymentForGood) {
  ActorTest<Gateway> gateway(only({{"lost", 1}}), ten);
  EXPECT_EQ(answers_to_charge(gateway).size(), 1u);
  gateway.send(Inquire{"pay-1", "17850", 1, ten + hours(1)}, of_payment);
  EXPECT_EQ(gateway.take<GatewayAnswer>().at(0).answer, Answer::not_charged);
  EXPECT_TRUE(answers_to_charge(gateway).empty()) << "the charge arrives after all";
  EXPECT_EQ(gateway.state("pay-1").answer, Answer::not_charged);
}

TEST(OrdersGateway, AFailedCallChangesNothing) {
  ActorTest<Gateway> gateway(only({{"unavailable", 1}}), ten);
  EXPECT_THROW(gateway.send(charge, of_payment), GatewayDown);
  EXPECT_EQ(gateway.timers(), 0u);
  EXPECT_FALSE(gateway.has_state("pay-1"));
}

TEST(OrdersGateway, RefundsOnceForAKeyAndAtMostWhatItHas) {
  ActorTest<Gateway> gateway(only(no_options), ten);
  answers_to_charge(gateway);
  const Refund refund{"r1", "pay-1", "1", "17850", Money{300}, ten + hours(30)};
  gateway.send(refund, of_payment);
  gateway.send(refund, of_payment);
  EXPECT_EQ(gateway.state("pay-1").refunded, Money{300});
  EXPECT_THROW(gateway.send(Refund{"r2", "pay-1", "1", "17850", Money{201}, ten}, of_payment), InvariantBroken);
}

TEST(OrdersGateway, RefusesProbabilitiesThatDoNotFit) {
  EXPECT_THROW(ActorTest<Gateway>(only({{"declined", 0.6}, {"late", 0.5}})), mailroom::BadValue);
  EXPECT_THROW(ActorTest<Gateway>(only({{"lost", -0.1}})), mailroom::BadValue);
  EXPECT_THROW(ActorTest<Gateway>(only({{"inquiry_unanswered", 1}})), mailroom::BadValue);
}

}  // namespace
}  // namespace orders_test
