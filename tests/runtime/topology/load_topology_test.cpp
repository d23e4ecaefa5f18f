// What `mailroom check` says: every mistake with its place, in words, and none too many.
#include <fstream>
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>
#include <set>
#include <sstream>

#include <mailroom/mailroom.hpp>
#include <mailroom/topology_rule.hpp>
#include <mailroom/windows.hpp>

#include "runtime/topology/describe_topology.hpp"
#include "runtime/topology/json_document.hpp"
#include "runtime/topology/load_topology.hpp"

namespace mailroom::runtime {
namespace topology_test {

struct Deposit {
  std::string account;
  std::int64_t cents = 0;
  double rate = 0;
  Timestamp at;
};
MAILROOM_EVENT(Deposit, account, cents, rate, at)
struct Balance {
  std::string account;
};
MAILROOM_EVENT(Balance, account)
struct Unheard {
  std::string text;
};
MAILROOM_EVENT(Unheard, text)
struct Sum {
  std::int64_t total = 0;
};
MAILROOM_STATE(Sum, total)
struct CheckLedgerOptions {
  std::int64_t limit = 0;
};
MAILROOM_OPTIONS(CheckLedgerOptions, limit)

class CheckLedger : public Actor<Sum> {
 public:
  using Options = CheckLedgerOptions;
  using Emits = Events<Balance, Unheard>;
  explicit CheckLedger(const CheckLedgerOptions&) {}
  void on(const Deposit&, Sum&, Context&) {}
};
MAILROOM_ACTOR(CheckLedger, Deposit)
class CheckEcho : public Actor<> {
 public:
  using Emits = Events<Deposit>;
  void on(const Balance&, Context&) {}
};
MAILROOM_ACTOR(CheckEcho, Balance)
class CheckSilent : public Actor<> {
 public:
  void on(const Balance&, Context&) {}
};
MAILROOM_ACTOR(CheckSilent, Balance)

class CheckSource : public Source {
 public:
  using Emits = Events<Deposit>;
  ReadStatus read(SourceBatch&, std::size_t) override { return ReadStatus::end; }
  [[nodiscard]] nlohmann::json position() const override { return {}; }
  void seek(const nlohmann::json&) override {}
};
MAILROOM_SOURCE(CheckSource, "check_source")

const bool sink_registered = SinkTypes::add({"check_sink", false, {}, [](const nlohmann::json&) {},
                                             [](const SinkSettings&) -> std::unique_ptr<Sink> { return nullptr; }});

// One line a member, so that lines can be told apart.
const char* const good = R"({
  "mailroom": 1,
  "name": "bank",
  "durability": "memory",
  "stages": {
    "deposits": { "source": "check_source", "time": "at" },
    "ledger": {
      "actor": "CheckLedger",
      "from": ["deposits"],
      "key": "account",
      "shards": 8,
      "mailbox": { "capacity": 128, "overflow": "spill" },
      "on_failure": { "retries": 5, "backoff": "10ms..2s", "then": "park_key" }
    },
    "out": {
      "sink": "check_sink",
      "from": [{ "stage": "ledger", "events": ["Balance"] }]
    }
  }
})";

LoadedTopology load(const std::string& text, std::optional<std::string> input = {}) {
  LoadOptions options;
  options.load_libraries = false;
  options.input = std::move(input);
  return load_topology_text(text, "bank.json", options);
}
std::string changed(const std::string& from, const std::string& to) {
  std::string text = good;
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}
std::vector<std::string> errors(const std::string& text) {
  std::vector<std::string> list;
  for (const auto& problem : load(text).problems)
    if (problem.severity == Problem::Severity::error) list.push_back(to_string(problem));
  return list;
}

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(LoadTopology, ReadsWhatIsWritten) {
  const auto loaded = load(good);
  ASSERT_TRUE(loaded.topology) << to_string(loaded.problems.at(0));
  const auto& ledger = loaded.topology->stages.at(1);
  EXPECT_EQ(ledger.name, "ledger");
  EXPECT_EQ(ledger.shards, 8u);
  EXPECT_EQ(ledger.mailbox.capacity, 128u);
  EXPECT_EQ(ledger.mailbox.overflow, Overflow::spill);
  EXPECT_EQ(ledger.on_failure.retries, 5u);
  EXPECT_EQ(ledger.on_failure.backoff.longest, std::chrono::seconds(2));
  EXPECT_EQ(ledger.on_failure.then, Then::park_key);
  EXPECT_EQ(loaded.topology->durability, Durability::memory);
  // Unheard goes nowhere: worth a warning, not an error.
  ASSERT_EQ(loaded.problems.size(), 1u);
  EXPECT_THAT(to_string(loaded.problems[0]), AllOf(HasSubstr("bank.json:7: warning"), HasSubstr("Unheard")));
  EXPECT_THAT(describe(*loaded.topology), AllOf(HasSubstr("ledger"), HasSubstr("by account, 8 shards"), HasSubstr("then park_key")));
}

