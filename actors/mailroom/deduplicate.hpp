// Lets the first event of each id pass, and remembers ids for as long as their duplicates may come.
//
//   class Unique : public mailroom::Deduplicate<Unique, Request> {
//    public:
//     using Deduplicate::Deduplicate;
//     static std::string_view id(const Request& request) { return request.id; }     text or integer
//   };
//   MAILROOM_ACTOR(Unique, Request, mailroom::ForgetIds)
//
//   "key": "visitor", "options": { "remember": "10m", "most": 100000 }              `most` ids of one key
//
// A duplicate goes to  void duplicate(const Request&, mailroom::Context&)  if there is one, else it is dropped and counted in
// the key's state. An event that is so late that its id may be forgotten (`remember` behind Context::reached()) can't be told
// from a duplicate: it goes to  void too_late(const Request&, mailroom::Context&)  if there is one, else it is refused and
// becomes a dead letter. So with one producer per key no event passes twice, and which one does is the same in every run.
//
// Ids are kept as hashes of 64 bits: of n ids remembered for a key, a new one is taken for one of them once in 2^64 / n times.
// Cost: 16 to 64 bytes an id remembered, encoded once a commit for each key that changed: choose keys with few ids each. No
// copy of the state is made. One durable timer a key.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

#include <mailroom/key_hash.hpp>
#include <mailroom/typed_actor.hpp>

namespace mailroom {

// What the actor sends itself when a key's ids may be forgotten.
struct ForgetIds {
  Timestamp due;
};
MAILROOM_EVENT(ForgetIds, due)

struct DeduplicateOptions {
  std::chrono::microseconds remember = std::chrono::minutes(10);
  std::uint64_t most = 100'000;  // of a key; beyond it the oldest half is forgotten early, and counted

  void check() const;  // throws BadValue
};
MAILROOM_OPTIONS(DeduplicateOptions, remember, most)

struct SeenId {
  std::uint64_t hash = 0;  // 0: the place is free
  Timestamp time;
};
MAILROOM_STRUCT(SeenId, hash, time)

// The ids of one key: open addressing, at most half full.
struct SeenIds {
  std::vector<SeenId> places;
  std::uint64_t used = 0;
  std::uint64_t duplicates = 0;      // dropped so far, if the actor has no duplicate()
  std::uint64_t forgotten_early = 0;  // there were more than `most`
  Timestamp latest;
  bool timer = false;

  [[nodiscard]] const SeenId* find(std::uint64_t hash) const;
  // The id must not be among them. Those from before `keep` may go.
  void insert(std::uint64_t hash, Timestamp time, Timestamp keep, std::uint64_t most);
};
MAILROOM_STATE(SeenIds, places, used, duplicates, forgotten_early, latest, timer)

template <class Derived, class Event>
class Deduplicate : public Actor<SeenIds> {
 public:
  using Emits = Events<Event>;
  using Options = DeduplicateOptions;
  static constexpr bool strong_guarantee = true;

  explicit Deduplicate(const DeduplicateOptions& options) : options_(options) {}
  static void check_options(const DeduplicateOptions& options) { options.check(); }

  void on(const Event& event, SeenIds& seen, Context& context) {
    const auto time = context.event_time(), reached = context.reached();
    if (reached >= time + options_.remember) {
      if constexpr (requires(Derived & d) { d.too_late(event, context); })
        static_cast<Derived*>(this)->too_late(event, context);
      else
        throw Rejected("too late to tell whether it is a duplicate");
      return;
    }
    const auto hash = hash_of(Derived::id(event));
    if (const auto* found = seen.find(hash); found != nullptr && reached < found->time + options_.remember) {
      if constexpr (requires(Derived & d) { d.duplicate(event, context); })
        static_cast<Derived*>(this)->duplicate(event, context);
      else
        ++seen.duplicates;
      return;
    }
    context.emit(event);
    if (!seen.timer) context.at(time + options_.remember, ForgetIds{time + options_.remember}, "forget");
    seen.timer = true;
    seen.insert(hash, time, context.now() - options_.remember, options_.most);
  }
  void on(const ForgetIds&, SeenIds& seen, Context& context) {
    const auto due = seen.latest + options_.remember;
    if (due <= context.now()) return context.forget();
    context.at(due, ForgetIds{due}, "forget");
  }

 private:
  template <class Id>
  static std::uint64_t hash_of(const Id& id) {
    std::uint64_t hash;
    if constexpr (std::is_integral_v<Id>)
      hash = hash_integer_key(static_cast<std::int64_t>(id));
    else
      hash = hash_key(id);
    return hash != 0 ? hash : 1;
  }
  const DeduplicateOptions options_;
};

}  // namespace mailroom
