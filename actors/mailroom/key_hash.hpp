// Keys: how they are hashed and how several fields make one. Both are part of what journals keep: never change them.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>

namespace mailroom {

namespace detail {
inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using u128 = unsigned __int128;
  const auto product = static_cast<u128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}
inline std::uint64_t load8(const char* at) noexcept {
  std::uint64_t value;
  std::memcpy(&value, at, 8);
  return value;
}
// The 1 to 8 bytes at `at`, by loads of fixed size: a copy of unknown length would be a call.
inline std::uint64_t load(const char* at, std::size_t bytes) noexcept {
  const auto byte = [at](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(at[i])}; };
  if (bytes == 8) return load8(at);
  if (bytes >= 4) {
    std::uint32_t low, high;
    std::memcpy(&low, at, 4);
    std::memcpy(&high, at + bytes - 4, 4);
    return low | (std::uint64_t{high} << ((bytes - 4) * 8));
  }
  return byte(0) | (byte(bytes / 2) << (bytes / 2 * 8)) | (byte(bytes - 1) << ((bytes - 1) * 8));
}

// Whether the text is what std::to_chars makes of an int64: then `value` is it.
inline bool spells_integer(std::string_view text, std::int64_t& value) noexcept {
  const bool negative = !text.empty() && text.front() == '-';
  const auto digits = text.substr(negative);
  if (digits.empty() || digits.size() > 19) return false;
  if (digits.front() < '1' || digits.front() > '9') {
    value = 0;
    return text == "0";
  }
  std::uint64_t magnitude = 0;  // 19 digits fit
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
    magnitude = magnitude * 10 + static_cast<std::uint64_t>(c - '0');
  }
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (magnitude > most + negative) return false;
  value = static_cast<std::int64_t>(negative ? ~magnitude + 1 : magnitude);
  return true;
}
}  // namespace detail

// The hash of a key that is an integer: that of hash_key() for its digits. No two integers have the same, for each
// step can be undone (MurmurHash3's finalizer; Austin Appleby, 2011).
inline std::uint64_t hash_integer_key(std::int64_t value) noexcept {
  auto hash = static_cast<std::uint64_t>(value) + 0x9E3779B97F4A7C15ull;
  hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCDull;
  hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53ull;
  return hash ^ (hash >> 33);
}

// 64 bits of a key: of its number if it spells an integer, so that a key hashes alike whether an event has it as text
// or as a number; else by multiply-and-fold over 16-byte steps, the construction of wyhash (Wang Yi, 2019) with
// constants of its own. Little-endian machines.
inline std::uint64_t hash_key(std::string_view key) noexcept {
  if (std::int64_t integer = 0; detail::spells_integer(key, integer)) return hash_integer_key(integer);
  constexpr std::uint64_t k0 = 0x9E3779B97F4A7C15ull, k1 = 0xD1B54A32D192ED03ull, k2 = 0x8CB92BA72F3D8DD7ull;
  auto hash = k0 ^ (key.size() * k1);
  const char* at = key.data();
  auto left = key.size();
  while (left > 16) {
    hash = detail::fold(detail::load8(at) ^ k1, detail::load8(at + 8) ^ hash);
    at += 16;
    left -= 16;
  }
  std::uint64_t a = 0, b = 0;
  if (left > 8) {
    a = detail::load8(at);
    b = detail::load(at + 8, left - 8);
  } else if (left > 0) {
    a = detail::load(at, left);
  }
  return detail::fold(detail::fold(a ^ k1, b ^ hash) ^ k2, hash ^ k0);
}

// Keys of several fields: the parts joined by '|'; '|' and '\' inside a part are escaped by '\'.
inline void append_key_part(std::string& key, std::string_view part, bool first) {
  if (!first) key += '|';
  for (const char c : part) {
    if (c == '|' || c == '\\') key += '\\';
    key += c;
  }
}

}  // namespace mailroom
