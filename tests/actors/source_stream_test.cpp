#include <fcntl.h>
#include <gmock/gmock.h>

#include "tests/actors/source_fixture.hpp"

namespace mailroom::test_files {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

std::string line(const std::string& name, int quantity) {
  return "{\"name\":\"" + name + "\",\"quantity\":" + std::to_string(quantity) + "}\n";
}

class StdinSource : public testing::Test {
 protected:
  StdinSource() { EXPECT_EQ(::pipe2(pipe_, O_CLOEXEC), 0); }
  ~StdinSource() override {
    ::close(pipe_[0]);
    if (pipe_[1] >= 0) ::close(pipe_[1]);
  }
  std::unique_ptr<Source> make(json options = json::object()) {
    options["fd"] = pipe_[0];
    return make_source("stdin", "", options);
  }
  void put(const std::string& text) {
    ASSERT_EQ(::write(pipe_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void close() { ::close(std::exchange(pipe_[1], -1)); }
  int pipe_[2] = {-1, -1};
};

TEST_F(StdinSource, NeverBlocksAndGivesWholeLines) {
  const auto source = make();
  EXPECT_EQ(read_all(*source).status, ReadStatus::idle);
  put(line("one", 1) + "{\"name\":\"two\",");
  const auto first = read_all(*source);
  EXPECT_THAT(first.events, ElementsAre(row({"one", 1, {}, {}})));
  EXPECT_EQ(first.status, ReadStatus::idle);
  put("\"quantity\":2}\nnonsense\n");
  put("{\"name\":\"three\",\"quantity\":3}");
  const auto second = read_all(*source);
  EXPECT_THAT(second.events, ElementsAre(row({"two", 2, {}, {}})));
  ASSERT_THAT(second.dirty, SizeIs(1));
  close();
  const auto last = read_all(*source);
  EXPECT_THAT(last.events, ElementsAre(row({"three", 3, {}, {}})));
  EXPECT_EQ(last.status, ReadStatus::end);
  EXPECT_EQ(source->position(), (json{{"records", 4}}));
}

TEST_F(StdinSource, GoesOnCountingAfterARestart) {
  const auto source = make();
  source->seek({{"records", 10}});
  put(line("one", 1));
  read_all(*source);
  EXPECT_EQ(source->position(), (json{{"records", 11}}));
}

TEST_F(StdinSource, ReadsCsv) {
  const auto source = make({{"format", "csv"}});
  put("name,quan");
  EXPECT_EQ(read_all(*source).status, ReadStatus::idle);
  put("tity\n\"two\n");
  EXPECT_THAT(read_all(*source).events, IsEmpty());
  put("lines\",5\n");
  EXPECT_THAT(read_all(*source).events, ElementsAre(row({"two\nlines", 5, {}, {}})));
}

TEST_F(StdinSource, IsFileDescriptor0) {
  const int saved = ::dup(0);
  ::dup2(pipe_[0], 0);
  const auto source = make_source("stdin", "");
  ::dup2(saved, 0);
  ::close(saved);
  put("x\n");
  const auto read = read_all(*source);
  ASSERT_THAT(read.dirty, SizeIs(1));
  EXPECT_EQ(read.dirty[0].origin, "stdin:1");
}

class TailSource : public testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<Source> make(json options = json::object()) const {
    if (!options.contains("rotate_wait")) options["rotate_wait"] = "0us";
    return make_source("tail", folder.path("log"), options);
  }
  void rotate() const { std::filesystem::rename(folder.path("log"), folder.path("log.1")); }
  Folder folder;
};

TEST_F(TailSource, FollowsAGrowingFileByWholeLines) {
  const auto source = make();
  EXPECT_EQ(read_all(*source).status, ReadStatus::idle) << "not there yet";
  folder.write("log", line("one", 1) + "{\"name\":");
  EXPECT_THAT(read_all(*source).events, ElementsAre(row({"one", 1, {}, {}})));
  EXPECT_THAT(read_all(*source).events, IsEmpty());
  folder.append("log", "\"two\",\"quantity\":2}\n");
  const auto read = read_all(*source);
  EXPECT_THAT(read.events, ElementsAre(row({"two", 2, {}, {}})));
  EXPECT_EQ(read.status, ReadStatus::idle);
}

TEST_F(TailSource, FinishesARotatedFileThenReadsTheNew) {
  folder.write("log", "name,quantity\none,1\n");
  const auto source = make({{"format", "csv"}});
  EXPECT_THAT(read_all(*source).events, SizeIs(1));
  folder.append("log", "two,2\nthree,3");
  rotate();
  folder.write("log", "quantity,name\n4,four\n");
  EXPECT_THAT(read_all(*source).events,
              ElementsAre(row({"two", 2, {}, {}}), row({"three", 3, {}, {}}), row({"four", 4, {}, {}})));
}

TEST_F(TailSource, GivesTheOldFilesWriterTime) {
  folder.write("log", line("one", 1));
  const auto source = make({{"rotate_wait", "1h"}});
  read_all(*source);
  rotate();
  folder.write("log", line("three", 3));
  EXPECT_THAT(read_all(*source).events, IsEmpty());
  folder.append("log.1", line("two", 2));
  EXPECT_THAT(read_all(*source).events, ElementsAre(row({"two", 2, {}, {}})));
}

TEST_F(TailSource, ATruncatedFileIsReadAgainAndNoted) {
  folder.write("log", line("one", 1) + line("two", 2));
  const auto source = make();
  EXPECT_THAT(read_all(*source).events, SizeIs(2));
  folder.write("log", line("three", 3));
  const auto read = read_all(*source);
  EXPECT_THAT(read.events, ElementsAre(row({"three", 3, {}, {}})));
  ASSERT_THAT(read.dirty, SizeIs(1));
  EXPECT_EQ(read.dirty[0].origin, "log");
  EXPECT_THAT(read.dirty[0].reason, HasSubstr("shortened"));
}

TEST_F(TailSource, ResumesInTheFileThatWasRotatedMeanwhile) {
  folder.write("log", line("one", 1));
  json position;
  {
    const auto source = make();
    read_all(*source);
    position = source->position();
  }
  folder.append("log", line("two", 2));
  const auto same = make();
  same->seek(position);
  EXPECT_THAT(read_all(*same).events, ElementsAre(row({"two", 2, {}, {}})));
  rotate();
  folder.write("log", line("three", 3));
  const auto rotated = make();
  rotated->seek(position);
  const auto read = read_all(*rotated);
  EXPECT_THAT(read.events, ElementsAre(row({"two", 2, {}, {}}), row({"three", 3, {}, {}})));
  EXPECT_THAT(read.dirty, IsEmpty());
  std::filesystem::remove(folder.path("log.1"));
  const auto gone = make();
  gone->seek(position);
  const auto rest = read_all(*gone);
  EXPECT_THAT(rest.events, ElementsAre(row({"three", 3, {}, {}})));
  ASSERT_THAT(rest.dirty, SizeIs(1));
  EXPECT_THAT(rest.dirty[0].reason, HasSubstr("gone"));
}

TEST_F(TailSource, ResumesBeforeALongLineThatIsPartlyThere) {
  const json options = {{"max_line", 1000}};
  folder.write("log", line("one", 1) + std::string(700'000, 'x'));
  json position;
  {
    const auto source = make(options);
    const auto read = read_all(*source);
    EXPECT_THAT(read.events, SizeIs(1));
    EXPECT_THAT(read.dirty, IsEmpty()) << "not before its end is there";
    position = source->position();
  }
  const auto source = make(options);
  source->seek(position);
  folder.append("log", line("rest of the long line", 0) + line("two", 2));
  const auto read = read_all(*source);
  EXPECT_THAT(read.events, ElementsAre(row({"two", 2, {}, {}})));
  ASSERT_THAT(read.dirty, SizeIs(1));
  EXPECT_EQ(read.dirty[0].origin, "log:2");
}

TEST_F(TailSource, NeedsItsFolder) {
  EXPECT_THAT(thrown([] { make_source("tail", "/no/such/folder/log"); }),
              AllOf(StartsWith("StorageError"), HasSubstr("/no/such/folder")));
}

}  // namespace
}  // namespace mailroom::test_files
