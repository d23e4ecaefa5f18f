#include <chrono>
#include <cstdlib>
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <mailroom/sources/utf8.hpp>

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

const std::string header = "name,quantity,note,weight\n";

Read read_text(std::string_view text, const json& options = json::object()) {
  const Folder folder;
  return read_all(*make_source("csv", folder.write("rows.csv", text), options));
}

std::vector<std::string> reasons(const Read& read) {
  std::vector<std::string> list;
  for (const auto& dirty : read.dirty) list.push_back(dirty.origin + " " + dirty.reason);
  return list;
}

TEST(CsvSource, ReadsRows) {
  const auto read = read_text(header + "bolt,5,steel,0.25\nnut,7,,\n");
  EXPECT_THAT(read.events, ElementsAre(row({"bolt", 5, "steel", 0.25}), row({"nut", 7, {}, {}})));
  EXPECT_THAT(read.dirty, IsEmpty());
  EXPECT_EQ(read.status, ReadStatus::end);
}

TEST(CsvSource, TakesAllLineEndsBlankLinesAndAByteOrderMark) {
  const auto read = read_text(
      "\xEF\xBB\xBF"
      "name,quantity\r\nbolt,5\r\n\r\n\nnut,7");
  EXPECT_THAT(read.events, ElementsAre(row({"bolt", 5, {}, {}}), row({"nut", 7, {}, {}})));
  EXPECT_THAT(read.dirty, IsEmpty());
}

TEST(CsvSource, FindsColumnsWithoutCaseBlanksAndUnderscores) {
  const auto read = read_text("Weight,unknown,Quan Tity,NAME\n0.5,x,5,bolt\n");
  EXPECT_THAT(read.events, ElementsAre(row({"bolt", 5, {}, 0.5})));
}

TEST(CsvSource, QuotedFieldsHoldSeparatorsQuotesAndLineBreaks) {
  const auto read =
      read_text(header + "\"a,b\",1,\"said \"\"hi\"\"\",\n\"two\r\nlines\n\",2,\"\"\"\",3\n\"\",4,\"\",\n");
  EXPECT_THAT(read.events, ElementsAre(row({"a,b", 1, "said \"hi\"", {}}), row({"two\r\nlines\n", 2, "\"", 3.0}),
                                       row({"", 4, {}, {}})));
  EXPECT_THAT(read.dirty, IsEmpty());
}

TEST(CsvSource, DirtyLinesAreNamedAndPassedOver) {
  const auto read = read_text(header + "bolt,5,,\nnut,many,,\nwasher,1\nscrew,1,,,,\nbad\xE9,1,,\nnul" +
                              std::string(1, '\0') + ",1,,\npipe 5\",1,,\n\"x\"y,1,,\nlast,,,\nend,9,,\n");
  EXPECT_THAT(read.events, ElementsAre(row({"bolt", 5, {}, {}}), row({"end", 9, {}, {}})));
  EXPECT_THAT(
      reasons(read),
      ElementsAre(AllOf(StartsWith("rows.csv:3 field \"quantity\": expected integer"), HasSubstr("found \"many\"")),
                  "rows.csv:4 found 2 columns, expected 4", "rows.csv:5 found 6 columns, expected 4",
                  AllOf(StartsWith("rows.csv:6 byte 4"), HasSubstr("\\xE9"), HasSubstr("UTF-8")),
                  AllOf(StartsWith("rows.csv:7 byte 4"), HasSubstr("\\x00")),
                  AllOf(StartsWith("rows.csv:8 column 1"), HasSubstr("quote inside a field without quotes")),
                  AllOf(StartsWith("rows.csv:9 column 1"), HasSubstr("text after its closing quote")),
                  AllOf(StartsWith("rows.csv:10 field \"quantity\": missing"))));
  EXPECT_EQ(read.dirty[0].content, "nut,many,,");
  EXPECT_EQ(read.dirty[3].content, "bad\\xE9,1,,");
  for (const auto& dirty : read.dirty) EXPECT_NO_THROW((void)json(dirty.reason + dirty.content).dump());
}

