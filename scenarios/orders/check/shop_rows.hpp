// The input as the checker sees it: read and judged anew, without the scenario's own code.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace orders_check {

struct ShopRow {
  std::string origin;  // "2010-12-01.csv:17"; generated rows: "row 17"
  std::string invoice, stock_code, description, quantity, date, price, customer, country;

  [[nodiscard]] bool cancels() const { return !invoice.empty() && invoice.front() == 'C'; }
};

// "2.55", "2.5", "3" -> 255, 250, 300. Throws std::invalid_argument.
std::int64_t minor_units(const std::string& decimal);
// Every fault that makes a row unfit for an order, by a keyword that its dead letter's reason must hold.
std::vector<std::string> faults_of(const ShopRow& row);
// What tells a row from all others: all fields in one canonical text.
std::string identity_of(const ShopRow& row);
// The row inside a dead letter or a generated event (an OrderLine as JSON).
ShopRow row_from_json(const nlohmann::json& order_line);
std::string customer_of(const ShopRow& row);  // without the ".0"

// All *.csv files of a folder by name, or one file. Throws std::runtime_error naming file and line.
std::vector<ShopRow> read_shop_rows(const std::filesystem::path& path);

}  // namespace orders_check
