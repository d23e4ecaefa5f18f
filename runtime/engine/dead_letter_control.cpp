#include "runtime/engine/dead_letter_control.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <tuple>

namespace mailroom::runtime {

std::vector<DeadLetter> list_boxed(const Plan& plan, std::vector<BoxedDeadLetter> letters, const DeadLetterFilter& filter) {
  check_dead_letter_filter(filter);
  std::optional<DeadLetterId> after;
  if (filter.after) after = parse_dead_letter_id(*filter.after);
  std::vector<DeadLetter> listed;
  for (auto& boxed : letters) {
    auto& held = boxed.held;
    DeadLetter letter;
    letter.id = fmt::format("{}/{}:{}", boxed.stage, boxed.shard, held.ordinal);
    if (after && std::tie(boxed.stage, boxed.shard, held.ordinal) <= std::tie(after->stage, after->shard, after->ordinal)) continue;
    if (boxed.parked != filter.parked || (filter.stage && *filter.stage != boxed.stage) ||
        (filter.key && *filter.key != held.key) || (filter.kind && *filter.kind != held.kind) ||
        (!filter.ids.empty() && std::find(filter.ids.begin(), filter.ids.end(), letter.id) == filter.ids.end()))
      continue;
    letter.stage = std::move(boxed.stage);
    letter.shard = boxed.shard;
    letter.ordinal = held.ordinal;
    letter.parked = boxed.parked;
    letter.kind = std::move(held.kind);
    letter.reason = std::move(held.reason);
    letter.key = std::move(held.key);
    letter.attempts = held.attempts;
    letter.when = held.when;
    letter.origin = std::move(held.origin);
    if (held.channel != 0) letter.from = plan.stage_of(plan.channel(held.channel).from).name;
    if (held.event) {
      const auto& type = held.event->type(0);
      letter.event = type.name();
      letter.payload = type.to_json(held.event->event(0));
      letter.trace = held.event->meta(0).trace;
      for (ShardIndex shard = 0; shard < plan.shards.size(); ++shard)
        if (plan.shards[shard].id == trace_stream(letter.trace))
          letter.origin = fmt::format("{}:{}", plan.shard_name(shard), trace_sequence(letter.trace));
    } else {
      letter.payload = std::move(held.content);
    }
    listed.push_back(std::move(letter));
  }
  std::stable_sort(listed.begin(), listed.end(), [](const DeadLetter& a, const DeadLetter& b) {
    return std::tie(a.stage, a.shard, a.ordinal) < std::tie(b.stage, b.shard, b.ordinal);
  });
  return listed;
}

}  // namespace mailroom::runtime