TEST(CsvSource, AnOpenQuoteTakesOnlyItsLine) {
  std::string text = header + "a,1,,\n\"open,2,,\n";
  for (int i = 0; i < 5000; ++i) text += "good," + std::to_string(i) + ",some words to make the line longer,\n";
  for (const auto& end : {"", "x,1,\"\",\n"}) {
    const auto read = read_text(text + end);
    EXPECT_EQ(read.events.size(), 5001 + (*end != '\0'));
    ASSERT_THAT(read.dirty, SizeIs(1));
    EXPECT_THAT(reasons(read)[0],
                AllOf(StartsWith("rows.csv:3 column 1: its quote is not closed"), HasSubstr("65536")));
  }
  const auto short_file = read_text(header + "\"open,2,,\nb,3,,\n");
  EXPECT_THAT(short_file.events, ElementsAre(row({"b", 3, {}, {}})));
  EXPECT_THAT(reasons(short_file), ElementsAre(HasSubstr("up to the end of the file")));
}

TEST(CsvSource, ALongLineIsPassedOverToItsEnd) {
  const auto read =
      read_text(header + "a,1,,\n" + std::string(3'000'000, 'x') + "\nb,2,,\n" + std::string(100, 'y') + ",3,,\n",
                {{"max_line", 1000}});
  EXPECT_THAT(read.events, SizeIs(3));
  EXPECT_THAT(reasons(read), ElementsAre("rows.csv:3 the line is longer than 1000 bytes (\"max_line\")"));
  EXPECT_EQ(read.dirty[0].content.size(), 4096u);
}

TEST(CsvSource, OptionsForOtherDialects) {
  EXPECT_THAT(read_text("Titel;Anzahl\nbolt;5\n",
                        {{"separator", ";"}, {"columns", {{"name", "Titel"}, {"quantity", "Anzahl"}}}})
                  .events,
              ElementsAre(row({"bolt", 5, {}, {}})));
  EXPECT_THAT(
      read_text("bolt\t5\tx\n", {{"separator", "\t"}, {"header", false}, {"names", {"name", "quantity", "ignored"}}})
          .events,
      ElementsAre(row({"bolt", 5, {}, {}})));
  EXPECT_THAT(read_text("bolt,5,hm,0.5\n", {{"header", false}}).events, ElementsAre(row({"bolt", 5, "hm", 0.5})));
  EXPECT_THAT(read_text(header + " bolt , 5 ,\" kept \" ,\t\n", {{"trim", true}}).events,
              ElementsAre(row({"bolt", 5, " kept ", {}})));
  EXPECT_THAT(read_text(header + "NA,5,NA,NA\n", {{"null", {"NA"}}}).events, ElementsAre(row({"", 5, {}, {}})));
}

TEST(CsvSource, AMissingColumnRefusesTheFileAndSaysWhatWasFound) {
  const Folder folder;
  const auto path = folder.write("rows.csv", "name,qantity\nbolt,5\n");
  EXPECT_THAT(thrown([&] { read_all(*make_source("csv", path)); }),
              AllOf(StartsWith("BadValue: " + path), HasSubstr("no column \"quantity\""), HasSubstr("name, qantity"),
                    HasSubstr("Did you mean")));
  const auto twice = folder.write("twice.csv", "name,quantity,Quan_tity\nbolt,5,6\n");
  EXPECT_THAT(thrown([&] { read_all(*make_source("csv", twice)); }),
              AllOf(HasSubstr(twice), HasSubstr("\"Quan_tity\""), HasSubstr("quantity")));
}

TEST(CsvSource, OptionsAreChecked) {
  const Folder folder;
  const auto path = folder.write("rows.csv", header);
  const auto refused = [&](const json& options) { return thrown([&] { make_source("csv", path, options); }); };
  EXPECT_THAT(refused({{"seperator", ";"}}), HasSubstr("did you mean \"separator\""));
  EXPECT_THAT(refused({{"separator", "::"}}), HasSubstr("\"separator\""));
  EXPECT_THAT(refused({{"max_line", 0}}), HasSubstr("\"max_line\""));
  EXPECT_THAT(refused({{"columns", {{"quantitty", "x"}}}}), HasSubstr("did you mean \"quantity\""));
  EXPECT_THAT(refused({{"names", {"name"}}}), HasSubstr("\"header\": false"));
  EXPECT_THAT(thrown([&] { make_source("csv", path, json::object(), event_type_of<NestedRow>()); }),
              HasSubstr("\"numbers\""));
  SourceSettings two;
  two.event = &event_type_of<FileRow>();
  two.path = path;
  two.options = json::object();
  two.shards = 2;
  EXPECT_THAT(thrown([&] { SourceTypes::find("csv")->make(two); }), AllOf(StartsWith("BadValue"), HasSubstr("shards")));
}

