// Asking a running engine about the state of one key, from outside the topology. Nothing changes by it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace mailroom::runtime {

struct StateQuestion {
  std::string stage;
  std::string key;                                    // several fields: joined as append_key_part() does ("a|b")
  std::string type;                                   // of the question (ActorType::questions); empty: the state itself
  nlohmann::json content = nlohmann::json::object();  // the question's fields
};

enum class AskOutcome : std::uint8_t {
  answered,
  unknown_stage,
  keeps_no_state,    // a source, a sink, a worker queue, an actor without state
  unknown_question,  // the actor answers none of that name
  bad_question,      // its fields do not fit
  key_unknown,       // the key has no state
  no_answer,         // not within the deadline: the shard is stuck or overloaded
  refused,           // answer() threw
  ending             // the node has ended, or is about to
};
std::string_view to_string(AskOutcome outcome);

struct StateAnswer {
  AskOutcome outcome = AskOutcome::answered;
  nlohmann::json reply;  // when answered
  std::string text;      // otherwise: what was asked, what is wrong, and what there is instead
  [[nodiscard]] bool ok() const noexcept { return outcome == AskOutcome::answered; }
};

// An answer that somebody waits for: given once, and if nobody gives it, `ending` when the last holder lets go.
class PendingAnswer {
 public:
  explicit PendingAnswer(std::function<void(StateAnswer)> give) : give_(std::move(give)) {}
  PendingAnswer(const PendingAnswer&) = delete;
  PendingAnswer& operator=(const PendingAnswer&) = delete;
  ~PendingAnswer();
  // One thread.
  void give(StateAnswer answer) {
    if (const auto give = std::exchange(give_, nullptr)) give(std::move(answer));
  }

 private:
  std::function<void(StateAnswer)> give_;
};

}  // namespace mailroom::runtime
