// The streams of Nexmark: the sources "nexmark_persons", "nexmark_auctions" and "nexmark_bids" give each kind's events of one
// stream, in which of 50 events one is a person, three are auctions and the rest bids. Proportions, ids and hot spots follow
// Tucker, Tufte, Papadimos, Maier: "NEXMark - a benchmark for queries over data streams" (2002) in the form that Apache Beam
// gave it; chance is our own. Each event is a function of the seed and its number.
#pragma once

#include <mailroom/source.hpp>

#include "scenarios/nexmark/events.hpp"

namespace nexmark {

struct NexmarkOptions {
  std::uint64_t events = 200'000;  // of all kinds together
  std::uint64_t seed = 1;
  Timestamp start{1'436'918'400'000'000};  // 2015-07-15
  std::uint64_t per_second = 1'000;
  std::chrono::microseconds disorder = std::chrono::seconds(1);  // an event's time is up to so long before its turn
};
MAILROOM_OPTIONS(NexmarkOptions, events, seed, start, per_second, disorder)

enum class Kind : std::uint8_t { person, auction, bid };
constexpr std::uint64_t of_fifty(Kind kind) { return kind == Kind::person ? 1 : kind == Kind::auction ? 3 : 46; }

class Stream {
 public:
  explicit Stream(const NexmarkOptions& options);  // throws BadValue

  // How many events of that kind there are among the stream's, and the number in the stream of the n-th of them.
  [[nodiscard]] std::uint64_t count(Kind kind) const;
  [[nodiscard]] static std::uint64_t number_of(Kind kind, std::uint64_t n);
  [[nodiscard]] Person person(std::uint64_t number) const;
  [[nodiscard]] Auction auction(std::uint64_t number) const;
  [[nodiscard]] Bid bid(std::uint64_t number) const;

 private:
  [[nodiscard]] Timestamp time_of(std::uint64_t number) const;
  const NexmarkOptions options_;
};

}  // namespace nexmark
