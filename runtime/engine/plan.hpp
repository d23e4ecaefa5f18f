// The topology laid out for running: every shard and every channel between two shards, numbered.
// Built once at start, immutable afterwards; read by all shards without locks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/journal/journal.hpp"
#include "runtime/topology/topology.hpp"

namespace mailroom::runtime {

// Index of a shard in Plan::shards: dense in this process. (ShardId is its number in the journal.)
using ShardIndex = std::uint32_t;

struct PlannedShard {
  std::size_t stage = 0;
  std::uint32_t number = 0;       // within the stage
  ShardId id = 0;                 // in the journal
  std::vector<ChannelId> inputs;  // in the order of the stage's "from", then of the producer's shards
  std::vector<ChannelId> outputs;
};

struct PlannedChannel {
  ChannelId id = 0;
  std::size_t edge = 0;  // index in Plan::edges
  ShardIndex from = 0, to = 0;
  std::uint32_t output = 0, input = 0;  // its place in the sender's outputs, and in the receiver's inputs
  std::uint32_t credit = 0;  // events that may be under way: its share of the receiver's mailbox
};

struct PlannedEdge {
  std::size_t from_stage = 0, to_stage = 0;
  bool feedback = false;
  bool from_source = false;
  Overflow overflow = Overflow::backpressure;  // the receiver's; feedback edges spill
};

// Where events of one type that a stage emits go: one entry per edge that carries the type.
struct Route {
  std::size_t edge = 0;
  std::size_t to_stage = 0;
  std::uint32_t shards = 1;        // of the receiver
  const KeyFields* key = nullptr;  // null: no key, shards == 1
  std::uint32_t first_output = 0;  // outputs[first_output + n] of the emitting shard leads to shard n
};

struct Plan {
  Topology topology;
  std::vector<PlannedShard> shards;
  std::vector<PlannedEdge> edges;
  std::vector<PlannedChannel> channels;                 // dense list
  std::vector<std::uint32_t> channel_index;             // ChannelId -> index in channels
  std::vector<ShardIndex> first_shard;                  // stage -> its shard 0
  std::vector<std::vector<std::vector<Route>>> routes;  // [stage][EventType::index()]

  [[nodiscard]] const PlannedChannel& channel(ChannelId id) const { return channels[channel_index[id]]; }
  // Null: this topology has no such channel (the journal may name one that an earlier topology had), or `id` is 0.
  [[nodiscard]] const PlannedChannel* find_channel(ChannelId id) const noexcept {
    return id < channel_index.size() && channel(id).id == id ? &channel(id) : nullptr;
  }
  [[nodiscard]] const Stage& stage_of(ShardIndex shard) const { return topology.stages[shards[shard].stage]; }
  [[nodiscard]] std::string shard_name(ShardIndex shard) const;  // "ledger/3"
};

// Numbers shards and channels by the journal, or densely when `journal` is null (memory mode).
// Throws StorageError if the journal holds undelivered events for a shard or channel that this topology
// no longer has (names them and says what to do).
std::shared_ptr<const Plan> make_plan(Topology topology, Journal* journal);

}  // namespace mailroom::runtime
