#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sys/ioctl.h>
#include <unistd.h>

#include <mailroom/errors.hpp>

#include "cluster/face/session_writer.hpp"
#include "cluster/face/telemetry_client.hpp"
#include "cluster/face/top_table.hpp"
#include "cluster/program/commands.hpp"
#include "cluster/program/stop_signals.hpp"

namespace mailroom::program {

using cluster::Disconnected;
using cluster::TelemetryClient;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

namespace {

struct WatchArguments {
  std::string address, token, token_file, ca, certificate, key, file;
  bool once = false, shards = false, force = false;
  std::optional<double> seconds;
};

std::unique_ptr<TelemetryClient> connect(const WatchArguments& arguments) {
  auto address = cluster::read_telemetry_address(arguments.address);
  address.token = arguments.token;
  if (!arguments.token_file.empty()) {
    std::ifstream in(arguments.token_file);
    if (!(in >> address.token)) throw BadValue(fmt::format("{}: there is no token in it", arguments.token_file));
  }
  address.ca = arguments.ca;
  address.certificate = arguments.certificate;
  address.private_key = arguments.key;
  return std::make_unique<TelemetryClient>(address, std::chrono::seconds(5));
}

json decode(const std::string& bytes) {
  auto frame = json::from_cbor(bytes.begin(), bytes.end(), true, false);
  if (!frame.is_object() || !frame.contains("type") || !frame["type"].is_string()) throw Disconnected("the node sent something that is no frame");
  return frame;
}

// What a node sends that is none of it is no mistake of the command line.
void take(cluster::TopTable& table, const json& frame) {
  try {
    table.take(frame, Clock::now());
  } catch (const BadValue& error) {
    throw Disconnected(error.what());
  }
}

// The terminal while `top` has it: a screen of its own, without a cursor; as it was before when it goes.
class TopScreen {
 public:
  explicit TopScreen(bool on) : on_(on) {
    if (on_) std::fputs("\x1b[?1049h\x1b[?25l", stdout);
  }
  ~TopScreen() {
    if (on_) std::fputs("\x1b[?25h\x1b[?1049l", stdout);
    std::fflush(stdout);
  }
  TopScreen(const TopScreen&) = delete;
  TopScreen& operator=(const TopScreen&) = delete;
  [[nodiscard]] cluster::TableSize size() const {
    winsize size{};
    if (!on_ || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
    return {size.ws_col, size.ws_row, std::getenv("NO_COLOR") == nullptr};
  }
  void show(const std::string& text) const {
    if (!on_) {
      fmt::print("{}", text);
    } else {
      // Line for line over the old one: it does not flicker.
      std::string out = "\x1b[H";
      for (const char c : text) c == '\n' ? out += "\x1b[K\n" : out += c;
      std::fputs((out + "\x1b[J").c_str(), stdout);
    }
    std::fflush(stdout);
  }

 private:
  const bool on_;
};

int top(const WatchArguments& arguments) {
  StopSignals signals;
  try {
    const auto client = connect(arguments);
    client->subscribe(4, true, true, false);
    const TopScreen screen(isatty(STDOUT_FILENO) != 0 && !arguments.once);
    std::unique_ptr<cluster::TopTable> table;
    auto next = Clock::now() + std::chrono::milliseconds(arguments.once ? 1500 : 1000);
    while (signals.take() == 0) {
      if (const auto bytes = client->read(std::chrono::milliseconds(100))) {
        const auto frame = decode(*bytes);
        if (frame["type"] == "hello") table = std::make_unique<cluster::TopTable>(frame, arguments.shards);
        else if (table) take(*table, frame);
      }
      const auto now = Clock::now();
      if (now < next || !table || !table->known()) continue;
      next = now + std::chrono::seconds(1);
      screen.show(table->text(now, screen.size()));
      if (arguments.once) return exit_done;
    }
    return exit_done;
  } catch (const Disconnected& error) {
    fmt::print(stderr, "mailroom: {}\n", error.what());
    return exit_failed;
  } catch (const json::exception& error) {
    fmt::print(stderr, "mailroom: {} sent something that is no telemetry: {}\n", arguments.address, error.what());
    return exit_failed;
  }
}

int record(const WatchArguments& arguments) {
  StopSignals signals;
  cluster::SessionWriter::check(arguments.file, arguments.force);
  const auto client = connect(arguments);
  client->subscribe(20, true, true, true);
  cluster::SessionWriter writer(arguments.file, arguments.force);
  const auto until = Clock::now() + std::chrono::microseconds(static_cast<std::int64_t>(arguments.seconds.value_or(0) * 1e6));
  std::string why = "stopped";
  int exit_code = exit_done;
  try {
    while (signals.take() == 0 && (!arguments.seconds || Clock::now() < until))
      if (const auto frame = client->read(std::chrono::milliseconds(100)))
        writer.add(*frame, std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
  } catch (const Disconnected& error) {
    why = error.what();
  } catch (const BadValue& error) {  // no telemetry; what came before it is
    why = error.what();
    exit_code = exit_failed;
  }
  writer.close();
  fmt::print(stderr, "{}: {:.1f} MiB, {}. Open it with: mailroom-dashboard {}\n", arguments.file, static_cast<double>(writer.bytes()) / (1 << 20), why, arguments.file);
  return exit_code;
}

void add_credentials(CLI::App& command, WatchArguments& arguments) {
  auto* token = command.add_option("--token", arguments.token, "What to show to a node that asks for one; others see it in the list of processes");
  command.add_option("--token-file", arguments.token_file, "The same, from a file")->excludes(token);
  command.add_option("--tls-ca", arguments.ca, "Whose certificates to trust (PEM) [the machine's]");
  auto* certificate = command.add_option("--tls-certificate", arguments.certificate, "Certificate to show to a node that asks for one (PEM)");
  command.add_option("--tls-key", arguments.key, "Its private key (PEM) [in the same file]")->needs(certificate);
}

}  // namespace

void add_top_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<WatchArguments>();
  auto* command = app.add_subcommand("top", "Watch a running node's stages");
  command->add_option("address", arguments->address, "As `mailroom run --listen` says it: [HOST:]PORT")->required();
  command->add_flag("--once", arguments->once, "Print one table and leave");
  command->add_flag("--shards", arguments->shards, "Shard by shard");
  add_credentials(*command, *arguments);
  command->callback([arguments, &exit_code] { exit_code = top(*arguments); });
}

void add_record_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<WatchArguments>();
  auto* command = app.add_subcommand("record", "Record a running node's telemetry into a session file, for the dashboard");
  command->add_option("address", arguments->address, "As `mailroom run --listen` says it: [HOST:]PORT")->required();
  command->add_option("file", arguments->file, "Such as run.mailroom-session")->required();
  command->add_option("--seconds", arguments->seconds, "For so long [until the node ends, or a signal]")->check([](const std::string& text) {
    double seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    // A session longer than a century is a mistake, too.
    return error == std::errc() && end == text.data() + text.size() && seconds > 0 && seconds < 4e9 ? std::string() : "expected a number above 0, found " + text;
  });
  command->add_flag("--force", arguments->force, "Write over FILE if it is an older session");
  add_credentials(*command, *arguments);
  command->callback([arguments, &exit_code] {
    try {
      exit_code = record(*arguments);
    } catch (const Disconnected& error) {
      fmt::print(stderr, "mailroom: {}\n", error.what());
      exit_code = exit_failed;
    }
  });
}

}  // namespace mailroom::program
