#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <vector>

#include <mailroom/errors.hpp>
#include <mailroom/nearest_name.hpp>

#include "cluster/program/commands.hpp"

namespace {

// What CLI11 says of a word where a command is due is "A subcommand is required": which word, and which commands there are.
// False: it is no such mistake.
bool say_missing_command(const CLI::App& app) {
  const auto* at = &app;
  std::string called = "mailroom";
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    called += " " + at->get_name();
  }
  std::vector<std::string> names;
  for (const auto* command : at->get_subcommands([](const CLI::App*) { return true; })) names.push_back(command->get_name());
  if (names.empty()) return false;
  const auto words = at->remaining();
  if (words.empty()) {
    fmt::print(stderr, "mailroom: a command is missing after \"{}\"\n\n", called);
  } else if (words.front().starts_with("-")) {
    fmt::print(stderr, "mailroom: there is no option {} of \"{}\"\n\n", words.front(), called);
  } else {
    const std::vector<std::string_view> known(names.begin(), names.end());
    const auto nearest = mailroom::nearest_name(words.front(), known);
    fmt::print(stderr, "mailroom: no command of \"{}\" is called \"{}\"; {}\n\n", called, words.front(),
               nearest.empty() ? fmt::format("there are: {}", fmt::join(names, ", ")) : fmt::format("did you mean \"{}\"?", nearest));
  }
  fmt::print(stderr, "{}", at == &app ? at->help() : at->help(called.substr(0, called.rfind(' '))));
  return true;
}

}  // namespace

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
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0 && say_missing_command(app)) return exit_usage;
    return app.exit(error) == 0 ? exit_done : exit_usage;
  } catch (const mailroom::BadValue& error) {  // what was said on the command line can't be
    fmt::print(stderr, "mailroom: {}\n", error.what());
    return exit_usage;
  } catch (const std::exception& error) {
    fmt::print(stderr, "mailroom: {}\n", error.what());
    return exit_failed;
  }
  return exit_code;
}
