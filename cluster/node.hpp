// One process of Mailroom: a topology, its data directory, and the engine that runs it.
//
//   DATA/journal/   the durable log (absent in memory mode)
//   DATA/output/    what file sinks write, unless their path is absolute
//
// For programs that link their scenario in instead of loading it:
//   mailroom::cluster::Node node({.topology = "bank.json"});
//   node.wait();
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <mailroom/json.hpp>

#include "runtime/engine/engine.hpp"
#include "runtime/topology/load_topology.hpp"

namespace mailroom::cluster {

struct NodeOptions {
  std::filesystem::path topology;
  std::filesystem::path data;                     // empty: mailroom-data/<topology's name> below the working directory
  std::optional<std::string> input;               // PATH or STAGE=PATH, see LoadOptions
  std::optional<runtime::Durability> durability;  // overrides the topology's
  bool fresh = false;                             // forget what an earlier run left in the data directory
  runtime::EngineOptions engine;
};

// The topology has errors. what() is all of them, a line each.
class TopologyError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What Node::ask() brings: the reply, or why there is none.
template <class R>
struct Asked {
  runtime::AskOutcome outcome = runtime::AskOutcome::answered;
  std::optional<R> reply;
  std::string text;  // why there is none
  explicit operator bool() const noexcept { return reply.has_value(); }
  const R& operator*() const { return *reply; }
  const R* operator->() const { return &*reply; }
};

class Node {
 public:
  // Loads, checks, recovers and begins to run. Throws TopologyError, StorageError, CorruptData, BadValue.
  explicit Node(NodeOptions options);
  // Stops at once if it still runs; what is not done stays in the journal.
  ~Node();

  [[nodiscard]] runtime::Engine& engine() { return *engine_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::filesystem::path& data() const { return data_; }
  [[nodiscard]] bool durable() const { return durable_; }
  // The journal says that an earlier run had already read all input and finished.
  [[nodiscard]] bool had_finished() const { return had_finished_; }
  // Warnings found in the topology.
  [[nodiscard]] const std::vector<runtime::Problem>& warnings() const { return warnings_; }

  // Asks a key's actor, as Engine::ask(). R is what its answer() returns, or its state type if nothing is asked.
  template <class R, class Q>
  Asked<R> ask(const std::string& stage, const std::string& key, const Q& question,
               std::chrono::milliseconds deadline = std::chrono::seconds(5)) {
    return read_answer<R>(engine_->ask({stage, key, std::string(name_of<Q>()), value_to_json(question)}, deadline));
  }
  template <class R>
  Asked<R> ask(const std::string& stage, const std::string& key,
               std::chrono::milliseconds deadline = std::chrono::seconds(5)) {
    return read_answer<R>(engine_->ask({stage, key, {}, nlohmann::json::object()}, deadline));
  }

  // Waits until the node has ended and returns how.
  const runtime::EngineResult& wait();
  // Notes the ending in the journal. Called by wait() and by the destructor.
  void close();

 private:
  template <class R>
  static Asked<R> read_answer(const runtime::StateAnswer& answer) {
    if (!answer.ok()) return {answer.outcome, std::nullopt, answer.text};
    return {answer.outcome, from_json<R>(answer.reply), {}};
  }

  std::string name_;
  std::filesystem::path data_;
  bool durable_ = true;
  bool had_finished_ = false;
  bool closed_ = false;
  std::vector<runtime::Problem> warnings_;
  std::unique_ptr<runtime::Engine> engine_;
};

}  // namespace mailroom::cluster
