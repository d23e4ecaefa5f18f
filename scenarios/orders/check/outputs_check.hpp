// Every invariant of the orders scenario, recomputed from its output files alone.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <mailroom/check_report.hpp>

#include "scenarios/orders/check/shop_rows.hpp"

namespace orders_check {

using Rows = std::vector<nlohmann::json>;

// One run's files, row by row, in the order in which they were written.
struct Outputs {
  Rows invoices, outcomes, stock, payments, refunds, ledger, notifications, violations;
};
// Reads the .jsonl files of a run's output folder. Throws std::runtime_error naming file and line.
Outputs read_outputs(const std::filesystem::path& folder);

using Report = mailroom::CheckReport;

// Who an output's row, an event or a dead letter's payload is about, as far as its fields say.
std::optional<std::string> customer_in(const nlohmann::json& row, const std::map<std::string, std::string>& customer_of_invoice);

// `input`: the rows that the run was given; `dead_letters`: as `mailroom dead-letters list --json` gives them.
// What is not given is not checked. `unsettled`: customers of whom events were given up on, as a parked key's; only what holds
// at any time is asked of their orders (stock and books balance), and all of everybody else's.
Report check_outputs(const Outputs& outputs, const std::optional<std::vector<ShopRow>>& input, const std::optional<Rows>& dead_letters,
                     const std::set<std::string>& unsettled = {});

}  // namespace orders_check
