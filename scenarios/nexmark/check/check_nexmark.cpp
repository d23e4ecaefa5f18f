// nexmark-check TOPOLOGY OUTPUT_DIR: proves or disproves that a query's output is what a plain recomputation of the
// generator's events gives. Exit code 0: it is; 1: it is not; 2: something can't be read.
#include <CLI/CLI.hpp>
#include <iostream>

#include "scenarios/nexmark/check/recount.hpp"
#include "scenarios/nexmark/generator.hpp"

int main(int argc, char** argv) {
  CLI::App app{"Checks a Nexmark query's output against a plain recomputation"};
  std::string topology, output;
  app.add_option("topology", topology, "The topology that was run")->required()->check(CLI::ExistingFile);
  app.add_option("output", output, "The run's output folder")->required()->check(CLI::ExistingDirectory);
  CLI11_PARSE(app, argc, argv);
  try {
    const auto definition = mailroom::read_json_file(topology);
    std::string path;
    nexmark_check::Input input;
    for (const auto& [name, stage] : definition.at("stages").items()) {
      if (stage.contains("sink")) path = stage.at("path").get<std::string>();
      if (!stage.contains("source")) continue;
      const nexmark::Stream stream(mailroom::from_json<nexmark::NexmarkOptions>(stage.value("options", nlohmann::json::object())));
      const auto take = [&](nexmark::Kind kind, const auto& make) {
        for (std::uint64_t n = 0; n < stream.count(kind); ++n) make(nexmark::Stream::number_of(kind, n));
      };
      const auto source = stage.at("source").get<std::string>();
      if (source == "nexmark_persons") take(nexmark::Kind::person, [&](auto n) { input.persons.push_back(stream.person(n)); });
      if (source == "nexmark_auctions") take(nexmark::Kind::auction, [&](auto n) { input.auctions.push_back(stream.auction(n)); });
      if (source == "nexmark_bids") take(nexmark::Kind::bid, [&](auto n) { input.bids.push_back(stream.bid(n)); });
    }
    const auto rows = mailroom::read_json_lines(std::filesystem::path(output) / path);
    const auto report = nexmark_check::check_rows(definition.at("name").get<std::string>(), input, rows);
    report.print(std::cout);
    return report.violations() == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "nexmark-check: {}\n", error.what());
    return 2;
  }
}
