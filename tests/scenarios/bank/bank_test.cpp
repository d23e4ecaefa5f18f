// The guide's unit test, on the guide's scenario.
#include <gtest/gtest.h>

#include <mailroom/testing.hpp>

#include "scenarios/bank/bank.cpp"

TEST(Ledger, RefusesAnOverdraft) {
  mailroom::testing::ActorTest<bank::Ledger> ledger;
  ledger.send(bank::Deposit{"alice", 100}, {.key = "alice"});
  EXPECT_THROW(ledger.send(bank::Deposit{"alice", -200}, {.key = "alice"}), mailroom::Rejected);
  EXPECT_EQ(ledger.state("alice").balance, 100);
  EXPECT_EQ(ledger.take<bank::Balance>().size(), 1u);
}
