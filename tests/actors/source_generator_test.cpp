#include <gmock/gmock.h>
#include <map>
#include <rapidcheck/gtest.h>

#include "tests/actors/source_fixture.hpp"

namespace mailroom::test_files {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

struct LoadRow {
  std::int64_t number = 0;
  std::string account, payload;
  Money amount;
  double score = 0;
  bool flag = false;
  Timestamp at;
  std::optional<std::string> note;
};
MAILROOM_EVENT(LoadRow, number, account, payload, amount, score, flag, at, note)

json options(json more = json::object()) {
  json all = json::parse(R"({"seed": 7, "events": 1000, "fields": {
    "number": {"sequence": true}, "account": {"zipf": {"n": 100, "s": 1.1}, "prefix": "a-"}, "payload": {"text": 20},
    "amount": {"uniform": ["1.00", "5.00"]}, "score": {"uniform": [0.5, 2]}, "flag": {"choice": [true, false]},
    "at": {"time": {"start": "2020-01-01", "step": "10ms"}}, "note": {"choice": ["x", null]}}})");
  all.update(more, true);
  return all;
}

std::unique_ptr<Source> make(const json& all, std::uint32_t shard = 0, std::uint32_t shards = 1) {
  SourceTypes::find("generator")->check_options(all);
  return SourceTypes::find("generator")->make({&event_type_of<LoadRow>(), "", all, shard, shards});
}

TEST(Generator, MakesTheFieldsAsSpecified) {
  const auto source = make(options());
  const auto read = read_all(*source);
  EXPECT_EQ(read.status, ReadStatus::end);
  ASSERT_EQ(read.events.size(), 1000u);
  std::map<std::string, int> accounts;
  int flags = 0, notes = 0;
  for (std::size_t i = 0; i < read.events.size(); ++i) {
    const auto event = from_json<LoadRow>(json::parse(read.events[i]));
    EXPECT_EQ(event.number, static_cast<std::int64_t>(i) + 1);
    EXPECT_EQ(event.payload.size(), 20u);
    EXPECT_GE(event.amount, Money{100});
    EXPECT_LE(event.amount, Money{500});
    EXPECT_GE(event.score, 0.5);
    EXPECT_LT(event.score, 2);
    EXPECT_EQ(event.at, Timestamp::parse("2020-01-01") + std::chrono::milliseconds(10 * i));
    flags += event.flag;
    notes += event.note.has_value();
    ++accounts[event.account];
  }
  EXPECT_GT(accounts["a-1"], 2 * accounts["a-5"]);
  EXPECT_GT(accounts["a-1"], 100);
  EXPECT_NEAR(flags, 500, 100);
  EXPECT_NEAR(notes, 500, 100);
  EXPECT_EQ(source->progress().total, 1000u);
  EXPECT_EQ(source->progress().unit, "events");
}

RC_GTEST_PROP(Generator, SeekIsExact, ()) {
  const auto seed = *rc::gen::inRange(0, 1000);
  const auto from = *rc::gen::inRange(0, 201);
  const auto all = read_all(*make(options({{"seed", seed}, {"events", 200}})));
  const auto source = make(options({{"seed", seed}, {"events", 200}}));
  source->seek({{"next", from}});
  RC_ASSERT(read_all(*source, 7).events == std::vector<std::string>(all.events.begin() + from, all.events.end()));
}

TEST(Generator, ShardsMakeTheSameEventsTogether) {
  auto whole = read_all(*make(options({{"events", 100}}))).events;
  std::vector<std::string> together;
  for (std::uint32_t shard = 0; shard < 3; ++shard)
    for (auto& event : read_all(*make(options({{"events", 100}}), shard, 3)).events)
      together.push_back(std::move(event));
  std::sort(whole.begin(), whole.end());
  std::sort(together.begin(), together.end());
  EXPECT_EQ(whole, together);
}

TEST(Generator, SeedsDiffer) {
  EXPECT_NE(read_all(*make(options())).events, read_all(*make(options({{"seed", 8}}))).events);
}

TEST(Generator, ARateMakesItIdleAndNeverSleep) {
  auto all = options({{"rate", 0.001}});
  const auto source = make(all);
  SourceBatch batch;
  EXPECT_EQ(source->read(batch, 100), ReadStatus::idle);
  EXPECT_LE(batch.events.size(), 1u);
}

TEST(Generator, MakesListsFromConstants) {
  const json spec = {{"events", 2}, {"fields", {{"name", "n"}, {"numbers", {1, 2}}}}};
  const auto source = SourceTypes::find("generator")->make({&event_type_of<NestedRow>(), "", spec, 0, 1});
  EXPECT_THAT(read_all(*source).events,
              ElementsAre(R"({"name":"n","numbers":[1,2]})", R"({"name":"n","numbers":[1,2]})"));
}

TEST(Generator, RefusesWhatMakesNoEvent) {
  const auto refused = [](const json& fields) {
    auto all = options();
    for (const auto& [name, spec] : fields.items()) all["fields"][name] = spec;
    return thrown([&] { make(all); });
  };
  EXPECT_THAT(refused({{"number", {{"sequenze", true}}}}),
              AllOf(HasSubstr("fields.number"), HasSubstr("did you mean \"sequence\"")));
  EXPECT_THAT(refused({{"number", {{"uniform", {5, 1}}}}}), AllOf(HasSubstr("fields.number"), HasSubstr("low first")));
  EXPECT_THAT(refused({{"number", "text"}}), AllOf(HasSubstr("\"number\""), HasSubstr("integer")));
  EXPECT_THAT(refused({{"numbr", 1}}), HasSubstr("did you mean \"number\""));
  EXPECT_THAT(refused({{"account", {{"zipf", {{"n", 0}}}}}}), HasSubstr("fields.account.zipf.n"));
  auto without = options();
  without["fields"].erase("payload");
  EXPECT_THAT(thrown([&] { make(without); }), AllOf(HasSubstr("fields.payload"), HasSubstr("missing")));
  EXPECT_THAT(thrown([&] { make(options({{"rate", 0}})); }), HasSubstr("\"rate\""));
  EXPECT_THAT(thrown([&] { make(options())->seek({{"offset", 1}}); }), HasSubstr("CorruptData"));
}

}  // namespace
}  // namespace mailroom::test_files
