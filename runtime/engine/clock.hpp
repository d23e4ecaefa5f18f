// Time as the engine sees it. Production reads the machine's clocks; a simulation gives its own.
#pragma once

#include <cstdint>

#include <mailroom/timestamp.hpp>

namespace mailroom::runtime {

// Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Timestamp wall() const = 0;
  // Never goes back; microseconds since some fixed moment. For durations only.
  [[nodiscard]] virtual std::int64_t steady_us() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Timestamp wall() const override;
  [[nodiscard]] std::int64_t steady_us() const override;
};

}  // namespace mailroom::runtime
