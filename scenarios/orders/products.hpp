// What the shop's codes mean.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scenarios/orders/events.hpp"

namespace orders {

// Goods have a code of five digits and perhaps some letters ("85123A"), or begin with DCGS: they are reserved,
// shipped and taken back. All else (POST, DOT, M, C2, BANK CHARGES, gift_0001_20 ...) is charged, not stocked.
bool is_stocked(std::string_view stock_code);

// One line for each code and price, in order of first appearance.
std::vector<Line> merge_lines(const std::vector<Line>& lines);
// What must be in stock for them: one line for each stocked code, without price, in order of first appearance.
std::vector<Line> stock_needed(const std::vector<Line>& lines);
Money total_of(const std::vector<Line>& lines);

}  // namespace orders
