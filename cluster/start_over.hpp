// What a node may remove or overwrite of what it finds: only what Mailroom has made.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "runtime/topology/topology.hpp"

namespace mailroom::cluster {

// `--fresh`: empties DATA/journal and removes what the topology's sinks have written in DATA/output. Returns the stages
// that the journal knew. Throws StorageError, with nothing removed: the journal is in use, is another topology's, or that
// folder holds files and no journal. A damaged journal is removed: starting over is the way out of it.
std::set<std::string> start_over(const std::filesystem::path& data, const runtime::Topology& topology);

// A file sink whose path leads out of DATA/output cuts its file to what was committed: to nothing at first. Refuses one
// that is there and holds something, unless the journal knows the stage (`known`). Throws StorageError.
void refuse_files_of_others(const std::filesystem::path& data, const runtime::Topology& topology, const std::set<std::string>& known);

}  // namespace mailroom::cluster
