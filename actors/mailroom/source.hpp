// Where events come from. A source is read by one thread at a time and never blocks: a source with
// nothing to give at the moment says so and is asked again.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mailroom/event_batch.hpp>
#include <mailroom/schema.hpp>

namespace mailroom {

// A piece of input that is no event: it becomes a dead letter.
struct DirtyInput {
  std::string origin;   // "orders/2010-12-01.csv:117"
  std::string reason;   // names field, found, expected
  std::string content;  // the raw line, cut at 4 KiB
};

// What one read() found. Reused from call to call.
struct SourceBatch {
  EventBatch events;  // meta.time is set by the source or left at 0 (the engine then uses its "time" field or now)
  std::vector<DirtyInput> dirty;
  void clear() {
    events.clear();
    dirty.clear();
  }
};

enum class ReadStatus : std::uint8_t {
  more,  // ask again at once
  idle,  // nothing at the moment: ask again after a while
  end    // there will never be more
};

struct SourceProgress {
  std::uint64_t done = 0;
  std::optional<std::uint64_t> total;  // unknown for a pipe, a tail
  std::string unit = "bytes";          // or "events"
};

class Source {
 public:
  virtual ~Source() = default;
  // Appends at most `max_events` events (and the dirty input found among them). Throws StorageError or
  // BadValue on what it cannot go on from (file missing, directory unreadable): the node stops.
  virtual ReadStatus read(SourceBatch& batch, std::size_t max_events) = 0;
  // Where the next read() begins. Committed together with the events, handed to seek() after a restart.
  [[nodiscard]] virtual nlohmann::json position() const = 0;
  // Throws StorageError if what was read before is no longer there (file replaced or shortened).
  virtual void seek(const nlohmann::json& position) = 0;
  [[nodiscard]] virtual SourceProgress progress() const { return {}; }
  // How long to wait after `idle` before asking again: what an event that comes meanwhile may be late.
  [[nodiscard]] virtual std::chrono::microseconds idle_wait() const { return std::chrono::milliseconds(20); }
};

// All that a source is made from.
struct SourceSettings {
  const EventType* event = nullptr;  // "event" of the stage; null if the source emits types of its own
  std::string path;                  // resolved; empty if none was given
  nlohmann::json options;            // "options" of the stage, an object (may be empty)
  std::uint32_t shard = 0;           // this source's shard and the number of them
  std::uint32_t shards = 1;
};

struct SourceType {
  std::string name;         // "csv"
  bool needs_event = true;  // the stage must say "event"
  bool needs_path = true;
  std::vector<const EventType*> emits;  // if !needs_event
  Schema options_schema;
  std::function<void(const nlohmann::json&)> check_options;  // throws BadValue
  std::function<std::unique_ptr<Source>(const SourceSettings&)> make;
  // The event types that the options add to the stage's "event"; may be empty. Throws BadValue.
  std::function<std::vector<const EventType*>(const nlohmann::json& options)> more_events;
};

class SourceTypes {
 public:
  static bool add(SourceType type);
  [[nodiscard]] static const SourceType* find(std::string_view name) noexcept;
  [[nodiscard]] static std::vector<const SourceType*> all();
};

}  // namespace mailroom

// Registers a Source class: its own name in JSON, a static Events list of what it emits and Options.
//   class Orders : public mailroom::Source { public: using Options = ...; using Emits = mailroom::Events<A, B>;
//                                            explicit Orders(const Options&); ... };
//   MAILROOM_SOURCE(Orders, "orders_generator")
// Defined in source_registration.hpp, which mailroom.hpp includes.
