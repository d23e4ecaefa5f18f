// The node's list of telemetry events and spans: what shards have put into their own bounded buffers, numbered and kept
// for whoever follows. The oldest go when it is full; a follower that is too slow is told how many it has missed.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "runtime/engine/clock.hpp"
#include "runtime/telemetry/single_writer_ring.hpp"
#include "runtime/telemetry/telemetry_event.hpp"

namespace mailroom::runtime {

// What one shard has to tell. Written by the shard's thread alone.
struct ShardTelemetry {
  SingleWriterRing<TelemetryEvent> events;
  SingleWriterRing<Span> spans;
};

// Any thread.
class TelemetryLog {
 public:
  static constexpr std::size_t kept = 8192;  // events, and as many spans

  explicit TelemetryLog(const Clock& clock) : clock_(clock) {}

  // An event that comes from no shard's thread; its time is now.
  void add(TelemetryEvent event);
  // Takes what the shards have put into their buffers.
  void collect(std::vector<ShardTelemetry>& shards);

  template <class T>
  struct Following {
    std::vector<T> items;
    std::uint64_t next = 0;     // where to go on
    std::uint64_t missed = 0;   // between `from` and the first of `items`: they were no longer kept
    std::uint64_t dropped = 0;  // by all shards so far, for lack of room in their buffers
  };
  // What came from number `from` on, oldest first, at most so many. Numbers count from 1; an event's is its id.
  [[nodiscard]] Following<TelemetryEvent> events_from(std::uint64_t from, std::size_t most) const;
  [[nodiscard]] Following<Span> spans_from(std::uint64_t from, std::size_t most) const;
  // The number that the next one will have.
  [[nodiscard]] std::uint64_t next_event() const;
  [[nodiscard]] std::uint64_t next_span() const;

 private:
  template <class T>
  struct List {
    std::deque<T> items;
    std::uint64_t next = 1;  // number of the one that comes next
    std::uint64_t dropped = 0;
    void add(T item) {
      ++next;
      items.push_back(std::move(item));
      if (items.size() > kept) items.pop_front();
    }
    [[nodiscard]] Following<T> from(std::uint64_t number, std::size_t most) const;
  };
  void number(TelemetryEvent event);

  const Clock& clock_;
  mutable std::mutex mutex_;
  List<TelemetryEvent> events_;
  List<Span> spans_;
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint64_t> gaps_;  // (shard, its number there) -> id; open ones
  std::vector<TelemetryEvent> collected_;                                  // reused
};

}  // namespace mailroom::runtime
