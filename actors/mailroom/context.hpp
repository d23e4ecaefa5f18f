// What an actor may do while it handles one event. Valid only during that call, on that thread.
// Everything done through it takes effect when the event is committed, together with the state, or not at all.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <mailroom/event_batch.hpp>
#include <mailroom/event_key.hpp>
#include <mailroom/event_type.hpp>
#include <mailroom/timestamp.hpp>

namespace mailroom {

template <class E>
const EventType& event_type_of();  // defined in fields.hpp; the type's one EventType

enum class LogLevel : std::uint8_t { debug, info, warning, error };

// The engine's side of a Context.
class ContextPort {
 public:
  virtual ~ContextPort() = default;
  // `stage` empty: to every stage that takes this type from the emitting one. Moves from *event.
  virtual void emit(const EventType& type, void* event, std::string_view stage, Timestamp time) = 0;
  // Moves from *event. A timer of the same name on the same key is replaced; an empty name is a new timer.
  virtual void set_timer(const EventType& type, void* event, Timestamp due, std::string_view name) = 0;
  virtual void cancel_timer(std::string_view name) = 0;
  virtual void forget_state() = 0;
  virtual void log(LogLevel level, std::string_view text) = 0;
};

class Context {
 public:
  explicit Context(ContextPort& port) : port_(&port) {}

  // To every stage that takes E from this one. The event time is that of the event being handled,
  // or the one given. Throws ScenarioError if the actor does not declare that it emits E.
  template <class E>
  void emit(E event) {
    port_->emit(event_type_of<E>(), &event, {}, time_);
  }
  template <class E>
  void emit_at(Timestamp time, E event) {
    port_->emit(event_type_of<E>(), &event, {}, time);
  }
  // To one stage by name. Throws ScenarioError if that stage does not take E from this one.
  template <class E>
  void emit_to(std::string_view stage, E event) {
    port_->emit(event_type_of<E>(), &event, stage, time_);
  }

  // Delivers `event` to this actor, on the key at hand, at now() + delay or at `due`. Durable in durable mode.
  // A name makes it replaceable and cancellable, within the key. By the events' clock, where no time is known to the stage
  // yet, the delay counts from reached().
  template <class E>
  void after(std::chrono::microseconds delay, E event, std::string_view name = {}) {
    port_->set_timer(event_type_of<E>(), &event, (now_ == Timestamp::min() ? reached() : now_) + delay, name);
  }
  template <class E>
  void at(Timestamp due, E event, std::string_view name = {}) {
    port_->set_timer(event_type_of<E>(), &event, due, name);
  }
  void cancel(std::string_view timer_name) { port_->cancel_timer(timer_name); }

  // Erases this key's state when the event commits; the next event of the key begins with a new one.
  void forget() { port_->forget_state(); }

  // The topology's clock: the wall's, or with "clock": "events" the time that the stage's inputs have reached.
  [[nodiscard]] Timestamp now() const noexcept { return now_; }
  [[nodiscard]] Timestamp event_time() const noexcept { return time_; }
  // What event time had reached for this event: its source's watermark when it was read there (of one that was not behind
  // it: its own time), or now() if that is later. An event is late for whatever ends at or before it. With one source and no idleness it is the same in every run,
  // whatever the number of shards, however the batches were cut, and after any crash.
  [[nodiscard]] Timestamp reached() const noexcept { return std::max(now_, time_ + std::chrono::milliseconds(behind_ms_)); }
  [[nodiscard]] std::string_view key() const { return key_->text(); }
  // 1 at the first try.
  [[nodiscard]] unsigned attempt() const noexcept { return attempt_; }
  [[nodiscard]] TraceId trace() const noexcept { return trace_; }
  [[nodiscard]] std::string_view stage() const noexcept { return stage_; }

  void log(LogLevel level, std::string_view text) { port_->log(level, text); }

  // For the engine and for tests: where the calls above go, and what they answer.
  [[nodiscard]] ContextPort& port() const noexcept { return *port_; }
  void begin(std::string_view stage, const EventKey& key, Timestamp event_time, Timestamp now, TraceId trace,
             unsigned attempt, std::uint32_t behind_ms = 0) {
    stage_ = stage;
    key_ = &key;
    time_ = event_time;
    now_ = now;
    trace_ = trace;
    attempt_ = attempt;
    behind_ms_ = behind_ms;
    ++calls_;
  }
  // EventMeta::behind_ms of the event at hand, and of one that is emitted for it. Who emits before the time of the event
  // at hand (the result of a window, from the timer that ends it) is as late as that time is gone.
  [[nodiscard]] std::uint32_t behind_ms() const noexcept { return behind_ms_; }
  [[nodiscard]] std::uint32_t behind_ms_of(Timestamp emitted) const noexcept {
    if (emitted == time_) return behind_ms_;
    return ::mailroom::behind_ms(emitted, behind_ms_ > 0 ? time_ + std::chrono::milliseconds(behind_ms_)
                                                         : time_ - std::chrono::microseconds(1));
  }
  // What is emitted from now on has that event time, unless it says otherwise.
  void rebase(Timestamp time) noexcept {
    behind_ms_ = behind_ms_of(time);
    time_ = time;
  }
  // The calls begun so far: tells what was done in one call from what was done in another.
  [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }
  // Asks a host that handles a row of events to come back after the one at hand.
  void interrupt() noexcept { interrupted_ = true; }
  [[nodiscard]] bool take_interrupt() noexcept { return std::exchange(interrupted_, false); }

 private:
  ContextPort* port_;
  std::string_view stage_;
  const EventKey* key_ = nullptr;
  Timestamp time_;
  Timestamp now_;
  TraceId trace_ = 0;
  unsigned attempt_ = 1;
  std::uint32_t behind_ms_ = 0;
  bool interrupted_ = false;
  std::uint64_t calls_ = 0;
};

}  // namespace mailroom
