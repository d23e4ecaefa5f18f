// Reads and checks a topology file: everything that can be known without running it.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/topology/topology.hpp"

namespace mailroom::runtime {

struct Problem {
  enum class Severity { error, warning, note } severity = Severity::error;
  std::string file;
  int line = 0;           // 1-based; 0: the file as a whole
  std::string json_path;  // "/stages/ledger/key"
  std::string text;       // what was found, what was expected, what to do
};
// "orders.json:12: error: /stages/ledger/key: ..."
std::string to_string(const Problem& problem);

struct LoadOptions {
  std::optional<std::string> input;    // --input PATH or STAGE=PATH: replaces a source's definition by its "with_input"
  std::filesystem::path output = ".";  // sinks' relative paths are below this
  std::optional<Durability> durability;  // overrides the file's
  bool load_libraries = true;            // dlopen what "library" names (else the types must be linked in)
  std::vector<std::filesystem::path>
      library_path;  // searched after the topology's folder, before MAILROOM_LIBRARY_PATH
};

struct LoadedTopology {
  std::optional<Topology> topology;  // absent if there is any error
  std::vector<Problem> problems;     // in order of line
};

// Never throws for what a file can contain; a file that can't be read is a Problem too.
LoadedTopology load_topology(const std::filesystem::path& file, const LoadOptions& options = {});
// The same for text in memory (tests, embedded use); `name` stands for the file in messages.
LoadedTopology load_topology_text(const std::string& text, const std::string& name, const LoadOptions& options = {});

}  // namespace mailroom::runtime
