#include <stdexcept>
#include <utility>

#include <mailroom/event_batch.hpp>

namespace mailroom {

std::uint16_t EventBatch::column_index(const EventType& type) {
  for (std::size_t i = 0; i < columns_.size(); ++i)
    if (columns_[i].type == &type) return static_cast<std::uint16_t>(i);
  // Most batches are of one type: the first gets all the room.
  columns_.push_back({&type, type.make_column(columns_.empty() ? expected_ : 0)});
  return static_cast<std::uint16_t>(columns_.size() - 1);
}

void EventBatch::swap(EventBatch& other) noexcept {
  std::swap(expected_, other.expected_);
  meta_.swap(other.meta_);
  columns_.swap(other.columns_);
  std::swap(last_type_, other.last_type_);
  std::swap(last_column_, other.last_column_);
  std::swap(last_index_, other.last_index_);
}

void EventBatch::turn_to(const EventType& type) {
  last_index_ = column_index(type);
  last_column_ = columns_[last_index_].events.get();
  last_type_ = &type;
}

void EventBatch::too_many() { throw std::length_error("a batch holds at most 65,536 events of a type"); }

EventColumn& EventBatch::column(const EventType& type) { return *columns_[column_index(type)].events; }

void EventBatch::adopt_last(const EventType& type, EventMeta meta) {
  meta.column = column_index(type);
  meta.row = static_cast<std::uint16_t>(columns_[meta.column].events->size() - 1);
  meta_.push_back(meta);
}

void EventBatch::truncate(std::size_t size) {
  while (meta_.size() > size) {
    const auto& meta = meta_.back();
    columns_[meta.column].events->truncate(meta.row);
    meta_.pop_back();
  }
}

void EventBatch::clear() {
  meta_.clear();
  for (auto& column : columns_) column.events->truncate(0);
}

}  // namespace mailroom
