// The `mailroom` program as its users meet it: commands, messages, exit codes.
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string program = MAILROOM_BINARY_DIR "/bin/mailroom";
const std::string bank = MAILROOM_SOURCE_DIR "/scenarios/bank/bank.json";

struct Run {
  int exit_code = -1;
  std::string output;  // stdout and stderr
};

Run run(const std::string& arguments, const std::string& input = {}, const std::string& which = program) {
  const auto command = (input.empty() ? std::string() : "printf '" + input + "' | ") + which + " " + arguments + " 2>&1" +
                       (input.empty() ? " </dev/null" : "");
  Run result;
  FILE* pipe = ::popen(command.c_str(), "r");
  char buffer[4096];
  while (const auto n = std::fread(buffer, 1, sizeof buffer, pipe)) result.output.append(buffer, n);
  const auto status = ::pclose(pipe);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  return result;
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

class ProgramTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto name = (fs::temp_directory_path() / "mailroom-program-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  // The bank on an input of our own.
  std::string bank_on(const std::string& lines, const std::string& source = R"("source": "jsonl", "path": "in.jsonl")") {
    write("in.jsonl", lines);
    auto text = read_file(bank);
    const std::string from = R"("source": "jsonl", "path": "deposits.jsonl")";
    text.replace(text.find(from), from.size(), source);
    return write("bank.json", text);
  }
  std::string data() const { return (folder_ / "data").string(); }

  fs::path folder_;
};

TEST_F(ProgramTest, TheBankRunsAsTheGuideSays) {
  EXPECT_THAT(run("check " + bank), AllOf(::testing::Field(&Run::exit_code, 0), ::testing::Field(&Run::output, HasSubstr("No errors."))));
  const auto first = run("run " + bank + " --data " + data());
  EXPECT_EQ(first.exit_code, 0) << first.output;
  EXPECT_THAT(first.output, AllOf(HasSubstr("balanced"), HasSubstr("every key in order"), HasSubstr("1 dirty line ")));
  std::vector<std::pair<std::string, int>> balances;
  std::stringstream lines(read_file(folder_ / "data/output/balances.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line);
    balances.emplace_back(json["account"], json["cents"]);
  }
  EXPECT_THAT(balances, ::testing::UnorderedElementsAre(std::pair("alice", 5000), std::pair("bob", 1200), std::pair("alice", 3500), std::pair("bob", 2000)));

  const auto letters = run("dead-letters list " + data());
  EXPECT_EQ(letters.exit_code, 0);
  EXPECT_THAT(letters.output, AllOf(HasSubstr("overdraft"), HasSubstr("deposits.jsonl:5"), HasSubstr("a lot")));

  // Once more: it says that it is done, and does nothing twice.
  const auto again = run("run " + bank + " --data " + data());
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.output, HasSubstr("An earlier run has read this input to its end"));
  EXPECT_EQ(read_file(folder_ / "data/output/balances.jsonl"), lines.str());
  EXPECT_EQ(run("journal verify " + data()).exit_code, 0);
  EXPECT_THAT(run("journal inspect " + data()).output, HasSubstr("ledger"));

  // The refused withdrawal is tried again, after more money has come.
  EXPECT_THAT(run("dead-letters retry " + data() + " --kind rejected").output, HasSubstr("1 marked"));
  EXPECT_EQ(run("run " + bank + " --data " + data()).exit_code, 0);
  EXPECT_THAT(read_file(folder_ / "data/output/balances.jsonl"), HasSubstr("\"account\":\"bob\",\"cents\":0"));

  EXPECT_EQ(run("dead-letters discard " + data() + " --kind dirty").exit_code, 0);
  EXPECT_EQ(run("run " + bank + " --fresh --data " + data()).exit_code, 0);
  EXPECT_THAT(run("run " + bank + " --fresh --summary json --progress off --durability memory --data " + data()).output, HasSubstr("\"ending\": \"finished\""));
}

TEST_F(ProgramTest, MistakesOnTheCommandLineAreSaid) {
  EXPECT_THAT(run(""), ::testing::Field(&Run::exit_code, 2));
  EXPECT_THAT(run("rum x").output, HasSubstr("rum"));
  EXPECT_THAT(run("run " + bank + " --dta x"), AllOf(::testing::Field(&Run::exit_code, 2), ::testing::Field(&Run::output, HasSubstr("--dta"))));
  EXPECT_THAT(run("run " + bank + " --durability maybe"), AllOf(::testing::Field(&Run::exit_code, 2), ::testing::Field(&Run::output, HasSubstr("durable"))));
  EXPECT_THAT(run("run /nowhere.json"), AllOf(::testing::Field(&Run::exit_code, 2), ::testing::Field(&Run::output, HasSubstr("/nowhere.json"))));
  EXPECT_THAT(run("run " + bank + " --input /nowhere.jsonl"), AllOf(::testing::Field(&Run::exit_code, 2), ::testing::Field(&Run::output, HasSubstr("/nowhere.jsonl"))));
  EXPECT_THAT(run("journal verify /tmp"), AllOf(::testing::Field(&Run::exit_code, 1), ::testing::Field(&Run::output, HasSubstr("/tmp"))));
  EXPECT_THAT(run("dead-letters retry /tmp"), AllOf(::testing::Field(&Run::exit_code, 2), ::testing::Field(&Run::output, HasSubstr("--all"))));
  EXPECT_EQ(run("--help").exit_code, 0);
  EXPECT_THAT(run("--version").output, HasSubstr("mailroom"));
}

// docs/operations.md: 2 is a wrong command line.
TEST_F(ProgramTest, EachMistakeIsNamedAndEndsWithTwo) {
  ASSERT_EQ(run("run " + bank + " --data " + data()).exit_code, 0);
  std::ofstream(folder_ / "garbage.pem") << "no certificate\n";
  const auto mistake = [&](const std::string& arguments, const std::vector<std::string>& texts) {
    const auto result = run(arguments);
    EXPECT_EQ(result.exit_code, 2) << arguments << "\n" << result.output;
    for (const auto& text : texts) EXPECT_THAT(result.output, HasSubstr(text)) << arguments;
  };
  mistake("", {"a command is missing", "dead-letters", "simulate"});
  mistake("--bogus", {"--bogus", "dead-letters", "simulate"});
  mistake("journal foo", {"\"foo\"", "inspect", "verify"});
  mistake("journal", {"a command is missing", "inspect", "verify"});
  mistake("dead-letters lst " + data(), {"\"lst\"", "list", "discard"});
  for (const std::string command : {"list", "retry", "discard"}) {
    mistake("dead-letters " + command + " " + data() + " --kind bogus", {"bogus", "rejected"});
    mistake("dead-letters " + command + " " + data() + " --stage nope", {"nope", "ledger"});
    mistake("dead-letters " + command + " " + data() + " 99999999", {"99999999", "stage/shard:number"});
  }
  for (const std::string command : {"retry", "discard"}) {
    mistake("dead-letters " + command + " " + data(), {"--all"});
    mistake("dead-letters " + command + " " + data() + " --all --stage ledger", {"--all", "--stage"});
    mistake("dead-letters " + command + " " + data() + " --all ledger/0:1", {"--all"});
  }
  EXPECT_THAT(run("dead-letters discard " + data() + " --stage ledger --key ''").output, HasSubstr("0 discarded")) << "an empty key is a key";
  mistake("dead-letters list ''", {"empty"});
  mistake("run " + bank + " --data ''", {"--data", "empty"});
  mistake("run " + bank + " --trace-one-in -1 --data " + data(), {"--trace-one-in"});
  for (const auto* seconds : {"0", "-1"}) mistake("record 1 " + (folder_ / "s").string() + " --seconds " + seconds, {"--seconds"});
  mistake("record 1 " + write("precious.json", "{}"), {"precious.json", "no session"});
  mistake("record 1 " + (folder_ / "precious.json").string() + " --force", {"precious.json", "no session"});
  EXPECT_EQ(read_file(folder_ / "precious.json"), "{}");
  mistake("top nonsense", {"nonsense"});
  const auto node = "run " + bank + " --data " + data() + " ";
  mistake(node + "--tokens nope", {"--tokens", "--listen"});
  mistake(node + "--tls-certificate nope --tls-key nope", {"--tls-certificate", "--listen"});
  mistake(node + "--listen 0 --tls-certificate nope.pem --tls-key nope.pem", {"nope.pem", "No such file"});
  const auto garbage = (folder_ / "garbage.pem").string();
  mistake(node + "--listen 0 --tls-certificate " + garbage + " --tls-key " + garbage, {"garbage.pem", "PEM"});
  mistake(node + "--listen 0 --tls-certificate " + garbage, {"--tls-key"});
  mistake(node + "--listen 0 --tokens nope.txt", {"nope.txt", "No such file"});
  mistake("top https://127.0.0.1:1 --tls-ca nope.pem", {"nope.pem", "No such file"});
}

TEST_F(ProgramTest, AJournalWithoutItsMarkIsRefusedUntilItsLogIsAccepted) {
  ASSERT_EQ(run("run " + bank + " --data " + data()).exit_code, 0);
  const auto mark = folder_ / "data/journal/ACKNOWLEDGED";
  EXPECT_THAT(run("journal accept " + data()), AllOf(::testing::Field(&Run::exit_code, 2), ::testing::Field(&Run::output, HasSubstr("nothing to accept"))));
  for (const bool damaged : {false, true}) {
    const auto was = read_file(mark);
    if (damaged) std::ofstream(mark) << "damaged, and as long as a mark is ";
    else fs::remove(mark);
    const auto refused = run("run " + bank + " --data " + data());
    EXPECT_EQ(refused.exit_code, 1) << refused.output;
    EXPECT_THAT(refused.output, AllOf(HasSubstr("ACKNOWLEDGED"), HasSubstr("mailroom journal accept")));
    EXPECT_EQ(fs::exists(mark), damaged) << "refusing makes nothing";
    EXPECT_THAT(run("journal verify " + data()), AllOf(::testing::Field(&Run::exit_code, 1), ::testing::Field(&Run::output, HasSubstr("ACKNOWLEDGED"))));
    const auto accepted = run("journal accept " + data());
    EXPECT_EQ(accepted.exit_code, 0) << accepted.output;
    EXPECT_EQ(read_file(mark), was) << "everything was there";
    EXPECT_EQ(run("journal verify " + data()).exit_code, 0);
    EXPECT_EQ(run("run " + bank + " --data " + data()).exit_code, 0);
  }
}

TEST_F(ProgramTest, WithoutADisplayTheDashboardIsSaidNotToStartAndTheRunGoesOn) {
  // The program beside something that does as the dashboard does without a display.
  auto name = std::string(MAILROOM_BINARY_DIR "/program-test-XXXXXX");
  const fs::path beside = ::mkdtemp(name.data());
  fs::create_hard_link(program, beside / "mailroom");
  std::ofstream(beside / "mailroom-dashboard") << "#!/bin/sh\necho qt.qpa.xcb: could not connect to display >&2\nexit 1\n";
  fs::permissions(beside / "mailroom-dashboard", fs::perms::owner_all);
  const auto topology = bank_on("{\"account\": \"a\", \"cents\": 1}\n");
  ::unsetenv("DISPLAY");
  ::unsetenv("WAYLAND_DISPLAY");
  ::unsetenv("QT_QPA_PLATFORM");
  const auto result = run("run " + topology + " --dashboard --data " + data(), {}, (beside / "mailroom").string());
  fs::remove_all(beside);
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("the dashboard could not start (no display?)"), HasSubstr("mailroom top 127.0.0.1:"), ::testing::Not(HasSubstr("qt.qpa"))));
}

