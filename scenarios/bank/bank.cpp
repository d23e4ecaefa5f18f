// The smallest scenario: a ledger that keeps an account's balance and refuses to overdraw it.
#include <mailroom/mailroom.hpp>

namespace bank {

struct Deposit {
  std::string account;
  std::int64_t cents = 0;  // negative: a withdrawal
};
MAILROOM_EVENT(Deposit, account, cents)

struct Balance {
  std::string account;
  std::int64_t cents = 0;
};
MAILROOM_EVENT(Balance, account, cents)

struct Account {
  std::int64_t balance = 0;
};
MAILROOM_STATE(Account, balance)

class Ledger : public mailroom::Actor<Account> {
 public:
  using Emits = mailroom::Events<Balance>;

  void on(const Deposit& deposit, Account& account, mailroom::Context& context) {
    if (account.balance + deposit.cents < 0) throw mailroom::Rejected("overdraft");
    account.balance += deposit.cents;
    context.emit(Balance{deposit.account, account.balance});
  }
};
MAILROOM_ACTOR(Ledger, Deposit)

}  // namespace bank
