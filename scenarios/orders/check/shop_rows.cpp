#include "scenarios/orders/check/shop_rows.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fstream>
#include <stdexcept>

namespace orders_check {

namespace {

std::vector<std::string> split_csv(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += '"';
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  return fields;
}

bool blank(const std::string& text) { return text.find_first_not_of(" \t\r") == std::string::npos; }

bool digits(const std::string& text) { return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos; }

std::int64_t whole(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) throw std::invalid_argument(fmt::format("\"{}\" is not an integer", text));
  return value;
}

// "2010-12-01 08:26:00" and "2010-12-01T08:26:00Z" are one moment.
std::string plain_date(std::string date) {
  std::replace(date.begin(), date.end(), 'T', ' ');
  if (!date.empty() && date.back() == 'Z') date.pop_back();
  return date;
}

}  // namespace

std::int64_t minor_units(const std::string& decimal) {
  const auto dot = decimal.find('.');
  auto fraction = dot == std::string::npos ? std::string{} : decimal.substr(dot + 1);
  if (fraction.size() > 2) throw std::invalid_argument(fmt::format("\"{}\" has more than two decimals", decimal));
  fraction.resize(2, '0');
  return whole(decimal.substr(0, dot) + fraction);
}

std::string customer_of(const ShopRow& row) {
  return row.customer.ends_with(".0") ? row.customer.substr(0, row.customer.size() - 2) : row.customer;
}

std::vector<std::string> faults_of(const ShopRow& row) {
  std::vector<std::string> faults;
  const auto quantity = whole(row.quantity);
  if (!digits(row.cancels() ? row.invoice.substr(1) : row.invoice)) faults.emplace_back("invoice_no");
  if (blank(row.customer)) faults.emplace_back("no customer");
  else if (!digits(customer_of(row))) faults.emplace_back("customer_id");
  if (blank(row.stock_code)) faults.emplace_back("no stock code");
  if (blank(row.description)) faults.emplace_back("no description");
  if (minor_units(row.price) <= 0) faults.emplace_back("the price is");
  if (quantity == 0 || (quantity < 0) != row.cancels()) faults.emplace_back("the quantity is");
  return faults;
}

std::string identity_of(const ShopRow& row) {
  return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}", row.invoice, row.stock_code, row.description, whole(row.quantity), plain_date(row.date),
                     minor_units(row.price), customer_of(row), row.country);
}

ShopRow row_from_json(const nlohmann::json& line) {
  const auto text = [&](const char* field) { return line.at(field).is_string() ? line.at(field).get<std::string>() : line.at(field).dump(); };
  return {{}, text("invoice_no"), text("stock_code"), text("description"), text("quantity"), text("invoice_date"), text("unit_price"), text("customer_id"),
          text("country")};
}

std::vector<ShopRow> read_shop_rows(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(path)) {
    for (const auto& entry : std::filesystem::directory_iterator(path))
      if (entry.path().extension() == ".csv") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
  } else {
    files.push_back(path);
  }
  if (files.empty()) throw std::runtime_error(fmt::format("{}: there is no .csv file in it", path.string()));
  std::vector<ShopRow> rows;
  for (const auto& file : files) {
    std::ifstream in(file);
    std::string line;
    if (!std::getline(in, line)) throw std::runtime_error(fmt::format("{}: can't be read, or is empty", file.string()));
    for (int number = 2; std::getline(in, line); ++number) {
      if (blank(line)) continue;
      const auto fields = split_csv(line);
      if (fields.size() != 8) throw std::runtime_error(fmt::format("{}:{}: {} fields, expected 8", file.string(), number, fields.size()));
      rows.push_back({fmt::format("{}:{}", file.filename().string(), number), fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], fields[6],
                      fields[7]});
    }
  }
  return rows;
}

}  // namespace orders_check
