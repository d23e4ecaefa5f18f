#include <chrono>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <sys/resource.h>

#include "cluster/face/face.hpp"
#include "cluster/program/bench_pipeline.hpp"
#include "cluster/program/commands.hpp"
#include "runtime/engine/engine.hpp"
#include "runtime/topology/load_topology.hpp"

namespace mailroom::program {

using namespace mailroom::runtime;

namespace {

struct BenchArguments {
  BenchShape shape;
  std::string mode = "both", data;
  unsigned threads = 0;
  bool json = false;
  std::string listen;
  std::uint64_t trace_one_in = EngineOptions{}.trace_one_in;
};

// A line of /proc/self/status in MiB, "VmRSS" or "VmHWM"; 0 where there is none.
double memory_mib(std::string_view what) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(what)) return std::stod(line.substr(line.find(':') + 1)) / 1024;
  return 0;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

nlohmann::json bench_once(const BenchArguments& arguments, bool durable) {
  namespace fs = std::filesystem;
  auto shape = arguments.shape;
  shape.durable = durable;
  LoadOptions load_options;
  load_options.load_libraries = false;
  const auto loaded = load_topology_text(bench_topology(shape), "bench", load_options);
  if (!loaded.topology) {
    std::string text;
    for (const auto& problem : loaded.problems) text += to_string(problem) + "\n";
    throw std::runtime_error("the bench's own topology does not load:\n" + text);
  }
  const auto directory =
      fs::path(arguments.data.empty() ? fs::temp_directory_path() / fmt::format("mailroom-bench-{}", ::getpid())
                                      : fs::path(arguments.data));
  std::unique_ptr<Journal> journal;
  if (durable) {
    fs::remove_all(directory / "journal");
    journal = Journal::open(directory / "journal");
  }
  EngineOptions options;
  options.threads = arguments.threads;
  options.trace_one_in = arguments.trace_one_in;
  options.log = [](LogLevel, const std::string& who, std::string_view text) {
    fmt::print(stderr, "{}: {}\n", who, text);
  };
  take_bench_seen();
  const auto cpu = cpu_seconds();
  const auto begin = std::chrono::steady_clock::now();
  nlohmann::json row;
  const auto memory = memory_mib("VmRSS");
  {
    Engine engine(*loaded.topology, std::move(journal), options);
    std::unique_ptr<cluster::Face> face;
    if (!arguments.listen.empty()) {
      cluster::ListenOptions listen;
      cluster::read_listen_address(arguments.listen, listen);
      face = std::make_unique<cluster::Face>(engine, listen, "mailroom bench");
    }
    while (!engine.wait_for(std::chrono::milliseconds(1000))) {
    }
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const auto snapshot = engine.snapshot();
    if (engine.result().ending != Ending::finished)
      throw std::runtime_error("the bench ended early: " + engine.result().reason);
    row = {{"mode", durable ? "durable" : "memory"},
           {"events", shape.events},
           {"seconds", seconds},
           {"events_per_second", static_cast<double>(shape.events) / seconds},
           {"cpu_us_per_event", (cpu_seconds() - cpu) * 1e6 / static_cast<double>(shape.events)},
           {"commits", snapshot.commits},
           {"syncs", snapshot.syncs},
           {"sync_p50_us", snapshot.sync_time.quantile_us(0.5).value_or(0)},
           {"sync_p99_us", snapshot.sync_time.quantile_us(0.99).value_or(0)},
           {"sync_max_us", snapshot.sync_time.quantile_us(1).value_or(0)},
           {"shards", snapshot.shards.size()},
           {"rss_mib", memory_mib("VmRSS") - memory},
           {"rss_peak_mib", memory_mib("VmHWM")}};
    if (durable) row["committed_bytes"] = engine.journal()->committed_bytes();
  }
  const auto seen = take_bench_seen();
  row["events_at_sink"] = seen.events;
  row["out_of_order"] = seen.out_of_order;
  if (seen.latency)
    row["latency_us"] = {{"p50", seen.latency->p50_us},
                         {"p99", seen.latency->p99_us},
                         {"p99_9", seen.latency->p999_us},
                         {"max", seen.latency->max_us}};
  if (durable && arguments.data.empty()) fs::remove_all(directory);
  return row;
}

int bench(const BenchArguments& arguments) {
  auto rows = nlohmann::json::array();
  for (const bool durable : {false, true}) {
    if (arguments.mode != "both" && (arguments.mode == "durable") != durable) continue;
    rows.push_back(bench_once(arguments, durable));
  }
  bool right = true;
  for (const auto& row : rows)
    right = right && row["events_at_sink"] == arguments.shape.events && row["out_of_order"] == 0;
  if (arguments.json) {
    fmt::print("{}\n", rows.dump(2));
  } else {
    fmt::print(
        "generator -> validate -> total per customer -> order check; {} events of {} bytes, {} customers, {} shards a "
        "stage\n\n",
        arguments.shape.events, arguments.shape.event_bytes, arguments.shape.customers, arguments.shape.shards);
    fmt::print("{:<10}{:>14}{:>18}{:>12}{:>10}{:>16}\n", "mode", "events/s", "CPU us/event", "commits", "syncs",
               "out of order");
    for (const auto& row : rows)
      fmt::print("{:<10}{:>14.0f}{:>18.3f}{:>12}{:>10}{:>16}\n", row["mode"].get<std::string>(),
                 row["events_per_second"].get<double>(), row["cpu_us_per_event"].get<double>(),
                 row["commits"].get<std::uint64_t>(), row["syncs"].get<std::uint64_t>(),
                 row["out_of_order"].get<std::uint64_t>());
    for (const auto& row : rows)
      if (row.contains("latency_us"))
        fmt::print("{:<10}from due to sink: p50 {:.2f} ms, p99 {:.2f} ms, p99.9 {:.2f} ms, max {:.2f} ms\n",
                   row["mode"].get<std::string>(), row["latency_us"]["p50"].get<double>() / 1e3,
                   row["latency_us"]["p99"].get<double>() / 1e3, row["latency_us"]["p99_9"].get<double>() / 1e3,
                   row["latency_us"]["max"].get<double>() / 1e3);
  }
  if (!right) fmt::print(stderr, "mailroom bench: events are missing or out of order\n");
  return right ? exit_done : exit_failed;
}

}  // namespace

