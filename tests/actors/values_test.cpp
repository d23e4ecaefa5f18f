// Field lists: JSON, text, archives, batches. What an author declares must come back as it went in, and what does not
// fit must be refused in words.
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <mailroom/batch_codec.hpp>
#include <mailroom/mailroom.hpp>

namespace values_test {

using mailroom::BadValue;
using mailroom::CorruptData;
using mailroom::EventBatch;
using mailroom::Money;
using mailroom::Timestamp;
using ::testing::HasSubstr;

enum class Colour : std::uint8_t { red, green };
MAILROOM_ENUM(Colour, red, green)

struct Line {
  std::string code;
  std::int32_t quantity = 0;
  Money price;
  auto operator<=>(const Line&) const = default;
};
MAILROOM_STRUCT(Line, code, quantity, price)

struct Everything {
  bool flag = false;
  std::uint8_t small = 0;
  std::int64_t large = 0;
  double real = 0;
  std::string text;
  Colour colour = Colour::red;
  Money money;
  Timestamp time;
  std::chrono::microseconds span{0};
  std::optional<std::string> maybe;
  std::vector<Line> lines;
  std::map<std::string, std::int64_t> counts;
  Line nested;
  auto operator<=>(const Everything&) const = default;
};
MAILROOM_EVENT(Everything, flag, small, large, real, text, colour, money, time, span, maybe, lines, counts, nested)

struct Other {
  std::int64_t number = 0;
};
MAILROOM_EVENT(Other, number)

// The same event as two programs know it: Grown is the later one.
namespace before {
struct Grown {
  std::string name;
};
MAILROOM_STRUCT(Grown, name)
struct Holder {
  std::int32_t first = 0;
  std::vector<Grown> inside;
  std::int32_t last = 0;
};
MAILROOM_STRUCT(Holder, first, inside, last)
}  // namespace before
namespace after {
struct Grown {
  std::string name;
  std::string currency = "GBP";
};
MAILROOM_VERSION(Grown, 2)
MAILROOM_ADDED(Grown, 2, currency)
MAILROOM_STRUCT(Grown, name, currency)
struct Holder {
  std::int32_t first = 0;
  std::vector<Grown> inside;
  std::int32_t last = 0;
};
MAILROOM_STRUCT(Holder, first, inside, last)
}  // namespace after

}  // namespace values_test

namespace rc {
template <>
struct Arbitrary<values_test::Line> {
  static Gen<values_test::Line> arbitrary() {
    using values_test::Line;
    return gen::build<Line>(gen::set(&Line::code), gen::set(&Line::quantity),
                            gen::set(&Line::price, gen::map<std::int64_t>([](auto m) { return mailroom::Money{m}; })));
  }
};
template <>
struct Arbitrary<values_test::Everything> {
  static Gen<values_test::Everything> arbitrary() {
    using values_test::Everything;
    const auto text = gen::container<std::string>(gen::inRange<char>(1, 127));
    return gen::build<Everything>(
        gen::set(&Everything::flag), gen::set(&Everything::small), gen::set(&Everything::large),
        gen::set(&Everything::real, gen::map<std::int32_t>([](auto n) { return n / 8.0; })),
        gen::set(&Everything::text, text),
        gen::set(&Everything::colour, gen::element(values_test::Colour::red, values_test::Colour::green)),
        gen::set(&Everything::money, gen::map<std::int64_t>([](auto m) { return mailroom::Money{m}; })),
        // Years 1 to 9999: what ISO 8601 can write.
        gen::set(&Everything::time, gen::map(gen::inRange<std::int64_t>(-62135596800000000, 253402300799000000),
                                             [](auto t) { return mailroom::Timestamp{t}; })),
        gen::set(&Everything::span, gen::map(gen::inRange<std::int64_t>(0, 1ll << 50),
                                             [](auto t) { return std::chrono::microseconds(t); })),
        gen::set(&Everything::maybe, gen::oneOf(gen::just(std::optional<std::string>{}),
                                                gen::map(text, [](auto t) { return std::optional<std::string>(t); }))),
        gen::set(&Everything::lines,
                 gen::container<std::vector<values_test::Line>>(gen::build<values_test::Line>(
                     gen::set(&values_test::Line::code, text), gen::set(&values_test::Line::quantity)))),
        gen::set(&Everything::counts,
                 gen::container<std::map<std::string, std::int64_t>>(text, gen::arbitrary<std::int64_t>())),
        gen::set(&Everything::nested, gen::build<values_test::Line>(gen::set(&values_test::Line::quantity))));
  }
};
}  // namespace rc