struct Mistake {
  const char* name;
  const char* from;
  const char* to;
  std::vector<const char*> says;  // all of these, in the one error there is
};
class Mistakes : public ::testing::TestWithParam<Mistake> {};

TEST_P(Mistakes, AreReportedOnceWithPlaceAndWords) {
  const auto& mistake = GetParam();
  const auto found = errors(changed(mistake.from, mistake.to));
  ASSERT_EQ(found.size(), 1u) << ::testing::PrintToString(found);
  for (const auto* words : mistake.says) EXPECT_THAT(found[0], HasSubstr(words));
}

INSTANTIATE_TEST_SUITE_P(
    All, Mistakes,
    ::testing::Values(
        Mistake{"unknown_member", "\"shards\": 8", "\"shard\": 8", {"bank.json:11:", "/stages/ledger/shard", "did you mean \"shards\"?"}},
        Mistake{"wrong_kind", "\"shards\": 8", "\"shards\": \"8\"", {":11:", "found the text \"8\"", "an integer from 1 to 1024"}},
        Mistake{"out_of_bounds", "\"shards\": 8", "\"shards\": 100000", {":11:", "found 100000"}},
        Mistake{"negative", "\"capacity\": 128", "\"capacity\": -1", {":12:", "/stages/ledger/mailbox/capacity", "found -1"}},
        Mistake{"unknown_choice", "\"spill\"", "\"spil\"", {":12:", "did you mean \"spill\"?"}},
        Mistake{"bad_range", "10ms..2s", "2s..10ms", {":13:", "begins with the shorter"}},
        Mistake{"bad_duration", "10ms..2s", "10..2s", {":13:", "250ms"}},
        Mistake{"unknown_actor", "\"CheckLedger\"", "\"CheckLedgr\"", {":8:", "/stages/ledger/actor", "did you mean \"CheckLedger\"?"}},
        Mistake{"unknown_source", "\"check_source\"", "\"check_sorce\"", {":6:", "did you mean \"check_source\"?"}},
        Mistake{"unknown_stage", "[\"deposits\"]", "[\"deposit\"]", {":9:", "/stages/ledger/from/0", "did you mean \"deposits\"?"}},
        Mistake{"unknown_key", "\"key\": \"account\"", "\"key\": \"acount\"", {":10:", "/stages/ledger/key", "did you mean \"account\"?"}},
        Mistake{"unfit_key", "\"key\": \"account\"", "\"key\": \"rate\"", {":10:", "number", "can't be a key", "account, cents, at"}},
        Mistake{"no_order", "\"key\": \"account\",", "", {":7:", "\"ordering\": \"total\""}},
        Mistake{"unordered_state", "\"key\": \"account\",\n      \"shards\": 8", "\"ordering\": \"none\"", {"keeps state"}},
        Mistake{"event_not_emitted", "[\"Balance\"]", "[\"Deposit\"]", {":17:", "does not emit Deposit", "Balance, Unheard"}},
        Mistake{"time_field", "\"time\": \"at\"", "\"time\": \"account\"", {":6:", "no time field \"account\"", "its time fields: at"}},
        Mistake{"believed_after_nothing", "\"time\": \"at\"", "\"time\": \"at\", \"believed_after\": 3", {":6:", "goes with \"max_ahead\""}},
        Mistake{"small_mailbox", "\"from\": [{ \"stage\": \"ledger\", \"events\": [\"Balance\"] }]",
                "\"mailbox\": {\"capacity\": 4}, \"from\": [{ \"stage\": \"ledger\", \"events\": [\"Balance\"] }]", {"8 shards"}},
        Mistake{"no_version", "\"mailroom\": 1,", "", {"\"mailroom\" is missing"}},
        Mistake{"bad_name", "\"bank\"", "\"The Bank\"", {":3:", "The Bank"}},
        Mistake{"two_kinds", "\"sink\": \"check_sink\"", "\"sink\": \"check_sink\", \"actor\": \"CheckEcho\"", {"more than one"}},
        Mistake{"twice", "\"shards\": 8", "\"key\": \"cents\"", {":11:", "a second time", "line 10"}}),
    [](const auto& mistake) { return mistake.param.name; });

