#include <chrono>
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "tests/actors/source_fixture.hpp"

namespace mailroom::test_files {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const std::string header = "name,quantity\n";

TEST(FileSources, ReadAFoldersFilesInTheOrderOfTheirNames) {
  const Folder folder;
  folder.write("b.csv", header + "two,2\n");
  folder.write("a.csv", "quantity,name\n1,one");  // its own header, no line end
  folder.write("c.csv", "");
  folder.write("d.csv", header + "four,x\n");
  folder.write("notes.txt", "not read");
  folder.write(".hidden.csv", "not read");
  const auto read = read_all(*make_source("csv", folder.path()));
  EXPECT_THAT(read.events, ElementsAre(row({"one", 1, {}, {}}), row({"two", 2, {}, {}})));
  ASSERT_EQ(read.dirty.size(), 1u);
  EXPECT_EQ(read.dirty[0].origin, std::filesystem::path(folder.path()).filename().string() + "/d.csv:2");
  EXPECT_THAT(read_all(*make_source("csv", folder.path(), {{"pattern", "b*"}})).events,
              ElementsAre(row({"two", 2, {}, {}})));
}

TEST(FileSources, RefuseWhatIsNotThere) {
  const Folder folder;
  EXPECT_THAT(thrown([&] { make_source("csv", folder.path("none.csv")); }),
              AllOf(StartsWith("StorageError"), HasSubstr(folder.path("none.csv"))));
  EXPECT_THAT(thrown([&] { make_source("csv", folder.path()); }),
              AllOf(StartsWith("BadValue"), HasSubstr(folder.path()), HasSubstr(".csv")));
  EXPECT_THAT(thrown([&] { make_source("csv", "/dev/null"); }), AllOf(StartsWith("BadValue"), HasSubstr("stdin")));
}

TEST(FileSources, FollowAFolder) {
  const Folder folder;
  const auto source = make_source("jsonl", folder.path(), {{"follow", true}});
  EXPECT_EQ(read_all(*source).status, ReadStatus::idle);
  folder.write("b.jsonl", "{\"name\":\"one\",\"quantity\":1}\n{\"name\":\"two\",");
  EXPECT_THAT(read_all(*source).events, ElementsAre(row({"one", 1, {}, {}})));
  folder.append("b.jsonl", "\"quantity\":2}");
  EXPECT_THAT(read_all(*source).events, IsEmpty()) << "the last line may still grow";
  folder.write("c.jsonl", "{\"name\":\"three\",\"quantity\":3}\n");
  EXPECT_THAT(read_all(*source).events, ElementsAre(row({"two", 2, {}, {}}), row({"three", 3, {}, {}})));
  folder.write("a.jsonl", "{\"name\":\"late\",\"quantity\":0}\n");
  const auto late = read_all(*source);
  EXPECT_THAT(late.events, IsEmpty());
  ASSERT_EQ(late.dirty.size(), 1u) << "what is not read is said";
  EXPECT_THAT(late.dirty[0].origin, HasSubstr("a.jsonl"));
  folder.append("c.jsonl", "{\"name\":\"four\",\"quantity\":4}\n");
  EXPECT_THAT(read_all(*source).events, ElementsAre(row({"four", 4, {}, {}})));
  std::filesystem::last_write_time(folder.path(),
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  EXPECT_THAT(read_all(*source).events, IsEmpty());
  EXPECT_THAT(read_all(*source).events, IsEmpty()) << "a folder that has not changed for long is not listed again";
  folder.write("d.jsonl", "{\"name\":\"five\",\"quantity\":5}\n");
  EXPECT_THAT(read_all(*source).events, ElementsAre(row({"five", 5, {}, {}})));
}

// Files whose records have several lines, dirty ones among them.
rc::Gen<std::string> any_file() {
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
                          "bolt,1\n", "nut,2\r\n", "\"two\nlines\",3\n", "\"a\"\"\n\",4\n", "bad,x\n", "\n",
                          "\"open,1\n", std::string(60, 'x') + ",1\n", "short\n")),
                      [](const std::vector<std::string>& lines) {
                        std::string text = header;
                        for (const auto& line : lines) text += line;
                        return text + "last,9";
                      });
}

