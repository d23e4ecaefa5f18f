// Every event that a simulated run has seen, once each, so that histories can name events by a number.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>

#include <mailroom/event_batch.hpp>
#include <mailroom/key_hash.hpp>

namespace mailroom::runtime {

// A hash of an event's type, content and trace: the same for an event that is made again.
using EventId = std::uint64_t;

// One thread.
class EventCatalogue {
 public:
  struct Entry {
    const EventType* type = nullptr;
    std::unique_ptr<EventColumn> column;
    TraceId trace = 0;
    [[nodiscard]] const void* event() const { return column->at(0); }
  };

  EventId note(const EventType& type, const void* event, TraceId trace) {
    auto column = type.make_column(1);
    column->append_copy(event);
    bytes_.clear();
    column->encode(bytes_);
    bytes_.append(reinterpret_cast<const char*>(&trace), sizeof trace);
    const auto schema = type.schema_id();
    bytes_.append(reinterpret_cast<const char*>(&schema), sizeof schema);
    const auto id = hash_key(bytes_);
    entries_.try_emplace(id, Entry{&type, std::move(column), trace});
    return id;
  }
  [[nodiscard]] const Entry& at(EventId id) const { return entries_.at(id); }
  [[nodiscard]] bool contains(EventId id) const { return entries_.contains(id); }
  [[nodiscard]] std::string describe(EventId id) const {
    const auto found = entries_.find(id);
    return found == entries_.end() ? "an event that nobody made" : describe(*found->second.type, found->second.event());
  }
  // Deposit {"account":"alice","cents":100}
  [[nodiscard]] static std::string describe(const EventType& type, const void* event) {
    auto text = type.to_json(event).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);  // one byte a character
    if (text.size() > 140) text = text.substr(0, 137) + "...";
    return type.name() + " " + text;
  }

 private:
  std::unordered_map<EventId, Entry> entries_;
  std::string bytes_;  // reused
};

}  // namespace mailroom::runtime
