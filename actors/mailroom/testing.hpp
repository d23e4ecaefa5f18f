// Drives one actor without an engine, for a scenario author's unit tests.
//
//   mailroom::testing::ActorTest<Ledger> ledger;               (or ledger{options})
//   ledger.send(Deposit{"alice", 100}, {.key = "alice"});      what on() throws comes out; nothing has changed then
//   ledger.state("alice").balance; ledger.take<Balance>(); ledger.advance(std::chrono::seconds(30));
//
// An actor that promises `strong_guarantee` is held to it: each call is first made to fail at each of its emissions, and
// the state must be what it was. If not, std::logic_error comes out.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cxxabi.h>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include <mailroom/key_hash.hpp>
#include <mailroom/mailroom.hpp>

namespace mailroom::testing {

struct Sent {
  std::string key;
  std::optional<Timestamp> time = std::nullopt;  // the event's; absent: now
  unsigned attempt = 1;
  std::chrono::milliseconds behind{0};  // its source's watermark when it was read there
};

// One thread. The clock stands still but for advance().
template <class A>
class ActorTest : private ContextPort {
 public:
  using State = typename A::StateType;

  explicit ActorTest(const nlohmann::json& options = nlohmann::json::object(),
                     Timestamp now = Timestamp::parse("2020-01-01"))
      : now_(now), context_(*this) {
    const auto* type = ActorTypes::find(name_of_actor());
    if (type == nullptr) throw ScenarioError("the actor is not registered: MAILROOM_ACTOR is missing");
    type_ = type;
    host_ = type->make(options, {});
  }

  template <class E>
  void send(const E& event, const Sent& sent = {}) {
    handle(event_type_of<E>(), &event, sent.key, sent.time.value_or(now_), sent.attempt,
           static_cast<std::uint32_t>(sent.behind.count()));
  }

  // What was emitted of this type since the last take(), in order.
  template <class E>
  std::vector<E> take() {
    std::vector<E> taken;
    std::vector<Emitted> rest;
    for (auto& one : emitted_) {
      if (one.type == &event_type_of<E>())
        taken.push_back(*static_cast<const E*>(one.events->at(0)));
      else
        rest.push_back(std::move(one));
    }
    emitted_ = std::move(rest);
    return taken;
  }
  // Emitted and not taken, of all types.
  [[nodiscard]] std::size_t emitted() const { return emitted_.size(); }

  // The key's state; a new one if it has none.
  [[nodiscard]] State state(const std::string& key) {
    const auto json = host_->show_state(key);
    return json ? from_json<State>(*json) : State{};
  }
  [[nodiscard]] bool has_state(const std::string& key) { return host_->show_state(key).has_value(); }
  // The actor's answer to a question about a key; nullopt if the key has no state. What answer() throws comes out.
  template <class R, class Q>
  [[nodiscard]] std::optional<R> ask(const std::string& key, const Q& question) {
    const auto reply = host_->answer(name_of<Q>(), value_to_json(question), AnswerContext{type_->name, key, now_});
    return reply ? std::optional<R>(from_json<R>(*reply)) : std::nullopt;
  }

  // Lets time pass: timers that fall due are handled in order of their time, each with now() at its due time.
  void advance(std::chrono::microseconds by) {
    const auto to = now_ + by;
    while (!timers_.empty() && timers_.begin()->first.first <= to) {
      auto node = timers_.extract(timers_.begin());
      auto& timer = node.mapped();
      now_ = std::max(now_, node.key().first);
      handle(*timer.type, timer.events->at(0), timer.key, node.key().first, 1);
    }
    now_ = to;
  }
  [[nodiscard]] std::size_t timers() const { return timers_.size(); }
  [[nodiscard]] Timestamp now() const { return now_; }

 private:
  struct Emitted {
    const EventType* type;
    std::unique_ptr<EventColumn> events;
    std::string stage;
  };
  struct Timer {
    const EventType* type;
    std::unique_ptr<EventColumn> events;
    std::string key, name;
  };
  struct TimerChange {
    Timestamp due;
    std::optional<Timer> timer;  // absent: cancel
    std::string name;
  };

  // MAILROOM_ACTOR registers an actor under its class's name without namespaces.
  static std::string name_of_actor() {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> readable(
        abi::__cxa_demangle(typeid(A).name(), nullptr, nullptr, &status), &std::free);
    const std::string name = status == 0 ? readable.get() : typeid(A).name();
    const auto colon = name.rfind("::");
    return colon == std::string::npos ? name : name.substr(colon + 2);
  }

  void handle(const EventType& type, const void* event, const std::string& key, Timestamp time, unsigned attempt,
              std::uint32_t behind_ms = 0) {
    const auto emitted_before = emitted_.size();
    changes_.clear();
    key_ = key;
    const EventKey event_key(key_);
    const auto call = [&] {
      context_.begin(type_->name, event_key, time, now_, trace_, attempt, behind_ms);
      try {
        host_->handle(type, event, event_key, context_);
      } catch (...) {
        emitted_.resize(emitted_before);
        changes_.clear();
        throw;
      }
    };
    ++trace_;
    const auto& cannot_fail = type_->never_throws;
    const bool tried = detail::StrongGuarantee<A> && std::find(cannot_fail.begin(), cannot_fail.end(), &type) == cannot_fail.end();
    const auto before = tried ? host_->show_state(key_) : std::nullopt;
    for (std::size_t at = 1;; ++at) {
      emissions_left_ = tried ? at : 0;
      try {
        call();
        break;
      } catch (const PlantedFailure&) {
        if (host_->show_state(key_) != before)
          throw std::logic_error(type_->name + " promises strong_guarantee, but its state has changed although " + type.name() +
                                 " failed at emission " + std::to_string(at));
      }
    }
    for (auto& change : changes_) {
      if (!change.name.empty())
        std::erase_if(timers_, [&](const auto& entry) {
          return entry.second.key == key_ && entry.second.name == change.name;
        });
      if (change.timer) timers_.emplace(std::pair{change.due, ++ordinal_}, std::move(*change.timer));
    }
  }

  static std::unique_ptr<EventColumn> column_of(const EventType& type, void* event) {
    auto column = type.make_column(1);
    column->append_move(event);
    return column;
  }
  struct PlantedFailure {};
  void emit(const EventType& type, void* event, std::string_view stage, Timestamp) override {
    if (emissions_left_ > 0 && --emissions_left_ == 0) throw PlantedFailure{};
    if (std::find(type_->emits.begin(), type_->emits.end(), &type) == type_->emits.end())
      throw ScenarioError(type_->name + " emits " + type.name() + " and does not say so in its Emits");
    emitted_.push_back({&type, column_of(type, event), std::string(stage)});
  }
  void set_timer(const EventType& type, void* event, Timestamp due, std::string_view name) override {
    changes_.push_back({due, Timer{&type, column_of(type, event), key_, std::string(name)}, std::string(name)});
  }
  void cancel_timer(std::string_view name) override { changes_.push_back({{}, std::nullopt, std::string(name)}); }
  void forget_state() override { host_->forget_current(); }
  void log(LogLevel, std::string_view) override {}

  Timestamp now_;
  Context context_;
  const ActorType* type_ = nullptr;
  std::unique_ptr<ActorHost> host_;
  std::vector<Emitted> emitted_;
  std::size_t emissions_left_ = 0;  // until the one that is made to fail; 0: none is
  std::vector<TimerChange> changes_;
  std::map<std::pair<Timestamp, std::uint64_t>, Timer> timers_;
  std::uint64_t ordinal_ = 0, trace_ = 0;
  std::string key_;
};

}  // namespace mailroom::testing
