#include "runtime/journal/record_codec.hpp"

#include <fmt/format.h>
#include <limits>

#include <mailroom/batch_codec.hpp>
#include <mailroom/errors.hpp>

#include "runtime/journal/foreign_text.hpp"

namespace mailroom::runtime {

namespace {

constexpr unsigned char record_version = 1;
constexpr std::size_t max_position_depth = 64;  // a position is a small JSON value; deeper nesting is damage

std::int64_t to_us(Timestamp time) { return time.micros; }
Timestamp from_us(std::int64_t us) { return Timestamp{us}; }

void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void put_time(std::string& out, Timestamp time) {
  const auto value = to_us(time);
  put_varint(out, (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
}

void put_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out.append(text);
}

class Reader {
 public:
  Reader(std::string_view bytes, const char* what) : bytes_(bytes), what_(what) {
    const auto version = byte();
    if (version == 0 || version > record_version)
      fail(fmt::format("form {}, this program reads up to {}: use the version of Mailroom that wrote it", version,
                       record_version));
  }

  unsigned char byte() {
    if (at_ >= bytes_.size()) fail("it ends early");
    return static_cast<unsigned char>(bytes_[at_++]);
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto b = byte();
      if (shift == 63 && b > 1) fail("a number of more than 64 bits");
      value |= std::uint64_t{b & 0x7fu} << shift;
      if (b < 0x80) return value;
    }
  }
  std::uint32_t varint32() {
    const auto value = varint();
    if (value > std::numeric_limits<std::uint32_t>::max()) fail(fmt::format("{} where 32 bits are expected", value));
    return static_cast<std::uint32_t>(value);
  }
  Timestamp time() {
    const auto value = varint();
    return from_us(static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1)));
  }
  std::string_view text() {
    const auto size = varint();
    if (size > bytes_.size() - at_)
      fail(fmt::format("a text of {} bytes where {} are left", size, bytes_.size() - at_));
    const auto found = bytes_.substr(at_, size);
    at_ += size;
    return found;
  }
  // A number of items, each of which takes at least `least` bytes: bounds what a damaged count makes us reserve.
  std::size_t count(std::size_t least) {
    const auto value = varint();
    if (value > (bytes_.size() - at_) / least)
      fail(fmt::format("{} items where {} bytes are left", value, bytes_.size() - at_));
    return value;
  }
  std::string_view rest() {
    const auto found = bytes_.substr(at_);
    at_ = bytes_.size();
    return found;
  }
  void end() const {
    if (at_ != bytes_.size()) fail(fmt::format("{} bytes too many", bytes_.size() - at_));
  }
  [[noreturn]] void fail(const std::string& found) const { throw CorruptData(fmt::format("{}: {}", what_, found)); }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  const char* what_;
};

// Refuses nesting that would exhaust the stack of the recursive reader.
struct DepthCheck : nlohmann::json::json_sax_t {
  std::size_t depth = 0;
  bool open() { return ++depth <= max_position_depth; }
  bool close() { return --depth, true; }
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool key(string_t&) override { return true; }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override { return false; }
};

nlohmann::json decode_position(std::string_view bytes, const Reader& reader) {
  try {
    DepthCheck check;
    if (nlohmann::json::sax_parse(bytes.begin(), bytes.end(), &check, nlohmann::json::input_format_t::cbor))
      return nlohmann::json::from_cbor(bytes.begin(), bytes.end());
  } catch (const nlohmann::json::exception&) {
    // falls through: said below
  }
  reader.fail("its position is not readable");
}

enum ShardFlags : unsigned char { has_ended = 1, has_position = 2, has_ahead = 4 };
enum HeldFlags : unsigned char { redrive_flag = 1, event_flag = 2 };

std::uint32_t read_u32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  return value;
}

std::uint16_t read_u16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) |
                                    (static_cast<unsigned char>(bytes[at + 1]) << 8));
}

}  // namespace

