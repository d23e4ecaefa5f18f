#include "scenarios/analytics/access_line.hpp"

#include <charconv>
#include <chrono>
#include <fmt/format.h>

#include <mailroom/errors.hpp>

namespace analytics {
namespace {

using mailroom::BadValue;

template <class T>
bool number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

// Days since 1970-01-01.
std::int64_t days_of(int year, unsigned month, unsigned day) {
  return std::chrono::sys_days(std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day)).time_since_epoch().count();
}

[[noreturn]] void refuse(const char* expected, std::string_view found) {
  throw BadValue(fmt::format("expected {}, found \"{}\"", expected, found.substr(0, 100)));
}

}  // namespace

std::optional<mailroom::Timestamp> access_time(std::string_view text) {
  static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 26 || text[2] != '/' || text[6] != '/' || text[11] != ':' || text[14] != ':' || text[17] != ':' || text[20] != ' ' ||
      (text[21] != '+' && text[21] != '-'))
    return std::nullopt;
  const auto month_at = months.find(text.substr(3, 3));
  unsigned day = 0, hour = 0, minute = 0, second = 0, zone_hours = 0, zone_minutes = 0;
  int year = 0;
  if (month_at == std::string_view::npos || month_at % 3 != 0 || !number(text.substr(0, 2), day) || !number(text.substr(7, 4), year) ||
      !number(text.substr(12, 2), hour) || !number(text.substr(15, 2), minute) || !number(text.substr(18, 2), second) ||
      !number(text.substr(22, 2), zone_hours) || !number(text.substr(24, 2), zone_minutes))
    return std::nullopt;
  const auto month = static_cast<unsigned>(month_at / 3 + 1);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60 || zone_hours > 14 || zone_minutes > 59) return std::nullopt;
  const auto zone = static_cast<std::int64_t>(zone_hours * 60 + zone_minutes) * (text[21] == '-' ? -60 : 60);
  const auto seconds = days_of(year, month, day) * 86'400 + hour * 3'600 + minute * 60 + second - zone;
  return mailroom::Timestamp{seconds * 1'000'000};
}

LineHead read_head(std::string_view line) {
  LineHead head;
  head.client = line.substr(0, line.find(' '));
  const auto open = line.find('['), close = line.find(']');
  if (head.client.empty() || open == std::string_view::npos || close == std::string_view::npos || close < open)
    refuse("a line of an access log, CLIENT - USER [TIME] \"REQUEST\" STATUS BYTES", line);
  const auto text = line.substr(open + 1, close - open - 1);
  const auto time = access_time(text);
  if (!time) refuse("a time such as 17/May/2015:10:05:03 +0000", text);
  head.time = *time;
  return head;
}

AccessLine read_access_line(std::string_view line) {
  AccessLine found{read_head(line), {}, {}, 0, 0};
  auto rest = line.substr(line.find(']') + 1);
  if (!rest.starts_with(" \"")) refuse("the request in quotes behind the time", rest);
  rest.remove_prefix(2);
  // A quote inside the request is written \" by servers.
  auto close = rest.find('"');
  while (close != std::string_view::npos && close > 0 && rest[close - 1] == '\\') close = rest.find('"', close + 1);
  if (close == std::string_view::npos) refuse("a quote that ends the request", rest);
  const auto request = rest.substr(0, close);
  const auto method_end = request.find(' ');
  if (method_end == std::string_view::npos) refuse("a request such as GET /path HTTP/1.1", request);
  found.method = request.substr(0, method_end);
  found.path = request.substr(method_end + 1);
  found.path = found.path.substr(0, found.path.find(' '));
  found.path = found.path.substr(0, found.path.find('?'));
  if (!found.path.starts_with('/')) refuse("a path that begins with /", found.path);
  rest.remove_prefix(close + 1);
  if (rest.size() < 4 || !number(rest.substr(1, 3), found.status) || found.status < 100 || found.status > 599)
    refuse("a status from 100 to 599", rest);
  rest.remove_prefix(4);
  if (!rest.starts_with(' ')) refuse("the number of bytes behind the status", rest);
  rest.remove_prefix(1);
  const auto bytes = rest.substr(0, rest.find(' '));
  if (bytes != "-" && (!number(bytes, found.bytes) || found.bytes < 0)) refuse("a number of bytes, or -", bytes);
  return found;
}

}  // namespace analytics
