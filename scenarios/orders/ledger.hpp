// The books, by double entry. Keyed by invoice: every posting moves one amount from one account to another, so
// debits = credits at every point; nothing is ever owed by a customer, and what the ledger says is owed to them is
// what the sender of the posting says.
#pragma once

#include "scenarios/orders/events.hpp"

namespace orders {

// Balances of this invoice: the gateway's is a debit, the others are credits.
struct Accounts {
  Money gateway, customer, sales;
  bool captured = false;
};
MAILROOM_STATE(Accounts, gateway, customer, sales, captured)

class Ledger : public mailroom::Actor<Accounts> {
 public:
  using Emits = mailroom::Events<Booked>;
  void on(const Posting& posting, Accounts& accounts, mailroom::Context& context);
};
MAILROOM_ACTOR(Ledger, Posting)

}  // namespace orders
