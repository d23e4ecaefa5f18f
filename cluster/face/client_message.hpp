// What a telemetry client may say (docs/telemetry-protocol.md, "From the client").
#pragma once

#include <string_view>

namespace mailroom::cluster {

struct Subscription {
  double rate_hz = 20;
  bool gauges = true, events = true, spans = true;
};

// Changes `subscription` by one message. False: it is not CBOR, or no map; members and types not known are passed over.
// Bounded in depth and time by the message's length, whatever its bytes are.
bool read_client_message(std::string_view bytes, Subscription& subscription);

}  // namespace mailroom::cluster
