#include <mailroom/window_options.hpp>

#include <fmt/format.h>

#include <mailroom/errors.hpp>

namespace mailroom {

void WindowOptions::check() const {
  const auto refuse = [](const char* why) { throw BadValue(why); };
  if (gap.count() == 0 && size.count() == 0)
    refuse("\"size\" is missing: how long a window is, such as \"1m\"; or \"gap\", the quiet time that ends a session");
  if (gap.count() > 0 && (size.count() > 0 || slide.count() > 0))
    refuse("\"gap\" makes sessions, \"size\" makes windows of one length: give one of them");
  if (slide.count() > 0 && (size.count() == 0 || size % slide != std::chrono::microseconds(0) || size == slide))
    refuse("\"slide\": expected a part of \"size\" that goes into it without remainder, such as \"1m\" into \"5m\"");
  if (slide.count() > 0 && (early.count() > 0 || results == WindowResults::first_and_last) &&
      (early.count() > 0 || allowed_lateness.count() > 0))
    refuse("sliding windows give one result each: with \"allowed_lateness\" say \"results\": \"final\", and no \"early\"");
  if (early.count() > 0 && results == WindowResults::final)
    refuse("\"early\" asks for results before the end, \"results\": \"final\" for none but the last: give one of them");
  if (allowed_lateness >= std::chrono::hours(24 * 49)) refuse("\"allowed_lateness\": expected less than 49 days");
  for (const auto width : {size, slide, gap, allowed_lateness, early})
    if (width.count() < 0 || width.count() % 1000 != 0) refuse("a window's times are whole milliseconds");
}

Timestamp window_start(Timestamp time, std::chrono::microseconds width) {
  auto past = time.micros % width.count();
  if (past < 0) past += width.count();
  return Timestamp{time.micros - past};
}

std::string late_text(Timestamp event, Timestamp window_end, Timestamp reached) {
  return fmt::format("too late: the window of {} ended at {}, and time had reached {}", event.to_string(), window_end.to_string(),
                     reached.to_string());
}

}  // namespace mailroom
