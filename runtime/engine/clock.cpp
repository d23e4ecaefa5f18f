#include "runtime/engine/clock.hpp"

#include <chrono>

namespace mailroom::runtime {

Timestamp SystemClock::wall() const {
  using namespace std::chrono;
  return Timestamp{duration_cast<microseconds>(system_clock::now().time_since_epoch()).count()};
}

std::int64_t SystemClock::steady_us() const {
  using namespace std::chrono;
  return duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace mailroom::runtime
