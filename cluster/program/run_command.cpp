#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <mailroom/errors.hpp>

#include "cluster/face/face.hpp"
#include "cluster/node.hpp"
#include "cluster/program/commands.hpp"
#include "cluster/program/dashboard_process.hpp"
#include "cluster/program/stop_signals.hpp"
#include "runtime/telemetry/human_text.hpp"
#include "runtime/telemetry/live_line.hpp"
#include "runtime/telemetry/snapshot_json.hpp"
#include "runtime/telemetry/summary_table.hpp"
#include "runtime/telemetry/trace_sampling.hpp"

namespace mailroom::program {

using namespace mailroom::runtime;
using cluster::Node;
using cluster::NodeOptions;

namespace {

struct RunArguments {
  std::string topology, input, data, durability, summary = "text", log_level = "info", progress = "auto";
  bool fresh = false;
  unsigned threads = 0;
  double drain_seconds = 30;
  std::string listen, certificate, private_key, tokens, client_ca;
  bool dashboard = false;
  std::uint64_t trace_one_in = runtime::EngineOptions{}.trace_one_in;

  [[nodiscard]] bool listens() const { return !listen.empty() || dashboard; }
  [[nodiscard]] cluster::ListenOptions listen_options() const {
    cluster::ListenOptions options;
    if (!listen.empty()) cluster::read_listen_address(listen, options);
    options.certificate = certificate;
    options.private_key = private_key;
    options.tokens = tokens;
    options.client_ca = client_ca;
    return options;
  }
};

// The terminal's last line, shared by the live line and the log.
class Screen {
 public:
  explicit Screen(bool live) : live_(live) {}
  void show(const std::string& line) {
    const std::lock_guard lock(mutex_);
    if (live_)
      std::fputs(("\r\x1b[2K" + line).c_str(), stderr);
    else
      std::fputs((line + "\n").c_str(), stderr);
    std::fflush(stderr);
    shown_ = live_;
  }
  template <class Print>
  void print_above(Print&& print) {
    const std::lock_guard lock(mutex_);
    clear_locked();
    print();
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    clear_locked();
  }

