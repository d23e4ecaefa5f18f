// q1: each bid's price in euros. q2: the bids of some auctions.
#include "scenarios/nexmark/events.hpp"

namespace nexmark {

class ToEuros : public mailroom::Actor<> {
 public:
  using Emits = mailroom::Events<Price>;
  void on(const Bid& bid, mailroom::Context& context) { context.emit(Price{bid.auction, bid.bidder, bid.price * 908, bid.time}); }
};
MAILROOM_ACTOR(ToEuros, Bid)

class SomeAuctions : public mailroom::Actor<> {
 public:
  using Emits = mailroom::Events<Price>;
  void on(const Bid& bid, mailroom::Context& context) {
    if (bid.auction % 123 == 0) context.emit(Price{bid.auction, bid.bidder, bid.price, bid.time});
  }
};
MAILROOM_ACTOR(SomeAuctions, Bid)

}  // namespace nexmark
