// Inventory and the saga's first half.
#include <gtest/gtest.h>

#include <mailroom/testing.hpp>

#include "tests/scenarios/orders/no_options.hpp"
#include "scenarios/orders/inventory.hpp"
#include "scenarios/orders/reservations.hpp"

namespace orders_test {
namespace {

using namespace orders;
using mailroom::testing::ActorTest;
using std::chrono::hours;
using std::chrono::minutes;

const Timestamp noon = Timestamp::parse("2010-12-01 12:00:00");
const mailroom::testing::Sent of_cake{.key = "22423"};

class OrdersInventory : public testing::Test {
 protected:
  ActorTest<Inventory> inventory_{{{"opening_least", 10}, {"opening_most", 10}, {"order_below", 3}, {"delivery", 7}, {"delivered_after", "1d"}}, noon};
  bool reserve(const std::string& invoice, std::int64_t quantity) {
    inventory_.send(Reserve{"22423", invoice, quantity, inventory_.now()}, of_cake);
    inventory_.advance({});
    return inventory_.take<ReserveAnswer>().at(0).granted;
  }
  void move(const std::string& invoice, Movement movement, std::int64_t quantity) {
    inventory_.send(MoveStock{"22423", invoice, movement, quantity, noon}, of_cake);
  }
};

TEST_F(OrdersInventory, ReservesUpToWhatIsOnHandAndRefusesTheRestWhole) {
  EXPECT_TRUE(reserve("1", 6));
  EXPECT_FALSE(reserve("2", 5));
  EXPECT_TRUE(reserve("3", 4));
  EXPECT_FALSE(reserve("4", 1));
  const auto stock = inventory_.state("22423");
  EXPECT_EQ(stock.on_hand, 0);
  EXPECT_EQ(stock.reserved, 10);
}

TEST_F(OrdersInventory, ServesOrdersByTheTimeAtWhichTheyWerePlaced) {
  inventory_.send(Reserve{"22423", "later", 8, noon + minutes(2)}, of_cake);
  inventory_.send(Reserve{"22423", "earlier", 8, noon + minutes(1)}, of_cake);
  EXPECT_EQ(inventory_.emitted(), 0u);
  inventory_.advance(minutes(5));
  const auto answers = inventory_.take<ReserveAnswer>();
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].invoice, "earlier");
  EXPECT_TRUE(answers[0].granted);
  EXPECT_FALSE(answers[1].granted);
}

TEST_F(OrdersInventory, EveryMovementKeepsTheBalance) {
  reserve("1", 6);
  move("1", Movement::release, 2);
  move("1", Movement::ship, 4);
  move("1", Movement::take_back, 3);
  const auto stock = inventory_.state("22423");
  EXPECT_EQ(stock.on_hand, 9);
  EXPECT_EQ(stock.reserved, 0);
  EXPECT_EQ(stock.shipped, 4);
  EXPECT_EQ(stock.received, 13);
  EXPECT_TRUE(stock.reservations.empty());
  EXPECT_EQ(inventory_.take<StockMoved>().size(), 5u);  // with the opening
}

TEST_F(OrdersInventory, NothingMovesWithoutItsReservation) {
  reserve("1", 6);
  EXPECT_THROW(move("2", Movement::ship, 1), InvariantBroken);
  EXPECT_THROW(move("1", Movement::ship, 7), InvariantBroken);
  EXPECT_THROW(move("1", Movement::reserve, 1), InvariantBroken);
  EXPECT_EQ(inventory_.state("22423").reserved, 6);
  move("1", Movement::ship, 6);
  EXPECT_THROW(move("1", Movement::ship, 6), InvariantBroken);
}

TEST_F(OrdersInventory, OrdersMoreOnceWhenLittleIsLeft) {
  reserve("1", 8);
  reserve("2", 1);
  EXPECT_EQ(inventory_.timers(), 1u);
  EXPECT_FALSE(reserve("3", 5));
  inventory_.advance(hours(24));
  EXPECT_TRUE(reserve("4", 8));
  EXPECT_EQ(inventory_.state("22423").received, 17);
}

TEST(OrdersInventoryOptions, MustMakeSense) {
  EXPECT_THROW(ActorTest<Inventory>({{"opening_least", 5}, {"opening_most", 4}}), mailroom::BadValue);
}

Order order_of(std::vector<Line> items) { return {"1", "17850", 1, noon, Money{500}, std::move(items)}; }
const mailroom::testing::Sent of_invoice_1{.key = "1"};

TEST(OrdersReservations, ChargesOnceEverythingIsReserved) {
  ActorTest<Reservations> saga({{"reserved_for", "30m"}}, noon);
  saga.send(order_of({{"22423", 2, Money{100}}, {"POST", 1, Money{100}}, {"85123A", 1, Money{200}}}), of_invoice_1);
  saga.send(ReserveAnswer{"1", "85123A", 1, true}, of_invoice_1);
  EXPECT_EQ(saga.emitted(), 0u);
  saga.send(ReserveAnswer{"1", "22423", 2, true}, of_invoice_1);
  const auto charges = saga.take<Charge>();
  ASSERT_EQ(charges.size(), 1u);
  EXPECT_EQ(charges[0].payment, "pay-1");
  EXPECT_EQ(charges[0].amount, Money{500});
  EXPECT_EQ(saga.take<OrderReserved>().at(0).reserved_until, noon + minutes(30));
  EXPECT_FALSE(saga.has_state("1"));
}

TEST(OrdersReservations, OneRefusalReleasesTheOthersAndRefusesTheOrder) {
  ActorTest<Reservations> saga(no_options, noon);
  // The answers outrun the order.
  saga.send(ReserveAnswer{"1", "85123A", 1, false}, of_invoice_1);
  saga.send(ReserveAnswer{"1", "22423", 2, true}, of_invoice_1);
  saga.send(ReserveAnswer{"1", "22424", 3, true}, of_invoice_1);
  saga.send(order_of({{"22423", 2, Money{100}}, {"85123A", 1, Money{200}}, {"22424", 3, Money{1}}}), of_invoice_1);
  const auto releases = saga.take<MoveStock>();
  ASSERT_EQ(releases.size(), 2u);
  EXPECT_EQ(releases[0].stock_code, "22423");
  EXPECT_EQ(releases[0].movement, Movement::release);
  EXPECT_EQ(releases[1].quantity, 3);
  EXPECT_EQ(saga.take<OrderRefused>().at(0).reason, "out of stock: 85123A");
  EXPECT_TRUE(saga.take<Charge>().empty());
}

TEST(OrdersReservations, AnOrderOfServicesOnlyNeedsNoStock) {
  ActorTest<Reservations> saga(no_options, noon);
  saga.send(order_of({{"POST", 1, Money{500}}}), of_invoice_1);
  EXPECT_EQ(saga.take<Charge>().size(), 1u);
}

}  // namespace
}  // namespace orders_test
