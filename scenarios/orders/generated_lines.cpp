#include "scenarios/orders/generated_lines.hpp"

#include "scenarios/orders/generator.hpp"

namespace orders {

std::vector<nlohmann::json> generated_lines(const nlohmann::json& json) {
  const auto options = mailroom::from_json<GeneratorOptions>(json);
  const OrdersGenerator generator(options);
  std::vector<nlohmann::json> lines;
  for (std::uint64_t invoice = 0; invoice < options.invoices; ++invoice)
    for (const auto& line : generator.invoice(invoice)) lines.push_back(mailroom::value_to_json(line));
  return lines;
}

}  // namespace orders
