// The sink "null": counts events and keeps nothing. For measurements.
#pragma once

#include <mailroom/saved_position.hpp>
#include <mailroom/sink.hpp>

namespace mailroom {

class NullSink final : public Sink {
 public:
  void write(const SinkEvent&) override { ++events_; }
  nlohmann::json flush() override { return {{"events", events_}}; }
  void sync() override {}
  void recover(const nlohmann::json& position) override { events_ = position.is_null() ? 0 : saved_number(position, "events", "null sink"); }

 private:
  std::uint64_t events_ = 0;
};

}  // namespace mailroom
