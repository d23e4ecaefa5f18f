// Event-time windows: totals per key and stretch of time.
//
//   struct Traffic { std::int64_t requests = 0, bytes = 0; };
//   MAILROOM_STRUCT(Traffic, requests, bytes)
//
//   class PerMinute : public mailroom::Windowed<PerMinute, Traffic> {
//    public:
//     using Emits = mailroom::Events<MinuteOfTraffic>;
//     using Windowed::Windowed;
//     void add(const Request& request, Traffic& traffic) noexcept { ++traffic.requests; traffic.bytes += request.bytes; }
//     void result(const mailroom::Window& window, const Traffic& traffic, mailroom::Context& context) {
//       context.emit(MinuteOfTraffic{window.start, traffic.requests, traffic.bytes});
//     }
//   };
//   MAILROOM_ACTOR(PerMinute, Request, mailroom::WindowDue)
//
// and in the topology, whose "clock" should be "events":
//   "options": { "size": "1m" }                       tumbling
//   "options": { "size": "5m", "slide": "1m" }        sliding: one result a minute, over the last five
//   "options": { "gap": "30m" }                       sessions: they end after 30 minutes without an event
//   "allowed_lateness": "10s"                         as long after its end a window still takes events
//   "results": "final"                                one result a window, once nothing can change it
//   "early": "5s"                                     tumbling, sessions: results so far, at most so often
//
// Sliding windows and sessions also need  void merge(Traffic& into, const Traffic& other).
// A late event goes to  void late(const Request&, const mailroom::Window&, mailroom::Context&)  if there is one (the window
// is the one it came too late for), else it is refused and becomes a dead letter.
//
// Which events are late: those whose window had ended, `allowed_lateness` included, at Context::reached(). An event counts in
// all of its windows or in none. Results have the last moment of their window as event time, so that windows of the same size
// over them work. The first result of a window comes when the stage's time passes its end ("clock": "wall": the machine's
// time), and one more at end + allowed_lateness if late events came since.
//
// Cost: a window is found by a look at the latest ones. If add() is noexcept nothing is copied before an event; else the
// one window's totals are. What is open of a key is encoded once a commit. One durable timer a key, set when a window is
// opened. A key without open windows has no state.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <mailroom/actor.hpp>
#include <mailroom/errors.hpp>
#include <mailroom/fields.hpp>
#include <mailroom/window_options.hpp>

namespace mailroom {

// Why a result is emitted: the window is still open; its time has come; late events changed it, and nothing will again.
enum class WindowFiring : std::uint8_t { early, on_time, late };
MAILROOM_ENUM(WindowFiring, early, on_time, late)

struct Window {
  Timestamp start, end;      // [start, end)
  std::int64_t events = 0;   // in it
  std::int64_t late = 0;     // of them: those that came after its end, within the allowed lateness
  WindowFiring firing = WindowFiring::on_time;
};

template <class Total>
struct OpenWindow {
  Timestamp start, end;
  std::int64_t events = 0, late = 0;
  bool fired = false;    // its first result was emitted
  bool changed = false;  // since its last result
  Total total{};
};

// One key's.
template <class Total>
struct WindowState {
  std::vector<OpenWindow<Total>> windows;   // by start; sliding: the stretches of one slide that windows are made of
  std::optional<Timestamp> timer{};         // the one that is set
  std::optional<Timestamp> done{};          // sliding: the end of the last window that is final
};

template <class Derived, class Total>
class Windowed : public Actor<WindowState<Total>> {
 public:
  using Options = WindowOptions;
  using State = WindowState<Total>;
  static constexpr bool strong_guarantee = true;

  explicit Windowed(const WindowOptions& options) : options_(options) { check_options(options); }

  static void check_options(const WindowOptions& options) {
    options.check();
    if constexpr (!requires(Derived & d, Total & into, const Total& other) { d.merge(into, other); })
      if (options.gap.count() > 0 || options.slide.count() > 0)
        throw BadValue("sliding windows and sessions put totals together: give the actor a merge(Total& into, const Total& other)");
  }

  template <class Event>
  void on(const Event& event, State& state, Context& context) {
    options_.gap.count() > 0 ? add_to_session(event, state, context) : add_to_window(event, state, context);
  }

