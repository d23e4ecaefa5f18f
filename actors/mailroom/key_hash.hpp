// Keys: how they are hashed and how several fields make one. Both are part of what journals keep: never change them.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace mailroom {

namespace detail {
inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using u128 = unsigned __int128;
  const auto product = static_cast<u128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}
inline std::uint64_t load(const char* at, std::size_t bytes) noexcept {
  std::uint64_t value = 0;
  std::memcpy(&value, at, bytes);
  return value;
}
}  // namespace detail

// 64 bits of a key, by multiply-and-fold over 16-byte steps: the construction of wyhash (Wang Yi, 2019) with
// constants of its own. Little-endian machines.
inline std::uint64_t hash_key(std::string_view key) noexcept {
  constexpr std::uint64_t k0 = 0x9E3779B97F4A7C15ull, k1 = 0xD1B54A32D192ED03ull, k2 = 0x8CB92BA72F3D8DD7ull;
  auto hash = k0 ^ (key.size() * k1);
  const char* at = key.data();
  auto left = key.size();
  while (left > 16) {
    hash = detail::fold(detail::load(at, 8) ^ k1, detail::load(at + 8, 8) ^ hash);
    at += 16;
    left -= 16;
  }
  std::uint64_t a = 0, b = 0;
  if (left > 8) {
    a = detail::load(at, 8);
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
