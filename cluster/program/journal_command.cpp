#include <fmt/format.h>
#include <iostream>
#include <memory>

#include "cluster/program/commands.hpp"
#include "cluster/program/stopped_node.hpp"
#include "runtime/journal/accept_log.hpp"
#include "runtime/journal/inspect_journal.hpp"
#include "runtime/journal/verify_journal.hpp"
#include "runtime/telemetry/human_text.hpp"

namespace mailroom::program {

using namespace mailroom::runtime;

namespace {

struct JournalArguments {
  std::string directory, topology, stage;
  bool parcels = false, states = false;
};

int inspect(const JournalArguments& arguments) {
  const auto journal = Journal::open_read_only(journal_folder(arguments.directory));
  InspectOptions options;
  if (!arguments.stage.empty()) options.stage = arguments.stage;
  options.parcels = arguments.parcels;
  options.states = arguments.states;
  if (arguments.parcels || arguments.states) options.stage_actors = load_types_for(*journal, arguments.topology);
  inspect_journal(*journal, options, std::cout);
  return exit_done;
}

int verify(const JournalArguments& arguments) {
  const auto report = verify_journal(journal_folder(arguments.directory));
  print_report(report, std::cout);
  return report.sound() ? exit_done : exit_failed;
}

int accept(const JournalArguments& arguments) {
  const auto folder = journal_folder(arguments.directory);
  const auto commit = accept_log(folder);
  fmt::print("{}: made anew, at commit {}. Every record that is there is whole; what had been acknowledged after that commit, if "
             "anything, is lost\n",
             (folder / "ACKNOWLEDGED").string(), human_number(commit));
  return exit_done;
}

}  // namespace

void add_journal_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<JournalArguments>();
  auto* command = app.add_subcommand("journal", "Look into a stopped node's journal");
  command->require_subcommand(1);

  auto* inspect_command =
      command->add_subcommand("inspect", "Show shards, positions, mailboxes, timers and dead letters");
  inspect_command->add_option("directory", arguments->directory, "The node's data folder")->required();
  inspect_command->add_option("--stage", arguments->stage, "Only this stage");
  auto* parcels =
      inspect_command->add_flag("--events", arguments->parcels, "The events in the stage's mailboxes, as JSON lines");
  inspect_command->add_flag("--states", arguments->states, "The stage's states by key, as JSON lines")
      ->excludes(parcels);
  inspect_command->add_option("--topology", arguments->topology,
                              "The topology it was written with [noted in the journal]");
  inspect_command->callback([arguments, &exit_code] { exit_code = inspect(*arguments); });

  auto* verify_command = command->add_subcommand("verify", "Check every record; changes nothing");
  verify_command->add_option("directory", arguments->directory, "The node's data folder")->required();
  verify_command->callback([arguments, &exit_code] { exit_code = verify(*arguments); });

  auto* accept_command = command->add_subcommand(
      "accept", "Where the journal's file ACKNOWLEDGED is missing or damaged, and no copy of it is left: go on with the log as it is");
  accept_command->add_option("directory", arguments->directory, "The node's data folder")->required();
  accept_command->callback([arguments, &exit_code] { exit_code = accept(*arguments); });
}

}  // namespace mailroom::program
