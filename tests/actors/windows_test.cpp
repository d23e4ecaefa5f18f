// Windows, deduplication and joins against plain recomputations. A shard's clock may lag behind its source's watermark as it
// likes: the results must not depend on it.
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <mailroom/deduplicate.hpp>
#include <mailroom/interval_join.hpp>
#include <mailroom/testing.hpp>
#include <mailroom/windows.hpp>

namespace window_test {

using namespace std::chrono_literals;
using mailroom::Context;
using mailroom::Timestamp;
using ::testing::ElementsAre;

struct Hit {
  std::int64_t number = 0;
};
MAILROOM_EVENT(Hit, number)
struct Sum {
  Timestamp start, end;
  std::int64_t sum = 0, events = 0, late = 0;
  mailroom::WindowFiring firing = mailroom::WindowFiring::on_time;
};
MAILROOM_EVENT(Sum, start, end, sum, events, late, firing)
struct TooLate {
  std::int64_t number = 0;
};
MAILROOM_EVENT(TooLate, number)

struct Total {
  std::int64_t sum = 0;
};
MAILROOM_STRUCT(Total, sum)

class Sums : public mailroom::Windowed<Sums, Total> {
 public:
  using Emits = mailroom::Events<Sum, TooLate>;
  using Windowed::Windowed;
  void add(const Hit& hit, Total& total) {
    total.sum += hit.number;
    if (hit.number == 666) throw std::runtime_error("planted");
  }
  void merge(Total& into, const Total& other) { into.sum += other.sum; }
  void result(const mailroom::Window& w, const Total& total, Context& context) {
    if (context.event_time() != w.end - 1us) throw std::logic_error("a result's time is the last moment of its window");
    context.emit(Sum{w.start, w.end, total.sum, w.events, w.late, w.firing});
  }
  void late(const Hit& hit, const mailroom::Window&, Context& context) { context.emit(TooLate{hit.number}); }
};
MAILROOM_ACTOR(Sums, Hit, mailroom::WindowDue)

// Neither merges nor wants to know of late events.
class Counts : public mailroom::Windowed<Counts, Total> {
 public:
  using Emits = mailroom::Events<Sum>;
  using Windowed::Windowed;
  void add(const Hit&, Total& total) noexcept { ++total.sum; }
  void result(const mailroom::Window& w, const Total& total, Context& context) { context.emit(Sum{w.start, w.end, total.sum}); }
};
MAILROOM_ACTOR(Counts, Hit, mailroom::WindowDue)

class Unique : public mailroom::Deduplicate<Unique, Hit> {
 public:
  using Deduplicate::Deduplicate;
  static std::int64_t id(const Hit& hit) { return hit.number; }
};
MAILROOM_ACTOR(Unique, Hit, mailroom::ForgetIds)

struct Offer {
  std::int64_t number = 0;
};
MAILROOM_EVENT(Offer, number)
struct Pair {
  std::int64_t left = 0, right = 0;
  Timestamp time;
};
MAILROOM_EVENT(Pair, left, right, time)
class Pairs : public mailroom::IntervalJoin<Pairs, Offer, Hit> {
 public:
  using Emits = mailroom::Events<Pair, TooLate>;
  using IntervalJoin::IntervalJoin;
  void join(const Offer& offer, const Hit& hit, Context& context) {
    if (hit.number == 666) throw std::runtime_error("planted");
    context.emit(Pair{offer.number, hit.number, context.event_time()});
  }
  void unmatched(const Offer& offer, Context& context) { context.emit(TooLate{offer.number}); }
  void late(const Hit&, Context&) {}
  void late(const Offer&, Context&) {}
};
MAILROOM_ACTOR(Pairs, Offer, Hit, mailroom::JoinExpires)

constexpr Timestamp at(std::int64_t ms) { return Timestamp{ms * 1000}; }
template <class A>
mailroom::testing::ActorTest<A> start(const nlohmann::json& options) {
  return mailroom::testing::ActorTest<A>(options, at(0));
}

bool operator==(const Sum& a, const Sum& b) { return mailroom::value_to_json(a) == mailroom::value_to_json(b); }
void PrintTo(const Sum& sum, std::ostream* out) { *out << mailroom::value_to_json(sum).dump(); }

TEST(TumblingWindows, GiveAResultWhenTimePassesTheirEndAndOneMoreForLateEvents) {
  auto sums = start<Sums>({{"size", "10ms"}, {"allowed_lateness", "5ms"}});
  sums.send(Hit{1}, {.key = "k", .time = at(3)});
  sums.send(Hit{2}, {.key = "k", .time = at(12)});
  sums.send(Hit{4}, {.key = "k", .time = at(9)});
  sums.advance(9ms);
  EXPECT_EQ(sums.emitted(), 0u);
  sums.advance(1ms);
  using enum mailroom::WindowFiring;
  EXPECT_THAT(sums.take<Sum>(), ElementsAre(Sum{at(0), at(10), 5, 2, 0, on_time}));
  sums.advance(3ms);
  sums.send(Hit{8}, {.key = "k", .time = at(5), .behind = 8ms});
  EXPECT_EQ(sums.emitted(), 0u);
  sums.advance(7ms);
  EXPECT_THAT(sums.take<Sum>(), ElementsAre(Sum{at(0), at(10), 13, 3, 1, late}, Sum{at(10), at(20), 2, 1, 0, on_time}));
  // What comes for a window that is over goes to late(), whatever the shard's own clock says.
  sums.send(Hit{16}, {.key = "k", .time = at(19), .behind = 6ms});
  EXPECT_EQ(sums.take<TooLate>().size(), 1u);
  sums.advance(1s);
  EXPECT_EQ(sums.emitted(), 0u);
  EXPECT_FALSE(sums.has_state("k"));
  EXPECT_EQ(sums.timers(), 0u);
}

TEST(TumblingWindows, EarlyResultsComeWhileThereIsSomethingNew) {
  auto sums = start<Sums>({{"size", "1s"}, {"early", "100ms"}});
  sums.send(Hit{1}, {.key = "k", .time = at(10)});
  sums.advance(450ms);
  sums.send(Hit{2}, {.key = "k", .time = at(450)});
  sums.advance(2s);
  std::vector<std::int64_t> so_far;
  for (const auto& sum : sums.take<Sum>()) so_far.push_back(sum.sum);
  EXPECT_THAT(so_far, ElementsAre(1, 3, 3));
}

TEST(TumblingWindows, AnEventThatThrowsLeavesNoTrace) {
  auto sums = start<Sums>({{"size", "10ms"}});
  EXPECT_THROW(sums.send(Hit{666}, {.key = "new", .time = at(1)}), std::runtime_error);
  EXPECT_FALSE(sums.has_state("new"));
  sums.send(Hit{1}, {.key = "k", .time = at(1)});
  EXPECT_THROW(sums.send(Hit{666}, {.key = "k", .time = at(2)}), std::runtime_error);
  sums.advance(10ms);
  const auto results = sums.take<Sum>();
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results.front().sum, 1);
  EXPECT_EQ(results.front().events, 1);
}

