// Reads a node's telemetry (docs/telemetry-protocol.md): for `mailroom top`, `mailroom record` and tests. Plain or TLS.
// One thread; every call ends by its deadline.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>

namespace mailroom::cluster {

struct TelemetryAddress {
  std::string host, port;
  bool tls = false;
  std::string token;              // empty: none
  std::filesystem::path ca;       // whose certificates are trusted; empty: the machine's
  std::filesystem::path certificate, private_key;  // shown to a node that asks for one; PEM. No key: it is in the same file
};
// "7070", "host:7070", "http://host:7070", "https://host:7070". Throws BadValue.
TelemetryAddress read_telemetry_address(std::string_view text);

// The node is not there, refuses, or has gone; what() says which.
class Disconnected : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class TelemetryClient {
 public:
  // Throws Disconnected; BadValue if a TLS file is no use.
  TelemetryClient(const TelemetryAddress& address, std::chrono::milliseconds deadline);
  ~TelemetryClient();
  // Sends "subscribe". Throws Disconnected.
  void subscribe(double rate_hz, bool gauges, bool events, bool spans);
  // Any message, as it is. Throws Disconnected.
  void send(std::string_view bytes);
  // The next frame's bytes; nullopt: none came in time. Throws Disconnected; its text is the node's last word.
  std::optional<std::string> read(std::chrono::milliseconds time);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The rows of a node as its gauges tell them, put together from full frames and changes.
class GaugeRows {
 public:
  // Takes a decoded gauges frame. Throws BadValue if it is none.
  void apply(const nlohmann::json& frame);
  // A frame with all rows, and the head of the one applied last.
  [[nodiscard]] nlohmann::json full() const;
  [[nodiscard]] const nlohmann::json& head() const { return head_; }
  [[nodiscard]] const std::map<std::size_t, nlohmann::json>& shards() const { return shards_; }
  [[nodiscard]] const std::map<std::size_t, nlohmann::json>& edges() const { return edges_; }
  [[nodiscard]] const std::map<std::string, nlohmann::json>& sources() const { return sources_; }

 private:
  nlohmann::json head_;
  std::map<std::size_t, nlohmann::json> shards_, edges_;
  std::map<std::string, nlohmann::json> sources_;
};

}  // namespace mailroom::cluster