TEST_F(ProgramTest, AMalformedTopologyIsRefusedWithItsLine) {
  const auto path = write("bad.json", "{\n  \"mailroom\": 1,\n  \"name\": \"x\",\n  \"stages\": { \"in\": { \"sorce\": 1 } }\n}");
  for (const auto* command : {"check ", "run "}) {
    const auto result = run(command + path);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.output, AllOf(HasSubstr("bad.json:4: error"), HasSubstr("\"source\"")));
  }
}

TEST_F(ProgramTest, DirtyLinesBecomeDeadLettersWithTheirLineNumbers) {
  const auto topology = bank_on("{\"account\": \"a\", \"cents\": 1}\nnot json\n{\"account\": \"a\"}\n{\"account\": \"a\", \"cents\": 2}\n[]\n\xff\xfe\n");
  const auto result = run("run " + topology + " --data " + data());
  EXPECT_EQ(result.exit_code, 0) << result.output;
  const auto letters = run("dead-letters list " + data() + " --json");
  EXPECT_THAT(letters.output, AllOf(HasSubstr("in.jsonl:2"), HasSubstr("in.jsonl:3"), HasSubstr("in.jsonl:5"), HasSubstr("in.jsonl:6")));
  EXPECT_THAT(read_file(folder_ / "data/output/balances.jsonl"), HasSubstr("\"cents\":3"));
}