TEST(LoadTopology, OptionsAreCheckedByTheirActor) {
  const auto found = errors(changed("\"shards\": 8", "\"options\": {\"limt\": 1}"));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0], AllOf(HasSubstr("/stages/ledger/options"), HasSubstr("did you mean \"limit\"?")));
}

inline void limits_agree(RuleCheck& check) {
  check.same<CheckLedger>("limit");
  for (const auto& [stage, options] : check.stages<CheckLedger>())
    if (options.limit > 100) check.refuse(stage, "limit", "more than 100 is never right");
}
MAILROOM_TOPOLOGY_RULE(limits_agree)

TEST(LoadTopology, WhatTheAuthorsOfActorsSayOfSeveralStagesIsChecked) {
  const auto two = [](const char* first, const char* second) {
    return errors(changed("\"out\": {", std::string("\"other\": { \"actor\": \"CheckLedger\", \"from\": [\"deposits\"], \"key\": \"account\"") + second +
                                           " },\n    \"out\": {").replace(std::string(good).find("\"shards\": 8"), 11, std::string("\"shards\": 8") + first));
  };
  EXPECT_THAT(two("", ""), ElementsAre());
  EXPECT_THAT(two(R"(, "options": {"limit": 5})", R"(, "options": {"limit": 5})"), ElementsAre());
  EXPECT_THAT(two(R"(, "options": {"limit": 5})", ""),
              ElementsAre(AllOf(HasSubstr("bank.json:15: error: /stages/other/options/limit"), HasSubstr("limit is 0 here and 5 in stage \"ledger\""))))
      << "a default counts as a value";
  EXPECT_THAT(two(R"(, "options": {"limit": 500})", R"(, "options": {"limit": 500})"), ElementsAre(HasSubstr("never right"), HasSubstr("never right")));
  EXPECT_THAT(two(R"(, "options": {"limit": "much"})", ""), ElementsAre(HasSubstr("\"much\""))) << "what can't be read is said once";
}

struct CheckTotal {
  std::int64_t deposits = 0;
};
MAILROOM_STRUCT(CheckTotal, deposits)
class CheckWindows : public Windowed<CheckWindows, CheckTotal> {
 public:
  using Emits = Events<Balance>;
  using Windowed::Windowed;
  void add(const Deposit&, CheckTotal& total) noexcept { ++total.deposits; }
  void result(const Window&, const CheckTotal&, Context&) {}
};
MAILROOM_ACTOR(CheckWindows, Deposit, WindowDue)

TEST(LoadTopology, WhatHasNoMeaningByTheWallClockIsWarnedOf) {
  auto json = nlohmann::json::parse(good);
  auto& stages = json["stages"];
  stages["deposits"].update({{"idle_after", "1s"}, {"max_ahead", "1h"}});
  stages["ledger"] = {{"actor", "CheckWindows"}, {"from", {"deposits"}}, {"key", "account"}, {"options", {{"size", "1m"}}}};
  const auto warnings = [&] {
    std::vector<std::string> list;
    for (const auto& problem : load(json.dump()).problems) list.push_back(to_string(problem));
    return list;
  };
  EXPECT_THAT(warnings(), ::testing::UnorderedElementsAre(
                              AllOf(HasSubstr("warning: /stages/deposits/idle_after"), HasSubstr("\"clock\": \"events\"")),
                              AllOf(HasSubstr("warning: /stages/deposits/max_ahead"), HasSubstr("\"clock\": \"events\"")),
                              AllOf(HasSubstr("warning: /stages/ledger"), HasSubstr("keeps windows, which end by the machine's clock here"))));
  stages["deposits"].erase("time");
  EXPECT_THAT(warnings(), ::testing::Each(::testing::Not(HasSubstr("keeps windows")))) << "times of arrival and the wall clock agree";
  stages["deposits"]["time"] = "at";
  json["clock"] = "events";
  EXPECT_THAT(warnings(), ElementsAre());
}

TEST(LoadTopology, SeveralMistakesAreAllReportedInOrderOfTheirLines) {
  auto text = changed("\"shards\": 8", "\"shard\": 8");
  text.replace(text.find("\"memory\""), 8, "\"memry\"");
  text.replace(text.find("check_sink"), 10, "check_snk");
  const auto found = errors(text);
  ASSERT_EQ(found.size(), 3u) << ::testing::PrintToString(found);
  EXPECT_THAT(found[0], HasSubstr("bank.json:4:"));
  EXPECT_THAT(found[1], HasSubstr("bank.json:11:"));
  EXPECT_THAT(found[2], HasSubstr("bank.json:16:"));
}

