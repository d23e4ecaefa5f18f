// A topology as the engine runs it: read from JSON, checked, every name resolved. Plain values.
// load_topology() in load_topology.hpp makes it; nothing in it changes while a node runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include <mailroom/actor_type.hpp>
#include <mailroom/event_type.hpp>
#include <mailroom/sink.hpp>
#include <mailroom/source.hpp>

namespace mailroom::runtime {

enum class StageKind : std::uint8_t { source, actor, sink };
// key: events of a key in order, keys spread over the shards. total: one shard. none: a worker queue,
// events taken by whichever worker is free.
enum class Ordering : std::uint8_t { key, total, none };
enum class Overflow : std::uint8_t { backpressure, spill, drop_oldest, drop_newest, reject };
enum class Durability : std::uint8_t { durable, memory };
// wall: the machine's clock. events: the time the stage's inputs have reached (a watermark).
enum class ClockKind : std::uint8_t { wall, events };
enum class Strategy : std::uint8_t { one_for_one, one_for_all, rest_for_one };

// Who waits while a failed event is tried again.
enum class Retrying : std::uint8_t { block_key, block_shard };
// What happens once its retries are used up.
enum class Then : std::uint8_t {
  skip,       // to the dead letters; its key goes on, the break in its order is counted ("dead_letter" means the same)
  park_key,   // it and all later events of its key move, in order, to the key's parking lot
  block_key,  // it is tried again for ever, at the longest backoff; its key waits
  block_shard,  // the same; its shard waits
  stop,         // the node stops; nothing is lost in durable mode
  escalate      // the stage's supervisor restarts by its strategy, then the event is tried again
};

struct Backoff {
  std::chrono::milliseconds first{100};
  std::chrono::milliseconds longest{5000};
  double jitter = 0.2;  // each wait is drawn from [1 - jitter, 1 + jitter] times its nominal length
};

struct FailurePolicy {
  unsigned retries = 3;
  Backoff backoff;
  Retrying retrying = Retrying::block_key;
  Then then = Then::skip;
};

struct SupervisionPolicy {
  Strategy strategy = Strategy::one_for_one;
  unsigned restarts = 5;  // more than this many within the window escalate to the parent
  std::chrono::milliseconds within{10'000};
  Backoff backoff;
};

struct MailboxPolicy {
  std::uint32_t capacity = 8192;  // events
  Overflow overflow = Overflow::backpressure;
};

// The numbers that a stage's producers give their events, per key, are watched as they arrive.
struct OrderWatchPolicy {
  std::string sequence;  // the field
  std::chrono::milliseconds grace{2'000};  // what is missing for longer is taken to never come
  std::vector<EventType::ReadNumber> readers;  // indexed as EventType::index(); null: that type has no such field
};

// Key of one event type at one stage: one field, or several (then parts joined as append_key_part does).
struct KeyFields {
  std::vector<std::string> names;
  std::vector<KeyReader> readers;  // same order
};

struct Edge {
  std::size_t from = 0;                  // index in Topology::stages
  std::vector<const EventType*> events;  // never empty; what of the producer's events this edge carries
  bool feedback = false;                 // closes a declared cycle: never blocks its producer, holds no watermark back
};

struct Stage {
  std::string name;
  StageKind kind = StageKind::actor;
  std::vector<Edge> inputs;               // empty for sources
  std::vector<const EventType*> handles;  // union over inputs and (actors) the types of its own timers
  std::vector<const EventType*> emits;    // empty for sinks
  // indexed as EventType::index(); null entry: not handled here. Empty readers: no key (ordering total or none).
  std::vector<std::optional<KeyFields>> keys;
  Ordering ordering = Ordering::key;
  std::uint32_t shards = 1;   // 1 for total, none, sinks; workers serve ordering none
  std::uint32_t workers = 0;  // > 0 exactly for ordering none
  // With workers. Given a key, the jobs of one key are done one at a time, in order.
  bool key_in_order = false;
  bool blocking = false;                              // each worker has a thread of its own
  std::vector<EventType::ReadNumber> priorities;      // indexed as EventType::index(), or empty: the highest first
  std::chrono::microseconds expires_after{0};         // > 0: a job not begun so long after its event's time is given up
  std::vector<EventType::ReadTime> expires_at;        // indexed as EventType::index(), or empty: the job's own deadline
  MailboxPolicy mailbox;
  FailurePolicy on_failure;
  SupervisionPolicy supervision;
  std::chrono::milliseconds deadline{30'000};  // an event handled longer than this is reported as stuck
  std::optional<OrderWatchPolicy> watch_order;  // kind actor
  std::size_t resident_keys = 100'000;         // states kept in memory per shard in durable mode
  nlohmann::json options = nlohmann::json::object();

  const ActorType* actor = nullptr;               // kind actor
  const SourceType* source = nullptr;             // kind source
  const EventType* source_event = nullptr;        // kind source with one event type
  std::string time_field;                         // kind source: the event's timestamp field; empty: arrival
  std::vector<EventType::ReadTime> time_readers;  // indexed as EventType::index(); null: arrival
  std::chrono::microseconds lateness{0};          // kind source: its watermark stays this far behind its latest event
  std::chrono::microseconds idle_after{0};        // kind source: without input for so long it holds no watermark back; 0: always
  std::chrono::microseconds max_ahead{0};         // kind source: what an event may move its watermark at once; 0: no bound
  std::uint32_t believed_after = 10;              // kind source: the so many-th event in a row beyond max_ahead moves it all the same
  const SinkType* sink = nullptr;                 // kind sink
  std::string path;                               // sources and sinks: resolved
};

struct Topology {
  std::string name;
  std::filesystem::path file;
  std::vector<std::string> libraries;
  Durability durability = Durability::durable;
  ClockKind clock = ClockKind::wall;
  SupervisionPolicy supervision;  // over the stages
  std::vector<Stage> stages;      // as written in the file

  [[nodiscard]] std::optional<std::size_t> stage_index(std::string_view stage) const {
    for (std::size_t i = 0; i < stages.size(); ++i)
      if (stages[i].name == stage) return i;
    return std::nullopt;
  }
};

}  // namespace mailroom::runtime
