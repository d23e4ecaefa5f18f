// Per minute: how much, how many failed, how large, what, by how many. Counted in parts, then put together: the sketches make
// of the parts what they would have made of the whole.
#include <mailroom/windows.hpp>

#include "scenarios/analytics/events.hpp"

namespace analytics {

class MinuteParts : public mailroom::Windowed<MinuteParts, Traffic> {
 public:
  using Emits = mailroom::Events<MinutePart, SetAside>;
  using Windowed::Windowed;

  void add(const Request& request, Traffic& traffic) noexcept {
    ++traffic.requests;
    traffic.errors += request.status >= 500;
    traffic.bytes += request.bytes;
    traffic.sizes.add(static_cast<double>(request.bytes));
    traffic.paths.add(request.path);
    traffic.visitors.add(request.visitor);
  }
  void result(const mailroom::Window& minute, const Traffic& traffic, mailroom::Context& context) {
    MinutePart part{minute.start, static_cast<std::uint32_t>(std::stoul(std::string(context.key()))), traffic};
    part.traffic.late = minute.late;
    context.emit(std::move(part));
  }
  void late(const Request& request, const mailroom::Window&, mailroom::Context& context) {
    context.emit(set_aside(SetAsideAs::late_for_minute, request));
  }
};
MAILROOM_ACTOR(MinuteParts, Request, mailroom::WindowDue)

class Minutes : public mailroom::Windowed<Minutes, Traffic> {
 public:
  using Emits = mailroom::Events<Minute, TopPath>;
  using Windowed::Windowed;
  static constexpr std::size_t listed_paths = 5;

  void add(const MinutePart& part, Traffic& whole) {
    whole.requests += part.traffic.requests;
    whole.late += part.traffic.late;
    whole.errors += part.traffic.errors;
    whole.bytes += part.traffic.bytes;
    whole.sizes.merge(part.traffic.sizes);
    whole.paths.merge(part.traffic.paths);
    whole.visitors.merge(part.traffic.visitors);
  }
  void result(const mailroom::Window& minute, const Traffic& t, mailroom::Context& context) {
    context.emit(Minute{minute.start, t.requests, t.late, t.errors, static_cast<double>(t.errors) / static_cast<double>(t.requests), t.bytes,
                        t.sizes.quantile(0.5), t.sizes.quantile(0.95), t.sizes.quantile(0.99), std::llround(t.visitors.estimate())});
    std::int32_t rank = 0;
    for (auto& top : t.paths.top(listed_paths)) context.emit(TopPath{minute.start, ++rank, std::move(top.item), top.count, top.error});
  }
};
MAILROOM_ACTOR(Minutes, MinutePart, mailroom::WindowDue)

}  // namespace analytics
