#include "runtime/engine/ask.hpp"

namespace mailroom::runtime {

std::string_view to_string(AskOutcome outcome) {
  switch (outcome) {
    case AskOutcome::answered: return "answered";
    case AskOutcome::unknown_stage: return "unknown_stage";
    case AskOutcome::keeps_no_state: return "keeps_no_state";
    case AskOutcome::unknown_question: return "unknown_question";
    case AskOutcome::bad_question: return "bad_question";
    case AskOutcome::key_unknown: return "key_unknown";
    case AskOutcome::no_answer: return "no_answer";
    case AskOutcome::refused: return "refused";
    case AskOutcome::ending: return "ending";
  }
  return "refused";
}

PendingAnswer::~PendingAnswer() { give({AskOutcome::ending, {}, "the node has ended"}); }

}  // namespace mailroom::runtime
