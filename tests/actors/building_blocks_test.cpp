// Router, saga, rate limit, throttle, batcher and enrich, each in an actor of its own.
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <mailroom/batcher.hpp>
#include <mailroom/enrich.hpp>
#include <mailroom/rate_limit.hpp>
#include <mailroom/router.hpp>
#include <mailroom/saga.hpp>
#include <mailroom/testing.hpp>

namespace mailroom::blocks_test {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using testing::ActorTest;

struct Say {
  std::string text;
  std::int64_t number = 0;
};
MAILROOM_EVENT(Say, text, number)

std::vector<std::string> texts(const std::vector<Say>& said) {
  std::vector<std::string> all;
  for (const auto& one : said) all.push_back(one.text);
  return all;
}

// --- router -----------------------------------------------------------------------------------------------------

class RoutesSay : public Actor<> {
 public:
  using Emits = Events<Say>;
  RoutesSay() {
    routes_.when([](const Say& s) { return s.number == 1; }, [](const Say& s) { return Say{s.text + " one"}; })
        .when([](const Say& s) { return s.number <= 2; }, [](const Say& s) { return std::vector<Say>{{s.text + " a"}, {s.text + " b"}}; })
        .when([](const Say& s) { return s.number == 3; }, [](const Say&) { return std::optional<Say>{}; })
        .broadcast([](const Say& s) { return s.number == 4; }, 3, [](const Say& s, std::size_t n) { return Say{s.text + std::to_string(n)}; })
        .otherwise([](const Say& s) { return "no rule for " + std::to_string(s.number); });
  }
  void on(const Say& say, Context& context) { routes_.route(say, context); }

 private:
  Router<Say> routes_;
};
MAILROOM_ACTOR(RoutesSay, Say)

TEST(Router, EveryRuleThatFitsActsAndTheRestIsRefused) {
  ActorTest<RoutesSay> router;
  router.send(Say{"x", 1});
  EXPECT_THAT(texts(router.take<Say>()), ElementsAre("x one", "x a", "x b"));
  router.send(Say{"y", 3});
  EXPECT_EQ(router.emitted(), 0u);
  router.send(Say{"z", 4});
  EXPECT_THAT(texts(router.take<Say>()), ElementsAre("z0", "z1", "z2"));
  EXPECT_THROW(router.send(Say{"z", 5}), Rejected);
}

// --- saga -------------------------------------------------------------------------------------------------------

struct Trip {
  SagaProgress saga;
};
MAILROOM_STATE(Trip, saga)

// What is told to the saga: "begin", "ok hotel", "no hotel", "undone hotel", "give up".
class Travel : public Actor<Trip> {
 public:
  using Emits = Events<Say>;
  Travel() {
    saga_.when_done([](Trip&, Context& c) { c.emit(Say{"done"}); }).when_undone([](Trip& t, Context& c) {
      c.emit(Say{"undone: " + t.saga.reason});
    });
  }
  void on(const Say& say, Trip& trip, Context& context) {
    const auto blank = say.text.rfind(' ');
    const auto step = blank == std::string::npos ? "" : say.text.substr(blank + 1);
    if (say.text == "begin") saga_.begin(trip, context);
    if (say.text.starts_with("ok")) saga_.succeeded(step, trip, context);
    if (say.text.starts_with("no")) saga_.failed(step, "full", trip, context);
    if (say.text.starts_with("undone")) saga_.undone(step, trip, context);
    if (say.text == "give up") saga_.give_up("no wish to go", trip, context);
  }
  void on(const SagaTimeout& timeout, Trip& trip, Context& context) { saga_.timed_out(timeout, trip, context); }

