#include "scenarios/orders/intake.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace orders {

namespace {

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

bool is_cancellation(std::string_view invoice) { return invoice.starts_with('C'); }

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  return first == std::string_view::npos ? std::string_view{} : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::string upper(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return result;
}

}  // namespace

std::string clean_customer(std::string_view customer_id) {
  auto customer = trimmed(customer_id);
  if (customer.ends_with(".0")) customer.remove_suffix(2);
  return std::string(customer);
}

std::string faults_of(const OrderLine& row) {
  std::string faults;
  const auto add = [&](std::string_view fault) { faults += faults.empty() ? std::string(fault) : fmt::format("; {}", fault); };
  const bool cancellation = is_cancellation(row.invoice_no);
  const auto customer = clean_customer(row.customer_id);

  if (!is_number(std::string_view(row.invoice_no).substr(cancellation ? 1 : 0)))
    add(fmt::format("invoice_no \"{}\" is not a number, or C and a number", row.invoice_no));
  if (customer.empty())
    add("no customer");
  else if (!is_number(customer))
    add(fmt::format("customer_id \"{}\" is not a number", row.customer_id));
  if (trimmed(row.stock_code).empty()) add("no stock code");
  if (trimmed(row.description).empty()) add("no description");
  if (row.unit_price <= Money{0}) add(fmt::format("the price is {}", row.unit_price.to_string()));
  if (row.quantity == 0) add("the quantity is 0");
  if (!cancellation && row.quantity < 0) add(fmt::format("the quantity is {}, and this is no cancellation", row.quantity));
  if (cancellation && row.quantity > 0) add(fmt::format("the quantity is {} in a cancellation", row.quantity));
  return faults;
}

void Intake::on(const OrderLine& row, mailroom::Context& context) {
  if (const auto faults = faults_of(row); !faults.empty()) throw mailroom::Rejected{"dirty row: " + faults};
  // Codes are written in either case: 85123A and 85123a are one product.
  context.emit(InvoiceLine{row.invoice_no, clean_customer(row.customer_id), is_cancellation(row.invoice_no), row.invoice_date,
                           Line{upper(trimmed(row.stock_code)), row.quantity < 0 ? -row.quantity : row.quantity, row.unit_price}});
}

}  // namespace orders
