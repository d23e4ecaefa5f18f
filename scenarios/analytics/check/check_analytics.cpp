// analytics-check OUTPUT_DIR --generated TOPOLOGY | --input PATH: proves or disproves that a run's outputs are what a plain
// recomputation of its input gives. Exit code 0: they are; 1: they are not; 2: something can't be read.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <iostream>

#include "scenarios/analytics/check/outputs_check.hpp"
#include "scenarios/analytics/log_source.hpp"

namespace fs = std::filesystem;

namespace {

void read_lines(const fs::path& path, const std::function<void(const std::string&)>& take) {
  std::vector<fs::path> files{path};
  if (fs::is_directory(path)) {
    files.clear();
    for (const auto& entry : fs::directory_iterator(path))
      if (entry.path().extension() == ".log") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
  }
  for (const auto& file : files) {
    std::ifstream in(file);
    if (!in) throw std::runtime_error(fmt::format("{}: can't be opened", file.string()));
    for (std::string line; std::getline(in, line);) take(line);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Checks a run of the analytics scenario against a plain recomputation of its input"};
  std::string output, input, topology = "scenarios/analytics/analytics.json", dead_letters, write;
  app.add_option("output", output, "The run's output folder")->check(CLI::ExistingDirectory);
  app.add_option("--topology,--generated", topology, "The topology that was run; its generator made the input unless --input is given")
      ->check(CLI::ExistingFile)
      ->capture_default_str();
  app.add_option("--input", input, "The access log, or folder of *.log files, that the run read")->check(CLI::ExistingPath);
  app.add_option("--dead-letters", dead_letters, "What `mailroom dead-letters list DIR --json` printed")->check(CLI::ExistingFile);
  app.add_option("--write", write, "Writes the generator's lines to this file, and checks nothing");
  CLI11_PARSE(app, argc, argv);

  try {
    const auto definition = mailroom::read_json_file(topology);
    const auto each_line = [&](const std::function<void(const std::string&)>& take) {
      if (!input.empty()) return read_lines(input, take);
      const auto options = mailroom::from_json<analytics::LogGeneratorOptions>(definition.at("stages").at("lines").at("options"));
      const analytics::LogGenerator generator(options);
      std::string line;
      for (std::uint64_t n = 0; n < options.lines; ++n) {
        generator.line(n, line);
        take(line);
      }
    };
    if (!write.empty()) {
      std::ofstream out(write);
      each_line([&](const std::string& line) { out << line << '\n'; });
      if (!out.flush()) throw std::runtime_error(fmt::format("{}: can't be written", write));
      return 0;
    }
    if (output.empty()) throw std::runtime_error("say which output folder to check");
    analytics_check::Recount recount(analytics_check::rules_of(definition));
    each_line([&](const std::string& line) { recount.line(line); });
    recount.finish();
    std::optional<std::uint64_t> letters;
    if (!dead_letters.empty()) letters = mailroom::read_json_lines(dead_letters).size();
    const auto outputs = analytics_check::read_outputs(output);
    const auto report = analytics_check::check_outputs(outputs, recount, letters);
    report.print(std::cout);
    std::map<std::string, std::uint64_t> reasons;
    for (const auto& row : outputs.set_aside) ++reasons[row.at("reason").get<std::string>()];
    fmt::print("\n{} lines, {} of them dirty; {} minutes, {} sessions, {} alerts\n", recount.lines, recount.dirty, recount.minutes.size(),
               recount.sessions.size(), recount.alerts.size());
    for (const auto& [reason, times] : reasons) fmt::print("{:>8} {}\n", times, reason);
    return report.violations() == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "analytics-check: {}\n", error.what());
    return 2;
  }
}
