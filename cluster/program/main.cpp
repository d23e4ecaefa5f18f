#include <algorithm>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <string_view>
#include <vector>

#include <mailroom/nearest_name.hpp>

#include "cluster/program/commands.hpp"

int main(int argc, char** argv) {
  using namespace mailroom::program;
  CLI::App app{"Mailroom: typed actors and a JSON topology, run ordered, supervised and durable"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "mailroom " MAILROOM_PROGRAM_VERSION);
  int exit_code = exit_done;
  add_run_command(app, exit_code);
  add_check_command(app, exit_code);
  add_dead_letters_command(app, exit_code);
  add_journal_command(app, exit_code);
  add_simulate_command(app, exit_code);
  add_bench_command(app, exit_code);
  add_top_command(app, exit_code);
  add_record_command(app, exit_code);
  std::vector<std::string_view> names;
  for (const auto* command : app.get_subcommands({})) names.push_back(command->get_name());
  if (argc > 1 && argv[1][0] != '-' && std::find(names.begin(), names.end(), argv[1]) == names.end()) {
    const auto nearest = mailroom::nearest_name(argv[1], names);
    fmt::print(stderr, "mailroom: no command is called \"{}\"; {}\n", argv[1],
               nearest.empty() ? fmt::format("there are: {}", fmt::join(names, ", "))
                               : fmt::format("did you mean \"{}\"?", nearest));
    return exit_usage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_done : exit_usage;
  } catch (const std::exception& error) {
    fmt::print(stderr, "mailroom: {}\n", error.what());
    return exit_failed;
  }
  return exit_code;
}
