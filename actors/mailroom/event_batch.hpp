// A batch: events in order, of one type or of several, stored by type in contiguous columns.
// Batches, not single events, cross actor boundaries.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <mailroom/event_type.hpp>
#include <mailroom/spare_buffers.hpp>
#include <mailroom/timestamp.hpp>

namespace mailroom {

// Names the source event from which an event descends, through all stages: the source's number in the
// upper 16 bits, its sequence there in the lower 48. It is origin and trace id in one.
using TraceId = std::uint64_t;
constexpr TraceId make_trace(std::uint16_t stream, std::uint64_t sequence) {
  return (TraceId{stream} << 48) | (sequence & 0xFFFF'FFFF'FFFFull);
}
constexpr std::uint16_t trace_stream(TraceId trace) { return static_cast<std::uint16_t>(trace >> 48); }
constexpr std::uint64_t trace_sequence(TraceId trace) { return trace & 0xFFFF'FFFF'FFFFull; }

struct EventMeta {
  Timestamp time;  // event time
  TraceId trace = 0;
  std::uint64_t key_hash = 0;  // of the key by which the receiving stage asked for it; 0 if it has none
  std::uint16_t column = 0;    // where the event is: columns[column]->at(row)
  std::uint16_t row = 0;
  // How far its time was behind the watermark of its source when it was read there, in milliseconds, rounded up; 0: not at
  // all. What is emitted for it inherits that watermark (Context), so what is late does not depend on who runs when.
  std::uint32_t behind_ms = 0;
};
// EventMeta::behind_ms of an event with this time where the watermark is `reached`. More than 49 days count as 49.
constexpr std::uint32_t behind_ms(Timestamp time, Timestamp reached) {
  if (time >= reached) return 0;
  const auto micros = static_cast<std::uint64_t>(reached.micros) - static_cast<std::uint64_t>(time.micros);
  const auto millis = micros / 1000 + (micros % 1000 != 0);
  return millis < 0xFFFF'FFFF ? static_cast<std::uint32_t>(millis) : 0xFFFF'FFFF;
}

class EventBatch {
 public:
  static constexpr std::size_t max_events = 4096;  // rows are 16 bits; the engine's batches are far smaller

  EventBatch() = default;
  EventBatch(EventBatch&& other) noexcept { swap(other); }
  EventBatch& operator=(EventBatch&& other) noexcept {
    swap(other);
    return *this;
  }
  // With room for as many events, so that they don't move as it grows.
  explicit EventBatch(std::size_t expected) : expected_(expected), meta_(SpareBuffers<EventMeta>::take(expected)) {}
  ~EventBatch() { SpareBuffers<EventMeta>::give(std::move(meta_)); }

  [[nodiscard]] std::size_t size() const noexcept { return meta_.size(); }
  [[nodiscard]] bool empty() const noexcept { return meta_.empty(); }
  [[nodiscard]] const EventMeta& meta(std::size_t i) const noexcept { return meta_[i]; }
  [[nodiscard]] const EventType& type(std::size_t i) const noexcept { return *columns_[meta_[i].column].type; }
  [[nodiscard]] const void* event(std::size_t i) const noexcept {
    const auto& m = meta_[i];
    return columns_[m.column].events->at(m.row);
  }

  // Appends by moving from `*event`, which must be of the type's own C++ type. `meta.column/row` are set here.
  [[gnu::always_inline]] void append_move(const EventType& type, void* event, const EventMeta& meta) {
    place(type, meta).append_move(event);
  }
  void append_copy(const EventType& type, const void* event, const EventMeta& meta) {
    place(type, meta).append_copy(event);
  }
  // Appends the event last appended to `column(type)` by the caller itself (decoding, JSON, CSV).
  [[nodiscard]] EventColumn& column(const EventType& type);
  void adopt_last(const EventType& type, EventMeta meta);
  // The same where the columns are filled already and meta says the event's place (decoding).
  void adopt(const EventMeta& meta) { meta_.push_back(meta); }
  // Drops the events from `size` on.
  void truncate(std::size_t size);
  // Removes all; keeps the memory.
  void clear();

  struct TypedColumn {
    const EventType* type;
    std::unique_ptr<EventColumn> events;
  };
  [[nodiscard]] const std::vector<TypedColumn>& columns() const noexcept { return columns_; }
  [[nodiscard]] EventMeta& mutable_meta(std::size_t i) noexcept { return meta_[i]; }

 private:
  // Adds the meta of an event that the caller appends to the column returned.
  [[gnu::always_inline]] EventColumn& place(const EventType& type, const EventMeta& meta) {
    if (&type != last_type_) [[unlikely]]
      turn_to(type);
    const auto row = last_column_->size();
    if (row > 0xFFFF) [[unlikely]]
      too_many();
    // Field by field: a meta built on the stack and copied whole waits for its stores.
    meta_.emplace_back(meta.time, meta.trace, meta.key_hash, last_index_, static_cast<std::uint16_t>(row), meta.behind_ms);
    return *last_column_;
  }
  void turn_to(const EventType& type);
  void swap(EventBatch& other) noexcept;
  std::uint16_t column_index(const EventType& type);
  [[noreturn]] static void too_many();
  std::size_t expected_ = 0;
  std::vector<EventMeta> meta_;
  std::vector<TypedColumn> columns_;
  // The column appended to last: most batches are of one type.
  const EventType* last_type_ = nullptr;
  EventColumn* last_column_ = nullptr;
  std::uint16_t last_index_ = 0;
};

}  // namespace mailroom
