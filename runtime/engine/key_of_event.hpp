// The key by which a stage asks for an event, and the shard that owns it. The one place that decides both.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <mailroom/key_hash.hpp>

#include "runtime/topology/topology.hpp"

namespace mailroom::runtime {

// The key's text, valid while event, scratch and `composed` live. `composed` is used for keys of several fields.
inline std::string_view read_key(const KeyFields& key, const void* event, KeyScratch& scratch, std::string& composed) {
  if (key.readers.size() == 1) return key.readers[0].text(event, scratch);
  composed.clear();
  for (std::size_t i = 0; i < key.readers.size(); ++i)
    append_key_part(composed, key.readers[i].text(event, scratch), i == 0);
  return composed;
}

// hash_key() of that text.
inline std::uint64_t hash_of_key(const KeyFields& key, const void* event, std::string& composed) {
  if (key.readers.size() == 1) return key.readers[0].hash(event);
  KeyScratch scratch;
  return hash_key(read_key(key, event, scratch, composed));
}

// The upper half decides the shard, so that tables inside a shard may use the lower bits.
inline std::uint32_t shard_of(std::uint64_t key_hash, std::uint32_t shards) {
  return static_cast<std::uint32_t>(((key_hash >> 32) * shards) >> 32);
}

}  // namespace mailroom::runtime
