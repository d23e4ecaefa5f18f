// q5: which auctions had the most bids in the last 10 seconds, every 2 seconds.
#include <mailroom/windows.hpp>

#include "scenarios/nexmark/events.hpp"

namespace nexmark {

struct Bids10s {
  std::int64_t bids = 0;
};
MAILROOM_STRUCT(Bids10s, bids)

class CountBids : public mailroom::Windowed<CountBids, Bids10s> {
 public:
  using Emits = mailroom::Events<BidCount>;
  using Windowed::Windowed;
  void add(const Bid&, Bids10s& total) noexcept { ++total.bids; }
  void merge(Bids10s& into, const Bids10s& other) noexcept { into.bids += other.bids; }
  void result(const mailroom::Window& window, const Bids10s& total, mailroom::Context& context) {
    context.emit(BidCount{std::stoll(std::string(context.key())), total.bids, window.end});
  }
};
MAILROOM_ACTOR(CountBids, Bid, mailroom::WindowDue)

struct Hottest {
  std::vector<BidCount> auctions;  // all that have the most
};
MAILROOM_STRUCT(Hottest, auctions)

// Over the counts of one end: their time is its last moment, so a window as long as the slide holds just them.
class HotItems : public mailroom::Windowed<HotItems, Hottest> {
 public:
  using Emits = mailroom::Events<HotItem>;
  using Windowed::Windowed;
  void add(const BidCount& count, Hottest& hottest) noexcept {
    if (!hottest.auctions.empty() && count.bids < hottest.auctions.front().bids) return;
    if (!hottest.auctions.empty() && count.bids > hottest.auctions.front().bids) hottest.auctions.clear();
    hottest.auctions.push_back(count);
  }
  void result(const mailroom::Window& window, const Hottest& hottest, mailroom::Context& context) {
    for (const auto& one : hottest.auctions) context.emit(HotItem{window.end, one.auction, one.bids});
  }
};
MAILROOM_ACTOR(HotItems, BidCount, mailroom::WindowDue)

}  // namespace nexmark
