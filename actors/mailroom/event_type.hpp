// What the engine knows of an event type without knowing the C++ type: its name, schema, and how to
// store, encode, show and key it. One EventType lives for each type named in MAILROOM_EVENT, for the
// whole life of the process. Immutable after registration, so any thread may read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mailroom/schema.hpp>

namespace mailroom {

// A contiguous block of events of one type: the storage inside an EventBatch. Not thread-safe.
class EventColumn {
 public:
  virtual ~EventColumn() = default;
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] const void* at(std::size_t index) const noexcept { return events_ + index * event_size_; }
  // Moves *event in; the pointer must be to the column's own C++ type.
  virtual void append_move(void* event) = 0;
  virtual void append_copy(const void* event) = 0;
  // Drops the events from `size` on: how the engine rolls back what a failed handler emitted.
  virtual void truncate(std::size_t size) = 0;
  // Appends all events to `out` as one archive (archive.hpp).
  virtual void encode(std::string& out) const = 0;
  // Appends `count` events read from `bytes`, written by schema version `version` (<= the current one).
  // Throws CorruptData when the bytes do not hold exactly that.
  virtual void decode(std::string_view bytes, std::size_t count, unsigned version) = 0;

 protected:
  explicit EventColumn(std::size_t event_size) : event_size_(event_size) {}
  // After each change: where the events are and how many. Reading them then needs no virtual call.
  void now_at(const void* events, std::size_t size) noexcept {
    events_ = static_cast<const std::byte*>(events);
    size_ = size;
  }

 private:
  const std::byte* events_ = nullptr;
  std::size_t size_ = 0;
  const std::size_t event_size_;
};

// Where a key that is not text is written while it is read; no allocation.
struct KeyScratch {
  char text[40];
};
// How one field of an event type is read as a key.
struct KeyReader {
  // The key's canonical text, either inside the event or inside the scratch. Valid while both live.
  std::string_view (*text)(const void* event, KeyScratch& scratch) = nullptr;
  // hash_key() of that text, without making it where there is a shorter way.
  std::uint64_t (*hash)(const void* event) = nullptr;
  // Whether the value is an int64; null: never.
  bool (*integer)(const void* event) = nullptr;
  explicit operator bool() const noexcept { return text != nullptr; }
};

class EventType {
 public:
  virtual ~EventType() = default;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  // Dense in this process (0, 1, 2, ...), in order of registration: for tables, never for storage.
  [[nodiscard]] std::uint16_t index() const noexcept { return index_; }
  // Stable for storage: a 32-bit hash of the name.
  [[nodiscard]] std::uint32_t schema_id() const noexcept { return schema_id_; }
  [[nodiscard]] std::uint16_t version() const noexcept { return version_; }
  [[nodiscard]] const Schema& schema() const noexcept { return schema_; }

  [[nodiscard]] virtual std::unique_ptr<EventColumn> make_column(std::size_t reserve = 0) const = 0;
  [[nodiscard]] virtual nlohmann::json to_json(const void* event) const = 0;
  // Appends one event read from JSON / from a row of texts (one per schema field, nullopt = column absent).
  // Throws BadValue naming the field, what was found and what was expected.
  virtual void append_from_json(const nlohmann::json& value, EventColumn& column) const = 0;
  virtual void append_from_text(const std::vector<std::optional<std::string_view>>& fields,
                                EventColumn& column) const = 0;
  // Appends the event's fields as texts, in schema order (for CSV).
  virtual void to_text(const void* event, std::vector<std::string>& fields) const = 0;
  // None if there is no such field or its type cannot be a key (text, integer, enum, bool, timestamp,
  // and optionals of these can; an absent optional is the empty key).
  [[nodiscard]] virtual KeyReader key_reader(std::string_view field) const noexcept = 0;
  // Reads a timestamp field (for "time" in a topology); nullptr if it is not one. Microseconds since 1970 UTC.
  using ReadTime = std::int64_t (*)(const void* event);
  [[nodiscard]] virtual ReadTime time_reader(std::string_view field) const noexcept = 0;
  // Reads an integer field (for "watch_order"); nullptr if it is not one. Values beyond int64 come as its largest.
  using ReadNumber = std::int64_t (*)(const void* event);
  [[nodiscard]] virtual ReadNumber number_reader(std::string_view field) const noexcept = 0;

 protected:
  EventType(std::string name, std::uint16_t version, Schema schema);

 private:
  friend class EventTypes;
  std::string name_;
  std::uint16_t index_ = 0;
  std::uint32_t schema_id_ = 0;
  std::uint16_t version_ = 1;
  Schema schema_;
};

// All event types of the process. Registration happens during static initialisation and dlopen
// (guarded by a mutex); look-ups return pointers that stay valid.
class EventTypes {
 public:
  static const EventType& add(
      std::unique_ptr<EventType> type);  // throws std::logic_error on a name taken by another type
  [[nodiscard]] static const EventType* find(std::string_view name) noexcept;
  [[nodiscard]] static const EventType* find_schema(std::uint32_t schema_id) noexcept;
  [[nodiscard]] static const EventType& at(std::uint16_t index);
  [[nodiscard]] static std::vector<const EventType*> all();
};

}  // namespace mailroom
