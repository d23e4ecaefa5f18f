// Enrich: asks a slow service outside about each event and passes on what comes of it, many at a time.
//
//   class AddCountry : public mailroom::Enrich<Visit, VisitWithCountry> {
//     VisitWithCountry call(const Visit& visit, mailroom::Context&) override { return {visit, lookup(visit.address)}; }
//   };
//   MAILROOM_ACTOR(AddCountry, Visit)
//
//   "country": { "actor": "AddCountry", "from": ["visits"], "key": "visitor",
//                "workers": 16, "blocking": true, "expires": "30s",
//                "on_failure": { "retries": 5, "backoff": "100ms..5s", "then": "dead_letter" } }
//
// call() may block: with "blocking" each worker has a thread of its own. At most `workers` calls are under way. With a
// "key" those of one key are made one at a time and come out in order, retries included; keys don't wait for each other.
// With "ordering": "none" there is no order. What call() throws is tried again as "on_failure" says, Rejected is a dead
// letter at once, and so is what was not begun in time ("expires"). Each worker has its own instance, so a connection kept
// in a member needs no lock. A crash may repeat calls that were under way: the service must stand that, or get an
// idempotency key (a field of the event).
#pragma once

#include <mailroom/mailroom.hpp>

namespace mailroom {

template <class In, class Out>
class Enrich : public Actor<> {
 public:
  using Emits = Events<Out>;
  void on(const In& event, Context& context) { context.emit(call(event, context)); }

 protected:
  // On the worker's thread. context: key(), attempt(), event_time(), now().
  virtual Out call(const In& event, Context& context) = 0;
};

}  // namespace mailroom
