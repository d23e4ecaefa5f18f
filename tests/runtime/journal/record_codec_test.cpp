// Records survive their encoding, and bytes that are not a record are refused, whatever they are.
#include "runtime/journal/record_codec.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>  // needs gtest before it

#include "journal_fixture.hpp"
#include "runtime/journal/journal_keys.hpp"

namespace mailroom::runtime {
namespace {

Timestamp any_time() { return Timestamp{*rc::gen::arbitrary<std::int64_t>()}; }
std::uint64_t any_number() { return *rc::gen::arbitrary<std::uint64_t>(); }

ShardRecord any_record() {
  ShardRecord record;
  record.epoch = any_number();
  record.commit = any_number();
  record.next_ordinal = any_number();
  record.sequence = any_number();
  record.clock = any_time();
  record.ended = *rc::gen::arbitrary<bool>();
  if (*rc::gen::arbitrary<bool>()) record.ahead = {any_number() % 1000 + 1, any_time()};
  if (*rc::gen::arbitrary<bool>())
    record.position = {
        {"file", *rc::gen::arbitrary<std::string>()}, {"offset", any_number()}, {"at", {1, {2, nullptr}}}};
  for (auto n = *rc::gen::inRange(0, 5); n > 0; --n) {
    ConsumedPosition consumed;
    consumed.channel = *rc::gen::arbitrary<ChannelId>();
    consumed.sequence = *rc::gen::inRange<std::uint64_t>(0, 1'000'000);
    consumed.watermark = any_time();
    consumed.processed = any_number();
    consumed.dead_lettered = any_number();
    consumed.parked = any_number();
    auto last = consumed.sequence;
    for (auto ranges = *rc::gen::inRange(0, 4); ranges > 0; --ranges) {
      const auto first = last + *rc::gen::inRange<std::uint64_t>(1, 1000);
      last = first + *rc::gen::inRange<std::uint64_t>(0, 1000);
      consumed.beyond.emplace_back(first, last);
    }
    record.consumed.push_back(consumed);
  }
  for (auto n = *rc::gen::inRange(0, 5); n > 0; --n)
    record.sent.push_back({*rc::gen::arbitrary<ChannelId>(), any_number(), any_number(), any_number(), any_number(),
                           any_number(), any_time()});
  return record;
}

HeldEvent any_held() {
  HeldEvent event;
  event.ordinal = any_number();
  if (*rc::gen::arbitrary<bool>()) event.event = notes(*rc::gen::inRange<std::int64_t>(0, 1000), 1);
  event.key = *rc::gen::arbitrary<std::string>();
  event.channel = *rc::gen::arbitrary<ChannelId>();
  event.sequence = any_number();
  event.attempts = *rc::gen::arbitrary<unsigned>();
  event.due = any_time();
  event.when = any_time();
  event.name = *rc::gen::arbitrary<std::string>();
  event.reason = *rc::gen::arbitrary<std::string>();
  event.kind = *rc::gen::arbitrary<std::string>();
  event.origin = *rc::gen::arbitrary<std::string>();
  event.content = *rc::gen::arbitrary<std::string>();
  event.redrive = *rc::gen::arbitrary<bool>();
  return event;
}

RC_GTEST_PROP(RecordCodec, ShardRecordsSurvive, ()) {
  const auto record = any_record();
  std::string bytes;
  encode_shard_record(record, bytes);
  const auto read = decode_shard_record(bytes);
  RC_ASSERT(read.epoch == record.epoch && read.commit == record.commit && read.next_ordinal == record.next_ordinal);
  RC_ASSERT(read.sequence == record.sequence && read.clock == record.clock && read.ended == record.ended);
  RC_ASSERT(read.position == record.position && read.ahead == record.ahead);
  RC_ASSERT(read.consumed.size() == record.consumed.size());
  for (std::size_t i = 0; i < read.consumed.size(); ++i) {
    const auto &a = read.consumed[i], &b = record.consumed[i];
    RC_ASSERT(a.channel == b.channel && a.sequence == b.sequence && a.beyond == b.beyond && a.watermark == b.watermark);
    RC_ASSERT(a.processed == b.processed && a.dead_lettered == b.dead_lettered && a.parked == b.parked);
  }
  RC_ASSERT(read.sent.size() == record.sent.size());
  for (std::size_t i = 0; i < read.sent.size(); ++i) {
    const auto &a = read.sent[i], &b = record.sent[i];
    RC_ASSERT(a.channel == b.channel && a.sequence == b.sequence && a.sent == b.sent && a.watermark == b.watermark);
    RC_ASSERT(a.dropped_oldest == b.dropped_oldest && a.dropped_newest == b.dropped_newest && a.rejected == b.rejected);
  }
}

RC_GTEST_PROP(RecordCodec, HeldEventsSurvive, ()) {
  const auto event = any_held();
  std::string bytes;
  encode_held(event, bytes);
  const auto read = decode_held(event.ordinal, bytes);
  RC_ASSERT(read.ordinal == event.ordinal && read.key == event.key && read.channel == event.channel &&
            read.sequence == event.sequence);
  RC_ASSERT(read.attempts == event.attempts && read.due == event.due && read.when == event.when &&
            read.name == event.name);
  RC_ASSERT(read.reason == event.reason && read.kind == event.kind && read.origin == event.origin &&
            read.content == event.content);
  RC_ASSERT(read.redrive == event.redrive);
  RC_ASSERT((read.event == nullptr) == (event.event == nullptr));
  if (event.event) RC_ASSERT(note_number(*read.event, 0) == note_number(*event.event, 0));
}

RC_GTEST_PROP(RecordCodec, ParcelsSurvive, ()) {
  Parcel sent = parcel(*rc::gen::arbitrary<ChannelId>(), *rc::gen::inRange<std::uint64_t>(1, 1'000'000'000),
                       *rc::gen::inRange<std::size_t>(1, 300), *rc::gen::arbitrary<std::uint64_t>());
  sent.watermark = any_time();
  std::string bytes;
  encode_parcel(sent, bytes);
  const auto read = decode_parcel(sent.channel, bytes);
  RC_ASSERT(read.channel == sent.channel && read.first_sequence == sent.first_sequence && read.skipped == sent.skipped);
  RC_ASSERT(read.watermark == sent.watermark && read.batch->size() == sent.batch->size());
  for (std::size_t i = 0; i < read.batch->size(); ++i)
    RC_ASSERT(note_number(*read.batch, i) == note_number(*sent.batch, i));
}

// The seal would catch these; the decoders must hold without it, too.
template <class Decode>
void survives_anything(std::string bytes, Decode decode) {
  const auto attempt = [&](std::string_view hostile) {
    try {
      decode(hostile);
    } catch (const CorruptData&) {
      // what it should be
    }
  };
  attempt(*rc::gen::arbitrary<std::string>());
  const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
  attempt(std::string_view(bytes).substr(0, at));
  bytes[at] = *rc::gen::arbitrary<char>();
  attempt(bytes);
  bytes.insert(at, std::string(*rc::gen::inRange<std::size_t>(1, 12), '\xff'));
  attempt(bytes);
}

RC_GTEST_PROP(RecordCodec, HostileBytesNeverCrash, ()) {
  std::string bytes;
  encode_shard_record(any_record(), bytes);
  survives_anything(bytes, [](std::string_view hostile) { static_cast<void>(decode_shard_record(hostile)); });
  bytes.clear();
  encode_held(any_held(), bytes);
  survives_anything(bytes, [](std::string_view hostile) { static_cast<void>(decode_held(1, hostile)); });
  bytes.clear();
  encode_parcel(parcel(1, 17, 3), bytes);
  survives_anything(bytes, [](std::string_view hostile) { static_cast<void>(decode_parcel(1, hostile)); });
  bytes.clear();
  encode_channel_name({"orders", 3, "ledger", 1}, bytes);
  survives_anything(bytes, [](std::string_view hostile) { static_cast<void>(decode_channel_name(hostile)); });
}

TEST(RecordCodec, APositionNestedWithoutEndIsRefused) {
  ShardRecord record;
  record.position = 1;
  std::string bytes;
  encode_shard_record(record, bytes);
  bytes.pop_back();
  bytes.append(1'000'000, '\x81');  // an array of one array of one array ...
  EXPECT_THROW(decode_shard_record(bytes), CorruptData);
}

TEST(RecordCodec, AnotherVersionIsNamed) {
  std::string bytes;
  encode_shard_record({}, bytes);
  bytes[0] = 9;
  EXPECT_THAT(message_of<CorruptData>([&] { static_cast<void>(decode_shard_record(bytes)); }),
              testing::HasSubstr("form 9"));
}

TEST(Seal, EveryFlippedBitIsFound) {
  std::string key, value;
  encode_parcel(parcel(3, 17, 2), value);
  parcel_key(key, 3, 17);
  seal(Table::mailbox, key, value);
  ASSERT_NO_THROW(unseal(Table::mailbox, key, value));
  for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
    auto flipped = value;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_THROW(unseal(Table::mailbox, key, flipped), CorruptData) << "bit " << bit;
  }
  for (std::size_t size = 0; size < value.size(); ++size)
    EXPECT_THROW(unseal(Table::mailbox, key, std::string_view(value).substr(0, size)), CorruptData)
        << "cut to " << size;
}

TEST(Seal, ARowUnderAnotherKeyIsFound) {
  std::string key, other, value = "balance 3";
  state_key(key, 1, "alice");
  seal(Table::state, key, value);
  state_key(other, 1, "alicf");
  EXPECT_THROW(unseal(Table::state, other, value), CorruptData);
  EXPECT_THROW(unseal(Table::dead, key, value), CorruptData);
}

RC_GTEST_PROP(JournalKeys, KeyOrderIsNumberOrder, ()) {
  const auto a = any_number(), b = any_number();
  const auto channel_a = *rc::gen::inRange<ChannelId>(0, 3), channel_b = *rc::gen::inRange<ChannelId>(0, 3);
  std::string key_a, key_b;
  parcel_key(key_a, channel_a, a);
  parcel_key(key_b, channel_b, b);
  RC_ASSERT((key_a < key_b) == (std::pair(channel_a, a) < std::pair(channel_b, b)));
  RC_ASSERT(parse_key(Table::mailbox, key_a).number == a);
  RC_ASSERT(parse_key(Table::mailbox, key_a).owner == channel_a);
}

}  // namespace
}  // namespace mailroom::runtime