TEST(TumblingWindows, RefuseALateEventIfTheActorHasNoPlaceForIt) {
  auto counts = start<Counts>({{"size", "10ms"}});
  try {
    counts.send(Hit{1}, {.key = "k", .time = at(9), .behind = 3ms});
    FAIL() << "it was taken";
  } catch (const mailroom::Rejected& refusal) {
    EXPECT_THAT(refusal.what(), ::testing::HasSubstr("too late"));
  }
}

TEST(WindowOptions, ThatMakeNoSenseAreRefused) {
  const auto* type = mailroom::ActorTypes::find("Counts");
  const auto refused = [&](const nlohmann::json& options) {
    try {
      type->check_options(options);
    } catch (const mailroom::BadValue& error) {
      return std::string(error.what());
    }
    return std::string("taken");
  };
  EXPECT_EQ(refused({{"size", "1m"}}), "taken");
  EXPECT_THAT(refused(nlohmann::json::object()), ::testing::HasSubstr("\"size\" is missing"));
  EXPECT_THAT(refused({{"size", "1m"}, {"gap", "1m"}}), ::testing::HasSubstr("give one of them"));
  EXPECT_THAT(refused({{"size", "5m"}, {"slide", "2m"}}), ::testing::HasSubstr("without remainder"));
  EXPECT_THAT(refused({{"gap", "1m"}}), ::testing::HasSubstr("merge"));
  EXPECT_THAT(refused({{"sise", "1m"}}), ::testing::HasSubstr("size"));
}

// --- laws ---

