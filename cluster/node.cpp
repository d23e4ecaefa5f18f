#include "cluster/node.hpp"

#include <fmt/format.h>
#include <set>

#include <mailroom/errors.hpp>
#include <mailroom/safe_folder.hpp>

#include "cluster/start_over.hpp"

namespace mailroom::cluster {
namespace fs = std::filesystem;
using namespace mailroom::runtime;

namespace {

Topology load(const NodeOptions& options, const fs::path& output, std::vector<Problem>& warnings) {
  LoadOptions load_options;
  load_options.input = options.input;
  load_options.output = output;
  load_options.durability = options.durability;
  auto loaded = load_topology(options.topology, load_options);
  if (!loaded.topology) {
    std::string text;
    for (const auto& problem : loaded.problems) text += to_string(problem) + "\n";
    throw TopologyError(text);
  }
  for (auto& problem : loaded.problems)
    if (problem.severity == Problem::Severity::warning) warnings.push_back(std::move(problem));
  return std::move(*loaded.topology);
}

}  // namespace

Node::Node(NodeOptions options) {
  data_ = options.data;
  // The name is in the topology, and the topology's sink paths depend on the data directory: two looks are needed
  // where no directory was given.
  if (data_.empty()) {
    std::vector<Problem> ignored;
    data_ = fs::path("mailroom-data") / load(options, "output", ignored).name;
  }
  auto topology = load(options, data_ / "output", warnings_);
  name_ = topology.name;
  durable_ = topology.durability == Durability::durable;

  std::set<std::string> known;  // stages whose output is this journal's
  if (options.fresh) known = start_over(data_, topology);
  try {
    make_safe_folder(data_ / "output");
  } catch (const StorageError& error) {
    throw StorageError(fmt::format("{}; or give another folder with --data", error.what()));
  }

  std::unique_ptr<Journal> journal;
  if (durable_) {
    journal = Journal::open(data_ / "journal");
    const auto owner = journal->note("topology");
    if (owner && *owner != name_)
      throw StorageError(fmt::format("{} belongs to the topology '{}', not to '{}'; give another folder with --data",
                                     (data_ / "journal").string(), *owner, name_));
    if (!owner) journal->set_note("topology", name_);
    journal->set_note("topology_file", fs::absolute(options.topology).string());
    had_finished_ = journal->note("finished").value_or("") == "yes";
    for (const auto& [id, name] : journal->shards()) known.insert(name.first);
  }
  refuse_files_of_others(data_, topology, known);
  engine_ = std::make_unique<Engine>(std::move(topology), std::move(journal), std::move(options.engine));
}

Node::~Node() {
  try {
    if (engine_) close();
  } catch (const std::exception&) {
    // What could not be noted is only that it has finished: the next start finds out. wait() is who reports.
  }
}

const EngineResult& Node::wait() {
  while (!engine_->wait_for(std::chrono::milliseconds(1000))) {
  }
  close();
  return engine_->result();
}

void Node::close() {
  if (closed_) return;
  if (!engine_->wait_for(std::chrono::milliseconds(0))) return;
  closed_ = true;
  if (auto* journal = engine_->journal(); journal != nullptr && engine_->result().ending == Ending::finished) {
    journal->set_note("finished", "yes");
    journal->sync();
  }
}

}  // namespace mailroom::cluster