void add_bench_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<BenchArguments>();
  auto* command = app.add_subcommand("bench", "Measure the three-stage keyed pipeline on this machine");
  command->add_option("--events", arguments->shape.events, "Events")
      ->check(CLI::Range(1ull, 1'000'000'000ull))
      ->capture_default_str();
  command->add_option("--customers", arguments->shape.customers, "Keys")
      ->check(CLI::Range(1u, 10'000'000u))
      ->capture_default_str();
  command->add_option("--shards", arguments->shape.shards, "Shards of each keyed stage")
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  command->add_option("--capacity", arguments->shape.capacity, "Mailbox capacity")
      ->check(CLI::Range(64u, 1'000'000u))
      ->capture_default_str();
  command->add_option("--event-bytes", arguments->shape.event_bytes, "Size of an event")
      ->check(CLI::Range(16u, 65536u))
      ->capture_default_str();
  command->add_option("--rate", arguments->shape.rate, "Events a second, to measure latency [as fast as it goes]")
      ->check(CLI::Range(1.0, 1e8));
  command->add_option("--backlog", arguments->shape.backlog,
                      "Let the sink stand still until so many events have been given");
  command->add_option("--mode", arguments->mode, "What to measure")
      ->check(CLI::IsMember({"memory", "durable", "both"}))
      ->capture_default_str();
  command->add_option("--data", arguments->data, "Folder for the durable run's journal [a temporary one]");
  command->add_option("--threads", arguments->threads, "Worker threads [one for each core]");
  command->add_option("--listen", arguments->listen, "Serve telemetry meanwhile, to measure what it costs");
  command->add_option("--trace-one-in", arguments->trace_one_in, "As of `mailroom run`")->capture_default_str();
  command->add_flag("--json", arguments->json, "Print the figures as JSON");
  command->callback([arguments, &exit_code] { exit_code = bench(*arguments); });
}

}  // namespace mailroom::program
