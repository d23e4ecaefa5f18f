// Saga, or process manager: a business process of several steps, each done by somebody else, that ends wholly done or
// wholly undone. One saga per key.
//
//   struct Trip { mailroom::SagaProgress saga; std::string customer; };
//   MAILROOM_STATE(Trip, saga, customer)
//   mailroom::Saga<Trip> saga_{&Trip::saga, {
//       {"flight", [](Trip& trip, Context& c) { c.emit(BookFlight{...}); }, [](Trip& trip, Context& c) { c.emit(CancelFlight{...}); }, 30s},
//       {"hotel",  [](Trip& trip, Context& c) { c.emit(BookHotel{...}); },  [](Trip& trip, Context& c) { c.emit(CancelHotel{...}); }, 30s}}};
//
//   on(Booked):      saga_.succeeded(booked.step, trip, context);
//   on(Refused):     saga_.failed(refused.step, refused.reason, trip, context);
//   on(Cancelled):   saga_.undone(cancelled.step, trip, context);
//   on(SagaTimeout): saga_.timed_out(timeout, trip, context);         name SagaTimeout in MAILROOM_ACTOR
//
// Steps are done in order, each once the one before has succeeded. If one fails, those before it are undone, the last
// first. If one does not answer in time nobody knows whether it was done, so it is undone, too. An undo is asked for again
// whenever its time is over, without limit: what carries it out must stand being asked twice, also for what never came.
// Answers that are late, doubled or of another step change nothing. Progress is in the state and the timeouts are timers:
// both are as durable as the topology.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mailroom/mailroom.hpp>

namespace mailroom {

enum class SagaPhase : std::uint8_t { not_begun, doing, undoing, done, undone };
MAILROOM_ENUM(SagaPhase, not_begun, doing, undoing, done, undone)

// A member of the state of the saga's key.
struct SagaProgress {
  SagaPhase phase = SagaPhase::not_begun;
  std::int64_t step = 0;        // the one under way
  std::int64_t undo_tries = 0;  // of it
  std::string reason;           // why it is being undone
};
MAILROOM_STRUCT(SagaProgress, phase, step, undo_tries, reason)

// The saga's own timer.
struct SagaTimeout {
  std::int64_t step = 0;
  bool undoing = false;
};
MAILROOM_EVENT(SagaTimeout, step, undoing)

template <class State>
class Saga {
 public:
  using Act = std::function<void(State&, Context&)>;
  struct Step {
    std::string name;
    Act act;
    Act undo;                              // empty: there is nothing to undo
    std::chrono::microseconds within{0};   // for an answer; 0: for ever
  };

  // Throws std::logic_error if there is no step, or one without a name or `act`.
  Saga(SagaProgress State::*progress, std::vector<Step> steps) : progress_(progress), steps_(std::move(steps)) {
    for (const auto& step : steps_)
      if (step.name.empty() || !step.act) throw std::logic_error("a saga's step needs a name and something to do");
    if (steps_.empty()) throw std::logic_error("a saga needs at least one step");
  }
  // What follows its end: called once, in the handler that ended it.
  Saga& when_done(Act act) {
    when_done_ = std::move(act);
    return *this;
  }
  Saga& when_undone(Act act) {
    when_undone_ = std::move(act);
    return *this;
  }

  // Does the first step. A saga that has begun is left as it is.
  void begin(State& state, Context& context) const {
    auto& progress = state.*progress_;
    if (progress.phase != SagaPhase::not_begun) return;
    progress = {SagaPhase::doing, 0, 0, {}};
    do_step(state, context);
  }
  // The answers. They return false if they changed nothing.
  bool succeeded(std::string_view step, State& state, Context& context) const {
    auto& progress = state.*progress_;
    if (!is_under_way(SagaPhase::doing, step, progress)) return false;
    context.cancel(timer);
    if (++progress.step < static_cast<std::int64_t>(steps_.size())) {
      do_step(state, context);
      return true;
    }
    progress.phase = SagaPhase::done;
    if (when_done_) when_done_(state, context);
    return true;
  }
  bool failed(std::string_view step, std::string reason, State& state, Context& context) const {
    auto& progress = state.*progress_;
    if (!is_under_way(SagaPhase::doing, step, progress)) return false;
    undo_from(progress.step - 1, std::move(reason), state, context);
    return true;
  }
  bool undone(std::string_view step, State& state, Context& context) const {
    auto& progress = state.*progress_;
    if (!is_under_way(SagaPhase::undoing, step, progress)) return false;
    --progress.step;
    undo_next(state, context);
    return true;
  }
  // Gives it up from outside: what was done, and what is under way, is undone. False: it has ended, or is being undone.
  bool give_up(std::string reason, State& state, Context& context) const {
    auto& progress = state.*progress_;
    if (progress.phase != SagaPhase::doing) return false;
    undo_from(progress.step, std::move(reason), state, context);
    return true;
  }
  void timed_out(const SagaTimeout& timeout, State& state, Context& context) const {
    auto& progress = state.*progress_;
    if (progress.step != timeout.step) return;
    const auto& step = steps_[static_cast<std::size_t>(timeout.step)];
    if (progress.phase == SagaPhase::doing && !timeout.undoing)
      undo_from(progress.step, step.name + " has not answered in time", state, context);
    else if (progress.phase == SagaPhase::undoing && timeout.undoing)
      undo_step(state, context);
  }

 private:
  static constexpr std::string_view timer = "saga";

  bool is_under_way(SagaPhase phase, std::string_view step, const SagaProgress& progress) const {
    return progress.phase == phase && steps_[static_cast<std::size_t>(progress.step)].name == step;
  }
  void do_step(State& state, Context& context) const {
    const auto number = (state.*progress_).step;
    const auto& step = steps_[static_cast<std::size_t>(number)];
    step.act(state, context);
    if (step.within.count() > 0) context.after(step.within, SagaTimeout{number, false}, timer);
  }
  void undo_from(std::int64_t step, std::string reason, State& state, Context& context) const {
    auto& progress = state.*progress_;
    progress = {SagaPhase::undoing, step, 0, std::move(reason)};
    undo_next(state, context);
  }
  // The step at hand, or the nearest before it that can be undone.
  void undo_next(State& state, Context& context) const {
    auto& progress = state.*progress_;
    context.cancel(timer);
    while (progress.step >= 0 && !steps_[static_cast<std::size_t>(progress.step)].undo) --progress.step;
    progress.undo_tries = 0;
    if (progress.step >= 0) {
      undo_step(state, context);
      return;
    }
    progress.step = 0;
    progress.phase = SagaPhase::undone;
    if (when_undone_) when_undone_(state, context);
  }
  void undo_step(State& state, Context& context) const {
    auto& progress = state.*progress_;
    const auto& step = steps_[static_cast<std::size_t>(progress.step)];
    ++progress.undo_tries;
    step.undo(state, context);
    if (step.within.count() > 0) context.after(step.within, SagaTimeout{progress.step, true}, timer);
  }

  SagaProgress State::*progress_;
  std::vector<Step> steps_;
  Act when_done_, when_undone_;
};

}  // namespace mailroom
