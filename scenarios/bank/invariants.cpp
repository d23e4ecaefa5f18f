// What must hold whatever happens: `mailroom simulate scenarios/bank/bank.json` checks it after each run.
#include <fmt/format.h>

#include <mailroom/invariant.hpp>

namespace bank {

class MoneyIsConserved : public mailroom::Invariant {
 public:
  void check(const mailroom::RestingScenario& run) const override {
    std::int64_t in = 0, refused = 0, held = 0;
    for (const auto& deposit : run.input_json("deposits")) in += deposit.at("data").at("cents").get<std::int64_t>();
    for (const auto& letter : run.dead_letters())
      if (letter.at("stage") == "ledger") refused += letter.at("payload").at("cents").get<std::int64_t>();
    for (const auto& lost : run.shed())
      if (lost.stage == "ledger") refused += lost.payload.at("cents").get<std::int64_t>();
    for (const auto& [name, account] : run.states_json("ledger")) {
      const auto balance = account.at("balance").get<std::int64_t>();
      if (balance < 0) throw mailroom::Broken(fmt::format("account {} is overdrawn: {}", name, balance));
      held += balance;
    }
    if (in - refused != held)
      throw mailroom::Broken(fmt::format("{} came in and {} was refused, but the accounts hold {}", in, refused, held));
  }
};
MAILROOM_INVARIANT(MoneyIsConserved, "bank")

}  // namespace bank
