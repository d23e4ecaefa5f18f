// orders-check OUTPUT_DIR: proves or disproves, from the files alone, that a run of the orders scenario kept its
// promises. Exit code 0: all hold; 1: at least one does not; 2: the files can't be read.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <iostream>

#include "scenarios/orders/check/outputs_check.hpp"
#include "scenarios/orders/generated_lines.hpp"

namespace {

// The rows that the topology's generator gives.
std::vector<orders_check::ShopRow> generated_rows(const std::string& topology) {
  const auto json = mailroom::read_json_file(topology);
  std::vector<orders_check::ShopRow> rows;
  for (const auto& line : orders::generated_lines(json.at("stages").at("lines").at("options"))) {
    rows.push_back(orders_check::row_from_json(line));
    rows.back().origin = fmt::format("row {}", rows.size());
  }
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Checks every invariant of the orders scenario over a run's output files"};
  std::string output, input, topology, dead_letters;
  app.add_option("output", output, "The run's output folder")->required()->check(CLI::ExistingDirectory);
  auto* given = app.add_option("--input", input, "The CSV file or folder that the run read")->check(CLI::ExistingPath);
  app.add_option("--generated", topology, "The topology whose generator made the run's input")
      ->check(CLI::ExistingFile)
      ->excludes(given);
  app.add_option("--dead-letters", dead_letters, "What `mailroom dead-letters list DIR --json` printed")
      ->check(CLI::ExistingFile);
  CLI11_PARSE(app, argc, argv);

  try {
    std::optional<std::vector<orders_check::ShopRow>> rows;
    std::optional<orders_check::Rows> letters;
    if (!input.empty()) rows = orders_check::read_shop_rows(input);
    if (!topology.empty()) rows = generated_rows(topology);
    if (!dead_letters.empty()) letters = mailroom::read_json_lines(dead_letters);
    const auto outputs = orders_check::read_outputs(output);
    const auto report = orders_check::check_outputs(outputs, rows, letters);
    report.print(std::cout);
    if (rows) {
      std::size_t dirty = 0;
      for (const auto& row : *rows) dirty += orders_check::faults_of(row).empty() ? 0 : 1;
      fmt::print("\n{} rows in the input: {} clean, {} dirty{}. {} invoices.\n", rows->size(), rows->size() - dirty,
                 dirty, letters ? fmt::format(", {} dead letters", letters->size()) : "", outputs.invoices.size());
    }
    std::map<std::string, int> endings;
    for (const auto& row : outputs.outcomes) ++endings[row.at("ending").get<std::string>()];
    for (const auto& [ending, times] : endings) fmt::print("{:>8} {}\n", times, ending);
    if (report.violations() == 0) return 0;
    fmt::print("\n{} violations\n", report.violations());
    return 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "orders-check: {}\n", error.what());
    return 2;
  }
}
