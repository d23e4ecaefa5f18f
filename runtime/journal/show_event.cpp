#include "runtime/journal/show_event.hpp"

#include <fmt/format.h>

#include <mailroom/batch_codec.hpp>

#include "runtime/journal/record_codec.hpp"

namespace mailroom::runtime {

nlohmann::json event_to_json(const EventBatch& batch, std::size_t index) {
  const auto& meta = batch.meta(index);
  return {{"event", batch.type(index).name()},
          {"payload", batch.type(index).to_json(batch.event(index))},
          {"time", time_to_text(meta.time)},
          {"trace", trace_to_text(meta.trace)}};
}

nlohmann::json stored_event_to_json(std::string_view bytes) {
  if (const auto unknown = unknown_schema(bytes); !unknown.empty()) return {{"event", nullptr}, {"unknown", unknown}};
  const auto batch = decode_batch(bytes);
  return batch.empty() ? nlohmann::json::object() : event_to_json(batch, 0);
}

std::string time_to_text(Timestamp time) {
  if (time == Timestamp::min()) return "-";
  if (time == Timestamp::max()) return "end";
  return time.to_string();
}

std::string trace_to_text(TraceId trace) { return fmt::format("{}:{}", trace_stream(trace), trace_sequence(trace)); }

std::string to_line(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string to_hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<unsigned char>(c));
  return out;
}

}  // namespace mailroom::runtime
