// The guide's unit test, on the guide's scenario; and that the guide shows the scenario as it is.
#include "scenarios/bank/bank.cpp"

#include <fstream>
#include <gtest/gtest.h>

#include <mailroom/testing.hpp>

TEST(Ledger, RefusesAnOverdraft) {
  mailroom::testing::ActorTest<bank::Ledger> ledger;
  ledger.send(bank::Deposit{"alice", 100}, {.key = "alice"});
  EXPECT_THROW(ledger.send(bank::Deposit{"alice", -200}, {.key = "alice"}), mailroom::Rejected);
  EXPECT_EQ(ledger.state("alice").balance, 100);
  EXPECT_EQ(ledger.take<bank::Balance>().size(), 1u);
}

// The lines of the code blocks of one language, blank ones left out.
static std::vector<std::string> code_in(const std::string& file, const std::string& language) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  bool inside = language.empty();
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```"))
      inside = line == "```" + language;
    else if (inside && !line.empty() && !(language.empty() && line.starts_with("//")))
      lines.push_back(line);
  }
  return lines;
}

TEST(Guide, ShowsTheScenarioAsItIs) {
  const std::string root = MAILROOM_SOURCE_DIR;
  const auto scenario = code_in(root + "/scenarios/bank/bank.cpp", "");
  auto guide = code_in(root + "/docs/guide.md", "cpp");
  ASSERT_GT(guide.size(), scenario.size());
  guide.resize(scenario.size());  // the test and the rest come after it
  EXPECT_EQ(guide, scenario);
}
