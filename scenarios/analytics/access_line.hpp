// A line of an access log in the combined format of Apache and nginx:
//   83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /images/a.png HTTP/1.1" 200 203023 "http://referer" "Mozilla/5.0 ..."
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <mailroom/timestamp.hpp>

namespace analytics {

// "17/May/2015:10:05:03 +0000"; nothing if it is not that.
std::optional<mailroom::Timestamp> access_time(std::string_view text);

// What the source has to know of a line: its client and its time. Throws mailroom::BadValue saying what is missing.
struct LineHead {
  std::string_view client;
  mailroom::Timestamp time;
};
LineHead read_head(std::string_view line);

// All that the scenario uses. The views are into the line. Throws mailroom::BadValue saying what was expected where.
struct AccessLine {
  LineHead head;
  std::string_view method, path;  // the path without its query
  std::int32_t status = 0;
  std::int64_t bytes = 0;  // "-" is 0
};
AccessLine read_access_line(std::string_view line);

}  // namespace analytics
