#include <cstdio>
#include <exception>
#include <fmt/format.h>

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
  add_bench_command(app, exit_code);
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