struct Arrival {
  std::int64_t time, number, reached;
};
// Events in some order, each with the watermark that its source had reached.
std::vector<Arrival> arrivals(std::int64_t lateness) {
  std::vector<Arrival> all;
  std::int64_t number = 1, watermark = 0;
  for (const auto time : *rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, 300))) {
    watermark = std::max(watermark, time - lateness);
    all.push_back({time, number, watermark});
    number *= 2;
    if (number > (std::int64_t{1} << 40)) number = 1;
  }
  return all;
}
// The shard's clock goes on to some moment that the watermark has reached already.
template <class A, class E>
void play(mailroom::testing::ActorTest<A>& actor, const Arrival& arrival, const E& event) {
  const auto now = actor.now().micros / 1000;
  if (arrival.reached > now) actor.advance(std::chrono::milliseconds(*rc::gen::inRange<std::int64_t>(0, arrival.reached - now + 1)));
  actor.send(event, {.key = "k", .time = at(arrival.time), .behind = std::chrono::milliseconds(std::max<std::int64_t>(0, arrival.reached - arrival.time))});
}

RC_GTEST_PROP(WindowLaws, SlidingAndTumblingEqualABatchRecomputation, ()) {
  const auto slide = *rc::gen::element<std::int64_t>(0, 10, 20), size = *rc::gen::element<std::int64_t>(20, 60);
  const auto allowed = *rc::gen::element<std::int64_t>(0, 15), lateness = *rc::gen::element<std::int64_t>(0, 30);
  RC_PRE(slide < size);
  nlohmann::json options{{"size", std::to_string(size) + "ms"}, {"allowed_lateness", std::to_string(allowed) + "ms"}, {"results", "final"}};
  if (slide > 0) options["slide"] = std::to_string(slide) + "ms";
  auto sums = start<Sums>(options);
  const auto width = slide > 0 ? slide : size;
  std::map<std::int64_t, std::int64_t> expected;  // by end
  std::size_t late = 0;
  for (const auto& arrival : arrivals(lateness)) {
    const auto first_end = arrival.time / width * width + width;
    if (arrival.reached >= first_end + allowed)
      ++late;
    else
      for (auto end = first_end; end - size <= arrival.time; end += width) expected[end] += arrival.number;
    play(sums, arrival, Hit{arrival.number});
  }
  sums.advance(10s);
  std::map<std::int64_t, std::int64_t> found;
  for (const auto& sum : sums.take<Sum>()) {
    RC_ASSERT(found.emplace(sum.end.micros / 1000, sum.sum).second);
    RC_ASSERT((sum.end - sum.start).count() == size * 1000);
  }
  RC_ASSERT(found == expected);
  RC_ASSERT(sums.take<TooLate>().size() == late);
  RC_ASSERT(!sums.has_state("k"));
}

RC_GTEST_PROP(WindowLaws, SessionsAreTheRunsWithoutAGap, ()) {
  const std::int64_t gap = 12, lateness = *rc::gen::element<std::int64_t>(0, 10, 400);
  auto sums = start<Sums>({{"gap", "12ms"}});
  const auto all = arrivals(lateness);
  for (const auto& arrival : all) play(sums, arrival, Hit{arrival.number});
  sums.advance(10s);
  const auto sessions = sums.take<Sum>();
  std::int64_t events = 0;
  for (const auto& session : sessions) events += session.events;
  const auto late = sums.take<TooLate>().size();
  RC_ASSERT(events + static_cast<std::int64_t>(late) == static_cast<std::int64_t>(all.size()));
  RC_ASSERT(!sums.has_state("k"));
  for (const auto& arrival : all)
    if (arrival.reached > arrival.time) return;  // with late events the order of arrival decides which session is which
  std::map<std::int64_t, std::int64_t> by_time;
  for (const auto& arrival : all) by_time[arrival.time] += arrival.number;
  std::map<std::int64_t, std::int64_t> expected;
  std::int64_t begin = 0, last = -1000;
  for (const auto& [time, sum] : by_time) {
    if (time - last >= gap) begin = time;
    expected[begin] += sum;
    last = time;
  }
  std::map<std::int64_t, std::int64_t> found;
  for (const auto& session : sessions) RC_ASSERT(found.emplace(session.start.micros / 1000, session.sum).second);
  RC_ASSERT(found == expected);
}