std::string cycle(const std::string& back) {
  return R"({"mailroom": 1, "name": "loop", "stages": {
    "in": {"source": "check_source"},
    "ledger": {"actor": "CheckLedger", "from": ["in", )" + back + R"(], "key": "account"},
    "echo": {"actor": "CheckEcho", "from": [{"stage": "ledger", "events": ["Balance"]}], "key": "account"}}})";
}

TEST(LoadTopology, ACycleMustBeDeclared) {
  const auto found = errors(cycle(R"("echo")"));
  ASSERT_EQ(found.size(), 1u) << ::testing::PrintToString(found);
  EXPECT_THAT(found[0], AllOf(HasSubstr("cycle"), HasSubstr("ledger"), HasSubstr("echo"), HasSubstr("\"feedback\": true")));
  EXPECT_TRUE(load(cycle(R"({"stage": "echo", "feedback": true})")).topology);
}

TEST(LoadTopology, AStageThatNoSourceReachesIsAnError) {
  const auto found = errors(R"({"mailroom": 1, "name": "island", "stages": {
    "in": {"source": "check_source"},
    "out": {"sink": "check_sink", "from": ["in"]},
    "silent": {"actor": "CheckSilent", "from": [{"stage": "echo2", "events": ["Balance"]}], "key": "account"},
    "echo2": {"actor": "CheckLedger", "from": [{"stage": "back", "feedback": true}], "key": "account"},
    "back": {"actor": "CheckEcho", "from": [{"stage": "echo2", "events": ["Balance"]}], "key": "account"}}})");
  ASSERT_FALSE(found.empty());
  EXPECT_THAT(found, ::testing::Contains(HasSubstr("no source leads to \"silent\"")));
}

TEST(LoadTopology, SilentActorsFeedNobody) {
  const auto found = errors(R"({"mailroom": 1, "name": "mute", "stages": {
    "in": {"source": "check_source"},
    "ledger": {"actor": "CheckLedger", "from": ["in"], "key": "account"},
    "silent": {"actor": "CheckSilent", "from": ["ledger"], "key": "account"},
    "out": {"sink": "check_sink", "from": ["silent"]}}})");
  ASSERT_EQ(found.size(), 1u) << ::testing::PrintToString(found);
  EXPECT_THAT(found[0], AllOf(HasSubstr("/stages/out/from/0"), HasSubstr("emits nothing"), HasSubstr("CheckSilent")));
}

TEST(LoadTopology, AMissingLibraryIsOneErrorAndNotTen) {
  LoadOptions options;
  auto text = changed("\"durability\"", "\"library\": \"nowhere\", \"durability\"");
  text.replace(text.find("CheckLedger"), 11, "FromNowhere");
  const auto loaded = load_topology_text(text, "bank.json", options);
  std::vector<std::string> found;
  for (const auto& problem : loaded.problems)
    if (problem.severity == Problem::Severity::error) found.push_back(to_string(problem));
  ASSERT_EQ(found.size(), 1u) << ::testing::PrintToString(found);
  EXPECT_THAT(found[0], AllOf(HasSubstr("/library"), HasSubstr("nowhere"), HasSubstr("looked for")));
}

// What editors are told (docs/topology.schema.json) is what the loader takes: it names all it knows when it meets a name
// that is near to none.
TEST(LoadTopology, TheSchemaForEditorsNamesTheSameMembers) {
  std::ifstream in(MAILROOM_SOURCE_DIR "/docs/topology.schema.json");
  const auto schema = nlohmann::json::parse(in);
  const auto members_of = [](const nlohmann::json& object) {
    std::set<std::string> names;
    for (const auto& [name, value] : object.at("properties").items()) names.insert(name);
    return names;
  };
  const auto known_at = [](const std::string& text) {
    const auto found = errors(text);
    std::set<std::string> names;
    for (const auto& error : found) {
      const auto at = error.find("expected one of: ");
      if (at == std::string::npos) continue;
      std::stringstream list(error.substr(at + 17));
      for (std::string name; std::getline(list >> std::ws, name, ',');) names.insert(name);
    }
    return names;
  };
  const auto& kinds = schema.at("definitions");
  EXPECT_EQ(known_at(changed("\"mailroom\": 1", "\"mailroom\": 1, \"qqqqqqqq\": 1")), members_of(schema));
  EXPECT_EQ(known_at(changed("\"time\": \"at\"", "\"qqqqqqqq\": 1")), members_of(kinds.at("source")));
  EXPECT_EQ(known_at(changed("\"shards\": 8", "\"qqqqqqqq\": 1")), members_of(kinds.at("actor")));
  EXPECT_EQ(known_at(changed("\"sink\": \"check_sink\"", "\"sink\": \"check_sink\", \"qqqqqqqq\": 1")), members_of(kinds.at("sink")));
  EXPECT_EQ(known_at(changed("\"capacity\": 128", "\"qqqqqqqq\": 1")), members_of(kinds.at("mailbox")));
  EXPECT_EQ(known_at(changed("\"retries\": 5", "\"qqqqqqqq\": 1")), members_of(kinds.at("on_failure")));
  EXPECT_EQ(known_at(changed("\"shards\": 8", "\"supervision\": {\"qqqqqqqq\": 1}")), members_of(kinds.at("supervision")));
}

