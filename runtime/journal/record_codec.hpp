// The payloads of the journal's rows: shard records, parcels, held events and names, as bytes.
//
// Integers are varints (signed ones zigzag), texts carry their length, the first byte is the form's version.
// Decoding checks every bound: bytes that are not exactly one record throw CorruptData, whatever they are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/journal/journal.hpp"

namespace mailroom::runtime {

// All encoders append to `out`.
void encode_shard_record(const ShardRecord& record, std::string& out);
ShardRecord decode_shard_record(std::string_view bytes);

// A parcel without its events. `count` can be read where the events cannot: without the scenario's library.
struct ParcelHead {
  std::uint64_t first_sequence = 1;
  std::uint32_t count = 0;
  std::uint64_t skipped = 0;
  Timestamp watermark = Timestamp::min();
  std::string_view batch;  // bytes of encode_batch, into the bytes decoded
};
void encode_parcel(const Parcel& parcel, std::string& out);
ParcelHead decode_parcel_head(std::string_view bytes);
Parcel decode_parcel(ChannelId channel, std::string_view bytes);  // with its events

// The ordinal is in the key and not in the payload.
void encode_held(const HeldEvent& event, std::string& out);
void encode_held_head(const HeldEvent& event, bool with_event, std::string& out);  // the event's bytes are to follow
// All but the event, whose bytes `batch` then is; empty for dirty input.
HeldEvent decode_held_head(std::uint64_t ordinal, std::string_view bytes, std::string_view& batch);
HeldEvent decode_held(std::uint64_t ordinal, std::string_view bytes);

struct ShardName {
  std::string stage;
  std::uint32_t index = 0;
};
void encode_shard_name(std::string_view stage, std::uint32_t index, std::string& out);
ShardName decode_shard_name(std::string_view bytes);
void encode_channel_name(const Journal::ChannelName& name, std::string& out);
Journal::ChannelName decode_channel_name(std::string_view bytes);

void encode_number(std::uint64_t number, std::string& out);
std::uint64_t decode_number(std::string_view bytes);

// The first type in the bytes of a batch that this program does not know, or knows only in an older version:
// "schema 1a2b3c4d" or "Order version 3 (known up to 2)". Empty if all are known.
// Throws CorruptData if the bytes are no batch.
std::string unknown_schema(std::string_view batch);

}  // namespace mailroom::runtime
