#include <csignal>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>
#include <sys/resource.h>

#include "tests/actors/source_fixture.hpp"

namespace mailroom::test_files {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const EventType& rows = event_type_of<FileRow>();

std::unique_ptr<Sink> make_sink(const std::string& type, const std::string& path, const json& options = json::object(),
                                std::vector<const EventType*> events = {&rows}) {
  SinkTypes::find(type)->check_options(options);
  return SinkTypes::find(type)->make({path, options, std::move(events)});
}

void write(Sink& sink, const FileRow& event) {
  sink.write({rows, &event, {Timestamp::parse("2020-01-02"), make_trace(3, 5), 0, 0, 0}, 0, 1});
}

TEST(JsonlSink, WritesFieldsInTheirOrder) {
  const Folder folder;
  const auto path = folder.path("new/folders/rows.jsonl");
  const auto sink = make_sink("jsonl", path);
  sink->recover(nullptr);
  write(*sink, {"bolt \"5\"\n", -5, "n\xC3\xA9", 0.25});
  const auto position = sink->flush();
  sink->sync();
  EXPECT_EQ(position, (json{{"bytes", contents(path).size()}}));
  EXPECT_EQ(contents(path),
            "{\"name\":\"bolt \\\"5\\\"\\n\",\"quantity\":-5,\"note\":\"n\xC3\xA9\",\"weight\":0.25}\n");
}

TEST(JsonlSink, AddsTypeAndMeta) {
  const Folder folder;
  const auto path = folder.path("rows.jsonl");
  const auto sink = make_sink("jsonl", path, {{"meta", true}}, {&rows, &event_type_of<NestedRow>()});
  sink->recover(nullptr);
  const NestedRow nested{"n", {1, 2}};
  sink->write({event_type_of<NestedRow>(), &nested, {Timestamp::parse("2020-01-02"), make_trace(3, 5), 0, 0, 0}, 0, 1});
  sink->flush();
  EXPECT_EQ(contents(path),
            "{\"type\":\"NestedRow\",\"name\":\"n\",\"numbers\":[1,2],\"meta\":{\"time\":\"2020-01-02T00:00:00Z\","
            "\"trace\":\"3:5\"}}\n");
}

TEST(JsonlSink, TextThatIsNoUtf8DoesNotStopIt) {
  const Folder folder;
  const auto sink = make_sink("jsonl", folder.path("rows.jsonl"));
  sink->recover(nullptr);
  write(*sink, {"b\xFF", 1, {}, {}});
  sink->flush();
  EXPECT_EQ(json::parse(contents(folder.path("rows.jsonl")))["name"], "b\xEF\xBF\xBD");
}

RC_GTEST_PROP(JsonlSink, IsReadBackByTheJsonlSource, ()) {
  const Folder folder;
  const auto path = folder.path("rows.jsonl");
  const auto sink = make_sink("jsonl", path);
  sink->recover(nullptr);
  std::vector<std::string> written;
  for (int i = *rc::gen::inRange(0, 10); i > 0; --i) {
    const FileRow event{
        *rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127)), *rc::gen::arbitrary<std::int64_t>(), {}, 0.5};
    written.push_back(row(event));
    write(*sink, event);
  }
  sink->flush();
  RC_ASSERT(read_all(*make_source("jsonl", path)).events == written);
}

RC_GTEST_PROP(FileSinks, RecoverCutsToEachCommit, ()) {
  const Folder folder;
  for (const auto& type : {"csv", "jsonl"}) {
    const auto path = folder.path(type);
    std::vector<std::pair<json, std::string>> commits;
    auto sink = make_sink(type, path);
    sink->recover(nullptr);
    for (int i = 0; i < 6; ++i) {
      const auto position = sink->flush();
      commits.emplace_back(position, contents(path));
      for (int k = *rc::gen::inRange(0, 3); k > 0; --k) write(*sink, {"row", i, {}, {}});
    }
    sink->flush();
    const auto all = contents(path);
    sink.reset();
    for (auto commit = commits.rbegin(); commit != commits.rend(); ++commit) {
      const auto again = make_sink(type, path);
      again->recover(json::parse(commit->first.dump()));
      RC_ASSERT(contents(path) == commit->second);
      RC_ASSERT(again->flush() == commit->first);
      write(*again, {"after", 1, {}, {}});
      again->flush();
      RC_ASSERT(contents(path).starts_with(commit->second +
                                           (std::string(type) == "csv" ? "after,1" : "{\"name\":\"after\"")));
    }
  }
}

TEST(FileSinks, AFreshStartEmptiesTheFile) {
  const Folder folder;
  const auto path = folder.write("rows.csv", "something else, and longer than what comes instead of it\n");
  const auto sink = make_sink("csv", path);
  sink->recover(nullptr);
  sink->flush();
  EXPECT_EQ(contents(path), "name,quantity,note,weight\n");
}