void encode_shard_record(const ShardRecord& record, std::string& out) {
  out.push_back(static_cast<char>(record_version));
  out.push_back(static_cast<char>((record.ended ? has_ended : 0) | (record.position.is_null() ? 0 : has_position) |
                                  (record.ahead.events > 0 ? has_ahead : 0)));
  put_varint(out, record.epoch);
  put_varint(out, record.commit);
  put_varint(out, record.next_ordinal);
  put_varint(out, record.sequence);
  put_time(out, record.clock);
  put_varint(out, record.consumed.size());
  for (const auto& consumed : record.consumed) {
    put_varint(out, consumed.channel);
    put_varint(out, consumed.sequence);
    put_time(out, consumed.watermark);
    put_varint(out, consumed.processed);
    put_varint(out, consumed.dead_lettered);
    put_varint(out, consumed.parked);
    put_varint(out, consumed.beyond.size());
    auto last = consumed.sequence;
    for (const auto& [first, end] : consumed.beyond) {
      put_varint(out, first - last);
      put_varint(out, end - first);
      last = end;
    }
  }
  put_varint(out, record.sent.size());
  for (const auto& sent : record.sent) {
    put_varint(out, sent.channel);
    put_varint(out, sent.sequence);
    put_varint(out, sent.sent);
    put_varint(out, sent.dropped_oldest);
    put_varint(out, sent.dropped_newest);
    put_varint(out, sent.rejected);
    put_time(out, sent.watermark);
  }
  if (record.ahead.events > 0) {
    put_varint(out, record.ahead.events);
    put_time(out, record.ahead.last);
  }
  // Last, so that it needs no length: the record ends where the position ends.
  if (!record.position.is_null()) nlohmann::json::to_cbor(record.position, nlohmann::detail::output_adapter<char>(out));
}

ShardRecord decode_shard_record(std::string_view bytes) {
  Reader reader(bytes, "shard record");
  ShardRecord record;
  const auto flags = reader.byte();
  if (flags > (has_ended | has_position | has_ahead)) reader.fail(fmt::format("flags {:#x}", flags));
  record.ended = (flags & has_ended) != 0;
  record.epoch = reader.varint();
  record.commit = reader.varint();
  record.next_ordinal = reader.varint();
  record.sequence = reader.varint();
  record.clock = reader.time();
  record.consumed.resize(reader.count(7));
  for (auto& consumed : record.consumed) {
    consumed.channel = reader.varint32();
    consumed.sequence = reader.varint();
    consumed.watermark = reader.time();
    consumed.processed = reader.varint();
    consumed.dead_lettered = reader.varint();
    consumed.parked = reader.varint();
    consumed.beyond.resize(reader.count(2));
    auto last = consumed.sequence;
    for (auto& [first, end] : consumed.beyond) {
      const auto gap = reader.varint();
      const auto length = reader.varint();
      constexpr auto most = std::numeric_limits<std::uint64_t>::max();
      if (gap == 0 || gap > most - last || length > most - last - gap) reader.fail("done ranges out of order");
      first = last + gap;
      end = first + length;
      last = end;
    }
  }
  record.sent.resize(reader.count(7));
  for (auto& sent : record.sent) {
    sent.channel = reader.varint32();
    sent.sequence = reader.varint();
    sent.sent = reader.varint();
    sent.dropped_oldest = reader.varint();
    sent.dropped_newest = reader.varint();
    sent.rejected = reader.varint();
    sent.watermark = reader.time();
  }
  if (flags & has_ahead) {
    record.ahead.events = reader.varint();
    record.ahead.last = reader.time();
    if (record.ahead.events == 0) reader.fail("a run of no events");
  }
  if (flags & has_position) record.position = decode_position(reader.rest(), reader);
  reader.end();
  return record;
}

void encode_parcel(const Parcel& parcel, std::string& out) {
  out.push_back(static_cast<char>(record_version));
  put_varint(out, parcel.first_sequence);
  put_varint(out, parcel.batch->size());
  put_varint(out, parcel.skipped);
  put_time(out, parcel.watermark);
  encode_batch(*parcel.batch, out);  // last: the record ends where it ends
}

ParcelHead decode_parcel_head(std::string_view bytes) {
  Reader reader(bytes, "parcel");
  ParcelHead head;
  head.first_sequence = reader.varint();
  head.count = reader.varint32();
  head.skipped = reader.varint();
  head.watermark = reader.time();
  if (head.first_sequence == 0 || head.count == 0 || head.count > EventBatch::max_events ||
      head.first_sequence > std::numeric_limits<std::uint64_t>::max() - head.count)
    reader.fail(fmt::format("{} events from sequence {}, expected 1 to {} from 1 on", head.count, head.first_sequence,
                            EventBatch::max_events));
  head.batch = reader.rest();
  return head;
}

Parcel decode_parcel(ChannelId channel, std::string_view bytes) {
  const auto head = decode_parcel_head(bytes);
  auto batch = std::make_shared<const EventBatch>(decode_batch(head.batch));
  if (batch->size() != head.count)
    throw CorruptData(fmt::format("parcel: {} events, its head says {}", batch->size(), head.count));
  return {channel, head.first_sequence, head.skipped, head.watermark, std::move(batch)};
}

void encode_held(const HeldEvent& event, std::string& out) {
  encode_held_head(event, event.event != nullptr, out);
  if (event.event) encode_batch(*event.event, out);
}

