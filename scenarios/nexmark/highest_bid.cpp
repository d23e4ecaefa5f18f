// q7: the highest bids of each 10 seconds: first of each auction, then of all.
#include <mailroom/windows.hpp>

#include "scenarios/nexmark/events.hpp"

namespace nexmark {

struct Highest {
  std::vector<HighestBid> bids;  // all of the highest price
};
MAILROOM_STRUCT(Highest, bids)

template <class Derived, class Result>
class KeepHighest : public mailroom::Windowed<Derived, Highest> {
 public:
  using Emits = mailroom::Events<Result>;
  using mailroom::Windowed<Derived, Highest>::Windowed;
  static void keep(const HighestBid& bid, Highest& highest) {
    if (!highest.bids.empty() && bid.price < highest.bids.front().price) return;
    if (!highest.bids.empty() && bid.price > highest.bids.front().price) highest.bids.clear();
    highest.bids.push_back(bid);
  }
  void result(const mailroom::Window& window, const Highest& highest, mailroom::Context& context) {
    for (const auto& bid : highest.bids) context.emit(Result{window.end, bid.price, bid.auction, bid.bidder, bid.time});
  }
};

class HighestOfAuction : public KeepHighest<HighestOfAuction, HighestBid> {
 public:
  using KeepHighest::KeepHighest;
  void add(const Bid& bid, Highest& highest) noexcept { keep({{}, bid.price, bid.auction, bid.bidder, bid.time}, highest); }
};
MAILROOM_ACTOR(HighestOfAuction, Bid, mailroom::WindowDue)

class HighestOfAll : public KeepHighest<HighestOfAll, WinningBid> {
 public:
  using KeepHighest::KeepHighest;
  void add(const HighestBid& bid, Highest& highest) noexcept { keep(bid, highest); }
};
MAILROOM_ACTOR(HighestOfAll, HighestBid, mailroom::WindowDue)

}  // namespace nexmark
