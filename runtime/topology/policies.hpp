// The policies of a topology by name: what its JSON may say, in one place for reader, description and schema.
#pragma once

#include "runtime/topology/object_reader.hpp"
#include "runtime/topology/topology.hpp"

namespace mailroom::runtime {

inline const EnumNames<Durability> durability_names{{"durable", Durability::durable}, {"memory", Durability::memory}};
inline const EnumNames<ClockKind> clock_names{{"wall", ClockKind::wall}, {"events", ClockKind::events}};
inline const EnumNames<Ordering> ordering_names{
    {"key", Ordering::key}, {"total", Ordering::total}, {"none", Ordering::none}};
inline const EnumNames<Overflow> overflow_names{{"backpressure", Overflow::backpressure},
                                                {"spill", Overflow::spill},
                                                {"drop_oldest", Overflow::drop_oldest},
                                                {"drop_newest", Overflow::drop_newest},
                                                {"reject", Overflow::reject}};
inline const EnumNames<Retrying> retrying_names{{"block_key", Retrying::block_key},
                                                {"block_shard", Retrying::block_shard}};
inline const EnumNames<Then> then_names{{"dead_letter", Then::skip},        {"skip", Then::skip},
                                        {"park_key", Then::park_key},       {"block_key", Then::block_key},
                                        {"block_shard", Then::block_shard}, {"stop", Then::stop},
                                        {"escalate", Then::escalate}};
inline const EnumNames<Strategy> strategy_names{{"one_for_one", Strategy::one_for_one},
                                                {"one_for_all", Strategy::one_for_all},
                                                {"rest_for_one", Strategy::rest_for_one}};

template <class E>
const char* name_in(const EnumNames<E>& names, E value) {
  for (const auto& [name, e] : names)
    if (e == value) return name;
  return "?";
}

void read_mailbox(ObjectReader& stage, MailboxPolicy& policy, ProblemList& problems);
void read_on_failure(ObjectReader& stage, FailurePolicy& policy, ProblemList& problems);
void read_watch_order(ObjectReader& stage, std::optional<OrderWatchPolicy>& policy, ProblemList& problems);
void read_supervision(ObjectReader& stage, SupervisionPolicy& policy, ProblemList& problems);

}  // namespace mailroom::runtime
