// The key by which a stage asks for an event, and the shard that owns it. The one place that decides both.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <mailroom/key_hash.hpp>

#include "runtime/topology/topology.hpp"

namespace mailroom::runtime {

// The text of a key of several fields, put into `composed`.
inline void compose_key(const KeyFields& key, const void* event, std::string& composed) {
  composed.clear();
  for (std::size_t i = 0; i < key.readers.size(); ++i) {
    KeyScratch scratch;
    append_key_part(composed, key.readers[i].text(event, scratch), i == 0);
  }
}
// `composed` is memory that is used again.
inline std::uint64_t hash_of_key(const KeyFields& key, const void* event, std::string& composed) {
  if (key.readers.size() == 1) return key.readers[0].hash(event);
  compose_key(key, event, composed);
  return hash_key(composed);
}

// The upper half decides the shard, so that tables inside a shard may use the lower bits.
inline std::uint32_t shard_of(std::uint64_t key_hash, std::uint32_t shards) {
  return static_cast<std::uint32_t>(((key_hash >> 32) * shards) >> 32);
}

}  // namespace mailroom::runtime
