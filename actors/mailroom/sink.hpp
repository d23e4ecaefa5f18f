// Where events go: the outside world. A sink is used by one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include <mailroom/event_batch.hpp>
#include <mailroom/schema.hpp>

namespace mailroom {

// One event on its way out. (stream, sequence) is the same whenever it is written again, and no other event of this stage
// has it: the idempotency key for an outside that can deduplicate. A stream is one producing shard; its sequence rises
// from event to event, so the outside need only remember the last of each stream.
struct SinkEvent {
  const EventType& type;
  const void* event;
  const EventMeta& meta;
  std::uint32_t stream;
  std::uint64_t sequence;
};

class Sink {
 public:
  virtual ~Sink() = default;
  // Takes one event; it may stay in a buffer until flush(). Throws StorageError if the outside fails.
  virtual void write(const SinkEvent& event) = 0;
  // Hands everything written to the operating system. Returns the position reached (a file: its length),
  // which is committed with the events.
  virtual nlohmann::json flush() = 0;
  // Makes what was flushed safe against power loss (fdatasync). Called between flush() and the commit.
  virtual void sync() = 0;
  // After a restart: goes back to the last committed position (a file: truncates to that length), or to
  // "nothing written" (null). Throws StorageError if the outside has less than that.
  virtual void recover(const nlohmann::json& position) = 0;
};

struct SinkSettings {
  std::string path;  // resolved; empty if none was given
  nlohmann::json options;
  std::vector<const EventType*> events;  // what may arrive
};

struct SinkType {
  std::string name;  // "jsonl"
  bool needs_path = true;
  Schema options_schema;
  std::function<void(const nlohmann::json&)> check_options;  // throws BadValue
  std::function<std::unique_ptr<Sink>(const SinkSettings&)> make;
  // Whether its calls may wait for the operating system: its shard then has a thread of its own.
  bool blocks = true;
};

class SinkTypes {
 public:
  static bool add(SinkType type);
  [[nodiscard]] static const SinkType* find(std::string_view name) noexcept;
  [[nodiscard]] static std::vector<const SinkType*> all();
};

}  // namespace mailroom
