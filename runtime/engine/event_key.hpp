// How an event's key is read by a stage, and which shard owns it. The one place that decides both.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <mailroom/key_hash.hpp>

#include "runtime/topology/topology.hpp"

namespace mailroom::runtime {

// The key's text, valid while event, scratch and `composed` live. `composed` is used for keys of several fields.
inline std::string_view read_key(const KeyFields& key, const void* event, KeyScratch& scratch, std::string& composed) {
  if (key.readers.size() == 1) return key.readers[0](event, scratch);
  composed.clear();
  for (std::size_t i = 0; i < key.readers.size(); ++i)
    append_key_part(composed, key.readers[i](event, scratch), i == 0);
  return composed;
}

// The upper half decides the shard, so that tables inside a shard may use the lower bits.
inline std::uint32_t shard_of(std::uint64_t key_hash, std::uint32_t shards) {
  return static_cast<std::uint32_t>(((key_hash >> 32) * shards) >> 32);
}

}  // namespace mailroom::runtime