  void on(const WindowDue&, State& state, Context& context) {
    const auto due = context.event_time();
    if (options_.slide.count() > 0)
      fire_sliding(state, context);
    else
      fire(state, context);
    context.rebase(due);
    state.timer.reset();
    if (state.windows.empty()) return context.forget();
    set_timer(next_due(state, context.now()), state, context);
  }

 private:
  using Open = OpenWindow<Total>;
  using micros = std::chrono::microseconds;

  Derived& derived() { return static_cast<Derived&>(*this); }

  template <class Event>
  void add_to_window(const Event& event, State& state, Context& context) {
    const auto width = options_.slide.count() > 0 ? options_.slide : options_.size;
    const auto start = window_start(context.event_time(), width);
    const auto end = start + width;
    if (context.reached() >= end + options_.allowed_lateness) return refuse(event, {start, end}, context);
    auto at = state.windows.end();
    while (at != state.windows.begin() && std::prev(at)->start >= start) --at;
    if (at != state.windows.end() && at->start == start) {
      add(event, *at, context);
    } else {
      Open opened{start, end, 0, 0, context.now() >= end};
      add(event, opened, context);
      at = state.windows.insert(at, std::move(opened));
    }
    set_timer(due_of(*at, context.now()), state, context);
  }

  template <class Event>
  void add_to_session(const Event& event, State& state, Context& context) {
    const auto time = context.event_time(), reached = context.reached();
    Open session{time, time + options_.gap, 0, 0, context.now() >= time + options_.gap};
    if (reached >= session.end + options_.allowed_lateness) return refuse(event, {session.start, session.end}, context);
    // One that has ended for this event stays as it is, whether or not its result is out already.
    const auto joins = [&](const Open& other) {
      return time < other.end && other.start < session.end && other.end + options_.allowed_lateness > reached;
    };
    const auto first = std::find_if(state.windows.begin(), state.windows.end(), joins);
    if (first == state.windows.end()) {
      add(event, session, context);
      const auto at = std::find_if(state.windows.begin(), state.windows.end(), [&](const Open& w) { return w.start > time; });
      set_timer(due_of(*state.windows.insert(at, std::move(session)), context.now()), state, context);
      return;
    }
    if (std::none_of(std::next(first), state.windows.end(), joins)) {
      add(event, *first, context);
      extend(*first, session);
    } else {  // the event closes the gap between sessions
      auto joined = *first;
      add(event, joined, context);
      for (auto other = std::next(first); other != state.windows.end(); ++other)
        if (joins(*other)) join(joined, *other);
      extend(joined, session);
      state.windows.erase(std::remove_if(std::next(first), state.windows.end(), joins), state.windows.end());
      *first = std::move(joined);
    }
    set_timer(due_of(*first, context.now()), state, context);
  }

  // Leaves the window as it was if the actor throws.
  template <class Event>
  void add(const Event& event, Open& window, const Context& context) {
    if constexpr (noexcept(derived().add(event, window.total))) {
      derived().add(event, window.total);
    } else {
      before_ = window.total;
      try {
        derived().add(event, window.total);
      } catch (...) {
        window.total = std::move(before_);
        throw;
      }
    }
    ++window.events;
    if (context.reached() >= window.end) ++window.late;
    window.changed = true;
  }

  static void extend(Open& window, const Open& by) {
    window.start = std::min(window.start, by.start);
    if (by.end <= window.end) return;
    window.end = by.end;
    window.fired = false;  // it has not ended after all
  }
  void join(Open& into, const Open& other) {
    if constexpr (requires { derived().merge(into.total, other.total); }) derived().merge(into.total, other.total);
    into.events += other.events;
    into.late += other.late;
    into.changed = into.changed || other.changed;
    into.fired = into.fired && other.fired;
    into.start = std::min(into.start, other.start);
    into.end = std::max(into.end, other.end);
  }

  template <class Event>
  void refuse(const Event& event, const Window& window, Context& context) {
    if constexpr (requires { derived().late(event, window, context); })
      derived().late(event, window, context);
    else
      throw Rejected(late_text(context.event_time(), window.end, context.reached()));
  }

  void emit(const Open& window, WindowFiring firing, Context& context) {
    context.rebase(window.end - micros(1));
    derived().result({window.start, window.end, window.events, window.late, firing}, window.total, context);
  }

