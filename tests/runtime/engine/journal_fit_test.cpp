// A journal whose contents the changed topology would never find again: the node refuses, and says what to do.
#include <gmock/gmock.h>

#include "runtime/engine/journal_fit.hpp"
#include "tests/runtime/engine/engine_fixture.hpp"

namespace mailroom::runtime::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class JournalFitTest : public EngineTest {
 protected:
  std::unique_ptr<Journal> journal() { return Journal::open(std::make_unique<MemoryStore>(disk_)); }
  std::string refusal(const std::string& topology) {
    try {
      run(topology, journal());
      return {};
    } catch (const StorageError& error) {
      return error.what();
    }
  }
  // Counts three events of each of twenty keys, over two shards.
  void count() {
    for (int key = 0; key < 20; ++key)
      for (int n = 1; n <= 3; ++n) world().input.push_back({"k" + std::to_string(key), n});
    run(pipeline(), journal());
    ASSERT_EQ(result_.ending, Ending::finished) << result_.reason;
  }

  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
};

TEST_F(JournalFitTest, StatesAreNotLookedForInOtherShards) {
  count();
  for (const auto* shards : {"1", "3", "5"})
    EXPECT_THAT(refusal(pipeline(fmt::format(R"({{"shards": {}}})", shards))),
                AllOf(HasSubstr("stage 'act'"), HasSubstr("over 2 shards"), HasSubstr(shards), HasSubstr("states (act/0)"), HasSubstr("--data")))
        << shards;
  EXPECT_EQ(refusal(pipeline()), "") << "put back, it goes on";
}

TEST_F(JournalFitTest, StatesAreNotLookedForUnderAnotherKey) {
  count();
  EXPECT_THAT(refusal(pipeline(R"({"key": "number"})")), AllOf(HasSubstr("stage 'act'"), HasSubstr("key of Note was [\"key\"]"), HasSubstr("[\"number\"]")));
  EXPECT_EQ(refusal(pipeline()), "");
}

TEST_F(JournalFitTest, EventsOnTheirWayKeepTheirShard) {
  world().gate = std::make_shared<Gate>();
  world().input.assign(2'000, {"a", 1});
  {
    const auto engine = start(pipeline(R"({"mailbox": {"capacity": 64}})"), journal());
    ASSERT_TRUE(world().gate->wait_for_someone());
    engine->request_stop(StopMode::checkpoint);
    world().gate->open();
    ASSERT_TRUE(wait(*engine));
  }
  world().gate.reset();
  EXPECT_THAT(refusal(pipeline(R"({"shards": 5})")), HasSubstr("stage 'act'"));
}

TEST_F(JournalFitTest, AStageWithNothingInItMayChange) {
  run(pipeline(), journal());
  EXPECT_EQ(refusal(pipeline(R"({"shards": 5})")), "");
  count();  // the input is read to its end: nothing is counted any more
  EXPECT_EQ(refusal(pipeline(R"({"shards": 3})")), "");
}

TEST_F(JournalFitTest, StatesOfOtherFieldsAreRefusedBeforeTheyAreMisread) {
  count();
  const auto plan = [this](const std::function<void(ActorType&)>& change) {
    auto topology = load(pipeline());
    auto& stage = topology.stages[*topology.stage_index("act")];
    auto actor = *stage.actor;
    change(actor);
    stage.actor = &actor;
    try {
      make_plan(topology, journal().get());
      return std::string();
    } catch (const StorageError& error) {
      return std::string(error.what());
    }
  };
  SchemaField label;
  label.name = "label";
  label.type = "text";
  EXPECT_THAT(plan([&](ActorType& actor) { actor.state_schema.fields.insert(actor.state_schema.fields.begin(), label); }),
              AllOf(HasSubstr("stage 'act'"), HasSubstr("label: text"), HasSubstr("MAILROOM_ADDED")));
  EXPECT_THAT(plan([](ActorType& actor) { actor.state_schema.fields.pop_back(); }), HasSubstr("MAILROOM_VERSION"));
  const auto added = [&](ActorType& actor) {
    actor.state_version = 2;
    actor.state_schema.fields.insert(actor.state_schema.fields.begin(), label);
    actor.state_schema.fields.front().since = 2;
  };
  EXPECT_EQ(plan(added), "") << "a new version that says what it added";
  EXPECT_THAT(plan([](ActorType&) {}), HasSubstr("later program")) << "and back";
}

}  // namespace
}  // namespace mailroom::runtime::test
