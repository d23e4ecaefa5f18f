// An ActorType and its hosts made from a user's class.
#pragma once

#include <array>
#include <concepts>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <typeinfo>
#include <utility>

#include <mailroom/actor.hpp>
#include <mailroom/actor_type.hpp>
#include <mailroom/describe.hpp>
#include <mailroom/json.hpp>
#include <mailroom/key_hash.hpp>
#include <mailroom/key_table.hpp>
#include <mailroom/state_codec.hpp>
#include <mailroom/typed_event.hpp>

namespace mailroom {

namespace detail {

template <class A>
struct OptionsOf {
  static constexpr bool has = false;
  struct type {};
};
template <class A>
requires requires { typename A::Options; }
struct OptionsOf<A> {
  static constexpr bool has = true;
  using type = typename A::Options;
};

// A's Answers, or none.
template <class A>
struct AnswersOf {
  using type = Events<>;
};
template <class A>
requires requires { typename A::Answers; }
struct AnswersOf<A> {
  using type = typename A::Answers;
};

template <class Q>
Question describe_question(Schema reply) {
  static_assert(Described<Q>, "give the question a field list: MAILROOM_STRUCT(Question, fields...)");
  return {std::string(name_of<Q>()), schema_of<Q>(), std::move(reply),
          [](const nlohmann::json& json) { (void)from_json<Q>(json); }};
}

// The actor itself sees to it that its state is as it was when on() throws: no copy is made before the call.
template <class A>
concept StrongGuarantee = requires { requires A::strong_guarantee; };
// Its on(const E&, ...) is declared noexcept.
template <class A, class E>
constexpr bool never_throws() {
  using State = typename A::StateType;
  if constexpr (std::is_same_v<State, NoState>)
    return noexcept(std::declval<A&>().on(std::declval<const E&>(), std::declval<Context&>()));
  else
    return noexcept(std::declval<A&>().on(std::declval<const E&>(), std::declval<State&>(), std::declval<Context&>()));
}

template <class... E>
std::vector<const EventType*> types_of(Events<E...>) {
  return {&event_type_of<E>()...};
}

}  // namespace detail

template <class A, class... E>
class TypedHost final : public ActorHost {
 public:
  using State = typename A::StateType;
  using Options = typename detail::OptionsOf<A>::type;
  static constexpr bool stateful = !std::is_same_v<State, NoState>;

  TypedHost(std::string name, Options options, LoadState load)
      : name_(std::move(name)), options_(std::move(options)), load_(std::move(load)), actor_(make()) {
    (add_handler<E>(), ...);
  }

  void handle(const EventType& type, const void* event, const EventKey& key, Context& context) override {
    handler_of(type).one(*this, event, key, context);
  }
  void handle_row(EventRow& row, Context& context) override {
    handler_of(row.batch.type(row.at)).row(*this, row, context);
  }

  void forget_current() override {
    if constexpr (stateful) {
      current_->state = State{};
      current_->exists = false;
    }
  }

  void take_changes(const SaveState& save) override {
    if constexpr (stateful) {
      for (auto* slot : dirty_) {
        slot->dirty = false;
        if (slot->exists) {
          bytes_.clear();
          detail::save_state(slot->state, bytes_);
          save(slot->key, bytes_);
        } else {
          save(slot->key, std::nullopt);
          ++forgotten_;
        }
      }
      dirty_.clear();
      drop_forgotten();
    }
  }
  void accept_changes() override {
    if constexpr (stateful) {
      for (auto* slot : dirty_) {
        slot->dirty = false;
        if (!slot->exists) ++forgotten_;
      }
      dirty_.clear();
      drop_forgotten();
    }
  }
  void evict_clean(std::size_t keep) override {
    if constexpr (stateful) {
      if (load_ && states_.size() > keep)
        states_.evict(states_.size() - keep, [](const auto& slot) { return !slot.dirty; });
    }
  }
  [[nodiscard]] std::size_t resident_keys() const noexcept override { return states_.size(); }
  [[nodiscard]] std::optional<nlohmann::json> show_state(std::string_view key) const override {
    return with_state(key, [](const State& state) {
      if constexpr (stateful)
        return value_to_json(state);
      else
        return nlohmann::json();
    });
  }
  [[nodiscard]] std::optional<nlohmann::json> answer(std::string_view question, const nlohmann::json& content,
                                                     const AnswerContext& context) const override {
    return answer_one_of(typename detail::AnswersOf<A>::type{}, question, content, context);
  }
  void restart() override { actor_ = make(); }