  // The moment at which something is to be done for the window.
  [[nodiscard]] Timestamp due_of(const Open& window, Timestamp now) const {
    if (options_.slide.count() > 0 || options_.results == WindowResults::final || window.fired)
      return window.end + options_.allowed_lateness;
    if (options_.early.count() == 0 || !window.changed) return window.end;
    return std::min(window.end, window_start(std::max(now, window.start), options_.early) + options_.early);
  }
  [[nodiscard]] Timestamp next_due(const State& state, Timestamp now) const {
    auto next = Timestamp::max();
    if (options_.slide.count() == 0) {
      for (const auto& window : state.windows) next = std::min(next, due_of(window, now));
      return next;
    }
    return next_sliding(state.windows, state.done).value_or(Timestamp::max()) + options_.allowed_lateness;
  }
  void set_timer(Timestamp due, State& state, Context& context) {
    if (state.timer && due >= *state.timer) return;
    context.at(due, WindowDue{due}, "window");
    state.timer = due;
  }

  // Results first, which may throw; then the state.
  void fire(State& state, Context& context) {
    const auto now = context.now();
    const auto final = [&](const Open& w) { return w.end + options_.allowed_lateness <= now; };
    const auto due = context.event_time();
    const auto firing_of = [&](const Open& w) -> std::optional<WindowFiring> {
      if (options_.results == WindowResults::final)
        return final(w) ? std::optional(WindowFiring::on_time) : std::nullopt;
      if (w.end <= now) {
        if (!w.fired) return WindowFiring::on_time;
        return final(w) && w.changed ? std::optional(WindowFiring::late) : std::nullopt;
      }
      return options_.early.count() > 0 && w.changed && !w.fired ? std::optional(WindowFiring::early) : std::nullopt;
    };
    for (const auto& window : state.windows) {
      const auto firing = firing_of(window);
      if (!firing) continue;
      context.rebase(due);
      emit(window, *firing, context);
    }
    std::erase_if(state.windows, final);
    for (auto& window : state.windows)
      if (firing_of(window)) {
        window.changed = false;
        window.fired = window.end <= now;
      }
  }

  // The end of the next window that has something in it and is not final.
  [[nodiscard]] std::optional<Timestamp> next_sliding(const std::vector<Open>& stretches, std::optional<Timestamp> done) const {
    for (const auto& stretch : stretches) {
      if (!done) return stretch.end;
      if (stretch.start + options_.size > *done) return std::max(stretch.end, *done + options_.slide);
    }
    return std::nullopt;
  }
  void fire_sliding(State& state, Context& context) {
    const auto due = context.event_time(), now = context.now();
    auto done = state.done;
    for (auto end = next_sliding(state.windows, done); end && *end + options_.allowed_lateness <= now;
         end = next_sliding(state.windows, done)) {
      Open whole{*end - options_.size, *end};
      for (const auto& stretch : state.windows)
        if (stretch.start >= whole.start && stretch.end <= *end) join(whole, stretch);
      context.rebase(due);
      emit(whole, WindowFiring::on_time, context);
      done = end;
    }
    if (!done) return;
    state.done = done;
    std::erase_if(state.windows, [&](const Open& stretch) { return stretch.start + options_.size <= *done; });
  }

  const WindowOptions options_;
  Total before_{};  // reused, so that its memory is
};

template <class Total>
constexpr auto mailroom_fields(const OpenWindow<Total>*) {
  using W = OpenWindow<Total>;
  return std::make_tuple(field("start", &W::start), field("end", &W::end), field("events", &W::events), field("late", &W::late),
                         field("fired", &W::fired), field("changed", &W::changed), field("total", &W::total));
}
template <class Total>
constexpr std::string_view mailroom_name(const OpenWindow<Total>*) { return name_of<Total>(); }
template <class Total>
constexpr DescribedAs mailroom_described_as(const OpenWindow<Total>*) { return DescribedAs::value; }

template <class Total>
constexpr auto mailroom_fields(const WindowState<Total>*) {
  using S = WindowState<Total>;
  return std::make_tuple(field("windows", &S::windows), field("timer", &S::timer), field("done", &S::done));
}
template <class Total>
constexpr std::string_view mailroom_name(const WindowState<Total>*) { return name_of<Total>(); }
template <class Total>
constexpr DescribedAs mailroom_described_as(const WindowState<Total>*) { return DescribedAs::state; }

}  // namespace mailroom
