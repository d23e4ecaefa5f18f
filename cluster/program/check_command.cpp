#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

#include "cluster/program/commands.hpp"
#include "runtime/topology/describe_topology.hpp"
#include "runtime/topology/load_topology.hpp"

namespace mailroom::program {

using namespace mailroom::runtime;

namespace {

struct CheckArguments {
  std::string topology;
  std::string input;
  bool json = false;
};

int check(const CheckArguments& arguments) {
  LoadOptions options;
  if (!arguments.input.empty()) options.input = arguments.input;
  const auto loaded = load_topology(arguments.topology, options);
  std::size_t errors = 0;
  for (const auto& problem : loaded.problems) {
    if (problem.severity == Problem::Severity::error) ++errors;
    fmt::print(stderr, "{}\n", to_string(problem));
  }
  if (!loaded.topology) {
    fmt::print(stderr, "{}: {} {}\n", arguments.topology, errors, errors == 1 ? "error" : "errors");
    return exit_usage;
  }
  if (arguments.json)
    fmt::print("{}\n", to_json(*loaded.topology).dump(2));
  else
    fmt::print("{}", describe(*loaded.topology));
  return exit_done;
}

}  // namespace

void add_check_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<CheckArguments>();
  auto* command = app.add_subcommand("check", "Check a topology without running it");
  command->add_option("topology", arguments->topology, "The topology's JSON file")->required();
  command->add_option("--input", arguments->input, "Check with this input, as in `run --input`");
  command->add_flag("--json", arguments->json, "Print the checked topology as JSON");
  command->callback([arguments, &exit_code] { exit_code = check(*arguments); });
}

}  // namespace mailroom::program
