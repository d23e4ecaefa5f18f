// The line that `mailroom run` shows while it works: progress, rate, time left, what waits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/telemetry/snapshot.hpp"

namespace mailroom::runtime {

// Fed with one snapshot after the other. One thread.
class LiveLine {
 public:
  // With a bar, for a terminal of that many columns: shorter than that, so that it never wraps.
  std::string terminal(const TelemetrySnapshot& snapshot, std::size_t columns);
  // For a log: no bar, no control codes.
  std::string plain(const TelemetrySnapshot& snapshot);

 private:
  struct Figures {
    std::optional<double> done;  // of the input, 0..1
    std::optional<double> rate;  // events read a second, smoothed; from the second snapshot on
    std::optional<std::uint64_t> left_us;
    std::string rest;  // queued, retries, dead letters, ...
  };
  Figures figures(const TelemetrySnapshot& snapshot);
  std::uint64_t last_us_ = 0, last_events_ = 0;
  double last_done_ = 0, rate_ = 0, done_rate_ = 0;
};

}  // namespace mailroom::runtime
