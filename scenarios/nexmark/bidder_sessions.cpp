// q11: how many bids each bidder makes before it is quiet for 10 seconds.
#include <mailroom/windows.hpp>

#include "scenarios/nexmark/events.hpp"

namespace nexmark {

struct SessionBids {
  std::int64_t bids = 0;
};
MAILROOM_STRUCT(SessionBids, bids)

class BidderSessions : public mailroom::Windowed<BidderSessions, SessionBids> {
 public:
  using Emits = mailroom::Events<BidderSession>;
  using Windowed::Windowed;
  void add(const Bid&, SessionBids& session) noexcept { ++session.bids; }
  void merge(SessionBids& into, const SessionBids& other) noexcept { into.bids += other.bids; }
  void result(const mailroom::Window& window, const SessionBids& session, mailroom::Context& context) {
    context.emit(BidderSession{std::stoll(std::string(context.key())), session.bids, window.start, window.end});
  }
};
MAILROOM_ACTOR(BidderSessions, Bid, mailroom::WindowDue)

}  // namespace nexmark
