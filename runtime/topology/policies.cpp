#include "runtime/topology/policies.hpp"

namespace mailroom::runtime {

void read_mailbox(ObjectReader& stage, MailboxPolicy& policy, ProblemList& problems) {
  const auto* member = stage.member("mailbox");
  if (member == nullptr) return;
  ObjectReader mailbox(*member, stage.at("mailbox"), problems);
  mailbox.number("capacity", 1, 100'000'000, policy.capacity);
  mailbox.choice("overflow", overflow_names, policy.overflow);
  mailbox.refuse_unknown();
}

void read_on_failure(ObjectReader& stage, FailurePolicy& policy, ProblemList& problems) {
  const auto* member = stage.member("on_failure");
  if (member == nullptr) return;
  ObjectReader failure(*member, stage.at("on_failure"), problems);
  failure.number("retries", 0, 1'000'000, policy.retries);
  failure.duration_range("backoff", policy.backoff.first, policy.backoff.longest);
  failure.fraction("jitter", policy.backoff.jitter);
  failure.choice("retrying", retrying_names, policy.retrying);
  failure.choice("then", then_names, policy.then);
  failure.refuse_unknown();
}

void read_watch_order(ObjectReader& stage, std::optional<OrderWatchPolicy>& policy, ProblemList& problems) {
  const auto* member = stage.member("watch_order");
  if (member == nullptr) return;
  ObjectReader watch(*member, stage.at("watch_order"), problems);
  if (!watch.usable()) return;
  policy.emplace();
  watch.text("sequence", policy->sequence);
  if (policy->sequence.empty())
    problems.error(stage.at("watch_order"), "\"sequence\" is missing: the event's field with its producer's number");
  watch.duration("grace", policy->grace);
  watch.refuse_unknown();
}

void read_supervision(ObjectReader& stage, SupervisionPolicy& policy, ProblemList& problems) {
  const auto* member = stage.member("supervision");
  if (member == nullptr) return;
  ObjectReader supervision(*member, stage.at("supervision"), problems);
  supervision.choice("strategy", strategy_names, policy.strategy);
  if (const auto* intensity_member = supervision.member("intensity")) {
    ObjectReader intensity(*intensity_member, supervision.at("intensity"), problems);
    intensity.number("restarts", 0, 1'000'000, policy.restarts);
    intensity.duration("within", policy.within);
    intensity.refuse_unknown();
  }
  supervision.duration_range("backoff", policy.backoff.first, policy.backoff.longest);
  supervision.fraction("jitter", policy.backoff.jitter);
  supervision.refuse_unknown();
}

}  // namespace mailroom::runtime