 private:
  void clear_locked() {
    if (shown_) std::fputs("\r\x1b[2K", stderr);
    shown_ = false;
  }
  const bool live_;
  bool shown_ = false;
  std::mutex mutex_;
};

std::size_t terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 100;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

const char* in_words(Ending ending) {
  switch (ending) {
    case Ending::finished: return "finished";
    case Ending::drained: return "drained";
    case Ending::checkpointed: return "checkpointed";
    case Ending::failed: return "failed";
  }
  return "failed";
}

int exit_code_for(const EngineResult& result, const TelemetrySnapshot& snapshot) {
  switch (result.ending) {
    case Ending::failed: return exit_failed;
    case Ending::drained: return exit_drained;
    case Ending::checkpointed: return exit_checkpointed;
    case Ending::finished: break;
  }
  for (const auto& edge : snapshot.edges)
    if (edge.difference() != 0) return exit_unbalanced;
  for (const auto& shard : snapshot.shards)
    if (shard.order_violations > 0) return exit_unbalanced;
  return exit_done;
}

// What a person reads after the node has told its address: how to look at it from here.
std::string how_to_watch(const cluster::Face& face, const cluster::ListenOptions& options) {
  const auto address = (options.tls() ? "https://" : "") + face.reachable_address();
  if (!options.tls() && options.tokens.empty()) return fmt::format("mailroom top {}, mailroom-dashboard {}", address, address);
  std::string shown;
  if (options.tls()) shown += " --tls-ca CA.pem";
  if (!options.tokens.empty()) shown += " --token-file FILE";
  if (!options.client_ca.empty()) shown += options.tokens.empty() ? " --tls-certificate PEM --tls-key PEM" : " (or --tls-certificate PEM --tls-key PEM)";
  return fmt::format("mailroom top {}{}; mailroom-dashboard takes the same", address, shown);
}

std::string with_full_stop(const std::string& text) {
  return text.empty() || text.find_last_of(".!?") == text.size() - 1 ? text : text + ".";
}

std::string closing_line(const Node& node, const EngineResult& result) {
  const auto where = node.durable() ? fmt::format(" Journal and output: {}", node.data().string())
                                    : fmt::format(" Output: {}", (node.data() / "output").string());
  switch (result.ending) {
    case Ending::finished: return "Finished: the input is read to its end and everything is done." + where;
    case Ending::drained: return "Stopped and drained: everything that had been read is done." + where;
    case Ending::checkpointed:
      return node.durable()
                 ? fmt::format("Stopped with {} events left in the journal; the next start goes on with them.{}",
                               human_number(result.left_inside), where)
                 : fmt::format("Stopped; {} events were still inside and are lost (memory mode).{}",
                               human_number(result.left_inside), where);
    case Ending::failed: return fmt::format("The node stopped: {}{}", with_full_stop(result.reason), where);
  }
  return {};
}

int run(const RunArguments& arguments) {
  StopSignals signals;
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const bool progress = arguments.progress != "off";
  Screen screen(terminal && progress);

  auto logger = std::make_shared<spdlog::logger>("mailroom", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  logger->set_pattern("%H:%M:%S.%e %^%l%$ %v");
  logger->set_level(spdlog::level::from_str(arguments.log_level));

  NodeOptions options;
  options.topology = arguments.topology;
  options.data = arguments.data;
  if (!arguments.input.empty()) options.input = arguments.input;
  if (arguments.durability == "memory") options.durability = Durability::memory;
  if (arguments.durability == "durable") options.durability = Durability::durable;
  options.fresh = arguments.fresh;
  options.engine.threads = arguments.threads;
  options.engine.trace_one_in = arguments.trace_one_in;
  options.engine.drain_deadline = std::chrono::milliseconds(static_cast<std::int64_t>(arguments.drain_seconds * 1000));
  options.engine.log = [&](LogLevel level, const std::string& who, std::string_view text) {
    screen.print_above([&] { logger->log(spdlog_level(level), "{}: {}", who, text); });
  };

  // What cannot work is said before anything begins.
  std::optional<cluster::ListenOptions> listen;
  try {
    if (arguments.listens()) {
      listen = arguments.listen_options();
      cluster::Face::check(*listen);
      if (arguments.dashboard && (listen->tls() || !listen->tokens.empty()))
        throw BadValue("--dashboard has nothing to show to a node that asks for tokens or certificates. Leave it out and give them to the dashboard "
                       "yourself: mailroom-dashboard https://HOST:PORT --tls-ca CA.pem --token-file FILE");
    }
    for (const auto& [name, file] : {std::pair("--tls-certificate", &arguments.certificate), std::pair("--tls-key", &arguments.private_key),
                                     std::pair("--tokens", &arguments.tokens), std::pair("--tls-client-ca", &arguments.client_ca)})
      if (!file->empty() && !listen) throw BadValue(fmt::format("{} is for --listen, which is missing: nobody can connect to this run", name));
    if (arguments.dashboard) (void)find_dashboard();
  } catch (const std::exception& error) {
    fmt::print(stderr, "mailroom: {}\n", error.what());
    return exit_usage;
  }

  std::unique_ptr<Node> node;
  std::unique_ptr<cluster::Face> face;  // goes before the node does
  try {
    node = std::make_unique<Node>(std::move(options));
    if (listen) face = std::make_unique<cluster::Face>(node->engine(), *listen, "mailroom " MAILROOM_PROGRAM_VERSION);
  } catch (const cluster::TopologyError& error) {
    fmt::print(stderr, "{}", error.what());
    return exit_usage;
  } catch (const std::exception& error) {
    fmt::print(stderr, "mailroom: can't start {}: {}\n", arguments.topology, error.what());
    return exit_failed;
  }
  for (const auto& warning : node->warnings()) fmt::print(stderr, "{}\n", to_string(warning));
  if (node->had_finished())
    fmt::print(stderr,
               "An earlier run has read this input to its end: nothing more is read; dead letters marked for a retry "
               "are tried. "
               "--fresh starts over.\n");

  if (face) {
    fmt::print(stderr, "Listening at {} ({})\n", face->url(), how_to_watch(*face, *listen));
    std::fflush(stderr);
  }
  std::optional<DashboardProcess> dashboard;
  const auto without_dashboard = [&](const char* why) {
    screen.print_above([&] {
      fmt::print(stderr, "mailroom: the dashboard {}; the node goes on; `mailroom top {}` shows it in a terminal\n", why, face->address());
    });
  };
  const auto dashboard_began = std::chrono::steady_clock::now();
  if (arguments.dashboard && !has_display()) {
    without_dashboard("could not start (no display?)");
  } else if (arguments.dashboard) {
    try {
      dashboard.emplace("ws://" + face->address());
    } catch (const StorageError& error) {
      without_dashboard(error.what());
    }
  }

  auto& engine = node->engine();
  LiveLine live_line;
  bool stopping = false;
  const auto refresh = std::chrono::milliseconds(terminal ? 200 : 2000);
  auto next_line = std::chrono::steady_clock::now() + refresh;
  while (!engine.wait_for(std::chrono::milliseconds(50))) {
    if (dashboard && dashboard->has_failed())
      without_dashboard(std::chrono::steady_clock::now() - dashboard_began < std::chrono::seconds(10) ? "could not start (no display?)" : "has failed");
    if (const auto signal = signals.take(); signal != 0) {
      if (stopping) {
        screen.clear();
        fmt::print(
            stderr, "Second signal: ended at once.{}\n",
            node->durable() ? " What was acknowledged is in the journal." : " What was inside is lost (memory mode).");
        std::_Exit(exit_forced);
      }
      stopping = true;
      screen.print_above([&] {
        fmt::print(stderr, "{}: finishing what has been read, for at most {} s; a second signal ends at once\n",
                   signal == SIGINT ? "SIGINT" : "SIGTERM", arguments.drain_seconds);
      });
      engine.request_stop(StopMode::drain);
    }
    if (progress && std::chrono::steady_clock::now() >= next_line) {
      next_line = std::chrono::steady_clock::now() + refresh;
      const auto snapshot = engine.snapshot();
      screen.show(terminal ? live_line.terminal(snapshot, terminal_columns()) : live_line.plain(snapshot));
    }
  }
  screen.clear();
  face.reset();
  try {
    node->close();
  } catch (const std::exception& error) {
    fmt::print(stderr, "mailroom: {}\n", error.what());
    return exit_failed;
  }

  const auto& result = engine.result();
  const auto snapshot = engine.snapshot();
  const auto exit_code = exit_code_for(result, snapshot);
  if (arguments.summary == "json") {
    auto json = to_json(snapshot);
    json["result"] = {{"ending", in_words(result.ending)},
                      {"reason", result.reason},
                      {"left_inside", result.left_inside},
                      {"exit_code", exit_code},
                      {"data", node->data().string()}};
    fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  } else if (arguments.summary == "text") {
    fmt::print("{}\n{}\n", summary_table(snapshot, isatty(STDOUT_FILENO) != 0), closing_line(*node, result));
  }
  if (result.ending == Ending::failed) fmt::print(stderr, "mailroom: {}\n", result.reason);
  std::fflush(stdout);
  if (!result.not_stopped.empty()) {
    fmt::print(stderr, "mailroom: did not return from user code: {}\n", fmt::join(result.not_stopped, ", "));
    std::_Exit(exit_code == exit_done ? exit_failed : exit_code);
  }
  return exit_code;
}

}  // namespace

void add_run_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<RunArguments>();
  auto* command = app.add_subcommand("run", "Run a topology until its input is done or a signal comes");
  command->add_option("topology", arguments->topology, "The topology's JSON file")->required();
  command->add_option("--input", arguments->input,
                      "Read PATH instead of the topology's own source (STAGE=PATH if it has several)");
  command->add_option("--data", arguments->data, "Folder of journal and output [mailroom-data/NAME]")->check(refuse_empty);
  command->add_flag("--fresh", arguments->fresh, "Forget what an earlier run left in that folder");
  command->add_option("--durability", arguments->durability, "Override the topology's")
      ->check(CLI::IsMember({"durable", "memory"}));
  command->add_option("--threads", arguments->threads, "Worker threads [one for each core]")
      ->check(CLI::Range(0, 1024));
  command->add_option("--drain-timeout", arguments->drain_seconds, "Seconds that a signal leaves for finishing")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  command->add_option("--summary", arguments->summary, "What to print at the end")
      ->check(CLI::IsMember({"text", "json", "none"}))
      ->capture_default_str();
  command->add_option("--progress", arguments->progress, "Live line on stderr")
      ->check(CLI::IsMember({"auto", "off"}))
      ->capture_default_str();
  command->add_option("--listen", arguments->listen,
                      "Serve telemetry, metrics and the API at [HOST:]PORT (127.0.0.1; port 0: any free one)");
  command->add_option("--tls-certificate", arguments->certificate, "PEM; needed to listen off loopback");
  command->add_option("--tls-key", arguments->private_key, "PEM");
  command->add_option("--tokens", arguments->tokens, "File of lines \"viewer TOKEN\" and \"operator TOKEN\"");
  command->add_option("--tls-client-ca", arguments->client_ca, "Let in who has a certificate signed by these (PEM)");
  command->add_flag("--dashboard", arguments->dashboard, "Open the dashboard on this run");
  command->add_option("--trace-one-in", arguments->trace_one_in,
                      fmt::format("Trace one source event in so many through all stages, fewer above {} traces a second (0: only what fails or is out of order; 1: all)",
                                  runtime::TraceSampling::most_a_second))
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--log-level", arguments->log_level, "What to log on stderr")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  command->callback([arguments, &exit_code] { exit_code = run(*arguments); });
}

}  // namespace mailroom::program
