#include "scenarios/nexmark/generator.hpp"

#include <array>
#include <cmath>
#include <fmt/format.h>

#include <mailroom/seeded_choice.hpp>

namespace nexmark {
namespace {

using mailroom::SeededChoice;

constexpr std::int64_t first_id = 1'000, hot_every = 100, active_people = 1'000, auctions_in_flight = 100;

// The last person and auction that came before event `number` (0 for the first).
std::int64_t last_person(std::uint64_t number) { return static_cast<std::int64_t>(number / 50); }
std::int64_t last_auction(std::uint64_t number) {
  const auto offset = number % 50;
  const auto before = static_cast<std::int64_t>(number / 50 * 3);
  return std::max<std::int64_t>(0, before + static_cast<std::int64_t>(std::min<std::uint64_t>(offset, 3)) - 1);
}
std::int64_t some_person(SeededChoice& choice, std::uint64_t number) {
  const auto last = last_person(number);
  return last - choice.integer(0, std::min(last, active_people));
}
std::int64_t price(SeededChoice& choice) { return std::llround(std::pow(10.0, choice.real() * 6) * 100); }
std::string word(SeededChoice& choice, std::size_t length) {
  std::string text(length, ' ');
  for (auto& c : text) c = static_cast<char>('a' + choice.integer(0, 25));
  return text;
}

}  // namespace

Stream::Stream(const NexmarkOptions& options) : options_(options) {
  if (options.per_second == 0 || options.per_second > 1'000'000 || options.disorder.count() < 0)
    throw mailroom::BadValue("nexmark: expected per_second from 1 to 1000000 and a disorder from 0s");
}

std::uint64_t Stream::count(Kind kind) const {
  const auto rest = options_.events % 50;
  const auto persons = std::min<std::uint64_t>(rest, 1), auctions = std::min<std::uint64_t>(rest - persons, 3);
  const auto in_rest = kind == Kind::person ? persons : kind == Kind::auction ? auctions : rest - persons - auctions;
  return options_.events / 50 * of_fifty(kind) + in_rest;
}

std::uint64_t Stream::number_of(Kind kind, std::uint64_t n) {
  const auto offset = kind == Kind::person ? 0u : kind == Kind::auction ? 1u : 4u;
  return n / of_fifty(kind) * 50 + offset + n % of_fifty(kind);
}

Timestamp Stream::time_of(std::uint64_t number) const {
  const auto turn = options_.start + std::chrono::microseconds(number * 1'000'000 / options_.per_second);
  return turn - std::chrono::microseconds(SeededChoice(options_.seed, {"time"}, number).integer(0, options_.disorder.count()));
}

Person Stream::person(std::uint64_t number) const {
  static constexpr std::array<const char*, 8> first{"Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie"};
  static constexpr std::array<const char*, 6> last{"Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton"};
  static constexpr std::array<std::array<const char*, 2>, 6> places{
      {{"Phoenix", "AZ"}, {"Los Angeles", "CA"}, {"Boise", "ID"}, {"Portland", "OR"}, {"Seattle", "WA"}, {"Cheyenne", "WY"}}};
  SeededChoice choice(options_.seed, {"person"}, number);
  const auto& place = places[static_cast<std::size_t>(choice.integer(0, 5))];
  return {first_id + last_person(number),
          fmt::format("{} {}", first[static_cast<std::size_t>(choice.integer(0, 7))], last[static_cast<std::size_t>(choice.integer(0, 5))]),
          fmt::format("{}@{}.com", word(choice, 7), word(choice, 5)),
          fmt::format("{:04} {:04} {:04} {:04}", choice.integer(0, 9999), choice.integer(0, 9999), choice.integer(0, 9999), choice.integer(0, 9999)),
          place[0],
          place[1],
          time_of(number)};
}

Auction Stream::auction(std::uint64_t number) const {
  SeededChoice choice(options_.seed, {"auction"}, number);
  // Three of four are of a hot seller.
  const auto seller = choice.chance(0.75) ? last_person(number) / hot_every * hot_every : some_person(choice, number);
  const auto initial = price(choice);
  const auto time = time_of(number);
  return {first_id + last_auction(number),
          word(choice, 20),
          word(choice, 100),
          initial,
          initial + price(choice),
          time,
          time + std::chrono::seconds(choice.integer(1, 20)),
          first_id + seller,
          10 + choice.integer(0, 4)};
}

Bid Stream::bid(std::uint64_t number) const {
  SeededChoice choice(options_.seed, {"bid"}, number);
  const auto last = last_auction(number);
  // Every other bid is for a hot auction, three of four are by a hot bidder.
  const auto auction = choice.chance(0.5) ? last / hot_every * hot_every : last - choice.integer(0, std::min(last, auctions_in_flight));
  const auto bidder = choice.chance(0.75) ? last_person(number) / hot_every * hot_every + 1 : some_person(choice, number);
  static constexpr std::array<const char*, 4> channels{"Google", "Facebook", "Baidu", "Apple"};
  return {first_id + auction, first_id + bidder, price(choice), channels[static_cast<std::size_t>(choice.integer(0, 3))],
          fmt::format("https://www.nexmark.com/{}/item.htm?query=1", word(choice, 5)), time_of(number)};
}

namespace {

template <class Event, Kind kind>
class NexmarkSource : public mailroom::Source {
 public:
  using Options = NexmarkOptions;
  using Emits = mailroom::Events<Event>;
  explicit NexmarkSource(const NexmarkOptions& options) : stream_(options), count_(stream_.count(kind)) {}

  mailroom::ReadStatus read(mailroom::SourceBatch& batch, std::size_t max_events) override {
    for (std::size_t taken = 0; taken < max_events && next_ < count_; ++taken, ++next_) {
      auto event = make(Stream::number_of(kind, next_));
      const mailroom::EventMeta meta{event.time};
      batch.events.append_move(mailroom::event_type_of<Event>(), &event, meta);
    }
    return next_ < count_ ? mailroom::ReadStatus::more : mailroom::ReadStatus::end;
  }
  [[nodiscard]] nlohmann::json position() const override { return {{"next", next_}}; }
  void seek(const nlohmann::json& position) override { next_ = position.at("next").get<std::uint64_t>(); }
  [[nodiscard]] mailroom::SourceProgress progress() const override { return {next_, count_, "events"}; }

 private:
  [[nodiscard]] Event make(std::uint64_t number) const {
    if constexpr (kind == Kind::person)
      return stream_.person(number);
    else if constexpr (kind == Kind::auction)
      return stream_.auction(number);
    else
      return stream_.bid(number);
  }
  const Stream stream_;
  const std::uint64_t count_;
  std::uint64_t next_ = 0;
};
using Persons = NexmarkSource<Person, Kind::person>;
using Auctions = NexmarkSource<Auction, Kind::auction>;
using Bids = NexmarkSource<Bid, Kind::bid>;
MAILROOM_SOURCE(Persons, "nexmark_persons")
MAILROOM_SOURCE(Auctions, "nexmark_auctions")
MAILROOM_SOURCE(Bids, "nexmark_bids")

}  // namespace
}  // namespace nexmark
