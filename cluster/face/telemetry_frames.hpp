// The frames of docs/telemetry-protocol.md, made from what the engine knows. Each row, event and span is encoded once,
// however many clients there are. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/engine/engine.hpp"

namespace mailroom::cluster {

using Frame = std::shared_ptr<const std::string>;

class TelemetryFrames {
 public:
  static constexpr std::size_t most_items = 500;  // events or spans of one frame
  static constexpr unsigned rate_hz = 20;

  TelemetryFrames(const runtime::Engine& engine, std::string program);

  // Encodes what is new. Call before the frames below are asked for.
  void refresh(std::size_t clients);

  [[nodiscard]] Frame hello(std::string_view role) const;
  // How often the rows have been looked at: what a client has is named by it.
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }
  // The rows that changed after `since`; 0: all. Clients that have the same share one frame.
  [[nodiscard]] Frame gauges(std::uint64_t since);

  // Where a client is in the lists of events and spans.
  struct Place {
    std::uint64_t next_event = 1, next_span = 1;
    std::uint64_t missed_events = 0, missed_spans = 0;          // since it came
    std::uint64_t dropped_events_before = 0, dropped_spans_before = 0;  // by the shards, before it came
  };
  [[nodiscard]] Place end() const;
  // What comes behind `place`, which moves on; null: nothing.
  [[nodiscard]] Frame events(Place& place) const;
  [[nodiscard]] Frame spans(Place& place) const;

 private:
  struct Row {
    std::string bytes;
    std::uint64_t changed = 0;
  };
  struct Items {  // encoded, the latest ones
    std::deque<std::string> items;
    std::uint64_t next = 1;  // number of the one that comes next
    std::uint64_t dropped = 0;
  };
  void put(std::vector<Row>& rows, std::size_t index, std::string bytes);
  template <class Following, class Encode>
  void take(Items& items, const Following& following, Encode&& encode);
  [[nodiscard]] static Frame frame_of(const char* type, const Items& items, std::uint64_t& next, std::uint64_t& missed,
                                      std::uint64_t dropped_before);

  const runtime::Engine& engine_;
  const runtime::Plan& plan_;
  const std::string program_;
  const std::int64_t started_us_;
  std::shared_ptr<const runtime::TelemetrySnapshot> snapshot_;
  std::uint64_t version_ = 0;
  std::size_t clients_ = 0;
  std::vector<Row> shards_, edges_, sources_;
  std::map<std::uint64_t, Frame> made_;  // gauges of the present version, by `since`
  Items events_, spans_;
};

}  // namespace mailroom::cluster
