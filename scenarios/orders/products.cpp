#include "scenarios/orders/products.hpp"

#include <algorithm>
#include <cctype>

namespace orders {

bool is_stocked(std::string_view stock_code) {
  if (stock_code.starts_with("DCGS")) return true;
  return stock_code.size() >= 5 && std::all_of(stock_code.begin(), stock_code.begin() + 5, [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::vector<Line> merge_lines(const std::vector<Line>& lines) {
  std::vector<Line> merged;
  for (const auto& line : lines) {
    const auto same = std::find_if(merged.begin(), merged.end(), [&](const Line& other) {
      return other.stock_code == line.stock_code && other.unit_price == line.unit_price;
    });
    if (same == merged.end())
      merged.push_back(line);
    else
      same->quantity += line.quantity;
  }
  return merged;
}

std::vector<Line> stock_needed(const std::vector<Line>& lines) {
  std::vector<Line> stocked;
  for (const auto& line : lines)
    if (line.quantity > 0 && is_stocked(line.stock_code)) stocked.push_back({line.stock_code, line.quantity, {}});
  return merge_lines(stocked);
}

Money total_of(const std::vector<Line>& lines) {
  Money total;
  for (const auto& line : lines) total += line.unit_price * line.quantity;
  return total;
}

}  // namespace orders
