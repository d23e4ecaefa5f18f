// Reads one stage of a topology, as far as it can be known without the other stages.
#pragma once

#include <string>
#include <vector>

#include "runtime/topology/load_topology.hpp"
#include "runtime/topology/policies.hpp"
#include "runtime/topology/topology.hpp"

namespace mailroom::runtime {

// An entry of "from", by name still.
struct WrittenEdge {
  std::string pointer;
  std::string stage;
  std::vector<std::string> events;  // empty: all that fit
  bool feedback = false;
};

struct WrittenStage {
  Stage stage;
  std::string pointer;
  std::vector<WrittenEdge> from;
  const nlohmann::json* key = nullptr;  // as written; resolved once the edges are known
  bool ordering_given = false;
  bool workers_given = false;
  bool broken = false;  // its kind or type is not known: what depends on it is not judged
};

struct StageDefaults {
  MailboxPolicy mailbox;
  FailurePolicy on_failure;
  SupervisionPolicy supervision;
  std::chrono::milliseconds deadline = Stage{}.deadline;
  std::size_t resident_keys = Stage{}.resident_keys;
  std::uint32_t shards = 1;
  bool types_missing =
      false;  // a library could not be loaded: unknown names follow from that and are not reported again
};

StageDefaults read_defaults(ObjectReader& top, ProblemList& problems);

WrittenStage read_stage(const std::string& name, const nlohmann::json& value, const std::string& pointer,
                        const StageDefaults& defaults, const std::filesystem::path& topology_folder,
                        const LoadOptions& options, bool takes_input, ProblemList& problems);

}  // namespace mailroom::runtime
