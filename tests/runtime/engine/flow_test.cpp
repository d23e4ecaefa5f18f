// Bounded mailboxes, overflow policies, worker queues, cycles and timers.
#include <gmock/gmock.h>
#include <random>
#include <set>

#include <mailroom/windows.hpp>

#include "runtime/engine/key_of_event.hpp"
#include "tests/runtime/engine/engine_fixture.hpp"

namespace mailroom::runtime::test {
namespace {

// Passes everything on, and sets an alarm for the time 4000 at the first thing that it sees.
class AlarmClock : public Actor<> {
 public:
  using Emits = Events<Seen>;
  void on(const Seen& seen, Context& context) {
    if (seen.number == 0) context.at(Timestamp{4000}, Seen{seen.key, alarm, 0, 0, {}});
    context.emit(Seen{seen.key, seen.number, 0, 0, context.now()});
  }
  static constexpr std::int64_t alarm = -1;
};
MAILROOM_ACTOR(AlarmClock, Seen)

struct NoteTotal {
  std::int64_t sum = 0;
};
MAILROOM_STRUCT(NoteTotal, sum)
// number: the window's start in milliseconds; count: the sum; attempt: -1 for a note that came too late.
class NoteWindows : public Windowed<NoteWindows, NoteTotal> {
 public:
  using Emits = Events<Seen>;
  using Windowed::Windowed;
  void add(const Note& note, NoteTotal& total) noexcept { total.sum += note.number; }
  void result(const Window& w, const NoteTotal& total, Context& context) {
    context.emit(Seen{std::string(context.key()), w.start.micros / 1000, total.sum, w.late, {}});
  }
  void late(const Note& note, const Window&, Context& context) { context.emit(Seen{note.key, note.number, 0, -1, {}}); }
};
MAILROOM_ACTOR(NoteWindows, Note, WindowDue)

class PassOn : public Actor<> {
 public:
  using Emits = Events<Note>;
  void on(const Note& note, Context& context) { context.emit(note); }
};
MAILROOM_ACTOR(PassOn, Note)

struct AskAgain {
  std::string key;
};
MAILROOM_EVENT(AskAgain, key)
// Asks for each note, and once more a second later until it has an answer.
class Asker : public Actor<> {
 public:
  using Emits = Events<Note>;
  void on(const Note& note, Context& context) { ask(note.key, context); }
  void on(const AskAgain& again, Context& context) {
    ++asked_again;
    ask(again.key, context);
  }
  void on(const Seen&, Context& context) { context.cancel("again"); }
  static inline std::atomic<int> asked_again = 0;

 private:
  static void ask(const std::string& key, Context& context) {
    context.emit(Note{key, 0});
    context.after(std::chrono::seconds(1), AskAgain{key}, "again");
  }
};
MAILROOM_ACTOR(Asker, Note, AskAgain, Seen)

class Answerer : public Actor<> {
 public:
  using Emits = Events<Seen>;
  void on(const Note& note, Context& context) { context.emit(Seen{note.key, note.number, 0, 0, context.now()}); }
};
MAILROOM_ACTOR(Answerer, Note)

// Has nothing to say until it is told to end.
class SilentSource : public Source {
 public:
  using Emits = Events<Note>;
  ReadStatus read(SourceBatch&, std::size_t) override { return ends ? ReadStatus::end : ReadStatus::idle; }
  [[nodiscard]] nlohmann::json position() const override { return 0; }
  void seek(const nlohmann::json&) override {}
  [[nodiscard]] std::chrono::microseconds idle_wait() const override { return std::chrono::milliseconds(1); }
  static inline std::atomic<bool> ends = false;
};
MAILROOM_SOURCE(SilentSource, "silent")

class FlowTest : public EngineTest {
 protected:
  void many(int events, int keys) {
    std::map<std::string, std::int64_t> numbers;
    for (int n = 0; n < events; ++n) {
      const auto key = "k" + std::to_string(n % keys);
      world().input.push_back({key, ++numbers[key]});
    }
  }
  // The sink stands still until everything upstream that can move has moved; then it is let go.
  void run_behind_a_closed_sink(const std::string& json, const std::function<bool(const TelemetrySnapshot&)>& filled) {
    world().gate = std::make_shared<Gate>();
    const auto engine = start(json);
    ASSERT_TRUE(world().gate->wait_for_someone());
    EXPECT_TRUE(until([&] { return filled(engine->snapshot()); }));
    world().gate->open();
    ASSERT_TRUE(wait(*engine));
    result_ = engine->result();
    snapshot_ = engine->snapshot();
    dead_letters_ = engine->dead_letters();
  }
  static std::string sink_overflow(const std::string& policy, int capacity) {
    return R"({"stages": {"out": {"mailbox": {"capacity": )" + std::to_string(capacity) + R"(, "overflow": ")" +
           policy + R"("}}}})";
  }
  void expect_rising_per_key() {
    std::map<std::string, std::int64_t> last;
    for (const auto& seen : world().output) {
      EXPECT_GT(seen.number, last[seen.key]) << "key " << seen.key;
      last[seen.key] = seen.number;
    }
  }
};