RC_GTEST_PROP(DeduplicateLaws, EachIdPassesOnceAndWhatIsTooLateIsRefused, ()) {
  auto unique = start<Unique>({{"remember", "50ms"}});
  std::set<std::int64_t> passed;
  std::size_t duplicates = 0, refused = 0;
  const auto all = arrivals(*rc::gen::element<std::int64_t>(0, 20, 400));
  std::vector<Arrival> twice;
  auto watermark = std::int64_t{0};
  std::int64_t id = 0;
  for (auto arrival : all) {
    watermark = arrival.reached;
    arrival.number = ++id;
    twice.push_back(arrival);
    if (*rc::gen::arbitrary<bool>()) {  // some other event again, as late as it is by now
      auto again = *rc::gen::elementOf(twice);
      again.reached = watermark;
      twice.push_back(again);
    }
  }
  for (const auto& arrival : twice) {
    try {
      play(unique, arrival, Hit{arrival.number});
      RC_ASSERT(arrival.reached < arrival.time + 50);
      const auto out = unique.take<Hit>();
      RC_ASSERT(out.size() == (passed.insert(arrival.number).second ? 1u : 0u));
      duplicates += 1 - out.size();
    } catch (const mailroom::Rejected&) {
      RC_ASSERT(arrival.reached >= arrival.time + 50);
      ++refused;
    }
  }
  RC_ASSERT(passed.size() + duplicates + refused == twice.size());
  unique.advance(10s);
  RC_ASSERT(!unique.has_state("k"));
}

TEST(Deduplicate, MemoryIsBoundedByTimeAndByNumber) {
  auto unique = start<Unique>({{"remember", "100ms"}, {"most", 64}});
  for (std::int64_t n = 1; n <= 20'000; ++n) {
    if (n % 10 == 0) unique.advance(1ms);
    unique.send(Hit{n}, {.key = "by_number"});
    unique.send(Hit{n % 20 == 0 ? n : 7}, {.key = "by_time"});
  }
  EXPECT_LE(unique.state("by_number").places.size(), 512u);
  EXPECT_GT(unique.state("by_number").forgotten_early, 0u);
  EXPECT_LE(unique.state("by_time").places.size(), 256u);
  EXPECT_EQ(unique.state("by_time").forgotten_early, 0u);
}

RC_GTEST_PROP(JoinLaws, PairsAreThoseCloseEnoughEachOnce, ()) {
  auto pairs = start<Pairs>({{"before", "5ms"}, {"after", "20ms"}, {"allowed_lateness", "10ms"}});
  std::vector<std::pair<bool, Arrival>> taken;
  std::int64_t number = 0;
  for (auto arrival : arrivals(*rc::gen::element<std::int64_t>(0, 30))) {
    arrival.number = ++number;
    const bool left = *rc::gen::arbitrary<bool>();
    left ? play(pairs, arrival, Offer{number}) : play(pairs, arrival, Hit{number});
    if (arrival.reached <= arrival.time + 10) taken.emplace_back(left, arrival);
  }
  pairs.advance(10s);
  std::set<std::pair<std::int64_t, std::int64_t>> expected, found;
  std::set<std::int64_t> alone;
  for (const auto& [is_left, left] : taken) {
    if (!is_left) continue;
    alone.insert(left.number);
    for (const auto& [other_is_left, right] : taken)
      if (!other_is_left && right.time >= left.time - 5 && right.time <= left.time + 20) {
        expected.emplace(left.number, right.number);
        alone.erase(left.number);
      }
  }
  for (const auto& pair : pairs.take<Pair>()) RC_ASSERT(found.emplace(pair.left, pair.right).second);
  RC_ASSERT(found == expected);
  std::set<std::int64_t> unmatched;
  for (const auto& one : pairs.take<TooLate>()) unmatched.insert(one.number);
  RC_ASSERT(unmatched == alone);
  RC_ASSERT(!pairs.has_state("k"));
}

TEST(IntervalJoin, AnEventThatThrowsLeavesNoTrace) {
  auto pairs = start<Pairs>({{"after", "20ms"}});
  pairs.send(Offer{1}, {.key = "k", .time = at(1)});
  EXPECT_THROW(pairs.send(Hit{666}, {.key = "k", .time = at(2)}), std::runtime_error);
  EXPECT_TRUE(pairs.state("k").right.empty());
  EXPECT_FALSE(pairs.state("k").left.front().matched);
}

}  // namespace window_test
