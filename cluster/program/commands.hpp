// The subcommands of `mailroom`. Each adds itself to the command line and is run by its callback, which sets
// the exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace mailroom::program {

// What the exit code of `mailroom` says. Documented in docs/operations.md; scripts rely on it.
enum ExitCode : int {
  exit_done = 0,           // the input is read to its end and everything is done (run); nothing wrong (check, verify)
  exit_failed = 1,         // the node could not go on, or the data is damaged; the message says why
  exit_usage = 2,          // wrong command line, or the topology has errors
  exit_unbalanced = 3,     // the run ended and its books do not balance, or order was violated
  exit_violated = 4,       // simulate: a law is broken
  exit_drained = 10,       // stopped by a signal; everything that had been read is done
  exit_checkpointed = 11,  // stopped by a signal; the rest is in the journal and goes on at the next start
  exit_forced = 12         // a second signal: ended at once; a durable journal has everything acknowledged
};

// For an option that means something where it is left out, and nothing where it is empty (an unset variable of a script).
inline std::string refuse_empty(const std::string& text) { return text.empty() ? "it is empty" : ""; }

void add_run_command(CLI::App& app, int& exit_code);
void add_check_command(CLI::App& app, int& exit_code);
void add_dead_letters_command(CLI::App& app, int& exit_code);
void add_journal_command(CLI::App& app, int& exit_code);
void add_simulate_command(CLI::App& app, int& exit_code);
void add_bench_command(CLI::App& app, int& exit_code);
void add_top_command(CLI::App& app, int& exit_code);
void add_record_command(CLI::App& app, int& exit_code);

}  // namespace mailroom::program