 private:
  // What is called for one event type.
  struct Handler {
    void (*one)(TypedHost&, const void* event, const EventKey&, Context&) = nullptr;
    void (*row)(TypedHost&, EventRow&, Context&) = nullptr;
  };
  using Slot = typename KeyTable<State>::Slot;

  std::unique_ptr<A> make() const {
    if constexpr (detail::OptionsOf<A>::has)
      return std::make_unique<A>(options_);
    else
      return std::make_unique<A>();
  }
  template <class Event>
  void add_handler() {
    if constexpr (stateful)
      static_assert(
          requires(A & a, const Event& e, State& s, Context& c) { a.on(e, s, c); },
          "MAILROOM_ACTOR names an event for which the class has no public on(const Event&, State&, Context&)");
    else
      static_assert(
          requires(A & a, const Event& e, Context& c) { a.on(e, c); },
          "MAILROOM_ACTOR names an event for which the class has no public on(const Event&, Context&)");
    const auto index = event_type_of<Event>().index();
    if (handlers_.size() <= index) handlers_.resize(index + 1);
    handlers_[index].one = [](TypedHost& host, const void* event, const EventKey& key, Context& context) {
      host.call(*static_cast<const Event*>(event), key, context);
    };
    handlers_[index].row = [](TypedHost& host, EventRow& row, Context& context) {
      do {
        const auto& meta = row.batch.meta(row.at);
        const auto& event = *static_cast<const Event*>(row.batch.event(row.at));
        const auto key = row.key != nullptr ? EventKey(*row.key, &event, meta.key_hash) : EventKey({}, 0);
        if constexpr (stateful) host.states_.prefetch(row.batch, row.at);
        context.begin(row.stage, key, meta.time, row.now, meta.trace, 1, meta.behind_ms);
        row.calls.store(row.calls.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        host.call(event, key, context);
        ++row.at;
      } while (!context.take_interrupt() && row.at < row.end);
    };
  }
  const Handler& handler_of(const EventType& type) const {
    if (type.index() >= handlers_.size() || handlers_[type.index()].one == nullptr)
      throw ScenarioError(fmt::format("{} does not handle {}", name_, type.name()));
    return handlers_[type.index()];
  }
  template <class Event>
  void call(const Event& event, const EventKey& key, Context& context) {
    if constexpr (stateful) {
      auto& slot = slot_of(key);
      current_ = &slot;
      if constexpr (detail::never_throws<A, Event>()) {
        slot.exists = true;
        actor_->on(event, slot.state, context);
      } else {
        const bool existed = slot.exists;
        if constexpr (!detail::StrongGuarantee<A>) before_ = slot.state;
        slot.exists = true;
        try {
          actor_->on(event, slot.state, context);
        } catch (...) {
          if (!existed)
            slot.state = State{};
          else if constexpr (!detail::StrongGuarantee<A>)
            slot.state = std::move(before_);
          slot.exists = existed;
          if (!existed && !slot.dirty) ++forgotten_;  // no commit will come to count it
          throw;
        }
      }
      slot.recent = true;
      if (!slot.dirty) {
        slot.dirty = true;
        dirty_.push_back(&slot);
      }
    } else {
      actor_->on(event, context);
    }
  }
  // Calls look(state) if the key has one; loads it for this call alone if it is not in memory.
  template <class Look>
  std::optional<nlohmann::json> with_state(std::string_view key, Look&& look) const {
    if constexpr (stateful) {
      if (const auto* slot = states_.find(EventKey(key))) {
        if (slot->exists) return look(slot->state);
      } else if (load_) {
        if (const auto bytes = load_(key)) return look(detail::load_state<State>(*bytes));
      }
    }
    return std::nullopt;
  }
  template <class... Q>
  std::optional<nlohmann::json> answer_one_of(Events<Q...>, std::string_view question, const nlohmann::json& content,
                                              const AnswerContext& context) const {
    std::optional<nlohmann::json> reply;
    const bool known = ((question == name_of<Q>() && (reply = with_state(context.key, [&](const State& state) {
                                                        const A& actor = *actor_;
                                                        return value_to_json(
                                                            actor.answer(from_json<Q>(content), state, context));
                                                      }),
                                                      true)) ||
                        ...);
    if (!known) throw BadValue(fmt::format("{} answers no question {}", name_, question));
    return reply;
  }
  // Keys that were forgotten take no memory for long, in memory mode either.
  void drop_forgotten() {
    if (forgotten_ < 1024 || forgotten_ < states_.size() / 2) return;
    states_.evict(states_.size(), [](const auto& slot) { return !slot.exists && !slot.dirty; });
    forgotten_ = 0;
  }
  Slot& slot_of(const EventKey& key) {
    if (auto* found = states_.find(key)) return *found;
    State loaded{};
    bool exists = false;
    if constexpr (stateful) {
      if (load_) {
        if (const auto bytes = load_(key.text())) {
          loaded = detail::load_state<State>(*bytes);
          exists = true;
        }
      }
    }
    auto& slot = states_.insert(key.text(), key.hash());
    slot.state = std::move(loaded);
    slot.exists = exists;
    slot.dirty = false;
    return slot;
  }

  const std::string name_;
  const Options options_;
  LoadState load_;
  std::unique_ptr<A> actor_;
  std::vector<Handler> handlers_;  // by EventType::index
  KeyTable<State> states_;
  std::vector<Slot*> dirty_;
  std::size_t forgotten_ = 0;  // since the last drop_forgotten()
  Slot* current_ = nullptr;
  State before_{};     // reused, so that its memory is
  std::string bytes_;  // the same
};

namespace detail {

template <class A, class Q>
concept can_answer = requires(const A& actor, const Q& question, const typename A::StateType& state,
                              const AnswerContext& context) {
  actor.answer(question, state, context);
};

template <class A, class... Q>
std::vector<Question> questions_of(Events<Q...>) {
  using State = typename A::StateType;
  static_assert(sizeof...(Q) == 0 || !std::is_same_v<State, NoState>,
                "an actor without state has nothing to answer from: leave Answers out");
  static_assert((can_answer<A, Q> && ...),
                "Answers names a question for which the class has no public "
                "answer(const Question&, const State&, const AnswerContext&) const");
  return {describe_question<Q>(schema_of<std::remove_cvref_t<decltype(std::declval<const A&>().answer(
                                   std::declval<const Q&>(), std::declval<const State&>(),
                                   std::declval<const AnswerContext&>()))>>())...};
}

}  // namespace detail

template <class A, class... E>
ActorType make_actor_type(std::string name) {
  using State = typename A::StateType;
  using Options = typename detail::OptionsOf<A>::type;
  static_assert(std::derived_from<A, Actor<State>>, "derive it from mailroom::Actor<State>");
  ActorType type;
  type.name = std::move(name);
  type.handles = {&event_type_of<E>()...};
  ((detail::never_throws<A, E>() ? type.never_throws.push_back(&event_type_of<E>()) : void()), ...);
  if constexpr (requires { typename A::Emits; }) type.emits = detail::types_of(typename A::Emits{});
  type.questions = detail::questions_of<A>(typename detail::AnswersOf<A>::type{});
  type.stateful = !std::is_same_v<State, NoState>;
  if constexpr (!std::is_same_v<State, NoState>) {
    static_assert(Described<State>, "give the state a field list: MAILROOM_STATE(State, fields...)");
    type.state_schema = schema_of<State>();
    type.state_version = static_cast<std::uint16_t>(version_of<State>());
    type.state_to_json = [](std::string_view bytes) { return value_to_json(detail::load_state<State>(bytes)); };
  } else {
    type.state_to_json = [](std::string_view) { return nlohmann::json(nullptr); };
  }
  type.cpp_class = typeid(A);
  const auto read_options = [](const nlohmann::json& json) {
    if constexpr (detail::OptionsOf<A>::has) {
      static_assert(described_as<Options>() == DescribedAs::options, "declare them with MAILROOM_OPTIONS");
      return from_json<Options>(json);
    } else {
      refuse_unknown_members(json, {}, {});
      return Options{};
    }
  };
  if constexpr (detail::OptionsOf<A>::has) type.options_schema = schema_of<Options>();
  type.make = [read_options, actor_name = type.name](const nlohmann::json& options,
                                                     LoadState load) -> std::unique_ptr<ActorHost> {
    return std::make_unique<TypedHost<A, E...>>(actor_name, read_options(options), std::move(load));
  };
  type.check_options = [read_options](const nlohmann::json& json) {
    const auto options = read_options(json);
    if constexpr (requires { A::check_options(options); }) A::check_options(options);
  };
  return type;
}

}  // namespace mailroom

// Registers an actor class under its own name, with the events that it handles.
#define MAILROOM_ACTOR(Class, ...)                            \
  [[maybe_unused]] inline const bool mailroom_actor_##Class = \
      ::mailroom::ActorTypes::add(::mailroom::make_actor_type<Class, __VA_ARGS__>(#Class));
