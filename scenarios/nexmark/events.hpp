// Nexmark's three streams, and the answers of its queries.
#pragma once

#include <cstdint>
#include <string>

#include <mailroom/mailroom.hpp>

namespace nexmark {

using mailroom::Timestamp;

struct Person {
  std::int64_t id = 0;
  std::string name, email, credit_card, city, state;
  Timestamp time;
};
MAILROOM_SHARED_EVENT(Person, id, name, email, credit_card, city, state, time)

struct Auction {
  std::int64_t id = 0;
  std::string item, description;
  std::int64_t initial_bid = 0, reserve = 0;
  Timestamp time, expires;
  std::int64_t seller = 0, category = 0;
};
MAILROOM_SHARED_EVENT(Auction, id, item, description, initial_bid, reserve, time, expires, seller, category)

struct Bid {
  std::int64_t auction = 0, bidder = 0;
  std::int64_t price = 0;  // cents
  std::string channel, url;
  Timestamp time;
};
MAILROOM_SHARED_EVENT(Bid, auction, bidder, price, channel, url, time)

// q1: the price in thousandths of a euro cent. q2: as it is, of some auctions.
struct Price {
  std::int64_t auction = 0, bidder = 0, price = 0;
  Timestamp time;
};
MAILROOM_SHARED_EVENT(Price, auction, bidder, price, time)

// q5: bids of an auction in the window that ends at `end`; the hottest of a window.
struct BidCount {
  std::int64_t auction = 0, bids = 0;
  Timestamp end;
};
MAILROOM_SHARED_EVENT(BidCount, auction, bids, end)
struct HotItem {
  Timestamp end;
  std::int64_t auction = 0, bids = 0;
};
MAILROOM_SHARED_EVENT(HotItem, end, auction, bids)

// q7: of an auction's bids, and of all, in a window.
struct HighestBid {
  Timestamp end;
  std::int64_t price = 0, auction = 0, bidder = 0;
  Timestamp time;
};
MAILROOM_SHARED_EVENT(HighestBid, end, price, auction, bidder, time)
struct WinningBid {
  Timestamp end;
  std::int64_t price = 0, auction = 0, bidder = 0;
  Timestamp time;
};
MAILROOM_SHARED_EVENT(WinningBid, end, price, auction, bidder, time)

// q8: who came and sold something in one window.
struct NewSeller {
  std::int64_t id = 0;
  std::string name;
  Timestamp start;
};
MAILROOM_SHARED_EVENT(NewSeller, id, name, start)

// q11
struct BidderSession {
  std::int64_t bidder = 0, bids = 0;
  Timestamp start, end;
};
MAILROOM_SHARED_EVENT(BidderSession, bidder, bids, start, end)

}  // namespace nexmark
