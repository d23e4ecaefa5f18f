#include "scenarios/orders/ledger.hpp"

#include <fmt/format.h>

namespace orders {

void Ledger::on(const Posting& posting, Accounts& accounts, mailroom::Context& context) {
  const auto refuse = [&](std::string_view why) {
    throw InvariantBroken(fmt::format("posting \"{}\" of {} for invoice {}: {} (gateway {}, customer {}, sales {}; the sender says {} is owed)",
                                      posting.posting, posting.amount.to_string(), posting.invoice, why, accounts.gateway.to_string(),
                                      accounts.customer.to_string(), accounts.sales.to_string(), posting.owed.to_string()));
  };
  const std::string gateway = "gateway", customer = "customer:" + posting.customer, sales = "sales";
  std::string debit, credit;
  switch (posting.entry) {
    case Entry::capture:
      if (accounts.captured) refuse("captured twice");
      accounts.captured = true;
      accounts.gateway += posting.amount;
      accounts.customer += posting.amount;
      debit = gateway, credit = customer;
      break;
    case Entry::sale:
      accounts.customer -= posting.amount;
      accounts.sales += posting.amount;
      debit = customer, credit = sales;
      break;
    case Entry::take_back:
      accounts.sales -= posting.amount;
      accounts.customer += posting.amount;
      debit = sales, credit = customer;
      break;
    case Entry::refund:
      accounts.customer -= posting.amount;
      accounts.gateway -= posting.amount;
      debit = customer, credit = gateway;
      break;
  }
  if (posting.amount <= Money{0}) refuse("an amount must be above 0");
  if (accounts.gateway != accounts.customer + accounts.sales) refuse("debits and credits differ");
  if (accounts.gateway < Money{0} || accounts.customer < Money{0} || accounts.sales < Money{0}) refuse("a balance is negative");
  if (accounts.customer != posting.owed) refuse("what is owed differs");
  context.emit(Booked{posting.posting, posting.invoice, posting.customer, posting.entry, posting.at,
                      {{debit, posting.amount, {}}, {credit, {}, posting.amount}}});
}

}  // namespace orders