TEST(FileSinks, AFileThatLostCommittedBytesIsRefused) {
  const Folder folder;
  const auto path = folder.write("rows.jsonl", "{}\n");
  EXPECT_THAT(thrown([&] {
                make_sink("jsonl", path)->recover({{"bytes", 4}});
              }),
              AllOf(StartsWith("StorageError: " + path), HasSubstr("3 bytes"), HasSubstr("4 were committed"),
                    HasSubstr("lost")));
  EXPECT_EQ(contents(path), "{}\n") << "and left as it is";
  EXPECT_THAT(thrown([&] { make_sink("jsonl", path)->recover({{"events", 4}}); }), StartsWith("CorruptData: " + path));
}

TEST(FileSinks, TwoCanNotWriteToOneFile) {
  const Folder folder;
  const auto path = folder.path("rows.jsonl");
  const auto first = make_sink("jsonl", path);
  first->recover(nullptr);
  EXPECT_THAT(thrown([&] { make_sink("jsonl", path)->recover(nullptr); }),
              AllOf(StartsWith("StorageError: " + path), HasSubstr("another sink")));
}

TEST(FileSinks, WhereNoFileCanBeIsSaid) {
  const Folder folder;
  folder.write("file", "");
  EXPECT_THAT(thrown([&] { make_sink("jsonl", folder.path("file/rows.jsonl"))->recover(nullptr); }),
              AllOf(StartsWith("StorageError"), HasSubstr("file")));
  EXPECT_THAT(thrown([&] { make_sink("jsonl", folder.path())->recover(nullptr); }),
              AllOf(StartsWith("StorageError: " + folder.path()), HasSubstr("regular")));
  EXPECT_THAT(thrown([&] { make_sink("jsonl", "/dev/full")->recover(nullptr); }),
              AllOf(StartsWith("StorageError: /dev/full"), HasSubstr("console")));
}

TEST(FileSinks, AFullDiskIsSaidAndTheCommittedPartStays) {
  const Folder folder;
  const auto path = folder.path("rows.jsonl");
  const auto sink = make_sink("jsonl", path);
  sink->recover(nullptr);
  write(*sink, {"first", 1, {}, {}});
  const auto committed = sink->flush();
  const auto before = contents(path);

  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto unlimited = limit;
  limit.rlim_cur = before.size() + 10;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto said = thrown([&] {
    write(*sink, {"second", 2, {}, {}});
    sink->flush();
  });
  ::setrlimit(RLIMIT_FSIZE, &unlimited);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(said, AllOf(StartsWith("StorageError: " + path), HasSubstr("File too large")));
  EXPECT_EQ(contents(path).size(), before.size() + 10) << "a short write";

  sink->recover(committed);
  EXPECT_EQ(contents(path), before);
}

TEST(CsvSink, WritesWhatNeedsItInQuotes) {
  const Folder folder;
  const auto path = folder.path("rows.csv");
  const auto sink = make_sink("csv", path);
  sink->recover(nullptr);
  write(*sink, {"plain words", 1, "a,b", 0.5});
  write(*sink, {" edge", 2, "\"q\"", {}});
  sink->flush();
  EXPECT_EQ(contents(path), "name,quantity,note,weight\nplain words,1,\"a,b\",0.5\n\" edge\",2,\"\"\"q\"\"\",\n");
}

TEST(CsvSink, RefusesWhatHasNoColumns) {
  EXPECT_THAT(thrown([] { make_sink("csv", "x.csv", json::object(), {&event_type_of<NestedRow>()}); }),
              AllOf(StartsWith("BadValue: x.csv"), HasSubstr("\"numbers\""), HasSubstr("jsonl")));
  EXPECT_THAT(thrown([] {
                make_sink("csv", "x.csv", json::object(), {&rows, &event_type_of<NestedRow>()});
              }),
              AllOf(StartsWith("BadValue: x.csv"), HasSubstr("FileRow, NestedRow")));
  EXPECT_THAT(thrown([] { make_sink("csv", "x.csv", {{"headr", true}}); }), HasSubstr("did you mean \"header\""));
}

TEST(ConsoleSink, PrintsLinesAndSaysWhenItCanNot) {
  const Folder folder;
  const auto capture = [&](const std::string& path) {
    const int saved = ::dup(1);
    const int to = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ::dup2(to, 1);
    const auto sink = make_sink("console", "");
    sink->recover(nullptr);
    write(*sink, {"bolt", 1, {}, {}});
    const auto said = thrown([&] { EXPECT_TRUE(sink->flush().is_null()); });
    ::dup2(saved, 1);
    ::close(saved);
    ::close(to);
    return said;
  };
  EXPECT_EQ(capture(folder.path("out")), "");
  EXPECT_EQ(contents(folder.path("out")), "{\"name\":\"bolt\",\"quantity\":1,\"note\":null,\"weight\":null}\n");
  EXPECT_THAT(capture("/dev/full"), AllOf(StartsWith("StorageError: standard output"), HasSubstr("No space left")));
}

TEST(NullSink, Counts) {
  const auto sink = make_sink("null", "");
  sink->recover({{"events", 3}});
  write(*sink, {});
  EXPECT_EQ(sink->flush(), (json{{"events", 4}}));
}

}  // namespace
}  // namespace mailroom::test_files
