// mailroom simulate TOPOLOGY: the topology's own actors, on the production engine, under thousands of seeds.
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mailroom/errors.hpp>
#include <mailroom/invariant.hpp>

#include "cluster/program/commands.hpp"
#include "runtime/simulation/shrink.hpp"
#include "runtime/simulation/simulation.hpp"
#include "runtime/telemetry/human_text.hpp"
#include "runtime/topology/load_topology.hpp"

namespace mailroom::program {

using namespace mailroom::runtime;

namespace {

struct SimulateArguments {
  std::string topology, input, faults = "default";
  std::uint64_t seeds = 1000, first = 1;
  std::optional<std::uint64_t> seed;
  std::size_t events = 200;
  unsigned jobs = 2;
  bool no_shrink = false, quiet = false;
};

// What a child says to its parent: one after the other through a pipe, each smaller than what a pipe takes at once.
struct Report {
  std::uint64_t seed = 0;  // done; or the one that broke
  std::uint64_t runs = 0, steps = 0, faults = 0, crashes = 0;
  double simulated_seconds = 0;
  enum Kind : std::uint64_t { begun, progress, broken, finished } kind = progress;
};
static_assert(sizeof(Report) < 512);

struct Totals {
  std::uint64_t runs = 0, steps = 0, faults = 0, crashes = 0;
  double simulated_seconds = 0;
  void add(const Report& report) {
    runs += report.runs;
    steps += report.steps;
    faults += report.faults;
    crashes += report.crashes;
    simulated_seconds += report.simulated_seconds;
  }
};

std::string duration(double seconds) { return human_duration(static_cast<std::uint64_t>(seconds * 1e6)); }

// "1 event", "2,000 events"
std::string count(std::uint64_t number, std::string_view what) { return fmt::format("{} {}{}", human_number(number), what, number == 1 ? "" : "s"); }

void print_violations(const std::vector<Violation>& violations) {
  for (const auto& violation : violations) fmt::print("  {}\n    {}\n", violation.law, violation.text);
}

std::string describe(const SimulationCase& what) {
  return fmt::format("{}, {}{}{}, {}", count(what.event_count(), "event"), what.durable ? "durable" : "in memory mode",
                     what.capacity > 0 ? fmt::format(", mailboxes of {}", count(what.capacity, "event")) : "",
                     what.resident_keys > 0 ? fmt::format(", {} kept in memory by each shard", count(what.resident_keys, "state")) : "",
                     count(what.faults.size(), "fault"));
}

// One of the processes that share the seeds: each run is alone in its process, so that a handler that crashes or does
// not return costs one child and names its seed.
[[noreturn]] void work(const Simulation& simulation, std::uint64_t first, std::uint64_t last, unsigned step, int out) {
  const auto say = [out](const Report& report) {
    if (::write(out, &report, sizeof report) != sizeof report) ::_exit(1);
  };
  for (auto seed = first; seed <= last; seed += step) {
    Report report;
    report.seed = seed;
    report.kind = Report::begun;
    say(report);
    const auto result = simulation.run(simulation.draw(seed));
    report.kind = result.violations.empty() ? Report::progress : Report::broken;
    report.runs = 1;
    report.steps = result.done.steps;
    report.faults = result.faults_happened;
    report.crashes = result.crashes;
    report.simulated_seconds = result.simulated_seconds;
    say(report);
    if (report.kind == Report::broken) ::_exit(0);
  }
  Report end;
  end.kind = Report::finished;
  say(end);
  ::_exit(0);
}

struct Child {
  pid_t process = -1;
  int in = -1;
  std::uint64_t at = 0;  // the seed that it runs
  std::chrono::steady_clock::time_point since;
};

struct Found {
  std::optional<std::uint64_t> seed;
  std::string end;  // how a child ended that did not say a law is broken
  Totals totals;
};

constexpr auto longest_run = std::chrono::seconds(120);

void finish(Child& child, bool kill) {
  if (kill) ::kill(child.process, SIGKILL);
  ::close(child.in);
  child.in = -1;
}

// The lowest seed that breaks a law, among those that have been run when one is found.
Found run_seeds(const Simulation& simulation, const SimulateArguments& arguments) {
  const auto last = arguments.first + arguments.seeds - 1;
  const auto jobs = static_cast<unsigned>(std::min<std::uint64_t>(std::max(1u, arguments.jobs), arguments.seeds));
  std::vector<Child> children;
  std::fflush(nullptr);
  for (unsigned job = 0; job < jobs; ++job) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) throw std::runtime_error(fmt::format("can't make a pipe: {}", std::strerror(errno)));
    const auto process = ::fork();
    if (process < 0) throw std::runtime_error(fmt::format("can't start a process: {}", std::strerror(errno)));
    if (process == 0) {
      ::close(ends[0]);
      work(simulation, arguments.first + job, last, jobs, ends[1]);
    }
    ::close(ends[1]);
    children.push_back({process, ends[0], 0, std::chrono::steady_clock::now()});
  }
  Found found;
  const auto begun = std::chrono::steady_clock::now();
  auto shown = begun;
  const auto breaks = [&](std::uint64_t seed, std::string end) {
    if (found.seed && *found.seed <= seed) return;
    found.seed = seed;
    found.end = std::move(end);
  };
  for (;;) {
    std::vector<pollfd> waits;
    std::vector<Child*> of;
    for (auto& child : children) {
      // Once a seed is known to break, only lower ones matter.
      if (child.in >= 0 && found.seed && child.at > *found.seed) finish(child, true);
      if (child.in < 0) continue;
      waits.push_back({child.in, POLLIN, 0});
      of.push_back(&child);
    }
    if (waits.empty()) break;
    ::poll(waits.data(), waits.size(), 200);
    const auto now = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < waits.size(); ++i) {
      auto& child = *of[i];
      if (waits[i].revents == 0) {
        if (child.at != 0 && now - child.since > longest_run) {
          breaks(child.at, fmt::format("a handler does not return: the run takes longer than {} s", longest_run.count()));
          finish(child, true);
        }
        continue;
      }
      Report report;
      if (::read(child.in, &report, sizeof report) != sizeof report) {
        int status = 0;
        ::waitpid(child.process, &status, 0);
        child.process = -1;
        breaks(child.at, WIFSIGNALED(status) ? fmt::format("the process is ended by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)))
                                             : fmt::format("the process ends with code {}", WEXITSTATUS(status)));
        finish(child, false);
        continue;
      }
      if (report.kind == Report::begun) {
        child.at = report.seed;
        child.since = now;
        continue;
      }
      found.totals.add(report);
      if (report.kind == Report::broken) breaks(report.seed, {});
      if (report.kind != Report::progress) finish(child, false);
    }
    if (!arguments.quiet && ::isatty(STDERR_FILENO) != 0 && now - shown > std::chrono::milliseconds(500)) {
      shown = now;
      const auto spent = std::chrono::duration<double>(now - begun).count();
      fmt::print(stderr, "\r\033[K{} of {} seeds, {:.0f} a second, {} crashes", human_number(found.totals.runs), human_number(arguments.seeds),
                 static_cast<double>(found.totals.runs) / spent, human_number(found.totals.crashes));
    }
  }
  if (!arguments.quiet && ::isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r\033[K");
  for (const auto& child : children)
    if (child.process > 0) ::waitpid(child.process, nullptr, 0);
  return found;
}

void print_faults(const SimulationCase& what) {
  std::vector<std::string> lines;
  for (const auto& fault : what.faults) lines.push_back(to_string(fault));
  for (std::size_t i = 0; i < lines.size();) {
    auto next = i + 1;
    while (next < lines.size() && lines[next] == lines[i]) ++next;
    fmt::print("  {}{}\n", lines[i], next - i > 1 ? fmt::format(" ({} times)", next - i) : "");
    i = next;
  }
}

// One thing that happens, as a line. A step is one message that one actor handles; what no step did has none.
std::string line(const Told& told) {
  const auto step = human_number(told.step);
  return fmt::format("{} {:>7} {:>13.6f}  {:<16} {}", told.fault ? '!' : ' ', step, static_cast<double>(told.microseconds) / 1e6, told.who, told.text);
}
constexpr auto line_head = "     step       seconds  who              what";

// Runs it and prints what happens, step by step.
int replay(const Simulation& simulation, const SimulationCase& what) {
  fmt::print("seed {}: {}\n", what.seed, describe(what));
  print_faults(what);
  fmt::print("\n{}\n", line_head);
  const auto result = simulation.run(what, [](const Told& told) { fmt::print("{}\n", line(told)); });
  fmt::print("\n");
  if (result.violations.empty()) {
    fmt::print("every law holds: {}, {}, {}, {} of simulated time\n", count(result.done.steps, "step"), count(result.faults_happened, "fault"),
               result.crashes == 1 ? "1 crash" : fmt::format("{} crashes", result.crashes), duration(result.simulated_seconds));
    return exit_done;
  }
  fmt::print("seed {} breaks:\n", what.seed);
  print_violations(result.violations);
  return exit_violated;
}

int simulate(const SimulateArguments& arguments) {
  LoadOptions load_options;
  if (!arguments.input.empty()) load_options.input = arguments.input;
  auto loaded = load_topology(arguments.topology, load_options);
  if (!loaded.topology) {
    for (const auto& problem : loaded.problems) fmt::print(stderr, "{}\n", to_string(problem));
    return exit_usage;
  }
  SimulationOptions options;
  options.events = arguments.events;
  try {
    options.faults = parse_faults(arguments.faults);
  } catch (const BadValue& error) {
    fmt::print(stderr, "{}\n", error.what());
    return exit_usage;
  }
  const auto name = loaded.topology->name;
  const Simulation simulation(std::move(*loaded.topology), options);
  if (!simulation.undisturbed().violations.empty()) {
    fmt::print("{}: a law is broken without any fault:\n", name);
    print_violations(simulation.undisturbed().violations);
    return exit_violated;
  }
  if (arguments.seed) return replay(simulation, simulation.draw(*arguments.seed));

  std::vector<std::string> invariants;
  for (const auto& [invariant, unused] : Invariants::of(name)) invariants.push_back(invariant);
  fmt::print("{}: {} from {} on, up to {} from each source\nchecked: Mailroom's laws{}\n", name, count(arguments.seeds, "seed"), arguments.first,
             count(arguments.events, "event"),
             invariants.empty() ? std::string(", and no invariant of the scenario's own (MAILROOM_INVARIANT)")
                                : fmt::format(", and the scenario's own: {}", fmt::join(invariants, ", ")));
  std::fflush(stdout);
  const auto begun = std::chrono::steady_clock::now();
  const auto found = run_seeds(simulation, arguments);
  const auto spent = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  fmt::print("{} in {} ({:.0f} a second): {}, {}, {} crashes, {} of simulated time\n", count(found.totals.runs, "run"), duration(spent),
             static_cast<double>(found.totals.runs) / std::max(spent, 1e-9), count(found.totals.steps, "step"), count(found.totals.faults, "fault"),
             human_number(found.totals.crashes), duration(found.totals.simulated_seconds));
  if (!found.seed) {
    fmt::print("every law holds\n");
    return exit_done;
  }
  const SimulateArguments usual;
  const auto again = fmt::format("mailroom simulate {}{}{}{} --seed {}", arguments.topology, arguments.input.empty() ? "" : " --input " + arguments.input,
                                 arguments.events == usual.events ? "" : fmt::format(" --events {}", arguments.events),
                                 arguments.faults == usual.faults ? "" : " --faults " + arguments.faults, *found.seed);
  auto broken = simulation.draw(*found.seed);
  if (!found.end.empty()) {
    fmt::print("\nseed {} ({}): {}\n", *found.seed, describe(broken), found.end);
    fmt::print("see it happen:\n  {}\n", again);
    return exit_violated;
  }
  auto result = simulation.run(broken);
  fmt::print("\nseed {} breaks ({}):\n", *found.seed, describe(broken));
  print_violations(result.violations);
  if (result.violations.empty()) {
    fmt::print("  run again it does not: something in the scenario depends on more than its input (an address, a clock, a "
               "random number of its own)\n");
    return exit_violated;
  }
  if (!arguments.no_shrink) {
    const auto law = result.violations.front().law;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    const auto shrunk = shrink(simulation, broken, law, 2'000, [until] { return std::chrono::steady_clock::now() < until; });
    fmt::print("\nmade small in {}: {}\n", count(shrunk.runs, "run"), describe(shrunk.what));
    print_faults(shrunk.what);
    print_violations(shrunk.result.violations);
    std::vector<std::string> lines;
    (void)simulation.run(shrunk.what, [&lines](const Told& told) { lines.push_back(line(told)); });
    constexpr std::size_t shown = 80;
    fmt::print("\nwhat happens{}:\n{}\n", lines.size() > shown ? fmt::format(", the last {} of {} lines", shown, human_number(lines.size())) : "", line_head);
    for (std::size_t i = lines.size() > shown ? lines.size() - shown : 0; i < lines.size(); ++i) fmt::print("{}\n", lines[i]);
  }
  fmt::print("\nsee all of seed {}, step by step:\n  {}\n", *found.seed, again);
  return exit_violated;
}

}  // namespace

void add_simulate_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<SimulateArguments>();
  auto* command = app.add_subcommand("simulate", "Run a topology under seeds that crash, stall and disturb it, and check its laws");
  command->add_option("topology", arguments->topology, "The topology's JSON file")->required();
  command->add_option("--seeds", arguments->seeds, "How many seeds")->capture_default_str()->check(CLI::PositiveNumber);
  command->add_option("--first", arguments->first, "The first of them")->capture_default_str()->check(CLI::PositiveNumber);
  command->add_option("--seed", arguments->seed, "Run this one alone and print what happens, step by step");
  command->add_option("--events", arguments->events, "Events of a source's shard in one run, at most")->capture_default_str()->check(CLI::PositiveNumber);
  command->add_option("--faults", arguments->faults, "default, all, none, or names with commas between: kill, power-loss, exception, ...")->capture_default_str();
  command->add_option("--input", arguments->input, "As in `run --input`");
  command->add_option("--jobs", arguments->jobs, "Processes that share the seeds")->capture_default_str()->check(CLI::PositiveNumber);
  command->add_flag("--no-shrink", arguments->no_shrink, "Don't make the breaking run small");
  command->add_flag("--quiet", arguments->quiet, "No progress");
  command->callback([arguments, &exit_code] { exit_code = simulate(*arguments); });
}

}  // namespace mailroom::program
