// A visitor's requests until it is quiet for a while.
#include <mailroom/windows.hpp>

#include "scenarios/analytics/events.hpp"

namespace analytics {

struct Visit {
  std::int64_t requests = 0, bytes = 0;
  Timestamp begin, end;
  std::string entry;
};
MAILROOM_STRUCT(Visit, requests, bytes, begin, end, entry)

class Sessions : public mailroom::Windowed<Sessions, Visit> {
 public:
  using Emits = mailroom::Events<Session, SetAside>;
  using Windowed::Windowed;

  void add(const Request& request, Visit& visit) noexcept { merge(visit, {1, request.bytes, request.time, request.time, request.path}); }
  void merge(Visit& into, const Visit& other) noexcept {
    if (into.requests == 0 || std::tie(other.begin, other.entry) < std::tie(into.begin, into.entry)) {
      into.begin = other.begin;
      into.entry = other.entry;
    }
    into.end = into.requests == 0 ? other.end : std::max(into.end, other.end);
    into.requests += other.requests;
    into.bytes += other.bytes;
  }
  void result(const mailroom::Window&, const Visit& visit, mailroom::Context& context) {
    context.emit(Session{std::string(context.key()), visit.begin, visit.end, visit.requests, visit.bytes, visit.entry});
  }
  void late(const Request& request, const mailroom::Window&, mailroom::Context& context) {
    context.emit(set_aside(SetAsideAs::late_for_session, request));
  }
};
MAILROOM_ACTOR(Sessions, Request, mailroom::WindowDue)

}  // namespace analytics
