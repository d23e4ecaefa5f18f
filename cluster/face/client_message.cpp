#include "cluster/face/client_message.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "cluster/face/telemetry_frames.hpp"

namespace mailroom::cluster {

namespace {

constexpr unsigned most_depth = 16;

// Passes over one item; false: no CBOR, of indefinite length, or too deep. The parser proper goes down a level of the
// stack for each level of nesting, so the depth is looked at first.
bool skip_item(std::string_view& bytes, unsigned depth) {
  if (bytes.empty() || depth > most_depth) return false;
  const auto first = static_cast<unsigned char>(bytes.front());
  const unsigned major = first >> 5, extra = first & 31u;
  bytes.remove_prefix(1);
  if (extra > 27) return false;
  std::uint64_t value = extra;
  if (extra >= 24) {
    const std::size_t size = std::size_t{1} << (extra - 24);
    if (bytes.size() < size) return false;
    value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    bytes.remove_prefix(size);
  }
  switch (major) {
    case 2:
    case 3:
      if (bytes.size() < value) return false;
      bytes.remove_prefix(value);
      return true;
    case 4:
    case 5: {
      if (value > bytes.size()) return false;  // each item takes a byte
      for (std::uint64_t i = 0; i < (major == 5 ? 2 * value : value); ++i)
        if (!skip_item(bytes, depth + 1)) return false;
      return true;
    }
    case 6: return skip_item(bytes, depth + 1);
    default: return true;
  }
}

}  // namespace

bool read_client_message(std::string_view bytes, Subscription& subscription) {
  auto rest = bytes;
  if (!skip_item(rest, 0) || !rest.empty()) return false;
  const auto message = nlohmann::json::from_cbor(bytes.begin(), bytes.end(), true, false, nlohmann::json::cbor_tag_handler_t::ignore);
  if (!message.is_object()) return false;
  const auto type = message.find("type");
  if (type == message.end() || *type != "subscribe") return true;
  if (const auto rate = message.find("rate_hz"); rate != message.end() && rate->is_number()) {
    const auto asked = rate->get<double>();
    if (std::isfinite(asked)) subscription.rate_hz = std::clamp(asked, 0.1, static_cast<double>(TelemetryFrames::rate_hz));
  }
  const auto flag = [&](const char* name, bool& value) {
    if (const auto found = message.find(name); found != message.end() && found->is_boolean()) value = found->get<bool>();
  };
  flag("gauges", subscription.gauges);
  flag("events", subscription.events);
  flag("spans", subscription.spans);
  return true;
}

}  // namespace mailroom::cluster
