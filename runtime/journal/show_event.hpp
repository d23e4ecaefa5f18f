// Stored events and times as people read them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include <mailroom/event_batch.hpp>

namespace mailroom::runtime {

// {"event": type, "payload": {...}, "time": ..., "trace": "stream:sequence"}
nlohmann::json event_to_json(const EventBatch& batch, std::size_t index);
// The same for the one event in a stored batch; {"event": null, "unknown": "schema 1a2b3c4d"} where its type is not
// known. Throws CorruptData.
nlohmann::json stored_event_to_json(std::string_view batch);
// "2010-12-01T08:26:00Z"; the first and the last moment are "-" (not known yet) and "end".
std::string time_to_text(Timestamp time);
std::string trace_to_text(TraceId trace);          // "1:17"
std::string to_line(const nlohmann::json& value);  // texts that are not UTF-8 get replacement characters
std::string to_hex(std::string_view bytes);

}  // namespace mailroom::runtime