namespace values_test {
namespace {

const mailroom::EventType& everything() { return mailroom::event_type_of<Everything>(); }

RC_GTEST_PROP(Values, ComeBackFromJsonAsTheyWent, (const Everything& value)) {
  const auto json = mailroom::value_to_json(value);
  RC_ASSERT(mailroom::from_json<Everything>(nlohmann::json::parse(json.dump())) == value);
}

RC_GTEST_PROP(Values, ComeBackFromABatchAsTheyWent,
              (const std::vector<Everything>& values, std::vector<std::int64_t> others)) {
  EventBatch batch;
  std::vector<bool> kinds;
  for (std::size_t i = 0; i < std::max(values.size(), others.size()); ++i) {
    mailroom::EventMeta meta;
    meta.time = Timestamp{static_cast<std::int64_t>(i)};
    meta.trace = i * 7;
    meta.key_hash = i * 13;
    if (i < values.size()) batch.append_copy(everything(), &values[i], meta);
    const Other other{i < others.size() ? others[i] : 0};
    if (i < others.size()) batch.append_copy(mailroom::event_type_of<Other>(), &other, meta);
  }
  std::string bytes;
  mailroom::encode_batch(batch, bytes);
  const auto back = mailroom::decode_batch(bytes);
  RC_ASSERT(back.size() == batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    RC_ASSERT(&back.type(i) == &batch.type(i));
    RC_ASSERT(back.meta(i).time == batch.meta(i).time);
    RC_ASSERT(back.meta(i).trace == batch.meta(i).trace);
    RC_ASSERT(back.meta(i).key_hash == batch.meta(i).key_hash);
    RC_ASSERT(back.type(i).to_json(back.event(i)) == batch.type(i).to_json(batch.event(i)));
  }
}

EventBatch sample_batch() {
  EventBatch batch;
  Everything value;
  value.text = "some text";
  value.lines = {{"a", 1, Money{5}}, {"b", 2, Money{7}}};
  value.counts = {{"x", 1}};
  batch.append_copy(everything(), &value, {});
  batch.append_copy(everything(), &value, {});
  return batch;
}

TEST(BatchCodec, RefusesEveryFlippedBit) {
  std::string bytes;
  mailroom::encode_batch(sample_batch(), bytes);
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    auto damaged = bytes;
    damaged[i / 8] = static_cast<char>(damaged[i / 8] ^ (1 << (i % 8)));
    EXPECT_THROW(mailroom::decode_batch(damaged), CorruptData) << "bit " << i;
  }
}

TEST(BatchCodec, RefusesEveryTruncation) {
  std::string bytes;
  mailroom::encode_batch(sample_batch(), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THROW(mailroom::decode_batch(std::string_view(bytes).substr(0, size)), CorruptData) << "size " << size;
}

TEST(BatchCodec, Crc32cIsTheOneOfRfc3720) {
  EXPECT_EQ(mailroom::crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(mailroom::crc32c(std::string(32, '\0')), 0x8A9136AAu);
}

TEST(Batch, TruncateTakesBackWhatWasAppendedLast) {
  auto batch = sample_batch();
  const Other other{5};
  batch.append_copy(mailroom::event_type_of<Other>(), &other, {});
  batch.truncate(1);
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch.type(0).name(), "Everything");
  batch.append_copy(mailroom::event_type_of<Other>(), &other, {});
  EXPECT_EQ(batch.type(1).to_json(batch.event(1))["number"], 5);
}

TEST(Versions, OlderBytesLeaveAddedFieldsAtTheirDefault) {
  std::string bytes;
  const before::Grown old{"alice"};
  mailroom::save_archive(&old, 1, bytes);
  after::Grown grown;
  mailroom::load_archive<after::Grown>(bytes, 1, 1, [&](after::Grown value) { grown = std::move(value); });
  EXPECT_EQ(grown.name, "alice");
  EXPECT_EQ(grown.currency, "GBP");
}

TEST(Versions, AStructInsideAnotherKeepsItsOwnVersion) {
  std::string bytes;
  const before::Holder old{7, {{"alice"}, {"bob"}}, 8};
  mailroom::save_archive(&old, 1, bytes);
  after::Holder now;
  mailroom::load_archive<after::Holder>(bytes, 1, 1, [&](after::Holder value) { now = std::move(value); });
  ASSERT_EQ(now.inside.size(), 2u);
  EXPECT_EQ(now.inside[1].name, "bob");
  EXPECT_EQ(now.inside[1].currency, "GBP");
  EXPECT_EQ(now.last, 8);
}

TEST(Versions, AnOlderProgramRefusesAStructOfANewerOne) {
  std::string bytes;
  const after::Holder newer{7, {{"alice", "EUR"}}, 8};
  mailroom::save_archive(&newer, 1, bytes);
  try {
    mailroom::load_archive<before::Holder>(bytes, 1, 1, [](before::Holder) {});
    FAIL() << "read by guessing";
  } catch (const CorruptData& error) {
    EXPECT_THAT(error.what(), HasSubstr("Grown was written as version 2 and this program knows version 1"));
  }
}

TEST(Archive, RefusesASizeThatTheBytesCannotHold) {
  // Everything up to its lists is fixed, so a size of 2^60 can be put where theirs stands.
  const std::string huge("\xff\xff\xff\xff\xff\xff\xff\xff\x0f", 9);
  for (const auto& bytes : {huge, huge + std::string(100, 'x'), std::string(20, '\xff')})
    EXPECT_THROW(mailroom::load_archive<before::Grown>(bytes, 1, 1, [](before::Grown) {}), CorruptData);
}

RC_GTEST_PROP(Archive, AnyBytesAreAValueOrCorruptData, (const std::string& bytes)) {
  try {
    mailroom::load_archive<Everything>(bytes, 1, 1, [](Everything) {});
  } catch (const CorruptData&) {
  }
}

std::string refusal(const nlohmann::json& json) {
  try {
    mailroom::from_json<Everything>(json);
  } catch (const BadValue& error) {
    return error.what();
  }
  return "nothing was refused";
}

TEST(Json, RefusalsNameThePathWhatWasFoundAndWhatWasExpected) {
  Everything value;
  value.lines = {{"a", 1, Money{5}}};
  const auto good = mailroom::value_to_json(value);
  auto bad = good;
  bad["lines"][0]["price"] = "abc";
  EXPECT_THAT(refusal(bad), AllOf(HasSubstr("lines[0].price"), HasSubstr("abc"), HasSubstr("money")));
  bad = good;
  bad["small"] = 300;
  EXPECT_THAT(refusal(bad), AllOf(HasSubstr("small"), HasSubstr("300"), HasSubstr("from 0 to 255")));
  bad = good;
  bad["large"] = "8";
  EXPECT_THAT(refusal(bad), AllOf(HasSubstr("large"), HasSubstr("integer")));
  bad = good;
  bad.erase("text");
  EXPECT_THAT(refusal(bad), AllOf(HasSubstr("text"), HasSubstr("missing")));
  bad = good;
  bad["colour"] = "blue";
  EXPECT_THAT(refusal(bad), AllOf(HasSubstr("colour"), HasSubstr("red"), HasSubstr("green")));
  bad = good;
  bad["nested"] = 5;
  EXPECT_THAT(refusal(bad), AllOf(HasSubstr("nested"), HasSubstr("object")));
}

TEST(MoneyTest, ReadsAndWritesDecimalsExactly) {
  EXPECT_EQ(Money::parse("2.55").minor, 255);
  EXPECT_EQ(Money::parse("2.1").minor, 210);
  EXPECT_EQ(Money::parse("3").minor, 300);
  EXPECT_EQ(Money::parse("1.500").minor, 150);
  EXPECT_EQ(Money::parse("-11062.06").minor, -1106206);
  EXPECT_EQ(Money::parse("-0.05").to_string(), "-0.05");
  for (const auto* bad : {"", "-", ".", "1.", ".5", "1.555", "1e3", "abc", "1,5", "92233720368547758.08", " 1"})
    EXPECT_THROW((void)Money::parse(bad), BadValue) << bad;
  EXPECT_EQ(Money::parse("-92233720368547758.08").minor, std::numeric_limits<std::int64_t>::min());
  EXPECT_THROW((void)(Money{std::numeric_limits<std::int64_t>::max()} + Money{1}), std::overflow_error);
}

TEST(TimestampTest, ReadsIso8601) {
  const auto base = Timestamp::parse("2010-12-01 08:26:00");
  EXPECT_EQ(base.micros, 1291191960000000);
  EXPECT_EQ(Timestamp::parse("2010-12-01T08:26:00Z"), base);
  EXPECT_EQ(Timestamp::parse("2010-12-01T09:26:00+01:00"), base);
  EXPECT_EQ(Timestamp::parse("2010-12-01T08:26:00.000001").micros, base.micros + 1);
  EXPECT_EQ(Timestamp::parse("1969-12-31T23:59:59.5Z").to_string(), "1969-12-31T23:59:59.500000Z");
  EXPECT_EQ(base.to_string(), "2010-12-01T08:26:00Z");
  for (const auto* bad :
       {"", "2010", "2010-13-01", "2010-02-30", "2010-12-01x08:26", "2010-12-01 25:00:00", "2010-12-01 08:26:00 foo"})
    EXPECT_THROW((void)Timestamp::parse(bad), BadValue) << bad;
}

TEST(Keys, OfSeveralFieldsAreJoinedAndEscaped) {
  std::string key;
  mailroom::append_key_part(key, "a|b", true);
  mailroom::append_key_part(key, "c\\", false);
  EXPECT_EQ(key, "a\\|b|c\\\\");
}

RC_GTEST_PROP(Keys, OfSeveralFieldsAreDifferentWhenAFieldIs,
              (const std::string& a, const std::string& b, const std::string& c, const std::string& d)) {
  const auto compose = [](const std::string& x, const std::string& y) {
    std::string key;
    mailroom::append_key_part(key, x, true);
    mailroom::append_key_part(key, y, false);
    return key;
  };
  RC_ASSERT((compose(a, b) == compose(c, d)) == (a == c && b == d));
}

TEST(EventTypes, ASecondTypeOfTheSameNameIsRefused) {
  class Impostor final : public mailroom::EventType {
   public:
    Impostor() : EventType("Other", 1, mailroom::Schema{"Other", {}}) {}
    std::unique_ptr<mailroom::EventColumn> make_column(std::size_t) const override { return nullptr; }
    nlohmann::json to_json(const void*) const override { return {}; }
    void append_from_json(const nlohmann::json&, mailroom::EventColumn&) const override {}
    void append_from_text(const std::vector<std::optional<std::string_view>>&, mailroom::EventColumn&) const override {}
    void to_text(const void*, std::vector<std::string>&) const override {}
    mailroom::KeyReader key_reader(std::string_view) const noexcept override { return {}; }
    ReadTime time_reader(std::string_view) const noexcept override { return nullptr; }
    ReadNumber number_reader(std::string_view) const noexcept override { return nullptr; }
  };
  try {
    mailroom::EventTypes::add(std::make_unique<Impostor>());
    FAIL();
  } catch (const std::logic_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("Other"));
  }
}

}  // namespace
}  // namespace values_test