TEST_F(FlowTest, BackpressureStopsTheSourceAndKeepsEveryMailboxWithinItsCapacity) {
  many(20'000, 10);
  run_behind_a_closed_sink(pipeline(R"({"mailbox": {"capacity": 128}})", sink_overflow("backpressure", 64)),
                           [](const auto& snapshot) {
                             for (const auto& shard : snapshot.shards)
                               if (shard.stage == "in" && shard.state == ShardState::blocked_downstream) return true;
                             return false;
                           });
  EXPECT_EQ(world().output.size(), 20'000u);
  for (const auto& shard : snapshot_.shards)
    if (shard.capacity > 0) {
      EXPECT_LE(shard.high_water, shard.capacity) << shard.stage;
    }
  expect_rising_per_key();
  expect_balanced(snapshot_);
}

TEST_F(FlowTest, SpillTakesEverythingAndBringsItBackInOrder) {
  many(20'000, 10);
  run_behind_a_closed_sink(pipeline("{}", sink_overflow("spill", 64)),
                           [](const auto& snapshot) { return sum(snapshot, "act").in == 20'000; });
  EXPECT_EQ(world().output.size(), 20'000u);
  expect_rising_per_key();
  expect_balanced(snapshot_);
}

TEST_F(FlowTest, SpillInDurableModeReadsBackFromTheJournal) {
  many(5'000, 10);
  world().gate = std::make_shared<Gate>();
  const auto engine = start(pipeline("{}", sink_overflow("spill", 64)), Journal::open(std::make_unique<MemoryStore>()));
  EXPECT_TRUE(until([&] { return sum(engine->snapshot(), "act").in == 5'000; }));
  world().gate->open();
  ASSERT_TRUE(wait(*engine));
  EXPECT_EQ(world().output.size(), 5'000u);
  expect_rising_per_key();
  expect_balanced(engine->snapshot());
}

TEST_F(FlowTest, DropNewestKeepsTheOldAndCountsTheRest) {
  many(5'000, 10);
  run_behind_a_closed_sink(pipeline("{}", sink_overflow("drop_newest", 64)),
                           [](const auto& snapshot) { return sum(snapshot, "act").in == 5'000; });
  const auto& edge = snapshot_.edges[1];
  EXPECT_GT(edge.dropped_newest, 4'000u);
  EXPECT_EQ(world().output.size() + edge.dropped_newest, 5'000u);
  expect_rising_per_key();
  expect_balanced(snapshot_);
}

TEST_F(FlowTest, DropOldestKeepsTheNewAndCountsTheRest) {
  many(5'000, 10);
  run_behind_a_closed_sink(pipeline("{}", sink_overflow("drop_oldest", 64)),
                           [](const auto& snapshot) { return sum(snapshot, "act").in == 5'000; });
  const auto& edge = snapshot_.edges[1];
  EXPECT_GT(edge.dropped_oldest, 4'000u);
  EXPECT_EQ(world().output.size() + edge.dropped_oldest, 5'000u);
  std::set<std::int64_t> last;
  for (const auto& seen : world().output) last.insert(seen.number);
  EXPECT_TRUE(last.contains(500)) << "the newest events must be there";
  expect_rising_per_key();
  expect_balanced(snapshot_);
}

TEST_F(FlowTest, RejectTurnsWhatDoesNotFitIntoDeadLetters) {
  many(1'000, 10);
  run_behind_a_closed_sink(pipeline("{}", sink_overflow("reject", 64)),
                           [](const auto& snapshot) { return sum(snapshot, "act").in == 1'000; });
  const auto& edge = snapshot_.edges[1];
  EXPECT_GT(edge.rejected, 0u);
  EXPECT_EQ(world().output.size() + edge.rejected, 1'000u);
  EXPECT_EQ(dead_letters_.size(), edge.rejected);
  EXPECT_EQ(dead_letters_[0].held.kind, "overflow");
  EXPECT_THAT(dead_letters_[0].held.reason, ::testing::HasSubstr("out/0"));
  expect_balanced(snapshot_);
}

std::string worker_pipeline(int workers, const std::string& on_failure = "{}", const std::string& sink_mailbox = "{}") {
  return R"({"mailroom": 1, "name": "test", "stages": {
      "in": {"source": "scripted"},
      "work": {"actor": "TestWorker", "from": ["in"], "ordering": "none", "workers": )" +
         std::to_string(workers) + R"(, "on_failure": )" + on_failure + R"(},
      "out": {"sink": "collecting", "from": ["work"], "mailbox": )" + sink_mailbox + "}}}";
}

// Time goes on by what handlers take and by nothing else.
class HandlersClock final : public Clock {
 public:
  std::int64_t steady_us() const override { return us.load(); }
  Timestamp wall() const override { return Timestamp{us.load()}; }
  std::atomic<std::int64_t> us{1};
};

TEST_F(FlowTest, AShardOfSlowHandlersLeavesTheCoreBetweenSlicesOfABatch) {
  many(4'000, 16);
  const auto clock = std::make_shared<HandlersClock>();
  std::vector<std::string> order;  // of the handler calls; there is one thread to make them
  world().on_note = [&](const Note&, Context& context) {
    order.push_back(std::string(context.key()));
    clock->us += 1'000;
  };
  options_.clock = clock;
  options_.threads = 1;
  run(pipeline());
  ASSERT_EQ(result_.ending, Ending::finished);
  ASSERT_EQ(world().output.size(), 4'000u);
  expect_balanced(snapshot_);
  expect_rising_per_key();

  const auto shard = [](const std::string& key) { return shard_of(hash_key(key), 2); };
  std::size_t left[2] = {0, 0}, longest = 0, run_length = 0;
  for (const auto& key : order) ++left[shard(key)];
  ASSERT_GT(left[0], 0u);
  ASSERT_GT(left[1], 0u);
  for (std::size_t i = 0; i < order.size() && left[0] > 0 && left[1] > 0; ++i) {  // as long as both have work
    --left[shard(order[i])];
    run_length = i > 0 && shard(order[i]) == shard(order[i - 1]) ? run_length + 1 : 1;
    longest = std::max(longest, run_length);
  }
  // A slice is 2 events of 1 ms here, for the clock is looked at after the second; a batch is 32, a mailbox 8192.
  EXPECT_LE(longest, 4u);
}

TEST_F(FlowTest, WhatIsDueAndCannotBeDoneKeepsNobodyBusy) {
  // Timers and retries fall due while the sink's mailbox is full.
  for (const bool workers : {false, true}) {
    world().input.clear();
    many(40, 4);
    world().on_note = [workers](const Note& note, Context& context) {
      if (note.number % 2 == 0 && context.attempt() == 1) throw std::runtime_error("planted");
      if (!workers && note.number < 1'000) context.after(std::chrono::milliseconds(10), Note{note.key, 1'000 + note.number});
    };
    const auto clock = std::make_shared<HandlersClock>();
    options_.clock = clock;
    options_.stepped = true;
    const auto engine = start(workers ? worker_pipeline(2, R"({"retries": 2, "backoff": "1ms..2ms"})", R"({"capacity": 4})")
                                      : pipeline(R"({"shards": 1, "on_failure": {"retries": 2, "backoff": "1ms..2ms"}})",
                                                 R"({"stages": {"out": {"mailbox": {"capacity": 4}}}})"));
    EXPECT_LT(step_all_but(*engine, "out/0"), 10'000);
    for (int n = 0; n < 5; ++n) {
      clock->us += 1'000'000;
      engine->advance(std::chrono::seconds(1));
      EXPECT_LT(step_all_but(*engine, "out/0"), 200) << (workers ? "a worker queue" : "a shard") << " wakes itself again and again";
    }
  }
}

TEST_F(FlowTest, CreditComesBackForAParcelWhoseLastEventEndsASlice) {
  // Each event but the first comes behind a timer, and both take long: the slice is over, and the event committed, before
  // its parcel is finished. The mailbox has room for one event, so the next one needs that credit.
  for (int n = 0; n < 50; ++n) {
    world().input.push_back({"a", n});
    world().input_times.push_back(100 * n);
  }
  const auto clock = std::make_shared<HandlersClock>();
  world().on_note = [&](const Note& note, Context& context) {
    clock->us += 10'000;
    if (note.number < 1'000) context.after(std::chrono::microseconds(50), Note{note.key, 1'000 + note.number});
  };
  options_.clock = clock;
  run(pipeline(R"({"shards": 1, "mailbox": {"capacity": 1}})", R"({"clock": "events"})"));
  EXPECT_EQ(result_.ending, Ending::finished);
  EXPECT_EQ(world().output.size(), 100u);
  expect_balanced(snapshot_);
}

TEST_F(FlowTest, WorkersShareAQueueAndEachEventIsDoneOnce) {
  many(10'000, 100);
  world().on_note = [](const Note& note, Context& context) {
    if (note.number % 10 == 0 && context.attempt() == 1) throw std::runtime_error("planted");
    if (note.number == 55) throw Rejected("fifty-five");
  };
  for (const bool durable : {false, true}) {
    world().output.clear();
    run(worker_pipeline(4, R"({"retries": 2, "backoff": "1ms..2ms"})"),
        durable ? Journal::open(std::make_unique<MemoryStore>()) : nullptr);
    EXPECT_EQ(result_.ending, Ending::finished);
    std::set<std::pair<std::string, std::int64_t>> done;
    for (const auto& seen : world().output) EXPECT_TRUE(done.emplace(seen.key, seen.number).second) << "done twice";
    EXPECT_EQ(done.size(), 9'900u);
    EXPECT_EQ(snapshot_.edges[0].dead_lettered, 100u);
    expect_balanced(snapshot_);
  }
}

TEST_F(FlowTest, AFreeWorkerTakesWhatABusyOneCannot) {
  many(1'000, 1);
  auto gate = std::make_shared<Gate>();
  world().on_note = [gate](const Note& note, Context&) {
    if (note.number == 1) gate->pass();
  };
  const auto engine = start(worker_pipeline(2));
  ASSERT_TRUE(gate->wait_for_someone());
  // One worker is held at the first chunk; the other does the rest.
  EXPECT_TRUE(until([&] { return sum(engine->snapshot(), "work").in >= 900; }));
  gate->open();
  ASSERT_TRUE(wait(*engine));
  EXPECT_EQ(world().output.size(), 1'000u);
}

TEST_F(FlowTest, ACycleWithADeclaredFeedbackEdgeComesToRest) {
  for (int n = 0; n < 200; ++n) world().input.push_back({"k" + std::to_string(n), 50});
  const auto json = R"({"mailroom": 1, "name": "test", "stages": {
      "in": {"source": "scripted"},
      "bounce": {"actor": "Bouncer", "from": ["in", {"stage": "relay", "feedback": true}], "key": "key", "shards": 2,
                 "mailbox": {"capacity": 64}},
      "relay": {"actor": "Relay", "from": ["bounce"], "key": "key", "shards": 2, "mailbox": {"capacity": 64}},
      "out": {"sink": "collecting", "from": [{"stage": "bounce", "events": ["Seen"]}]}}})";
  for (const bool durable : {false, true}) {
    world().output.clear();
    run(json, durable ? Journal::open(std::make_unique<MemoryStore>()) : nullptr);
    EXPECT_EQ(result_.ending, Ending::finished);
    EXPECT_EQ(world().output.size(), 200u);
    expect_balanced(snapshot_);
  }
}

TEST_F(FlowTest, BehindTheEndOfTheInputAnAnswerComesBeforeTimersOfALaterTime) {
  for (int n = 0; n < 50; ++n) world().input.push_back({"k" + std::to_string(n), 1});
  const auto json = R"({"mailroom": 1, "name": "test", "clock": "events", "stages": {
      "in": {"source": "scripted"},
      "ask": {"actor": "Asker", "from": ["in", {"stage": "answer", "feedback": true}], "key": "key", "shards": 2},
      "answer": {"actor": "Answerer", "from": ["ask"], "key": "key", "shards": 2},
      "out": {"sink": "collecting", "from": ["answer"]}}})";
  for (const bool durable : {false, true}) {
    world().output.clear();
    Asker::asked_again = 0;
    run(json, durable ? Journal::open(std::make_unique<MemoryStore>()) : nullptr);
    if (HasFatalFailure()) return;
    EXPECT_EQ(result_.ending, Ending::finished);
    EXPECT_EQ(world().output.size(), static_cast<std::size_t>(50 + Asker::asked_again));
    EXPECT_LT(Asker::asked_again, 50'000) << "answers wait behind timers that are set again";
    expect_balanced(snapshot_);
  }
}

TEST_F(FlowTest, TimersFireBetweenTheEventsByTheirTimes) {
  using std::chrono::microseconds;
  // Each first note of a key sets a timer 10 us later; "named" ones are replaced and cancelled.
  world().input = {{"a", 1}, {"a", 2}, {"b", 1}, {"a", 3}, {"a", 4}};
  world().input_times = {100, 105, 109, 110, 120};
  world().on_note = [](const Note& note, Context& context) {
    if (note.key == "a" && note.number == 1) {
      context.after(microseconds(10), Note{"a", 101});  // due 110: before the event at 110
      context.after(microseconds(50), Note{"a", 102}, "replaced");
      context.after(microseconds(15), Note{"a", 103}, "replaced");  // due 115
      context.after(microseconds(11), Note{"a", 104}, "cancelled");
      context.after(microseconds(1000), Note{"a", 105});  // after the end of the input
    }
    if (note.number == 2) context.cancel("cancelled");
  };
  for (const bool durable : {false, true}) {
    world().output.clear();
    run(pipeline(R"({"shards": 1})", R"({"clock": "events"})"),
        durable ? Journal::open(std::make_unique<MemoryStore>()) : nullptr);
    EXPECT_EQ(result_.ending, Ending::finished);
    EXPECT_THAT(numbers_of(world().output, "a"), ::testing::ElementsAre(1, 2, 101, 3, 103, 4, 105));
    for (const auto& seen : world().output) {
      if (seen.number == 101) {
        EXPECT_EQ(seen.now.micros, 110);
      }
      if (seen.number == 105) {
        EXPECT_EQ(seen.now.micros, 1100);
      }
    }
    expect_balanced(snapshot_);
  }
}

TEST_F(FlowTest, NoStageRunsAheadOfTimersThatItsProducerHasYetToFire) {
  // The jump to 10,000 makes 5,000 timers due at once, more than go into one commit.
  world().input = {{"a", 0}, {"b", 9'000}};
  world().input_times = {1, 10'000};
  world().on_note = [](const Note& note, Context& context) {
    if (note.number != 0) return;
    for (std::int64_t due = 2; due < 5'002; ++due) context.at(Timestamp{due}, Note{"a", due});
  };
  run(pipeline(R"({"shards": 1})", R"({"clock": "events", "stages": {
    "alarm": {"actor": "AlarmClock", "from": ["act"], "key": "key"}, "out": {"from": ["alarm"]}}})"));
  EXPECT_EQ(result_.ending, Ending::finished);
  const auto numbers = numbers_of(world().output, "a");
  ASSERT_EQ(numbers.size(), 5'002u);
  const auto alarm = std::find(numbers.begin(), numbers.end(), AlarmClock::alarm);
  ASSERT_NE(alarm, numbers.end());
  // What is in one commit with the alarm's time may come before it, and that may be all; nothing earlier may come after it.
  EXPECT_THAT(std::vector(alarm + 1, numbers.end()), ::testing::Each(::testing::Ge(4'000)));
}

TEST_F(FlowTest, WallClockTimersAreWaitedFor) {
  world().input = {{"a", 1}};
  world().on_note = [](const Note& note, Context& context) {
    if (note.number < 4) context.after(std::chrono::milliseconds(5), Note{"a", note.number + 1});
  };
  run(pipeline());
  EXPECT_EQ(result_.ending, Ending::finished);
  EXPECT_THAT(numbers_of(world().output, "a"), ::testing::ElementsAre(1, 2, 3, 4));
}

// With a source whose notes come out of order and beyond its lateness, over several shards and stages.
TEST_F(FlowTest, WhatIsLateAndWhatWindowsHoldIsTheSameForAnyNumberOfShards) {
  std::mt19937_64 random(7);
  std::map<std::pair<std::string, std::int64_t>, std::pair<std::int64_t, std::int64_t>> expected;  // sum, late
  std::multiset<std::int64_t> dropped;
  std::int64_t watermark = 0;
  for (std::int64_t n = 1; n <= 6'000; ++n) {
    const auto key = "k" + std::to_string(random() % 13);
    const auto time = std::max<std::int64_t>(1, n * 100 - static_cast<std::int64_t>(random() % (n % 50 == 0 ? 90'000 : 8'000)));
    world().input.push_back({key, n});
    world().input_times.push_back(time);
    watermark = std::max(watermark, time - 5'000);
    const auto start = time / 10'000 * 10'000, end = start + 10'000;
    // What is behind the watermark is so by whole milliseconds, rounded up.
    const auto reached = watermark > time ? time + (watermark - time + 999) / 1000 * 1000 : watermark;
    if (reached >= end + 20'000) {
      dropped.insert(n);
    } else {
      auto& [sum, late] = expected[{key, start / 1000}];
      sum += n;
      late += reached >= end;
    }
  }
  ASSERT_GT(dropped.size(), 20u);
  for (const int shards : {1, 2, 5}) {
    const auto count = std::to_string(shards);
    world().output.clear();
    run(R"({"mailroom": 1, "name": "test", "clock": "events", "stages": {
      "notes": {"source": "scripted", "lateness": "5ms"},
      "pass": {"actor": "PassOn", "from": ["notes"], "key": "number", "shards": )" + count + R"(},
      "windows": {"actor": "NoteWindows", "from": ["pass"], "key": "key", "shards": )" + count + R"(,
                  "options": {"size": "10ms", "allowed_lateness": "20ms", "results": "final"}},
      "out": {"sink": "collecting", "from": ["windows"]}}})");
    std::map<std::pair<std::string, std::int64_t>, std::pair<std::int64_t, std::int64_t>> found;
    std::multiset<std::int64_t> late;
    for (const auto& seen : world().output) {
      if (seen.attempt < 0)
        late.insert(seen.number);
      else
        EXPECT_TRUE(found.emplace(std::pair(seen.key, seen.number), std::pair(seen.count, seen.attempt)).second);
    }
    EXPECT_EQ(found, expected) << shards << " shards";
    EXPECT_EQ(late, dropped) << shards << " shards";
  }
}

TEST_F(FlowTest, WhatIsDatedTooFarAheadMovesNobodysTime) {
  // Notes at 1, 2, ... ms; the third and the sixth say that it is next year.
  constexpr std::int64_t next_year = 365LL * 86'400'000'000;
  for (int n = 1; n <= 8; ++n) {
    world().input.push_back({"k", n});
    world().input_times.push_back(n == 3 || n == 6 ? next_year + n : n * 1'000);
  }
  const auto sums = [&](const std::string& members) {
    world().output.clear();
    run(R"({"mailroom": 1, "name": "test", "clock": "events", "stages": {
      "notes": {"source": "scripted", "lateness": "1ms")" + members + R"(},
      "windows": {"actor": "NoteWindows", "from": ["notes"], "key": "key", "options": {"size": "4ms"}},
      "out": {"sink": "collecting", "from": ["windows"]}}})");
    std::vector<std::pair<std::int64_t, std::int64_t>> found;  // start of the window, sum; or -1 and a note that came too late
    for (const auto& seen : world().output) found.emplace_back(seen.attempt < 0 ? -1 : seen.number, seen.attempt < 0 ? seen.number : seen.count);
    return found;
  };
  using ::testing::Pair;
  EXPECT_THAT(sums(R"(, "max_ahead": "1h")"), ::testing::ElementsAre(Pair(0, 1 + 2), Pair(4, 4 + 5 + 7), Pair(8, 8)));
  ASSERT_EQ(dead_letters_.size(), 2u);
  EXPECT_EQ(dead_letters_[0].held.kind, "ahead");
  EXPECT_THAT(dead_letters_[0].held.reason, ::testing::HasSubstr("dated 1971-01-01T00:00:00"));
  EXPECT_THAT(sums(""), ::testing::Contains(Pair(-1, 4))) << "without the bound one note makes all that follow late";
}

TEST_F(FlowTest, ManyInARowThatAreAheadAreBelievedAlsoAcrossARestart) {
  // A silence of a day in the stream: the third note behind it is believed.
  constexpr std::int64_t day = 86'400'000'000;
  world().input_times = {1'000, 2'000, day, day + 1'000, day + 2'000, day + 3'000};
  const auto topology = R"({"mailroom": 1, "name": "test", "clock": "events", "durability": "durable", "stages": {
    "notes": {"source": "scripted", "max_ahead": "1h", "believed_after": 3},
    "windows": {"actor": "NoteWindows", "from": ["notes"], "key": "key", "options": {"size": "10ms"}},
    "out": {"sink": "collecting", "from": ["windows"]}}})";
  const auto found = [&] {
    std::vector<std::pair<std::int64_t, std::int64_t>> windows;
    for (const auto& seen : world().output) windows.emplace_back(seen.number, seen.count);
    return windows;
  };
  const std::vector<std::pair<std::int64_t, std::int64_t>> expected{{0, 1 + 2}, {day / 1000, 5 + 6}};
  for (int n = 1; n <= 6; ++n) world().input.push_back({"k", n});
  run(topology, Journal::open(std::make_unique<MemoryStore>(std::make_shared<MemoryDisk>())));
  EXPECT_EQ(found(), expected);

  // The same with the node's end between the first two.
  world().output.clear();
  const auto disk = std::make_shared<MemoryDisk>();
  const auto all = std::exchange(world().input, std::vector<Note>(world().input.begin(), world().input.begin() + 3));
  world().endless = true;
  {
    const auto engine = start(topology, Journal::open(std::make_unique<MemoryStore>(disk)));
    ASSERT_TRUE(until([&] { return !engine->snapshot().sources.empty() && engine->snapshot().sources[0].events == 3; }));
    engine->request_stop(StopMode::checkpoint);
    ASSERT_TRUE(wait(*engine));
  }
  world().input = all;
  world().endless = false;
  run(topology, Journal::open(std::make_unique<MemoryStore>(disk)));
  EXPECT_EQ(found(), expected);
}

TEST_F(FlowTest, AnIdleSourceHoldsNoTimeBackOnceItMayNot) {
  SilentSource::ends = false;
  world().endless = true;
  world().input = {{"k", 1}, {"k", 2}};
  world().input_times = {1'000, 50'000};
  const auto engine = start(R"({"mailroom": 1, "name": "test", "clock": "events", "stages": {
    "notes": {"source": "scripted"},
    "silent": {"source": "silent", "idle_after": "20ms"},
    "pass": {"actor": "PassOn", "from": ["notes", "silent"], "key": "key", "shards": 2},
    "windows": {"actor": "NoteWindows", "from": ["pass"], "key": "key", "options": {"size": "10ms"}},
    "out": {"sink": "collecting", "from": ["windows"]}}})");
  // The window of the first note ends at 10 ms, by the time of the second: the silent source is not waited for.
  EXPECT_TRUE(until([&] {
    const std::lock_guard lock(world().mutex);
    return world().output.size() == 1;
  }));
  SilentSource::ends = true;
  engine->request_stop(StopMode::checkpoint);
  ASSERT_TRUE(wait(*engine));
  EXPECT_EQ(world().output.front().count, 1);
}

TEST_F(FlowTest, ASilentSourceHoldsTimeBackAsLongAsNothingElseIsSaid) {
  SilentSource::ends = false;
  world().input = {{"k", 1}, {"k", 2}};
  world().input_times = {1'000, 50'000};
  const auto engine = start(R"({"mailroom": 1, "name": "test", "clock": "events", "stages": {
    "notes": {"source": "scripted"},
    "silent": {"source": "silent"},
    "windows": {"actor": "NoteWindows", "from": ["notes", "silent"], "key": "key", "options": {"size": "10ms"}},
    "out": {"sink": "collecting", "from": ["windows"]}}})");
  EXPECT_TRUE(until([&] {
    for (const auto& shard : engine->snapshot().shards)
      if (shard.stage == "windows" && shard.in == 2) return true;
    return false;
  }));
  EXPECT_TRUE(world().output.empty());
  SilentSource::ends = true;  // now it has ended, and with it time
  ASSERT_TRUE(wait(*engine));
  EXPECT_EQ(world().output.size(), 2u);
}

}  // namespace
}  // namespace mailroom::runtime::test
