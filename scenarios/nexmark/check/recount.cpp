#include "scenarios/nexmark/check/recount.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

namespace nexmark_check {
namespace {

using namespace nexmark;
constexpr std::int64_t second = 1'000'000;

template <class E>
std::string text_of(const E& event) {
  return mailroom::value_to_json(event).dump();
}
Timestamp end_of(Timestamp time, std::int64_t width) { return {time.micros / width * width + width}; }

}  // namespace

std::vector<std::string> expected_rows(const std::string& topology, const Input& input) {
  std::vector<std::string> rows;
  if (topology == "nexmark-q1") {
    for (const auto& bid : input.bids) rows.push_back(text_of(Price{bid.auction, bid.bidder, bid.price * 908, bid.time}));
  } else if (topology == "nexmark-q2") {
    for (const auto& bid : input.bids)
      if (bid.auction % 123 == 0) rows.push_back(text_of(Price{bid.auction, bid.bidder, bid.price, bid.time}));
  } else if (topology == "nexmark-q5") {
    std::map<Timestamp, std::map<std::int64_t, std::int64_t>> counts;
    for (const auto& bid : input.bids)
      for (auto end = end_of(bid.time, 2 * second); end.micros - 10 * second <= bid.time.micros; end.micros += 2 * second) ++counts[end][bid.auction];
    for (const auto& [end, auctions] : counts) {
      std::int64_t most = 0;
      for (const auto& [auction, bids] : auctions) most = std::max(most, bids);
      for (const auto& [auction, bids] : auctions)
        if (bids == most) rows.push_back(text_of(HotItem{end, auction, bids}));
    }
  } else if (topology == "nexmark-q7") {
    std::map<Timestamp, std::int64_t> highest;
    for (const auto& bid : input.bids) {
      auto& price = highest[end_of(bid.time, 10 * second)];
      price = std::max(price, bid.price);
    }
    for (const auto& bid : input.bids)
      if (const auto end = end_of(bid.time, 10 * second); highest[end] == bid.price)
        rows.push_back(text_of(WinningBid{end, bid.price, bid.auction, bid.bidder, bid.time}));
  } else if (topology == "nexmark-q8") {
    std::set<std::pair<std::int64_t, Timestamp>> sellers;
    for (const auto& auction : input.auctions) sellers.emplace(auction.seller, end_of(auction.time, 10 * second));
    for (const auto& person : input.persons)
      if (const auto end = end_of(person.time, 10 * second); sellers.contains({person.id, end}))
        rows.push_back(text_of(NewSeller{person.id, person.name, Timestamp{end.micros - 10 * second}}));
  } else if (topology == "nexmark-q11") {
    std::map<std::int64_t, std::vector<std::int64_t>> times;
    for (const auto& bid : input.bids) times[bid.bidder].push_back(bid.time.micros);
    for (auto& [bidder, all] : times) {
      std::sort(all.begin(), all.end());
      for (std::size_t i = 0; i < all.size();) {
        auto last = i;
        while (last + 1 < all.size() && all[last + 1] - all[last] < 10 * second) ++last;
        rows.push_back(text_of(BidderSession{bidder, static_cast<std::int64_t>(last - i + 1), {all[i]}, {all[last] + 10 * second}}));
        i = last + 1;
      }
    }
  } else {
    throw std::runtime_error("no query is called " + topology);
  }
  return rows;
}

mailroom::CheckReport check_rows(const std::string& topology, const Input& input, const std::vector<nlohmann::json>& rows) {
  auto expected = expected_rows(topology, input);
  std::vector<std::string> found, missing, more;
  for (const auto& row : rows) found.push_back(row.dump());
  std::sort(expected.begin(), expected.end());
  std::sort(found.begin(), found.end());
  std::set_difference(expected.begin(), expected.end(), found.begin(), found.end(), std::back_inserter(missing));
  std::set_difference(found.begin(), found.end(), expected.begin(), expected.end(), std::back_inserter(more));
  mailroom::CheckReport report;
  mailroom::CheckedInvariant same(report, topology + ": each row equals the recomputation");
  for (std::size_t i = missing.size(); i < expected.size(); ++i) same.expect(true, "");
  for (const auto& one : missing) same.expect(false, "missing: {}", one);
  for (const auto& one : more) same.expect(false, "not expected: {}", one);
  return report;
}

}  // namespace nexmark_check