// Any text that is text, with what CSV finds hard made frequent.
rc::Gen<std::string> any_text() {
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(
                          rc::gen::element<std::string>("\"", ",", "\n", "\r", "\r\n", " ", "\t", "a", "Z9", "\"\"",
                                                        "\xC3\xA9", "\xEF\xBB\xBF", "'", ";", "\xF0\x9F\x93\xAE")),
                      [](const std::vector<std::string>& parts) {
                        std::string text;
                        for (const auto& part : parts) text += part;
                        return text;
                      });
}

RC_GTEST_PROP(CsvSource, ReadsWhatTheCsvSinkWrites, ()) {
  const Folder folder;
  const auto path = folder.path("rows.csv");
  const bool header_wanted = *rc::gen::arbitrary<bool>();
  const auto separator = *rc::gen::element<std::string>(",", ";", "\t", "|");
  const auto count = *rc::gen::inRange(0, 12);
  SinkSettings settings{path, {{"separator", separator}, {"header", header_wanted}}, {&event_type_of<FileRow>()}};
  const auto sink = SinkTypes::find("csv")->make(settings);
  sink->recover(nullptr);
  std::vector<std::string> written;
  for (int i = 0; i < count; ++i) {
    FileRow event{*any_text(), *rc::gen::arbitrary<std::int64_t>(), {}, {}};
    if (auto note = *any_text(); !note.empty()) event.note = note;
    if (*rc::gen::arbitrary<bool>()) event.weight = static_cast<double>(*rc::gen::arbitrary<int>()) / 8;
    written.push_back(row(event));
    sink->write({event_type_of<FileRow>(), &event, {}, 0, static_cast<std::uint64_t>(i + 1)});
  }
  sink->flush();
  const auto read = read_all(*make_source("csv", path, {{"separator", separator}, {"header", header_wanted}}), 3);
  RC_ASSERT(read.dirty.empty());
  RC_ASSERT(read.events == written);
}

RC_GTEST_PROP(CsvSource, AnyBytesAreEventsOrDirtyInputAndNothingElse, ()) {
  const Folder folder;
  const auto parts = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
      "\"", ",", "\n", "\r\n", "a", "1", ",,", "a,1,,\n", std::string(1, '\0'), "\xFF", "\xC3", std::string(90, 'x')));
  std::string text = header;
  for (const auto& part : parts) text += part;
  const auto path = folder.write("rows.csv", text);
  const json options = {{"max_line", 64}, {"max_record", 48}};
  const auto read = read_all(*make_source("csv", path, options), 2);
  RC_ASSERT(read.status == ReadStatus::end);
  for (const auto& dirty : read.dirty) {
    RC_ASSERT(!dirty.reason.empty());
    RC_ASSERT(first_byte_not_text(dirty.content + dirty.reason + dirty.origin) == std::string::npos);
  }
}

std::string shared_data() {
  const char* set = std::getenv("MAILROOM_SHARED_DATA");
  return set != nullptr ? set : MAILROOM_SOURCE_DIR "/../shared/data";
}

struct RetailRow {
  std::string invoice_no, stock_code, description;
  std::int64_t quantity = 0;
  Timestamp invoice_date;
  Money unit_price;
  std::string customer_id, country;
};
MAILROOM_EVENT(RetailRow, invoice_no, stock_code, description, quantity, invoice_date, unit_price, customer_id, country)

TEST(CsvSource, ReadsARealShopsFolder) {
  const auto path = shared_data() + "/retail";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "the retail data is not at " << path;
  const auto source = make_source("csv", path, json::object(), event_type_of<RetailRow>());
  SourceBatch batch;
  std::size_t events = 0, dirty = 0, without_customer = 0;
  for (auto status = ReadStatus::more; status != ReadStatus::end;) {
    batch.clear();
    status = source->read(batch, 512);
    events += batch.events.size();
    dirty += batch.dirty.size();
    for (const auto& one : batch.dirty) ADD_FAILURE() << one.origin << ": " << one.reason;
    for (std::size_t i = 0; i < batch.events.size(); ++i)
      without_customer += static_cast<const RetailRow*>(batch.events.event(i))->customer_id.empty();
  }
  EXPECT_EQ(events + dirty, 77'628u);
  EXPECT_GT(without_customer, 0u);
  const auto progress = source->progress();
  ASSERT_TRUE(progress.total.has_value());
  EXPECT_EQ(progress.done, *progress.total);
}

}  // namespace
}  // namespace mailroom::test_files
