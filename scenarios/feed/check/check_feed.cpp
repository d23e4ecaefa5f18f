// feed-check OUTPUT_DIR TOPOLOGY [--input FILE]: proves or disproves, from its input and its files alone, that a run of the
// feed scenario kept its promises. Exit code 0: all hold; 1: at least one does not; 2: something can't be read.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <iostream>

#include "scenarios/feed/check/feed_model.hpp"

namespace {

// What the topology's source gives, or that of "with_input".
void take_input(const nlohmann::json& topology, const std::string& input, feed_check::FeedModel& model) {
  auto definition = topology.at("stages").at("actions");
  if (!input.empty()) definition = definition.at("with_input");
  const auto name = definition.at("source").get<std::string>();
  const auto* type = mailroom::SourceTypes::find(name);
  if (type == nullptr) throw std::runtime_error(fmt::format("there is no source {}", name));
  mailroom::SourceSettings settings;
  settings.event = &mailroom::event_type_of<feed::Action>();
  settings.path = input.empty() ? definition.value("path", std::string()) : input;
  settings.options = definition.value("options", nlohmann::json::object());
  const auto source = type->make(settings);
  mailroom::SourceBatch batch;
  for (auto status = mailroom::ReadStatus::more; status == mailroom::ReadStatus::more;) {
    batch.clear();
    status = source->read(batch, 1024);
    for (std::size_t i = 0; i < batch.events.size(); ++i) model.take(*static_cast<const feed::Action*>(batch.events.event(i)));
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Checks every invariant of the feed scenario over a run's output files"};
  std::string output, topology_path, input;
  app.add_option("output", output, "The run's output folder")->required()->check(CLI::ExistingDirectory);
  app.add_option("topology", topology_path, "The topology that was run")->required()->check(CLI::ExistingFile);
  app.add_option("--input", input, "The file that was run with --input")->check(CLI::ExistingFile);
  CLI11_PARSE(app, argc, argv);
  try {
    const auto topology = mailroom::read_json_file(topology_path);
    feed_check::FeedModel model(feed_check::Settings::of(topology));
    take_input(topology, input, model);
    const std::filesystem::path folder(output);
    mailroom::each_json_line(folder / "timelines.jsonl", [&](const auto& row) { model.timelines_row(row); });
    mailroom::each_json_line(folder / "notifications.jsonl", [&](const auto& row) { model.notifications_row(row); });
    mailroom::each_json_line(folder / "fanout.jsonl", [&](const auto& row) { model.fanout_row(row); });
    mailroom::each_json_line(folder / "posts.jsonl", [&](const auto& row) { model.posts_row(row); });
    const auto report = model.finish();
    report.print(std::cout);
    fmt::print("\n{} actions, {} refused. {} deliveries to timelines. {} pages, {} of them with pulled posts. {} notifications about {} people.\n",
               model.actions(), model.refused(), model.deliveries(), model.pages(), model.pulled_pages(), model.notifications(), model.people_told());
    if (report.violations() == 0) return 0;
    fmt::print("\n{} violations\n", report.violations());
    return 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "feed-check: {}\n", error.what());
    return 2;
  }
}
