// Who is who among the engine's actors. Filled before any of them runs, read-only afterwards.
#pragma once

#include <caf/all.hpp>
#include <vector>

namespace mailroom::runtime {

struct AddressBook {
  std::vector<caf::actor> shards;                // by ShardIndex
  std::vector<std::vector<caf::actor>> workers;  // by ShardIndex; empty but for worker queues
  std::vector<caf::actor> supervisors;           // by stage
  caf::actor root_supervisor;
  caf::actor syncer;  // null in memory mode
  caf::actor conductor;
  caf::actor sampler;
  caf::actor turns;
};

}  // namespace mailroom::runtime