TEST(LoadTopology, WhatGoesWithWorkersIsSaid) {
  EXPECT_THAT(errors(changed("\"shards\": 8", "\"priority\": \"cents\"")), ElementsAre(HasSubstr("\"priority\" is of workers")));
  EXPECT_THAT(errors(changed("\"shards\": 8", "\"workers\": 4")), ElementsAre(HasSubstr("CheckLedger keeps state")));
  EXPECT_THAT(errors(changed("\"shards\": 8", "\"workers\": 4, \"priority\": \"account\", \"expires\": \"soon\", \"blocking\": 1")),
              ::testing::UnorderedElementsAre(HasSubstr("keeps state"), HasSubstr("its integer fields: cents"),
                                              HasSubstr("its time fields: at"), HasSubstr("/blocking")));
}

TEST(LoadTopology, AFileThatIsNotThereIsSaid) {
  const auto loaded = load_topology("/nowhere/at/all.json");
  ASSERT_EQ(loaded.problems.size(), 1u);
  EXPECT_THAT(to_string(loaded.problems[0]), HasSubstr("/nowhere/at/all.json"));
}

// Cut anywhere, it is refused in words, and nothing crashes.
TEST(LoadTopology, EveryTruncationIsRefused) {
  const std::string text = good;
  for (std::size_t size = 0; size + 1 < text.size(); ++size) {
    const auto loaded = load(text.substr(0, size));
    EXPECT_FALSE(loaded.topology) << size;
    EXPECT_FALSE(loaded.problems.empty()) << size;
  }
}

TEST(LoadTopology, HostileTextIsRefused) {
  EXPECT_THAT(errors(std::string(100'000, '[')), ElementsAre(HasSubstr("levels")));
  EXPECT_EQ(errors(std::string("{\"a\": \0}", 8)).size(), 1u);
  EXPECT_EQ(errors("{\"mailroom\": \"\xff\xfe\"}").size(), 1u);
  EXPECT_FALSE(errors("[]").empty());
  EXPECT_FALSE(errors("{\"mailroom\": 1e999}").empty());
}

TEST(LoadTopology, SyntaxErrorsHaveLineAndColumn) {
  const auto found = errors("{\n  \"mailroom\": 1,\n  \"name\": bank\n}");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0], AllOf(HasSubstr("bank.json:3:"), HasSubstr("column 1")));
}

// The law: however a document is laid out, each member is said to be in the line in which it stands.
RC_GTEST_PROP(JsonDocument, LinesAreThoseOfTheText, ()) {
  const auto names = *rc::gen::unique<std::vector<std::string>>(
      rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange('a', 'z'))));
  const auto indent = *rc::gen::inRange(0, 5);
  nlohmann::json json = nlohmann::json::object();
  for (const auto& name : names) json[name] = {{"inner", {1, "two", {{"x", true}}}}, {"other", nullptr}};
  const auto text = json.dump(indent);
  std::optional<JsonSyntaxError> error;
  const auto document = parse_json_document(text, error);
  RC_ASSERT(!error);
  RC_ASSERT(document.value == json);
  for (const auto& name : names) {
    const auto at = text.find("\"" + name + "\": {");
    RC_ASSERT(document.line_of("/" + name) == 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
    const auto inner = text.find("\"x\": true", at);
    RC_ASSERT(document.line_of("/" + name + "/inner/2/x") ==
              1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(inner), '\n'));
  }
}

}  // namespace topology_test
}  // namespace mailroom::runtime
