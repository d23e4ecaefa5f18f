// Asking for a key's state while the node runs.
#include <gmock/gmock.h>
#include <future>

#include "tests/runtime/engine/engine_fixture.hpp"

namespace mailroom::runtime::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Total {
  std::int64_t sum = 0;
};
MAILROOM_STATE(Total, sum)
struct HowMuch {
  std::int64_t times = 1;
};
MAILROOM_STRUCT(HowMuch, times)
struct ThisMuch {
  std::int64_t sum = 0;
  std::string key;
};
MAILROOM_STRUCT(ThisMuch, sum, key)

class Summing : public Actor<Total> {
 public:
  using Emits = Events<Seen>;
  using Answers = Events<HowMuch>;
  void on(const Note& note, Total& total, Context& context) {
    total.sum += note.number;
    if (world().on_note) world().on_note(note, context);
    if (note.number == 0) context.forget();
    context.emit(Seen{note.key, note.number, total.sum, 1, {}});
  }
  ThisMuch answer(const HowMuch& question, const Total& total, const AnswerContext& context) const {
    if (question.times == 0) throw std::runtime_error("nothing times anything");
    return {total.sum * question.times, std::string(context.key)};
  }
};
MAILROOM_ACTOR(Summing, Note)

class AskTest : public EngineTest {
 protected:
  static std::string summing(const std::string& members = "{}") {
    auto json = nlohmann::json::parse(members);
    json["actor"] = "Summing";
    return pipeline(json.dump());
  }
  // All that is in the world's input has come out; the engine goes on running.
  static bool done() {
    return until([] {
      const std::lock_guard lock(world().mutex);
      return world().output.size() == world().input.size();
    });
  }
};

TEST_F(AskTest, TheOwnerOfTheKeyAnswersWithStateOrReply) {
  for (const bool durable : {false, true}) {
    SCOPED_TRACE(durable ? "durable" : "memory");
    world().clear();
    world().endless = true;
    for (int key = 0; key < 50; ++key) world().input.push_back({"k" + std::to_string(key), key + 1});
    for (int key = 0; key < 50; ++key) world().input.push_back({"k" + std::to_string(key), 100});
    const auto engine = start(summing(R"({"shards": 4})"),
                              durable ? Journal::open(std::make_unique<MemoryStore>()) : nullptr);
    ASSERT_TRUE(done());
    for (int key = 0; key < 50; ++key) {
      const auto name = "k" + std::to_string(key);
      const auto state = engine->ask({"act", name, {}, {}});
      ASSERT_TRUE(state.ok()) << state.text;
      EXPECT_EQ(state.reply, (nlohmann::json{{"sum", key + 101}}));
      const auto reply = engine->ask({"act", name, "HowMuch", {{"times", 2}}});
      ASSERT_TRUE(reply.ok()) << reply.text;
      EXPECT_EQ(reply.reply, (nlohmann::json{{"sum", 2 * (key + 101)}, {"key", name}}));
    }
  }
}

TEST_F(AskTest, AStateThatIsNotInMemoryIsReadFromTheJournalAndStaysThere) {
  world().endless = true;
  for (int key = 0; key < 300; ++key) world().input.push_back({"k" + std::to_string(key), key + 1});
  const auto engine = start(summing(R"({"shards": 1, "resident_keys": 10})"), Journal::open(std::make_unique<MemoryStore>()));
  ASSERT_TRUE(done());
  ASSERT_TRUE(until([&] { return sum(engine->snapshot(), "act").keys <= 10; }));
  for (int key = 0; key < 300; ++key) {
    const auto state = engine->ask({"act", "k" + std::to_string(key), {}, {}});
    ASSERT_TRUE(state.ok()) << state.text;
    EXPECT_EQ(state.reply["sum"], key + 1);
  }
  for (int key = 0; key < 300; ++key)
    EXPECT_EQ(engine->ask({"act", "stranger" + std::to_string(key), {}, {}}).outcome, AskOutcome::key_unknown);
  engine->request_stop(StopMode::drain);
  ASSERT_TRUE(wait(*engine));
  EXPECT_LE(sum(engine->snapshot(), "act").keys, 10u) << "questions must not fill the memory";
}

