// Questions about a key's state, asked from outside the topology: nothing changes by them.
//
//   struct HowMuch { bool with_history = false; };
//   MAILROOM_STRUCT(HowMuch, with_history)            question and reply have field lists
//   struct Amount { std::int64_t cents = 0; };
//   MAILROOM_STRUCT(Amount, cents)
//   class Ledger : public mailroom::Actor<Account> {
//    public:
//     using Answers = mailroom::Events<HowMuch>;
//     Amount answer(const HowMuch&, const Account&, const mailroom::AnswerContext&) const;
//   };
//
// answer() is const, and so is the state: what it throws is the asker's answer and no failure of the actor. It is called
// on the shard's thread, between two events, with the state as it is committed; keep it as short as a handler.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include <mailroom/schema.hpp>
#include <mailroom/timestamp.hpp>

namespace mailroom {

// Valid during one answer().
struct AnswerContext {
  std::string_view stage;
  std::string_view key;
  Timestamp now;  // the topology's clock, as Context::now()
};

// One kind of question that an actor class answers.
struct Question {
  std::string name;  // the question type's
  Schema schema, reply;
  // Throws BadValue if the JSON is no such question.
  std::function<void(const nlohmann::json&)> check;
};

}  // namespace mailroom
