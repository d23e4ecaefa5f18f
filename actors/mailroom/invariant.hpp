// What must be true of a scenario's outputs whenever it has come to rest, whatever happened on the way.
// `mailroom simulate` checks it after each run; the same class can check a real run's files.
//
//   class NothingIsMadeUp : public mailroom::Invariant {
//     void check(const mailroom::RestingScenario& run) const override {
//       std::int64_t in = 0, out = 0;
//       for (const auto& deposit : run.input<Deposit>("deposits")) in += deposit.cents;
//       for (const auto& [account, state] : run.states<Account>("ledger")) out += state.balance;
//       if (in != out) throw mailroom::Broken(fmt::format("{} came in, the accounts hold {}", in, out));
//     }
//   };
//   MAILROOM_INVARIANT(NothingIsMadeUp, "bank")          // the topology's name
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <mailroom/mailroom.hpp>

namespace mailroom {

// What is not as it must be, in words: which invariant, what was found and what was expected.
class Broken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// An event, and the stage whose it was.
struct EventAtStage {
  std::string stage, key, event;  // the stage's name; its key there, as text; the event's type
  nlohmann::json payload;
};

// A scenario that has read all its input and finished. Names of stages that do not exist throw BadValue.
class RestingScenario {
 public:
  virtual ~RestingScenario() = default;
  // The events that a source gave, and those that a sink wrote, in order.
  [[nodiscard]] virtual std::vector<nlohmann::json> input_json(std::string_view source) const = 0;
  [[nodiscard]] virtual std::vector<nlohmann::json> output_json(std::string_view sink) const = 0;
  // Dead letters and parked events, as `mailroom dead-letters list --json` has them: stage, kind, reason, key, event,
  // payload, ...
  [[nodiscard]] virtual std::vector<nlohmann::json> dead_letters() const = 0;
  [[nodiscard]] virtual std::map<std::string, nlohmann::json> states_json(std::string_view stage) const = 0;
  // What overflow policies have shed on the way to a stage: what it would have caused is missing.
  [[nodiscard]] virtual std::vector<EventAtStage> shed() const = 0;
  // What handlers went on failing with (dead letters of kind "failed", parked keys with all that waited behind): what it
  // would have caused is missing, or has come late if an operator has had it tried again. Both kinds are here.
  [[nodiscard]] virtual std::vector<EventAtStage> given_up() const = 0;
  [[nodiscard]] bool has_given_up() const { return !given_up().empty(); }

  // What a sink wrote, as a file sink's rows: without the types.
  [[nodiscard]] std::vector<nlohmann::json> rows_of(std::string_view sink) const {
    std::vector<nlohmann::json> rows;
    for (auto& event : output_json(sink)) rows.push_back(std::move(event.at("data")));
    return rows;
  }
  // The same as values; events of other types are left out.
  template <class E>
  [[nodiscard]] std::vector<E> input(std::string_view source) const {
    return events_of<E>(input_json(source));
  }
  template <class E>
  [[nodiscard]] std::vector<E> output(std::string_view sink) const {
    return events_of<E>(output_json(sink));
  }
  template <class S>
  [[nodiscard]] std::map<std::string, S> states(std::string_view stage) const {
    std::map<std::string, S> found;
    for (const auto& [key, json] : states_json(stage)) found.emplace(key, from_json<S>(json));
    return found;
  }

 private:
  // Events are {"event": type, "data": {...}}.
  template <class E>
  static std::vector<E> events_of(const std::vector<nlohmann::json>& all) {
    std::vector<E> found;
    for (const auto& one : all)
      if (one.at("event") == event_type_of<E>().name()) found.push_back(from_json<E>(one.at("data")));
    return found;
  }
};

class Invariant {
 public:
  virtual ~Invariant() = default;
  // Throws Broken (or any exception, which counts as broken).
  virtual void check(const RestingScenario& run) const = 0;
};

class Invariants {
 public:
  using Make = std::function<std::unique_ptr<Invariant>()>;
  // Always true.
  static bool add(std::string name, std::string topology, Make make);
  // Those of a topology, by their names.
  [[nodiscard]] static std::map<std::string, std::unique_ptr<Invariant>> of(std::string_view topology);
};

}  // namespace mailroom

#define MAILROOM_INVARIANT(Class, topology)                        \
  [[maybe_unused]] inline const bool mailroom_invariant_##Class = \
      ::mailroom::Invariants::add(#Class, topology, [] { return std::make_unique<Class>(); });
