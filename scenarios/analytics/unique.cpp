// A line that a log shipper sends again counts once.
#include <mailroom/deduplicate.hpp>

#include "scenarios/analytics/events.hpp"

namespace analytics {

class Unique : public mailroom::Deduplicate<Unique, Request> {
 public:
  using Emits = mailroom::Events<Request, SetAside>;
  using Deduplicate::Deduplicate;

  static std::uint64_t id(const Request& request) { return request.id; }
  void duplicate(const Request& request, mailroom::Context& context) { context.emit(set_aside(SetAsideAs::duplicate, request)); }
  void too_late(const Request& request, mailroom::Context& context) { context.emit(set_aside(SetAsideAs::too_late_to_tell, request)); }
};
MAILROOM_ACTOR(Unique, Request, mailroom::ForgetIds)

}  // namespace analytics
