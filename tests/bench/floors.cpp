// bench-floors: what the same work costs without Mailroom, for `mailroom bench` to be held against.
//   bench-floors caf|ring [--events N] [--customers N] [--shards N]
//   bench-floors append --bytes-per-batch N --batches N [--dir D]
// Prints one line of JSON.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fmt/format.h>

#include "tests/bench/append_log.hpp"
#include "tests/bench/workload.hpp"

int main(int argc, char** argv) {
  CLI::App app("What the benchmark's work costs without Mailroom");
  app.require_subcommand(1);
  bench::Shape shape;
  const auto pipeline = [&](const char* name, const char* what, bench::Measured (*run)(const bench::Shape&)) {
    auto* command = app.add_subcommand(name, what);
    command->add_option("--events", shape.events)->capture_default_str();
    command->add_option("--customers", shape.customers)->capture_default_str();
    command->add_option("--shards", shape.shards)->capture_default_str();
    command->callback([&shape, name, run] {
      const auto measured = run(shape);
      fmt::print("{{\"mode\":\"{}\",\"events\":{},\"seconds\":{:.6f},\"events_per_second\":{:.0f},\"cpu_us_per_event\":{:.4f}}}\n",
                 name, shape.events, measured.seconds, static_cast<double>(shape.events) / measured.seconds,
                 measured.cpu_seconds * 1e6 / static_cast<double>(shape.events));
    });
  };
  pipeline("caf", "The pipeline by hand on CAF", bench::run_raw_caf);
  pipeline("ring", "Two threads and a ring", bench::run_ring);

  bench::AppendShape append;
  append.directory = std::filesystem::temp_directory_path();
  auto* command = app.add_subcommand("append", "Append batches to a file, synced in groups");
  command->add_option("--bytes-per-batch", append.bytes_per_batch)->required();
  command->add_option("--batches", append.batches)->required();
  command->add_option("--dir", append.directory);
  command->callback([&append] {
    const auto result = bench::run_append(append);
    fmt::print("{{\"mode\":\"append\",\"batches\":{},\"seconds\":{:.6f},\"batches_per_second\":{:.0f},\"syncs\":{},"
               "\"sync_p50_us\":{:.0f},\"sync_p99_us\":{:.0f},\"sync_max_us\":{:.0f}}}\n",
               append.batches, result.measured.seconds, static_cast<double>(append.batches) / result.measured.seconds,
               result.syncs, result.sync_p50_us, result.sync_p99_us, result.sync_max_us);
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench-floors: {}\n", error.what());
    return 1;
  }
  return 0;
}
