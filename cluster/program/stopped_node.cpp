#include "cluster/program/stopped_node.hpp"

#include <fmt/format.h>

#include <mailroom/errors.hpp>

#include "runtime/topology/load_topology.hpp"

namespace mailroom::program {
namespace fs = std::filesystem;

fs::path journal_folder(const fs::path& given) {
  if (given.empty()) throw BadValue("the data folder's name is empty; expected the one that `mailroom run --data` names");
  for (const auto& folder : {given / "journal", given})
    if (fs::exists(folder / "store")) return folder;
  throw StorageError(
      fmt::format("{} is no node's data folder: expected a folder 'journal' in it, as `mailroom run --data` makes it",
                  given.string()));
}

std::map<std::string, std::string> load_types_for(runtime::Journal& journal, const std::string& topology) {
  std::map<std::string, std::string> actors;
  const auto file = topology.empty() ? journal.note("topology_file").value_or("") : topology;
  if (file.empty() || (topology.empty() && !fs::exists(file))) {
    fmt::print(stderr, "note: the topology {} is not there; give it with --topology to see the events' fields\n", file);
    return actors;
  }
  const auto loaded = runtime::load_topology(file);
  if (!loaded.topology) {
    for (const auto& problem : loaded.problems) fmt::print(stderr, "{}\n", to_string(problem));
    return actors;
  }
  for (const auto& stage : loaded.topology->stages)
    if (stage.actor != nullptr) actors[stage.name] = stage.actor->name;
  return actors;
}

}  // namespace mailroom::program
