// The vocabulary of the scenario: what travels between its stages.
#pragma once

#include <cstdint>
#include <string>

#include <mailroom/mailroom.hpp>
#include <mailroom/sketches/distinct_count.hpp>
#include <mailroom/sketches/quantiles.hpp>
#include <mailroom/sketches/top_items.hpp>

namespace analytics {

using mailroom::Timestamp;

// A line with what event time and order are told by. One client's lines stay in their order all the way.
struct LogLine {
  Timestamp time;
  std::string client;
  std::string text;
};
MAILROOM_SHARED_EVENT(LogLine, time, client, text)

struct Request {
  Timestamp time;
  std::string visitor;
  std::uint32_t part = 0;  // visitors are spread over so many parts, each of which counts by itself
  std::string path;        // without its query
  std::int32_t status = 0;
  std::int64_t bytes = 0;
  std::uint64_t id = 0;  // of the line: a line that comes twice has the same
};
MAILROOM_SHARED_EVENT(Request, time, visitor, part, path, status, bytes, id)

// What is known of the requests of one minute, or of a part of them.
struct Traffic {
  std::int64_t requests = 0, late = 0, errors = 0, bytes = 0;
  mailroom::Quantiles sizes{};
  mailroom::TopItems paths{1'024};
  mailroom::DistinctCount visitors{};
};
MAILROOM_STRUCT(Traffic, requests, late, errors, bytes, sizes, paths, visitors)

struct MinutePart {
  Timestamp minute;
  std::uint32_t part = 0;
  Traffic traffic{};
};
MAILROOM_SHARED_EVENT(MinutePart, minute, part, traffic)

struct Minute {
  Timestamp minute;
  std::int64_t requests = 0;
  std::int64_t late = 0;  // of them: came after the minute's end, within the allowed lateness
  std::int64_t errors = 0;
  double error_rate = 0;
  std::int64_t bytes = 0;
  double p50 = 0, p95 = 0, p99 = 0;  // of the answers' bytes
  std::int64_t visitors = 0;         // distinct, estimated
};
MAILROOM_SHARED_EVENT(Minute, minute, requests, late, errors, error_rate, bytes, p50, p95, p99, visitors)

struct TopPath {
  Timestamp minute;
  std::int32_t rank = 0;  // from 1
  std::string path;
  std::int64_t requests = 0, error = 0;  // the true number is between requests - error and requests
};
MAILROOM_SHARED_EVENT(TopPath, minute, rank, path, requests, error)

struct Session {
  std::string visitor;
  Timestamp begin, end;  // first and last request
  std::int64_t requests = 0, bytes = 0;
  std::string entry;  // the path of the first request; of several at that moment the least
};
MAILROOM_SHARED_EVENT(Session, visitor, begin, end, requests, bytes, entry)

struct Alert {
  Timestamp minute;
  double error_rate = 0, usual = 0;
  std::int64_t requests = 0;
};
MAILROOM_SHARED_EVENT(Alert, minute, error_rate, usual, requests)

enum class SetAsideAs : std::uint8_t {
  duplicate,         // its line came before
  too_late_to_tell,  // so late that it may be a duplicate of a line that is forgotten
  late_for_minute,
  late_for_session
};
MAILROOM_ENUM(SetAsideAs, duplicate, too_late_to_tell, late_for_minute, late_for_session)

// A request that is counted here and, as the reason says, nowhere else.
struct SetAside {
  SetAsideAs reason = SetAsideAs::duplicate;
  Timestamp time;
  std::string visitor, path;
  std::uint64_t id = 0;
};
MAILROOM_SHARED_EVENT(SetAside, reason, time, visitor, path, id)

inline SetAside set_aside(SetAsideAs reason, const Request& request) {
  return {reason, request.time, request.visitor, request.path, request.id};
}

}  // namespace analytics
