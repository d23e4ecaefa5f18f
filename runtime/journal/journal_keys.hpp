// The keys of the journal's rows, and the seal on its values.
//
//   meta     'f' | 'k' | 's' shard | 'c' channel | 'n' name    format, last commit, names of shards and channels, notes
//   shards   shard
//   mailbox  channel, first sequence
//   state    shard, key text
//   timers, waiting, parked, dead   shard, ordinal
//
// Numbers are big-endian (32 bits; sequences and ordinals 64), so that key order is their order.
// A value is its payload followed by a CRC32C over table, key and payload: a row that was damaged, or that
// turns up under another key, fails it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/journal/journal.hpp"

namespace mailroom::runtime {

[[nodiscard]] Table held_table(HeldReason reason) noexcept;

inline constexpr std::size_t seal_size = 4;

// Each of these replaces the content of `key`.
void meta_key(std::string& key, char kind);
void meta_key(std::string& key, char kind, std::uint32_t number);
void meta_key(std::string& key, char kind, std::string_view name);
void shard_key(std::string& key, std::uint32_t shard);
void parcel_key(std::string& key, std::uint32_t channel, std::uint64_t first_sequence);
void state_key(std::string& key, std::uint32_t shard, std::string_view name);
void held_key(std::string& key, std::uint32_t shard, std::uint64_t ordinal);

// The numbers back from a key. Throw CorruptData if its length is wrong.
struct NumberedKey {
  std::uint32_t owner = 0;   // shard or channel
  std::uint64_t number = 0;  // first sequence or ordinal; 0 in a shard's key
};
NumberedKey parse_key(Table table, std::string_view key);  // shards, mailbox, timers, waiting, parked, dead
std::uint32_t parse_meta_number(std::string_view key);     // 's' and 'c'
struct StateKey {
  std::uint32_t shard;
  std::string_view name;
};
StateKey parse_state_key(std::string_view key);

// Appends the seal to `value`, which holds the payload.
void seal(Table table, std::string_view key, std::string& value);
// The payload. Throws CorruptData if the seal is broken; the caller adds which row it is.
std::string_view unseal(Table table, std::string_view key, std::string_view value);

// "mailbox: channel 3, from sequence 17"; bytes that fit no key are shown in hex.
std::string describe_key(Table table, std::string_view key);

}  // namespace mailroom::runtime
