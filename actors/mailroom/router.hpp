// Fan-out router: a table of rules that says which events follow from one, and so to which keys they go.
//
//   mailroom::Router<Action> routes;
//   routes.when(is_post, [](const Action& a) { return Publish{a.user, a.number}; })          // by predicate
//         .when(is_block, [](const Action& a) { return std::vector{Cut{a.user}, Cut{a.whom}}; })  // to N keys at once
//         .broadcast(is_notice, 16, [](const Action& a, std::size_t n) { return Notice{n, a.text}; })  // to 16 keys
//         .always([](const Action& a) { return Seen{a.user}; })                              // whatever it is
//         .otherwise([](const Action& a) { return fmt::format("no rule for {}", a.number); });
//   routes.route(action, context);
//
// Every rule that fits acts, in the order of the table. A rule makes one event, a std::optional, or a std::vector or
// std::array of events; the stages that take its type, and that stage's "key", say where each goes. Order: what is
// routed to one key keeps the order of what it was made from, if the routing stage has one shard for them.
// Make it once (a member of the actor): rules are functions and must not keep anything of an event.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <mailroom/context.hpp>
#include <mailroom/errors.hpp>

namespace mailroom {

template <class In>
class Router {
 public:
  using Predicate = std::function<bool(const In&)>;

  template <class Make>
  Router& when(Predicate fits, Make make) {
    rules_.push_back({std::move(fits), [make = std::move(make)](const In& in, Context& context) {
                        return send(make(in), context);
                      }});
    return *this;
  }
  template <class Make>
  Router& always(Make make) {
    return when(nullptr, std::move(make));
  }
  // make(in, n) for each n from 0 to `count` - 1.
  template <class Make>
  Router& broadcast(Predicate fits, std::size_t count, Make make) {
    rules_.push_back({std::move(fits), [count, make = std::move(make)](const In& in, Context& context) {
                        std::size_t sent = 0;
                        for (std::size_t n = 0; n < count; ++n) sent += send(make(in, n), context);
                        return sent;
                      }});
    return *this;
  }
  // What no other rule fits becomes a dead letter with this reason. Without it such an event is passed over.
  Router& otherwise(std::function<std::string(const In&)> reason) {
    reason_ = std::move(reason);
    return *this;
  }

  // Returns how many events were emitted. Throws Rejected as said by otherwise().
  std::size_t route(const In& in, Context& context) const {
    std::size_t sent = 0;
    bool fitted = false;
    for (const auto& rule : rules_) {
      if (rule.fits && !rule.fits(in)) continue;
      fitted = true;
      sent += rule.send(in, context);
    }
    if (!fitted && reason_) throw Rejected(reason_(in));
    return sent;
  }

 private:
  struct Rule {
    Predicate fits;  // empty: always
    std::function<std::size_t(const In&, Context&)> send;
  };

  template <class E>
  static std::size_t send(E event, Context& context) {
    context.emit(std::move(event));
    return 1;
  }
  template <class E>
  static std::size_t send(std::optional<E> event, Context& context) {
    return event ? send(std::move(*event), context) : 0;
  }
  template <class E>
  static std::size_t send(std::vector<E> events, Context& context) {
    for (auto& event : events) context.emit(std::move(event));
    return events.size();
  }
  template <class E, std::size_t N>
  static std::size_t send(std::array<E, N> events, Context& context) {
    for (auto& event : events) context.emit(std::move(event));
    return N;
  }

  std::vector<Rule> rules_;
  std::function<std::string(const In&)> reason_;
};

}  // namespace mailroom