RC_GTEST_PROP(FileSources, ReadingFromAnyPositionGivesTheSameRemainder, ()) {
  const Folder folder;
  const auto files = *rc::gen::inRange(1, 4);
  for (int i = 0; i < files; ++i) folder.write(std::string(1, static_cast<char>('a' + i)) + ".csv", *any_file());
  const json options = {{"max_line", 50}, {"max_record", 40}};
  const auto all = read_all(*make_source("csv", folder.path(), options), 1);
  const auto whole = make_source("csv", folder.path(), options);
  SourceBatch batch;
  std::size_t events = 0, dirty = 0;
  for (auto status = ReadStatus::more; status == ReadStatus::more;) {
    batch.clear();
    status = whole->read(batch, 1);
    events += batch.events.size();
    dirty += batch.dirty.size();
    const auto resumed = make_source("csv", folder.path(), options);
    resumed->seek(json::parse(whole->position().dump()));
    RC_ASSERT(resumed->progress().done == whole->progress().done);
    RC_ASSERT(resumed->position() == whole->position());
    const auto rest = read_all(*resumed, 5);
    RC_ASSERT(std::vector<std::string>(all.events.begin() + static_cast<std::ptrdiff_t>(events), all.events.end()) ==
              rest.events);
    RC_ASSERT(rest.dirty.size() == all.dirty.size() - dirty);
    for (std::size_t i = 0; i < rest.dirty.size(); ++i) {
      RC_ASSERT(rest.dirty[i].origin == all.dirty[dirty + i].origin);
      RC_ASSERT(rest.dirty[i].content == all.dirty[dirty + i].content);
    }
  }
  RC_ASSERT(events == all.events.size());
}

class ReplacedFile : public testing::Test {
 protected:
  ReplacedFile() {
    const auto source = make_source("csv", folder.write("rows.csv", header + "one,1\ntwo,2\nthree,3\n"));
    SourceBatch batch;
    source->read(batch, 2);
    position = source->position();
  }
  std::string seek() {
    return thrown([&] { make_source("csv", folder.path("rows.csv"))->seek(position); });
  }
  Folder folder;
  json position;
};

TEST_F(ReplacedFile, GrownIsTheSame) {
  folder.append("rows.csv", "four,4\n");
  const auto source = make_source("csv", folder.path("rows.csv"));
  source->seek(position);
  EXPECT_THAT(read_all(*source).events, ElementsAre(row({"three", 3, {}, {}}), row({"four", 4, {}, {}})));
}
TEST_F(ReplacedFile, ShortenedIsRefused) {
  folder.write("rows.csv", header + "one,1\n");
  EXPECT_THAT(seek(),
              AllOf(StartsWith("StorageError: " + folder.path("rows.csv")), HasSubstr("no longer the same file")));
}
TEST_F(ReplacedFile, OtherContentIsRefused) {
  folder.write("rows.csv", header + "one,1\nTWO,2\nthree,3\n");
  EXPECT_THAT(seek(), StartsWith("StorageError: " + folder.path("rows.csv")));
}
TEST_F(ReplacedFile, GoneFromItsFolderIsRefused) {
  position["file"] = "gone.csv";
  EXPECT_THAT(seek(), AllOf(StartsWith("StorageError"), HasSubstr("gone.csv")));
}
TEST_F(ReplacedFile, AnotherSourcesPositionIsRefused) {
  position = {{"next", 5}};
  EXPECT_THAT(seek(), StartsWith("CorruptData: " + folder.path("rows.csv")));
}

