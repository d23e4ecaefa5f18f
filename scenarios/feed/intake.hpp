// First stage: checks an action and routes it to all that it concerns. One shard, so that whatever goes to one key goes
// there in the order of the input. It also knows the threshold between pushing and pulling, which an action may move.
#pragma once

#include <mailroom/router.hpp>

#include "scenarios/feed/events.hpp"

namespace feed {

struct IntakeOptions {
  std::int64_t celebrity_above = 500;  // followers
  std::int64_t chunks = 16;            // into which an author's followers are divided
};
MAILROOM_OPTIONS(IntakeOptions, celebrity_above, chunks)

struct Taken {
  std::int64_t number = 0;  // of the last action
  Threshold threshold;
};
MAILROOM_STATE(Taken, number, threshold)

class Intake : public mailroom::Actor<Taken> {
 public:
  using Options = IntakeOptions;
  using Emits = mailroom::Events<Relation, Publish, React, Touch>;
  // Throws BadValue for options that make no sense.
  explicit Intake(const IntakeOptions& options);

  // Throws Rejected for an action that can't be, and for one that was taken before.
  void on(const Action& action, Taken& taken, mailroom::Context& context);

 private:
  [[nodiscard]] Relation relation(const Action& action, std::int64_t author, std::int64_t reader, Change change) const;
  [[nodiscard]] std::vector<Relation> both_ways(const Action& action, Change to_target, Change to_user) const;

  IntakeOptions options_;
  Threshold threshold_;  // of the action at hand
  mailroom::Router<Action> routes_;
};
MAILROOM_ACTOR(Intake, Action)

// Which chunk of the author's followers the reader belongs to.
std::int64_t chunk_of(std::int64_t author, std::int64_t reader, std::int64_t chunks);
// Empty: it can be.
std::string fault_of(const Action& action);

}  // namespace feed
