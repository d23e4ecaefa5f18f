#include "scenarios/orders/generator.hpp"

#include <array>
#include <cmath>
#include <fmt/format.h>

namespace orders {

using mailroom::SeededChoice;

OrdersGenerator::OrdersGenerator(const GeneratorOptions& options)
    : options_(options), customers_(options.customers, 0.7), products_(options.products, 0.8) {
  const auto share = [](double p) { return p >= 0 && p <= 1; };
  if (options.customers == 0 || options.products == 0 || options.products > 50'000 || options.per_day == 0 || !share(options.dirt) ||
      !share(options.cancellations) || !(options.mean_rows >= 1))
    throw mailroom::BadValue("orders_generator: expected customers > 0, 0 < products <= 50000, per_day > 0, dirt and cancellations from 0 to 1, mean_rows >= 1");
}

bool OrdersGenerator::cancels(std::uint64_t number) const {
  return number > 0 && SeededChoice(options_.seed, {"cancels"}, number).chance(options_.cancellations);
}

Timestamp OrdersGenerator::time_of(std::uint64_t number) const {
  const auto day = static_cast<std::int64_t>(number / options_.per_day);
  const auto within = static_cast<std::int64_t>(number % options_.per_day * 10 * 60 / options_.per_day);  // minutes after 8 o'clock
  return options_.start + std::chrono::hours(24 * day + 8) + std::chrono::minutes(within);
}

std::vector<OrderLine> OrdersGenerator::invoice(std::uint64_t number) const {
  if (cancels(number)) {
    auto rows = cancellation(number);
    if (!rows.empty()) return rows;
  }
  return order(number);
}

std::vector<OrderLine> OrdersGenerator::order(std::uint64_t number) const {
  static constexpr std::array<std::int64_t, 16> quantities{1, 1, 1, 2, 2, 2, 3, 4, 6, 6, 8, 10, 12, 12, 24, 48};
  static constexpr std::array<const char*, 6> countries{"United Kingdom", "United Kingdom", "United Kingdom", "Germany", "France", "EIRE"};
  SeededChoice choice(options_.seed, {"order"}, number);
  const auto customer = customers_.draw(choice.real());
  const auto wanted = 1 + static_cast<std::size_t>(std::min(200.0, -std::log(1 - choice.real()) * (options_.mean_rows - 1)));
  const bool nameless = choice.chance(options_.dirt);

  std::vector<OrderLine> rows;
  for (std::size_t i = 0; i < wanted; ++i) {
    const auto product = products_.draw(choice.real());
    SeededChoice of_product(options_.seed, {"product"}, product);
    OrderLine row;
    row.invoice_no = fmt::format("{}", 600'000 + number);
    row.stock_code = fmt::format("{}", 20'000 + product);
    row.description = fmt::format("PRODUCT {}", 20'000 + product);
    row.quantity = quantities[static_cast<std::size_t>(choice.integer(0, quantities.size() - 1))];
    row.invoice_date = time_of(number);
    row.unit_price = Money{of_product.integer(19, 1'275)};
    row.customer_id = nameless ? "" : fmt::format("{}.0", 12'000 + customer);
    row.country = countries[customer % countries.size()];
    if (i == 0 && choice.chance(0.08)) {
      row.stock_code = "POST";
      row.description = "POSTAGE";
      row.quantity = 1;
      row.unit_price = Money{1'800};
    }
    if (choice.chance(options_.dirt / 2)) {
      switch (choice.integer(0, 3)) {
        case 0: row.unit_price = Money{0}; break;
        case 1: row.quantity = -row.quantity; break;
        case 2: row.description.clear(); break;
        default:
          row.description.clear();
          row.unit_price = Money{0};
          row.quantity = -row.quantity;
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<OrderLine> OrdersGenerator::cancellation(std::uint64_t number) const {
  SeededChoice choice(options_.seed, {"cancellation"}, number);
  // One of the last few orders, most of which have not been shipped; or one of the last weeks.
  const auto per_hour = std::max<std::int64_t>(1, static_cast<std::int64_t>(options_.per_day) / 10);
  const auto back = choice.chance(0.5) ? choice.integer(1, 5 * per_hour) : choice.integer(5 * per_hour, 200 * per_hour);
  auto target = static_cast<std::int64_t>(number) - back;
  while (target >= 0 && cancels(static_cast<std::uint64_t>(target))) --target;
  if (target < 0) return {};

  const bool whole = choice.chance(0.3);
  std::vector<OrderLine> rows;
  for (auto& row : order(static_cast<std::uint64_t>(target))) {
    if (row.quantity <= 0 || row.unit_price <= Money{0} || row.description.empty()) continue;
    if (!whole && !rows.empty() && !choice.chance(0.2)) continue;
    row.invoice_no = fmt::format("C{}", 600'000 + number);
    row.quantity = -(whole ? row.quantity : choice.integer(1, row.quantity));
    row.invoice_date = time_of(number);
    rows.push_back(std::move(row));
  }
  return rows;
}

mailroom::ReadStatus OrdersGenerator::read(mailroom::SourceBatch& batch, std::size_t max_events) {
  const auto& type = mailroom::event_type_of<OrderLine>();
  if (options_.rate > 0) {
    const auto now = std::chrono::steady_clock::now();
    if (given_ == 0) began_ = now;
    const auto due = 1 + static_cast<std::uint64_t>(std::chrono::duration<double>(now - began_).count() * options_.rate);
    if (due <= given_) return mailroom::ReadStatus::idle;
    max_events = std::min<std::size_t>(max_events, due - given_);
    given_ += max_events;
  }
  while (next_invoice_ < options_.invoices && batch.events.size() < max_events) {
    if (rows_.empty()) rows_ = invoice(next_invoice_);
    while (next_row_ < rows_.size() && batch.events.size() < max_events) batch.events.append_move(type, &rows_[next_row_++], {});
    if (next_row_ < rows_.size()) break;
    ++next_invoice_;
    next_row_ = 0;
    rows_.clear();
  }
  return next_invoice_ < options_.invoices ? mailroom::ReadStatus::more : mailroom::ReadStatus::end;
}

nlohmann::json OrdersGenerator::position() const { return {{"invoice", next_invoice_}, {"row", next_row_}}; }

void OrdersGenerator::seek(const nlohmann::json& position) {
  rows_.clear();
  next_invoice_ = position.is_null() ? 0 : position.at("invoice").get<std::uint64_t>();
  next_row_ = position.is_null() ? 0 : position.at("row").get<std::size_t>();
}

mailroom::SourceProgress OrdersGenerator::progress() const { return {next_invoice_, options_.invoices, "invoices"}; }

}  // namespace orders
