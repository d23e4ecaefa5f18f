// What a node removes and overwrites of what it finds in its folders, and what it does not.
#include <fstream>
#include <gmock/gmock.h>
#include <sstream>
#include <unistd.h>

#include <mailroom/errors.hpp>

#include "cluster/node.hpp"

namespace {

namespace fs = std::filesystem;
using mailroom::StorageError;
using mailroom::cluster::Node;
using mailroom::cluster::NodeOptions;
using ::testing::AllOf;
using ::testing::HasSubstr;

class StartOverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto name = (fs::temp_directory_path() / "mailroom-fresh-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    write("in.jsonl", "{\"account\": \"a\", \"number\": 1, \"cents\": 5}\n");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const fs::path& file, const std::string& text) {
    fs::create_directories((folder_ / file).parent_path());
    std::ofstream(folder_ / file) << text;
  }
  [[nodiscard]] std::string read(const fs::path& file) const {
    std::ostringstream text;
    text << std::ifstream(folder_ / file).rdbuf();
    return text.str();
  }
  // A node over a source that ends (jsonl) or goes on (tail).
  std::unique_ptr<Node> start(bool fresh, const std::string& source = "jsonl", const std::string& name = "fresh", const std::string& path = "out.jsonl") {
    write("t.json", R"({"mailroom": 1, "name": ")" + name + R"(", "stages": {"in": {"source": ")" + source +
                        R"(", "path": "in.jsonl", "event": "Put"}, "out": {"sink": "jsonl", "from": ["in"], "path": ")" + path + R"("}}})");
    NodeOptions options;
    options.topology = folder_ / "t.json";
    options.data = folder_ / "data";
    options.fresh = fresh;
    return std::make_unique<Node>(std::move(options));
  }
  void run(bool fresh, const std::string& name = "fresh", const std::string& path = "out.jsonl") { start(fresh, "jsonl", name, path)->wait(); }
  std::string refusal(const std::function<void()>& what) {
    try {
      what();
      return {};
    } catch (const StorageError& error) {
      return error.what();
    }
  }

  fs::path folder_;
};

TEST_F(StartOverTest, ReadsTheInputAgainIntoAnEmptyFile) {
  run(false);
  const auto once = read("data/output/out.jsonl");
  EXPECT_FALSE(once.empty());
  run(true);
  EXPECT_EQ(read("data/output/out.jsonl"), once);
}

TEST_F(StartOverTest, DoesNotTakeTheJournalFromANodeThatRuns) {
  const auto running = start(false, "tail");
  EXPECT_THAT(refusal([&] { start(true, "tail"); }), HasSubstr("in use"));
  write("in2.jsonl", "");
  running->engine().request_stop(mailroom::runtime::StopMode::drain);
  EXPECT_EQ(running->wait().ending, mailroom::runtime::Ending::drained);
  EXPECT_FALSE(read("data/output/out.jsonl").empty()) << "its output is where it was";
}

TEST_F(StartOverTest, RemovesNothingThatMailroomHasNotMade) {
  write("data/journal/diary.md", "keep");
  write("data/output/thesis.tex", "keep");
  EXPECT_THAT(refusal([&] { run(true); }), AllOf(HasSubstr("data/journal"), HasSubstr("no journal"), HasSubstr("--data")));
  EXPECT_EQ(read("data/journal/diary.md"), "keep");
  fs::remove_all(folder_ / "data/journal");
  run(true);
  EXPECT_EQ(read("data/output/thesis.tex"), "keep");
}

TEST_F(StartOverTest, LeavesAnotherTopologysJournalAlone) {
  run(false);
  EXPECT_THAT(refusal([&] { run(true, "another"); }), AllOf(HasSubstr("'fresh'"), HasSubstr("'another'")));
  EXPECT_FALSE(read("data/output/out.jsonl").empty());
}

TEST_F(StartOverTest, IsTheWayOutOfADamagedJournal) {
  run(false);
  for (const auto& file : fs::recursive_directory_iterator(folder_ / "data/journal"))
    if (file.path().filename().string().starts_with("MANIFEST")) fs::resize_file(file.path(), 3);
  EXPECT_ANY_THROW(run(false));
  run(true);
  EXPECT_FALSE(read("data/output/out.jsonl").empty());
}

TEST_F(StartOverTest, ASinkDoesNotOverwriteAFileThatIsNotItsOwn) {
  write("elsewhere.jsonl", "precious");
  const auto path = (folder_ / "elsewhere.jsonl").string();
  for (const bool fresh : {false, true})
    EXPECT_THAT(refusal([&] { run(fresh, "fresh", path); }), AllOf(HasSubstr("stage 'out'"), HasSubstr(path), HasSubstr("8 bytes"))) << fresh;
  EXPECT_THAT(refusal([&] { run(false, "fresh", "../../elsewhere.jsonl"); }), HasSubstr("elsewhere.jsonl"));
  EXPECT_EQ(read("elsewhere.jsonl"), "precious");
  fs::remove(path);
  run(false, "fresh", path);
  const auto once = read("elsewhere.jsonl");
  EXPECT_FALSE(once.empty());
  run(true, "fresh", path);
  EXPECT_EQ(read("elsewhere.jsonl"), once) << "its own it may begin anew";
}

}  // namespace
