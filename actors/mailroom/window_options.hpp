// A window's options in the topology, and the timer behind every window.
#pragma once

#include <chrono>
#include <string>

#include <mailroom/typed_actor.hpp>

namespace mailroom {

// What a windowed actor sends itself when something is to be done for a window of a key.
struct WindowDue {
  Timestamp due;
};
MAILROOM_EVENT(WindowDue, due)

enum class WindowResults : std::uint8_t { first_and_last, final };
MAILROOM_ENUM(WindowResults, first_and_last, final)

struct WindowOptions {
  std::chrono::microseconds size{0}, slide{0}, gap{0};
  std::chrono::microseconds allowed_lateness{0};
  std::chrono::microseconds early{0};  // 0: no early results
  WindowResults results = WindowResults::first_and_last;

  // Throws BadValue for what makes no sense.
  void check() const;
};
MAILROOM_OPTIONS(WindowOptions, size, slide, gap, allowed_lateness, early, results)

// The latest multiple of `width` since 1970 that is not after `time`.
[[nodiscard]] Timestamp window_start(Timestamp time, std::chrono::microseconds width);
// Why an event is refused, for its dead letter.
[[nodiscard]] std::string late_text(Timestamp event, Timestamp window_end, Timestamp reached);

}  // namespace mailroom