TEST_F(ProgramTest, EventsComeThroughStandardInput) {
  const auto topology = bank_on("", R"("source": "stdin")");
  const auto result = run("run " + topology + " --data " + data(), R"({"account": "a", "cents": 5}\n{"account": "b", "cents": 7}\n)");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(read_file(folder_ / "data/output/balances.jsonl"), AllOf(HasSubstr("\"cents\":5"), HasSubstr("\"cents\":7")));
}

TEST_F(ProgramTest, ADamagedJournalIsRefusedAndNamed) {
  ASSERT_EQ(run("run " + bank + " --data " + data()).exit_code, 0);
  // Every log and table file is damaged in its middle.
  int damaged = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "data/journal")) {
    const auto extension = entry.path().extension();
    if ((extension != ".log" && extension != ".sst") || entry.file_size() < 64) continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(entry.file_size() / 2));
    file << "????????";
    ++damaged;
  }
  ASSERT_GT(damaged, 0);
  const auto result = run("run " + bank + " --data " + data());
  EXPECT_EQ(result.exit_code, 1) << result.output;
  EXPECT_THAT(result.output, HasSubstr("journal"));
  EXPECT_NE(run("journal verify " + data()).exit_code, 0);
}

TEST_F(ProgramTest, SigtermDrainsAndASecondStartGoesOn) {
  const auto topology = bank_on("{\"account\": \"a\", \"cents\": 1}\n", R"("source": "tail", "path": "in.jsonl")");
  const auto child = ::fork();
  if (child == 0) {
    const auto folder = data();
    ::freopen((folder_ / "log").c_str(), "w", stderr);
    ::freopen("/dev/null", "w", stdout);
    ::execl(program.c_str(), program.c_str(), "run", topology.c_str(), "--data", folder.c_str(), nullptr);
    ::_exit(99);
  }
  const auto written = folder_ / "data/output/balances.jsonl";
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while ((!fs::exists(written) || fs::file_size(written) == 0) && std::chrono::steady_clock::now() < deadline) ::usleep(1000);
  ASSERT_TRUE(fs::exists(written) && fs::file_size(written) > 0) << read_file(folder_ / "log");
  ::kill(child, SIGTERM);
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 10) << read_file(folder_ / "log");
  EXPECT_EQ(read_file(written), "{\"account\":\"a\",\"cents\":1}\n");
}