 private:
  static Saga<Trip>::Step step(const char* name, bool can_undo = true) {
    const std::string text = name;
    return {text, [text](Trip&, Context& c) { c.emit(Say{"do " + text}); },
            can_undo ? Saga<Trip>::Act([text](Trip&, Context& c) { c.emit(Say{"undo " + text}); }) : nullptr, 30s};
  }
  Saga<Trip> saga_{&Trip::saga, {step("flight"), step("visa", false), step("hotel")}};
};
MAILROOM_ACTOR(Travel, Say, SagaTimeout)

class SagaTest : public ::testing::Test {
 protected:
  std::vector<std::string> tell(const std::string& text) {
    travel.send(Say{text}, {.key = "k"});
    return texts(travel.take<Say>());
  }
  std::vector<std::string> wait(std::chrono::microseconds time) {
    travel.advance(time);
    return texts(travel.take<Say>());
  }
  ActorTest<Travel> travel;
};

TEST_F(SagaTest, DoesStepAfterStep) {
  EXPECT_THAT(tell("begin"), ElementsAre("do flight"));
  EXPECT_THAT(tell("begin"), ElementsAre());
  EXPECT_THAT(tell("ok hotel"), ElementsAre()) << "not asked for yet";
  EXPECT_THAT(tell("ok flight"), ElementsAre("do visa"));
  EXPECT_THAT(tell("ok flight"), ElementsAre()) << "doubled";
  EXPECT_THAT(tell("ok visa"), ElementsAre("do hotel"));
  EXPECT_THAT(tell("ok hotel"), ElementsAre("done"));
  EXPECT_THAT(wait(1h), ElementsAre()) << "no timeout is left";
  EXPECT_EQ(travel.timers(), 0u);
}

TEST_F(SagaTest, AFailureUndoesWhatWasDoneTheLastFirst) {
  for (const auto* text : {"begin", "ok flight", "ok visa"}) tell(text);
  EXPECT_THAT(tell("no hotel"), ElementsAre("undo flight")) << "the visa can't be undone";
  EXPECT_THAT(tell("ok hotel"), ElementsAre());
  EXPECT_THAT(tell("undone flight"), ElementsAre("undone: full"));
  EXPECT_EQ(travel.timers(), 0u);
}

TEST_F(SagaTest, AStepThatDoesNotAnswerMayHaveBeenDoneAndUndoingIsAskedForUntilItIsDone) {
  for (const auto* text : {"begin", "ok flight", "ok visa"}) tell(text);
  EXPECT_THAT(wait(30s), ElementsAre("undo hotel"));
  EXPECT_THAT(wait(60s), ElementsAre("undo hotel", "undo hotel"));
  EXPECT_THAT(tell("undone hotel"), ElementsAre("undo flight"));
  EXPECT_EQ(travel.state("k").saga.undo_tries, 1);
  EXPECT_THAT(tell("undone flight"), ElementsAre("undone: hotel has not answered in time"));
}

// Whatever answers come, in whatever order: it ends in one way, once, and nothing is left that was done and can be undone.
RC_GTEST_PROP(SagaLaws, EndsWhollyDoneOrWhollyUndone, ()) {
  ActorTest<Travel> travel;
  std::map<std::string, int> held;
  int endings = 0;
  bool done = false;
  const auto listen = [&] {
    for (const auto& text : texts(travel.take<Say>())) {
      if (text.starts_with("do ")) ++held[text.substr(3)];
      if (text.starts_with("undo ")) held[text.substr(5)] = 0;
      if (text == "done" || text.starts_with("undone:")) ++endings;
      done = done || text == "done";
    }
  };
  travel.send(Say{"begin"}, {.key = "k"});
  listen();
  for (int i = 0; i < 200 && endings == 0; ++i) {
    const auto what = *rc::gen::element<std::string>("ok", "ok", "no", "undone", "give up", "wait");
    const auto step = *rc::gen::element<std::string>("flight", "visa", "hotel");
    const auto before = travel.state("k").saga;
    constexpr std::array order{"flight", "visa", "hotel"};
    if (what == "no" && before.phase == SagaPhase::doing && order[static_cast<std::size_t>(before.step)] == step) held[step] = 0;
    if (what == "wait")
      travel.advance(10s);
    else
      travel.send(Say{what == "give up" ? what : what + " " + step}, {.key = "k"});
    listen();
  }
  RC_PRE(endings > 0);
  for (const auto* step : {"flight", "hotel"}) RC_ASSERT(held[step] == (done ? 1 : 0));
  travel.send(Say{"ok hotel"}, {.key = "k"});
  travel.advance(1h);
  listen();
  RC_ASSERT(endings == 1);
}

// --- rate limit and throttle ------------------------------------------------------------------------------------

struct Caller {
  TokenBucket bucket;
  std::vector<Say> waiting;
};
MAILROOM_STATE(Caller, bucket, waiting)

class Throttled : public Actor<Caller> {
 public:
  using Emits = Events<Say>;
  void on(const Say& say, Caller& caller, Context& context) { limit_.pass(say, caller.bucket, caller.waiting, context); }
  void on(const ThrottleDue&, Caller& caller, Context& context) { limit_.release(caller.bucket, caller.waiting, context); }

