// The node's face: one port with HTTP (health, metrics, the API) and the telemetry WebSocket. A thread of its own, and one
// more for what reads the journal; the engine's threads never wait for it.
//
// Everybody who connects is bounded: in number, in what he may send, in the time he may take, and in what is kept for
// him. Who is too slow for his frames gets fewer of them.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cluster/face/access.hpp"
#include "runtime/engine/engine.hpp"

namespace mailroom::cluster {

struct FaceLimits {
  std::size_t connections = 256;  // beyond: the one that has been silent longest goes, WebSockets excepted
  std::size_t websockets = 32;
  std::uint32_t header_bytes = 8 * 1024;
  std::uint64_t body_bytes = 64 * 1024;
  std::uint64_t message_bytes = 4 * 1024;  // from a WebSocket
  unsigned messages_a_second = 50;
  std::chrono::milliseconds request{10'000};   // from the first wait to the last byte of a request, and the same to send the answer
  std::chrono::milliseconds answer{5'000};     // of a shard that is asked something
  std::chrono::milliseconds websocket_idle{30'000};  // without even the answer to a ping
};

class Face {
 public:
  // Listens at once. `engine` outlives it. Throws BadValue (no safe way to listen; a file that is none), StorageError (the port is taken).
  Face(runtime::Engine& engine, const ListenOptions& options, const std::string& program, FaceLimits limits = {});
  // Tells the WebSockets what came last, within half a second, and closes.
  ~Face();
  // Throws as the constructor does where options can't work, without listening.
  static void check(const ListenOptions& options);
  Face(const Face&) = delete;
  Face& operator=(const Face&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  // "127.0.0.1:7070"
  [[nodiscard]] std::string address() const;
  // The same, but with this machine's name where it listens at every address: what another program can be told.
  [[nodiscard]] std::string reachable_address() const;
  // "http://127.0.0.1:7070"
  [[nodiscard]] std::string url() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mailroom::cluster