// `bench` fails by itself if an event is missing or out of order at its sink.
TEST_F(ProgramTest, TheBenchmarksPipelineIsRightInEachShape) {
  for (const auto* shape : {"--events 30000", "--events 3000 --event-bytes 300 --shards 3", "--events 30000 --backlog 30000",
                            "--events 2000 --rate 20000", "--events 20000 --customers 5000 --capacity 64"}) {
    const auto result = run(std::string("bench ") + shape + " --data " + (folder_ / "bench").string());
    EXPECT_EQ(result.exit_code, 0) << shape << "\n" << result.output;
    EXPECT_THAT(result.output, AllOf(HasSubstr("memory"), HasSubstr("durable"))) << shape;
  }
  EXPECT_THAT(run("bench --events 2000 --rate 20000 --mode memory").output, HasSubstr("from due to sink: p50"));
}

TEST_F(ProgramTest, SimulatesATopologyUnderSeeds) {
  const auto all = run("simulate " + bank + " --seeds 50");
  EXPECT_EQ(all.exit_code, 0) << all.output;
  EXPECT_THAT(all.output, AllOf(HasSubstr("MoneyIsConserved"), HasSubstr("50 runs"), HasSubstr("every law holds")));
  const auto one = run("simulate " + bank + " --seed 7"), again = run("simulate " + bank + " --seed 7");
  EXPECT_EQ(one.exit_code, 0) << one.output;
  EXPECT_EQ(one.output, again.output) << "one seed, two processes, two runs";
  EXPECT_THAT(one.output, ::testing::ContainsRegex("the node +has finished"));
  const auto wrong = run("simulate " + bank + " --faults kil");
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.output, HasSubstr("did you mean \"kill\"?"));
}

}  // namespace