 private:
  RateLimit limit_{2, 3};
};
MAILROOM_ACTOR(Throttled, Say, ThrottleDue)

TEST(Throttle, LetsABurstPassAndTheRestInOrderAtItsRate) {
  ActorTest<Throttled> throttle;
  for (int n = 0; n < 6; ++n) throttle.send(Say{std::to_string(n)}, {.key = "k"});
  throttle.send(Say{"other"}, {.key = "other key"});
  EXPECT_THAT(texts(throttle.take<Say>()), ElementsAre("0", "1", "2", "other"));
  throttle.advance(500ms);
  EXPECT_THAT(texts(throttle.take<Say>()), ElementsAre("3"));
  throttle.send(Say{"6"}, {.key = "k"});
  throttle.advance(1s);
  EXPECT_THAT(texts(throttle.take<Say>()), ElementsAre("4", "5"));
  throttle.advance(10s);
  EXPECT_THAT(texts(throttle.take<Say>()), ElementsAre("6"));
  EXPECT_EQ(throttle.timers(), 0u);
}

// In any stretch of time no more than the burst and what the rate gives.
RC_GTEST_PROP(RateLimitLaws, NeverMoreThanBurstAndRate, ()) {
  const auto rate = *rc::gen::inRange(1, 50);
  const auto burst = *rc::gen::inRange(1, 10);
  const RateLimit limit(rate, burst);
  TokenBucket bucket;
  Timestamp now{1'000'000};
  std::vector<Timestamp> taken;
  for (const auto step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 300'000))) {
    now = now + std::chrono::microseconds(step);
    if (limit.take(bucket, now)) taken.push_back(now);
  }
  for (std::size_t from = 0; from < taken.size(); ++from)
    for (std::size_t to = from; to < taken.size(); ++to)
      RC_ASSERT(static_cast<double>(to - from + 1) <= burst + static_cast<double>((taken[to] - taken[from]).count()) / 1e6 * rate + 1e-6);
}

TEST(RateLimitTest, RefusesRatesThatAreNone) {
  EXPECT_THROW(RateLimit(0, 1), BadValue);
  EXPECT_THROW(RateLimit(1, 0.5), BadValue);
}

// --- batcher ----------------------------------------------------------------------------------------------------

struct SayAll {
  std::vector<Say> all;
};
MAILROOM_EVENT(SayAll, all)
struct Pending {
  std::vector<Say> all;
};
MAILROOM_STATE(Pending, all)

class Batching : public Actor<Pending> {
 public:
  using Emits = Events<SayAll>;
  void on(const Say& say, Pending& pending, Context& context) { batcher_.add(say, pending.all, context, make); }
  void on(const BatchDue&, Pending& pending, Context& context) { batcher_.flush(pending.all, context, make); }

 private:
  static SayAll make(std::vector<Say> all) { return {std::move(all)}; }
  Batcher batcher_{3, 10s};
};
MAILROOM_ACTOR(Batching, Say, BatchDue)

TEST(BatcherTest, PassesOnWhenThereAreEnoughOrTheFirstHasWaitedLongEnough) {
  ActorTest<Batching> batching;
  for (const auto* text : {"1", "2", "3", "4"}) batching.send(Say{text}, {.key = "k"});
  auto batches = batching.take<SayAll>();
  ASSERT_THAT(batches, SizeIs(1));
  EXPECT_THAT(texts(batches[0].all), ElementsAre("1", "2", "3"));
  batching.advance(9s);
  EXPECT_EQ(batching.emitted(), 0u) << "4 has its own 10 seconds";
  batching.advance(1s);
  batches = batching.take<SayAll>();
  ASSERT_THAT(batches, SizeIs(1));
  EXPECT_THAT(texts(batches[0].all), ElementsAre("4"));
  EXPECT_EQ(batching.timers(), 0u);
}

// --- enrich -----------------------------------------------------------------------------------------------------

class Louder : public Enrich<Say, Say> {
  Say call(const Say& say, Context& context) override {
    if (context.attempt() == 1) throw std::runtime_error("the service is away");
    return {say.text + "!", say.number};
  }
};
MAILROOM_ACTOR(Louder, Say)

TEST(EnrichTest, EmitsWhatTheCallBringsAndNothingIfItFails) {
  ActorTest<Louder> louder;
  EXPECT_THROW(louder.send(Say{"hello"}), std::runtime_error);
  louder.send(Say{"hello"}, {.key = "", .attempt = 2});
  EXPECT_THAT(texts(louder.take<Say>()), ElementsAre("hello!"));
}

}  // namespace mailroom::blocks_test