TEST_F(AskTest, WhatCannotBeAnsweredSaysWhy) {
  world().endless = true;
  input({{"a", 5}, {"gone", 1}, {"gone", 0}});
  const auto engine = start(summing());
  ASSERT_TRUE(done());
  const auto expect = [&](const StateQuestion& question, AskOutcome outcome, const auto& text) {
    const auto answer = engine->ask(question);
    EXPECT_EQ(answer.outcome, outcome) << to_string(answer.outcome) << ": " << answer.text;
    EXPECT_THAT(answer.text, text);
  };
  expect({"acts", "a", {}, {}}, AskOutcome::unknown_stage, AllOf(HasSubstr("acts"), HasSubstr("act, in, out")));
  expect({"in", "a", {}, {}}, AskOutcome::keeps_no_state, HasSubstr("in"));
  expect({"out", "a", {}, {}}, AskOutcome::keeps_no_state, HasSubstr("out"));
  expect({"act", "a", "HowMany", {}}, AskOutcome::unknown_question, AllOf(HasSubstr("HowMany"), HasSubstr("HowMuch")));
  expect({"act", "a", "HowMuch", {{"times", "two"}}}, AskOutcome::bad_question, AllOf(HasSubstr("times"), HasSubstr("two")));
  expect({"act", "b", "HowMuch", {{"times", 1}}}, AskOutcome::key_unknown, HasSubstr("'b'"));
  expect({"act", "gone", {}, {}}, AskOutcome::key_unknown, HasSubstr("'gone'"));
  expect({"act", "a", "HowMuch", {{"times", 0}}}, AskOutcome::refused, HasSubstr("nothing times anything"));
  EXPECT_EQ(sum(engine->snapshot(), "act").failures, 0u) << "what answer() throws is no failure of the actor";
  engine->request_stop(StopMode::drain);
  ASSERT_TRUE(wait(*engine));
  expect({"act", "a", {}, {}}, AskOutcome::ending, HasSubstr("end"));
}

TEST_F(AskTest, AnAnswerNeverHoldsWhatATryThatFailedDid) {
  world().endless = true;
  input({{"a", 5}, {"a", 7}});
  world().on_note = [](const Note& note, Context&) {
    if (note.number == 7) throw std::runtime_error("planted");
  };
  const auto engine = start(summing(R"({"on_failure": {"backoff": "1ms..1ms", "then": "block_key"}})"));
  ASSERT_TRUE(until([&] { return sum(engine->snapshot(), "act").failures > 2; }));
  const auto state = engine->ask({"act", "a", {}, {}});
  ASSERT_TRUE(state.ok()) << state.text;
  EXPECT_EQ(state.reply["sum"], 5);
}

TEST_F(AskTest, AStuckShardIsSaidWithinTheDeadlineAndAnswersOnceItIsFree) {
  world().endless = true;
  const auto gate = std::make_shared<Gate>();
  input({{"a", 5}});
  world().on_note = [gate](const Note&, Context&) { gate->pass(); };
  auto engine = start(summing());
  ASSERT_TRUE(gate->wait_for_someone());
  const auto late = engine->ask({"act", "a", {}, {}}, std::chrono::milliseconds(50));
  EXPECT_EQ(late.outcome, AskOutcome::no_answer);
  EXPECT_THAT(late.text, AllOf(HasSubstr("act/"), HasSubstr("50 ms")));
  std::promise<StateAnswer> given;
  engine->ask({"act", "a", {}, {}}, [&](StateAnswer answer) { given.set_value(std::move(answer)); });
  gate->open();
  EXPECT_EQ(given.get_future().get().reply["sum"], 5);
}

TEST_F(AskTest, QuestionsByTheThousandChangeNothingInTheResult) {
  std::map<std::string, std::int64_t> expected;
  for (int n = 0; n < 20'000; ++n) {
    const auto key = "k" + std::to_string(n % 97);
    world().input.push_back({key, n});
    expected[key] += n;
  }
  const auto engine = start(summing(R"({"shards": 3})"), Journal::open(std::make_unique<MemoryStore>()));
  std::int64_t last = 0;
  for (int asked = 0; !engine->wait_for(std::chrono::milliseconds(0)); ++asked) {
    const auto answer = engine->ask({"act", "k" + std::to_string(asked % 97), {}, {}});
    if (asked % 97 != 5 || !answer.ok()) continue;
    EXPECT_GE(answer.reply["sum"], last) << "the state of a key went back";
    last = answer.reply["sum"];
  }
  EXPECT_EQ(engine->result().ending, Ending::finished) << engine->result().reason;
  std::map<std::string, std::int64_t> found;
  for (const auto& seen : world().output) found[seen.key] += seen.number;
  EXPECT_EQ(found, expected);
  expect_balanced(engine->snapshot());
}

}  // namespace
}  // namespace mailroom::runtime::test
