#include "runtime/telemetry/telemetry_event.hpp"

namespace mailroom::runtime {

std::string_view to_string(EventKind kind) {
  switch (kind) {
    case EventKind::late: return "late";
    case EventKind::duplicate: return "duplicate";
    case EventKind::gap: return "gap";
    case EventKind::gap_filled: return "gap_filled";
    case EventKind::gap_final: return "gap_final";
    case EventKind::retry: return "retry";
    case EventKind::skip: return "skip";
    case EventKind::park: return "park";
    case EventKind::dead_letter: return "dead_letter";
    case EventKind::shed: return "shed";
    case EventKind::restart: return "restart";
    case EventKind::escalate: return "escalate";
    case EventKind::stuck: return "stuck";
    case EventKind::unstuck: return "unstuck";
    case EventKind::pause: return "pause";
    case EventKind::resume: return "resume";
    case EventKind::stopping: return "stopping";
    case EventKind::ended: return "ended";
  }
  return "ended";
}

std::string_view to_string(SpanOutcome outcome) {
  switch (outcome) {
    case SpanOutcome::done: return "done";
    case SpanOutcome::failed: return "failed";
    case SpanOutcome::rejected: return "rejected";
    case SpanOutcome::dead_letter: return "dead_letter";
    case SpanOutcome::parked: return "parked";
    case SpanOutcome::shed: return "shed";
    case SpanOutcome::emitted: return "emitted";
  }
  return "done";
}

}  // namespace mailroom::runtime