void encode_held_head(const HeldEvent& event, bool with_event, std::string& out) {
  out.push_back(static_cast<char>(record_version));
  out.push_back(static_cast<char>((event.redrive ? redrive_flag : 0) | (with_event ? event_flag : 0)));
  put_varint(out, event.channel);
  put_varint(out, event.sequence);
  put_varint(out, event.attempts);
  put_time(out, event.due);
  put_time(out, event.when);
  put_text(out, event.key);
  put_text(out, event.name);
  put_text(out, event.reason.size() <= most_of_a_reason ? event.reason : cut_text(event.reason, most_of_a_reason));
  put_text(out, event.kind);
  put_text(out, event.origin);
  put_text(out, event.content);
}

HeldEvent decode_held_head(std::uint64_t ordinal, std::string_view bytes, std::string_view& batch) {
  Reader reader(bytes, "held event");
  HeldEvent event;
  event.ordinal = ordinal;
  const auto flags = reader.byte();
  if (flags > (redrive_flag | event_flag)) reader.fail(fmt::format("flags {:#x}", flags));
  event.redrive = (flags & redrive_flag) != 0;
  event.channel = reader.varint32();
  event.sequence = reader.varint();
  event.attempts = reader.varint32();
  event.due = reader.time();
  event.when = reader.time();
  event.key = reader.text();
  event.name = reader.text();
  event.reason = reader.text();
  event.kind = reader.text();
  event.origin = reader.text();
  event.content = reader.text();
  batch = reader.rest();
  if (batch.empty() == ((flags & event_flag) != 0))
    reader.fail(batch.empty() ? "its event is missing" : "bytes too many");
  return event;
}

HeldEvent decode_held(std::uint64_t ordinal, std::string_view bytes) {
  std::string_view batch;
  auto event = decode_held_head(ordinal, bytes, batch);
  if (!batch.empty()) {
    event.event = std::make_shared<const EventBatch>(decode_batch(batch));
    if (event.event->size() != 1)
      throw CorruptData(fmt::format("held event: {} events, expected 1", event.event->size()));
  }
  return event;
}

void encode_shard_name(std::string_view stage, std::uint32_t index, std::string& out) {
  out.push_back(static_cast<char>(record_version));
  put_text(out, stage);
  put_varint(out, index);
}

ShardName decode_shard_name(std::string_view bytes) {
  Reader reader(bytes, "shard name");
  ShardName name;
  name.stage = reader.text();
  name.index = reader.varint32();
  reader.end();
  return name;
}

void encode_channel_name(const Journal::ChannelName& name, std::string& out) {
  out.push_back(static_cast<char>(record_version));
  put_text(out, name.from_stage);
  put_varint(out, name.from_shard);
  put_text(out, name.to_stage);
  put_varint(out, name.to_shard);
}

Journal::ChannelName decode_channel_name(std::string_view bytes) {
  Reader reader(bytes, "channel name");
  Journal::ChannelName name;
  name.from_stage = reader.text();
  name.from_shard = reader.varint32();
  name.to_stage = reader.text();
  name.to_shard = reader.varint32();
  reader.end();
  return name;
}

void encode_number(std::uint64_t number, std::string& out) {
  out.push_back(static_cast<char>(record_version));
  put_varint(out, number);
}

std::uint64_t decode_number(std::string_view bytes) {
  Reader reader(bytes, "number");
  const auto number = reader.varint();
  reader.end();
  return number;
}

std::string unknown_schema(std::string_view batch) {
  // As batch_codec.hpp lays it out. decode_batch() is what judges the rest; this only looks at the columns' heads.
  constexpr std::size_t head_size = 18, column_size = 14;
  if (batch.size() < head_size || batch.substr(0, 4) != batch_magic || read_u32(batch, 4) != batch.size() ||
      read_u32(batch, 8) != crc32c(batch.substr(12)))
    throw CorruptData("batch: magic, length or checksum is wrong");
  std::size_t at = head_size;
  for (unsigned column = read_u16(batch, 16); column > 0; --column) {
    if (batch.size() - at < column_size) throw CorruptData("batch: a column ends early");
    const auto schema = read_u32(batch, at);
    const auto version = read_u16(batch, at + 4);
    const auto length = read_u32(batch, at + 10);
    at += column_size;
    if (length > batch.size() - at) throw CorruptData("batch: a column ends early");
    at += length;
    const auto* type = EventTypes::find_schema(schema);
    if (!type) return fmt::format("schema {:08x}", schema);
    if (version > type->version())
      return fmt::format("{} version {} (known up to {})", type->name(), version, type->version());
  }
  return {};
}

}  // namespace mailroom::runtime