TEST(FileSources, ShortenedWhileReadIsRefused) {
  const Folder folder;
  std::string text = header;
  for (int i = 0; i < 100'000; ++i) text += "a line of some length," + std::to_string(i) + "\n";
  const auto path = folder.write("rows.csv", text);
  const auto source = make_source("csv", path);
  SourceBatch batch;
  source->read(batch, 1);
  std::filesystem::resize_file(path, 100);
  EXPECT_THAT(thrown([&] { read_all(*source); }), AllOf(StartsWith("StorageError: " + path), HasSubstr("shortened")));
}

TEST(JsonlSource, ReadsObjectsAndNamesDirtyLines) {
  const Folder folder;
  const auto path =
      folder.write("rows.jsonl",
                   "{\"name\":\"bolt\",\"quantity\":5,\"weight\":0.5,\"more\":[1]}\n"
                   "\n  \r\n"
                   "{\"name\":\"nut\",\"quantity\":}\n"
                   "{\"name\":\"nut\"}\n"
                   "[1]\n"
                   "{\"name\":\"nut\",\"quantity\":\"many\"}\n"
                   "{\"name\":\"n\xFFt\",\"quantity\":1}\n"
                   "{\"name\":\"nut\",\"quantity\":1e999}\n" +
                       std::string(100'000, '[') + "\n{\"n\xC3\xA9\n" + "{\"name\":\"last\",\"quantity\":6}");
  const auto read = read_all(*make_source("jsonl", path));
  EXPECT_THAT(read.events, ElementsAre(row({"bolt", 5, {}, 0.5}), row({"last", 6, {}, {}})));
  std::vector<std::string> reasons;
  for (const auto& dirty : read.dirty) {
    reasons.push_back(dirty.origin + " " + dirty.reason);
    EXPECT_NO_THROW((void)json(dirty.reason + dirty.content).dump());
    EXPECT_THAT(dirty.reason, testing::Not(HasSubstr("json.exception")));
  }
  EXPECT_THAT(
      reasons,
      ElementsAre(AllOf(StartsWith("rows.jsonl:4 not JSON at column 26")),
                  AllOf(StartsWith("rows.jsonl:5"), HasSubstr("\"quantity\": missing")),
                  AllOf(StartsWith("rows.jsonl:6"), HasSubstr("expected an object")),
                  AllOf(StartsWith("rows.jsonl:7"), HasSubstr("\"quantity\""), HasSubstr("many")),
                  AllOf(StartsWith("rows.jsonl:8 byte 11")), AllOf(StartsWith("rows.jsonl:9"), HasSubstr("1e999")),
                  AllOf(StartsWith("rows.jsonl:10"), HasSubstr("nested")), StartsWith("rows.jsonl:11 not JSON")));
}

TEST(JsonlSource, ALineMayNameItsEventType) {
  const Folder folder;
  const auto path = folder.write("rows.jsonl",
                                 "{\"type\":\"NestedRow\",\"name\":\"n\",\"numbers\":[1,2]}\n{\"type\":\"FileRow\","
                                 "\"name\":\"f\",\"quantity\":1}\n"
                                 "{\"type\":\"Other\"}\n{\"name\":\"f\"}\n");
  const json options = {{"type_field", "type"}, {"events", {"FileRow", "NestedRow"}}};
  EXPECT_THAT(SourceTypes::find("jsonl")->more_events(options),
              ElementsAre(&event_type_of<FileRow>(), &event_type_of<NestedRow>()));
  const auto read = read_all(*make_source("jsonl", path, options));
  EXPECT_THAT(read.events, ElementsAre("{\"name\":\"n\",\"numbers\":[1,2]}", row({"f", 1, {}, {}})));
  ASSERT_EQ(read.dirty.size(), 2u);
  EXPECT_THAT(read.dirty[0].reason, AllOf(HasSubstr("\"type\""), HasSubstr("Other"), HasSubstr("FileRow, NestedRow")));
  EXPECT_THAT(read.dirty[1].reason, AllOf(HasSubstr("\"type\""), HasSubstr("missing")));
  EXPECT_THAT(thrown([&] {
                make_source("jsonl", path, {{"type_field", "type"}, {"events", {"FileRo"}}});
              }),
              HasSubstr("did you mean \"FileRow\""));
  EXPECT_THAT(thrown([&] { make_source("jsonl", path, {{"type_field", "type"}}); }), HasSubstr("\"events\""));
}

}  // namespace
}  // namespace mailroom::test_files
