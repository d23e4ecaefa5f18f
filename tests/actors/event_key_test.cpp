// Keys of events: a number and its digits are the same key, whatever the event type has it as.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <rapidcheck/gtest.h>

#include <mailroom/key_table.hpp>
#include <mailroom/mailroom.hpp>

namespace event_key_test {

using mailroom::EventKey;

struct Numbered {
  std::int64_t account = 0;
  std::uint64_t large = 0;
  std::int8_t small = 0;
  bool flag = false;
  std::optional<std::int32_t> maybe;
  mailroom::Timestamp at;
};
MAILROOM_EVENT(Numbered, account, large, small, flag, maybe, at)

struct Named {
  std::string account;
};
MAILROOM_EVENT(Named, account)

template <class E>
const mailroom::KeyReader reader_of(std::string_view field) {
  return mailroom::event_type_of<E>().key_reader(field);
}

TEST(EventKeys, HashesAreForEver) {
  // Kept in journals: another value would look for a key's state in another shard.
  EXPECT_EQ(mailroom::hash_key(""), 0x0000000000000000ull);
  EXPECT_EQ(mailroom::hash_key("alice"), 0xd54ab18fb4eac84dull);
  EXPECT_EQ(mailroom::hash_key("a key of more than sixteen bytes"), 0xfbbe8c26ee9ea224ull);
  EXPECT_EQ(mailroom::hash_key("42"), 0x2d1c8760f8047fc7ull);
  EXPECT_EQ(mailroom::hash_key("-1"), 0x25b775faeca8f520ull);
}

RC_GTEST_PROP(EventKeys, ANumberHashesAsItsDigits, (std::int64_t value)) {
  RC_ASSERT(mailroom::hash_key(std::to_string(value)) == mailroom::hash_integer_key(value));
}

TEST(EventKeys, OnlyWhatANumberIsWrittenAsSpellsOne) {
  std::int64_t value = 0;
  for (const auto* text : {"", "-", "-0", "007", "+7", " 7", "7 ", "1e3", "--1", "85123A", "9223372036854775808",
                           "-9223372036854775809", "99999999999999999999"})
    EXPECT_FALSE(mailroom::detail::spells_integer(text, value)) << text;
  for (const auto number : {std::int64_t{0}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::max(),
                            std::numeric_limits<std::int64_t>::min()}) {
    EXPECT_TRUE(mailroom::detail::spells_integer(std::to_string(number), value)) << number;
    EXPECT_EQ(value, number);
  }
}

RC_GTEST_PROP(EventKeys, EveryFieldHashesAsItsText,
              (std::int64_t account, std::uint64_t large, std::int8_t small, bool flag, std::int32_t maybe)) {
  const Numbered event{account, large, small, flag,
                       flag ? std::optional(maybe) : std::nullopt, mailroom::Timestamp{account % 1'000'000'000'000}};
  for (const auto& field : mailroom::event_type_of<Numbered>().schema().fields) {
    const auto reader = reader_of<Numbered>(field.name);
    RC_ASSERT(bool(reader));
    mailroom::KeyScratch scratch;
    RC_ASSERT(reader.hash(&event) == mailroom::hash_key(reader.text(&event, scratch)));
  }
}

TEST(EventKeys, AKeyFindsItsStateAsNumberAndAsText) {
  mailroom::KeyTable<int> states;
  const auto numbers = reader_of<Numbered>("account");
  const auto texts = reader_of<Named>("account");
  const Numbered number{42, 0, 0, false, {}, {}};
  const Named text{"42"}, other{"042"};
  states.insert("42", mailroom::hash_key("42")).state = 7;
  auto* found = states.find(EventKey(numbers, &number, numbers.hash(&number)));
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->state, 7);
  EXPECT_EQ(states.find(EventKey(texts, &text, texts.hash(&text))), found);
  EXPECT_EQ(states.find(EventKey("42")), found);
  EXPECT_EQ(states.find(EventKey(texts, &other, texts.hash(&other))), nullptr);
}

TEST(EventKeys, TwoTextsOfOneHashAreTwoKeys) {
  mailroom::KeyTable<int> states;
  states.insert("alice", 99).state = 1;  // as if they hashed alike
  states.insert("bob", 99).state = 2;
  EXPECT_EQ(states.find(EventKey("alice", 99))->state, 1);
  EXPECT_EQ(states.find(EventKey("bob", 99))->state, 2);
  EXPECT_EQ(states.find(EventKey("carol", 99)), nullptr);
}

}  // namespace event_key_test
