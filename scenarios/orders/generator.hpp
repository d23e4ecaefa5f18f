// Rows of the same shape as the shop's data, without the data: `orders_generator`. The same options give the same
// rows; every invoice is computed from the seed and its number alone, so that going on in the middle costs nothing.
#pragma once

#include <chrono>

#include <mailroom/seeded_choice.hpp>

#include "scenarios/orders/events.hpp"

namespace orders {

struct GeneratorOptions {
  std::uint64_t invoices = 5'000;
  std::uint64_t seed = 1;
  Timestamp start{1'291'161'600'000'000};  // midnight before the first day; 2010-12-01
  std::uint64_t per_day = 75;              // invoices, from 8 to 18 o'clock
  std::uint64_t customers = 600, products = 1'500;
  double dirt = 0.05;            // share of invoices without customer, and twice the share of rows with other faults
  double cancellations = 0.12;   // share of invoices that cancel an earlier one, half of them within hours
  double mean_rows = 15;         // of an invoice
  double rate = 0;               // rows a second; 0: as fast as they are taken
};
MAILROOM_OPTIONS(GeneratorOptions, invoices, seed, start, per_day, customers, products, dirt, cancellations, mean_rows, rate)

class OrdersGenerator : public mailroom::Source {
 public:
  using Options = GeneratorOptions;
  using Emits = mailroom::Events<OrderLine>;
  // Throws BadValue for options that make no sense.
  explicit OrdersGenerator(const GeneratorOptions& options);

  mailroom::ReadStatus read(mailroom::SourceBatch& batch, std::size_t max_events) override;
  [[nodiscard]] nlohmann::json position() const override;
  void seek(const nlohmann::json& position) override;
  [[nodiscard]] mailroom::SourceProgress progress() const override;
  [[nodiscard]] std::chrono::microseconds idle_wait() const override { return std::chrono::milliseconds(10); }

  // All rows of invoice `number` (from 0).
  [[nodiscard]] std::vector<OrderLine> invoice(std::uint64_t number) const;

 private:
  [[nodiscard]] bool cancels(std::uint64_t number) const;
  [[nodiscard]] Timestamp time_of(std::uint64_t number) const;
  [[nodiscard]] std::vector<OrderLine> order(std::uint64_t number) const;
  [[nodiscard]] std::vector<OrderLine> cancellation(std::uint64_t number) const;

  GeneratorOptions options_;
  mailroom::Zipf customers_, products_;
  std::uint64_t next_invoice_ = 0;
  std::size_t next_row_ = 0;
  std::chrono::steady_clock::time_point began_{};  // with a rate: when the first row was asked for
  std::uint64_t given_ = 0;                        // rows since
  std::vector<OrderLine> rows_;  // of next_invoice_, if next_row_ > 0
};
MAILROOM_SOURCE(OrdersGenerator, "orders_generator")

}  // namespace orders
