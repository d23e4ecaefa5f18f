// What each query must answer, by maps over the whole input.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <mailroom/check_report.hpp>

#include "scenarios/nexmark/events.hpp"

namespace nexmark_check {

struct Input {
  std::vector<nexmark::Person> persons;
  std::vector<nexmark::Auction> auctions;
  std::vector<nexmark::Bid> bids;
};
// "nexmark-q5" -> the rows that its sink must have, as text, in no order. Throws std::runtime_error on an unknown name.
std::vector<std::string> expected_rows(const std::string& topology, const Input& input);
mailroom::CheckReport check_rows(const std::string& topology, const Input& input, const std::vector<nlohmann::json>& rows);

}  // namespace nexmark_check
