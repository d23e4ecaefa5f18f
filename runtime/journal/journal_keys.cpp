#include "runtime/journal/journal_keys.hpp"

#include <fmt/format.h>

#include <mailroom/batch_codec.hpp>
#include <mailroom/errors.hpp>

namespace mailroom::runtime {

namespace {

template <class Number>
void append_big_endian(std::string& out, Number number) {
  for (int shift = static_cast<int>(sizeof(Number)) * 8 - 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(number >> shift));
}

template <class Number>
Number read_big_endian(std::string_view bytes) {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    number = static_cast<Number>((number << 8) | static_cast<unsigned char>(bytes[i]));
  return number;
}

std::uint32_t seal_of(Table table, std::string_view key, std::string_view payload) {
  // Key bytes and payload follow each other in the checksum, so the key's length goes in too: a byte cannot
  // move from one to the other unnoticed.
  const char head[5] = {static_cast<char>(table), static_cast<char>(key.size()), static_cast<char>(key.size() >> 8),
                        static_cast<char>(key.size() >> 16), static_cast<char>(key.size() >> 24)};
  auto crc = crc32c(std::string_view(head, sizeof head));
  crc = crc32c(key, crc);
  return crc32c(payload, crc);
}

bool is_printable(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return true;
}

std::string hex(std::string_view bytes) {
  std::string out = "0x";
  for (const char c : bytes.substr(0, 40))
    fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<unsigned char>(c));
  if (bytes.size() > 40) out += "...";
  return out;
}

}  // namespace

Table held_table(HeldReason reason) noexcept {
  switch (reason) {
    case HeldReason::timer: return Table::timers;
    case HeldReason::waiting: return Table::waiting;
    case HeldReason::parked: return Table::parked;
    case HeldReason::dead: break;
  }
  return Table::dead;
}

void meta_key(std::string& key, char kind) { key.assign(1, kind); }

void meta_key(std::string& key, char kind, std::uint32_t number) {
  key.assign(1, kind);
  append_big_endian(key, number);
}

void meta_key(std::string& key, char kind, std::string_view name) {
  key.assign(1, kind);
  key.append(name);
}

void shard_key(std::string& key, std::uint32_t shard) {
  key.clear();
  append_big_endian(key, shard);
}

void parcel_key(std::string& key, std::uint32_t channel, std::uint64_t first_sequence) {
  key.clear();
  append_big_endian(key, channel);
  append_big_endian(key, first_sequence);
}

void state_key(std::string& key, std::uint32_t shard, std::string_view name) {
  key.clear();
  append_big_endian(key, shard);
  key.append(name);
}

void held_key(std::string& key, std::uint32_t shard, std::uint64_t ordinal) { parcel_key(key, shard, ordinal); }

NumberedKey parse_key(Table table, std::string_view key) {
  const std::size_t expected = table == Table::shards ? 4 : 12;
  if (key.size() != expected)
    throw CorruptData(
        fmt::format("{}: a key of {} bytes ({}), expected {}", table_name(table), key.size(), hex(key), expected));
  NumberedKey parsed{read_big_endian<std::uint32_t>(key), 0};
  if (expected == 12) parsed.number = read_big_endian<std::uint64_t>(key.substr(4));
  return parsed;
}

std::uint32_t parse_meta_number(std::string_view key) {
  if (key.size() != 5) throw CorruptData(fmt::format("meta: a key of {} bytes ({}), expected 5", key.size(), hex(key)));
  return read_big_endian<std::uint32_t>(key.substr(1));
}

StateKey parse_state_key(std::string_view key) {
  if (key.size() < 4)
    throw CorruptData(fmt::format("state: a key of {} bytes ({}), expected at least 4", key.size(), hex(key)));
  return {read_big_endian<std::uint32_t>(key), key.substr(4)};
}

void seal(Table table, std::string_view key, std::string& value) {
  const auto crc = seal_of(table, key, value);
  for (int shift = 0; shift < 32; shift += 8) value.push_back(static_cast<char>(crc >> shift));
}

std::string_view unseal(Table table, std::string_view key, std::string_view value) {
  if (value.size() < seal_size) throw CorruptData(fmt::format("{} bytes, too few to hold a checksum", value.size()));
  const auto payload = value.substr(0, value.size() - seal_size);
  std::uint32_t stored = 0;
  for (std::size_t i = 0; i < seal_size; ++i)
    stored |= std::uint32_t{static_cast<unsigned char>(value[payload.size() + i])} << (8 * i);
  const auto computed = seal_of(table, key, payload);
  if (stored != computed) throw CorruptData(fmt::format("checksum is {:08x}, expected {:08x}", stored, computed));
  return payload;
}

std::string describe_key(Table table, std::string_view key) {
  const auto name = table_name(table);
  switch (table) {
    case Table::meta:
      if (key == "f") return "meta: format";
      if (key == "k") return "meta: commit";
      if (key.size() == 5 && key[0] == 's') return fmt::format("meta: name of shard {}", parse_meta_number(key));
      if (key.size() == 5 && key[0] == 'c') return fmt::format("meta: name of channel {}", parse_meta_number(key));
      if (key.size() > 1 && key[0] == 'n' && is_printable(key)) return fmt::format("meta: note \"{}\"", key.substr(1));
      break;
    case Table::shards:
      if (key.size() == 4) return fmt::format("shards: shard {}", parse_key(table, key).owner);
      break;
    case Table::mailbox:
      if (key.size() == 12) {
        const auto [channel, sequence] = parse_key(table, key);
        return fmt::format("mailbox: channel {}, from sequence {}", channel, sequence);
      }
      break;
    case Table::state:
      if (key.size() >= 4) {
        const auto [shard, text] = parse_state_key(key);
        return is_printable(text) ? fmt::format("state: shard {}, key \"{}\"", shard, text)
                                  : fmt::format("state: shard {}, key {}", shard, hex(text));
      }
      break;
    default:
      if (key.size() == 12) {
        const auto [shard, ordinal] = parse_key(table, key);
        return fmt::format("{}: shard {}, ordinal {}", name, shard, ordinal);
      }
  }
  return fmt::format("{}: key {}", name, hex(key));
}

}  // namespace mailroom::runtime
