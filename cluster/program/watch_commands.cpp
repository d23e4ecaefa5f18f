#include <algorithm>
#include <csignal>
#include <cstdio>
#include <deque>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <sys/ioctl.h>
#include <thread>
#include <unistd.h>

#include <mailroom/errors.hpp>
#include <mailroom/timestamp.hpp>

#include "cluster/face/session_writer.hpp"
#include "cluster/face/telemetry_client.hpp"
#include "cluster/program/commands.hpp"
#include "cluster/program/stop_signals.hpp"
#include "runtime/telemetry/human_text.hpp"

namespace mailroom::program {

using namespace mailroom::runtime;
using cluster::Disconnected;
using cluster::GaugeRows;
using cluster::TelemetryClient;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

namespace {

struct WatchArguments {
  std::string address, token, ca, file;
  bool once = false, shards = false;
  double seconds = 0;
};

// What a table needs of a shard or, added up, of a stage.
struct Line {
  std::string name, state;
  std::uint64_t depth = 0, capacity = 0, in = 0, out = 0, retries = 0, dead = 0, restarts = 0, disorder = 0;
  std::uint64_t wait_p99_us = 0;
  bool waited = false;
};

class Table {
 public:
  explicit Table(const json& hello) : hello_(hello) {
    const auto& columns = hello.at("shard_columns");
    for (std::size_t i = 0; i < columns.size(); ++i) column_[columns[i].get<std::string>()] = i + 1;
  }

  // `before`: what the rates are counted from.
  [[nodiscard]] std::string text(const GaugeRows& rows, const GaugeRows& before, double seconds, bool by_shard,
                                 const std::deque<std::string>& events) const {
    auto now = lines(rows, by_shard);
    const auto then = lines(before, by_shard);
    std::uint64_t queued = 0, late = 0;
    double read = 0;
    std::string table = fmt::format("  {:<20} {:<18} {:>17} {:>11} {:>11} {:>9} {:>8} {:>8} {:>8} {:>8}\n", "stage", "state",
                                    "mailbox", "in/s", "out/s", "wait p99", "retries", "dead", "restarts", "disorder");
    for (std::size_t i = 0; i < now.size(); ++i) {
      const auto& line = now[i];
      const auto rate = [&](std::uint64_t Line::*member) {
        const auto earlier = i < then.size() ? then[i].*member : 0;
        return seconds > 0 && line.*member >= earlier ? static_cast<double>(line.*member - earlier) / seconds : 0.0;
      };
      queued += line.depth;
      late += line.disorder;
      if (line.capacity == 0) read += rate(&Line::out);
      table += fmt::format("  {:<20} {:<18} {:>17} {:>11} {:>11} {:>9} {:>8} {:>8} {:>8} {:>8}\n", line.name, line.state,
                           line.capacity == 0 ? "-" : fmt::format("{} of {}", human_number(line.depth), human_number(line.capacity)),
                           human_number(static_cast<std::uint64_t>(rate(&Line::in) + 0.5)), human_number(static_cast<std::uint64_t>(rate(&Line::out) + 0.5)),
                           line.waited ? human_duration(line.wait_p99_us) : "-", human_number(line.retries), human_number(line.dead),
                           human_number(line.restarts), human_number(line.disorder));
    }
    const auto uptime = rows.head().at("uptime_us").get<std::uint64_t>();
    auto head = fmt::format("{} on {}, {}; up {}; {} read a second, {} queued, {} out of order; {} MiB\n\n",
                            hello_.at("topology").get<std::string>(), hello_.at("node").get<std::string>(),
                            hello_.at("durable").get<bool>() ? "durable" : "memory", human_duration(uptime),
                            human_number(static_cast<std::uint64_t>(read + 0.5)), human_number(queued), human_number(late),
                            rows.head().at("rss_bytes").get<std::uint64_t>() >> 20);
    for (const auto& event : events) table += (&event == &events.front() ? "\n  " : "  ") + event + "\n";
    return head + table;
  }

  // "12:00:01 late  act/1  key c-7  #17  ..."
  [[nodiscard]] std::string describe(const json& event) const {
    auto line = fmt::format("{} {:<11}", Timestamp{event.at("at_us").get<std::int64_t>()}.to_string().substr(11, 8),
                            event.at("kind").get<std::string>());
    if (const auto shard = event.find("shard"); shard != event.end()) {
      const auto& name = hello_.at("shards").at(shard->get<std::size_t>());
      line += fmt::format(" {}/{}", name.at(0).get<std::string>(), name.at(1).get<unsigned>());
    } else if (event.contains("stage")) {
      line += " " + event["stage"].get<std::string>();
    }
    if (event.contains("key")) line += " key " + event["key"].get<std::string>();
    if (event.contains("sequence")) line += fmt::format(" #{}", event["sequence"].get<std::int64_t>());
    if (event.contains("first") && event.contains("last")) line += fmt::format(" missing {}..{}", event["first"].get<std::int64_t>(), event["last"].get<std::int64_t>());
    if (event.contains("left")) line += fmt::format(" {} left", event["left"].get<std::uint64_t>());
    if (event.contains("count")) line += fmt::format(" {} events", event["count"].get<std::uint64_t>());
    if (event.contains("text")) line += "  " + event["text"].get<std::string>();
    for (auto& c : line)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';  // a user's text must not drive the terminal
    return line;
  }

 private:
  std::vector<Line> lines(const GaugeRows& rows, bool by_shard) const {
    static const char* const states[] = {"idle", "working", "blocked_downstream", "retrying", "restarting", "stuck", "stopped", "finished", "paused"};
    // Of a stage, the state that says most.
    static const std::vector<std::string> worst = {"stuck", "restarting", "paused", "retrying", "blocked_downstream", "working", "idle", "finished", "stopped"};
    std::map<std::string, std::uint64_t> capacities;
    for (const auto& stage : hello_.at("stages")) capacities[stage.at("name")] = stage.at("capacity");
    std::vector<Line> all;
    for (const auto& [index, row] : rows.shards()) {
      const auto& name = hello_.at("shards").at(index);
      const auto stage = name.at(0).get<std::string>();
      const auto full = by_shard ? fmt::format("{}/{}", stage, name.at(1).get<unsigned>()) : stage;
      if (all.empty() || all.back().name != full) {
        all.emplace_back();
        all.back().name = full;
      }
      auto& line = all.back();
      const auto number = [&](const char* column) { return row.at(column_.at(column)).get<std::uint64_t>(); };
      const auto state = number("state");
      const std::string text = state < std::size(states) ? states[state] : "?";
      const auto rank = [&](const std::string& s) { return std::find(worst.begin(), worst.end(), s) - worst.begin(); };
      if (line.state.empty() || rank(text) < rank(line.state)) line.state = text;
      line.depth += number("depth");
      line.capacity += capacities[stage];
      line.in += number("in");
      line.out += number("out");
      line.retries += number("retries");
      line.dead += number("dead_letters");
      line.restarts += number("restarts");
      line.disorder += number("late") + number("duplicates") + number("missing") + number("order_breaks");
      if (const auto& wait = row.at(column_.at("wait_p99_us")); wait.is_number()) {
        line.waited = true;
        line.wait_p99_us = std::max(line.wait_p99_us, wait.get<std::uint64_t>());
      }
    }
    return all;
  }
  const json hello_;
  std::map<std::string, std::size_t> column_;
};

std::unique_ptr<TelemetryClient> connect(const WatchArguments& arguments) {
  auto address = cluster::read_telemetry_address(arguments.address);
  address.token = arguments.token;
  address.ca = arguments.ca;
  return std::make_unique<TelemetryClient>(address, std::chrono::seconds(5));
}

json decode(const std::string& bytes) {
  auto frame = json::from_cbor(bytes.begin(), bytes.end(), true, false);
  if (!frame.is_object() || !frame.contains("type") || !frame["type"].is_string()) throw BadValue("the node sent something that is no frame");
  return frame;
}

int top(const WatchArguments& arguments) {
  StopSignals signals;
  const bool screen = isatty(STDOUT_FILENO) != 0 && !arguments.once;
  try {
    const auto client = connect(arguments);
    client->subscribe(4, true, true, false);
    std::unique_ptr<Table> table;
    GaugeRows rows, before;
    Clock::time_point before_at{};
    std::deque<std::string> events;
    bool told = false;
    auto next = Clock::now() + std::chrono::milliseconds(arguments.once ? 1500 : 1000);
    while (signals.take() == 0) {
      if (const auto bytes = client->read(std::chrono::milliseconds(100))) {
        const auto frame = decode(*bytes);
        const auto type = frame["type"].get<std::string>();
        if (type == "hello") table = std::make_unique<Table>(frame);
        if (type == "gauges") rows.apply(frame);
        if (type == "gauges" && !told) {
          before = rows;
          before_at = Clock::now();
          told = true;
        }
        if (type == "events" && table)
          for (const auto& event : frame.at("events")) {
            events.push_back(table->describe(event));
            if (events.size() > 8) events.pop_front();
          }
      }
      const auto now = Clock::now();
      if (now < next || !table || !told) continue;
      next = now + std::chrono::seconds(1);
      const auto text = table->text(rows, before, std::chrono::duration<double>(now - before_at).count(), arguments.shards, events);
      fmt::print("{}{}{}", screen ? "\x1b[H\x1b[2J" : "", text, screen || arguments.once ? "" : "\n");
      std::fflush(stdout);
      if (arguments.once) return exit_done;
      before = rows;
      before_at = now;
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
  const auto client = connect(arguments);
  client->subscribe(20, true, true, true);
  cluster::SessionWriter writer(arguments.file);
  const auto until = Clock::now() + std::chrono::microseconds(static_cast<std::int64_t>(arguments.seconds * 1e6));
  std::string why = "stopped";
  try {
    while (signals.take() == 0 && (arguments.seconds <= 0 || Clock::now() < until))
      if (const auto frame = client->read(std::chrono::milliseconds(100)))
        writer.add(*frame, std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
  } catch (const Disconnected& error) {
    why = error.what();
  }
  writer.close();
  fmt::print(stderr, "{}: {:.1f} MiB, {}. Open it with: mailroom-dashboard {}\n", arguments.file, static_cast<double>(writer.bytes()) / (1 << 20), why, arguments.file);
  return exit_done;
}

}  // namespace

void add_top_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<WatchArguments>();
  auto* command = app.add_subcommand("top", "Watch a running node's stages");
  command->add_option("address", arguments->address, "As `mailroom run --listen` says it: [HOST:]PORT")->required();
  command->add_flag("--once", arguments->once, "Print one table and leave");
  command->add_flag("--shards", arguments->shards, "Shard by shard");
  command->add_option("--token", arguments->token, "What to show to a node that asks for one");
  command->add_option("--tls-ca", arguments->ca, "Whose certificates to trust [the machine's]");
  command->callback([arguments, &exit_code] { exit_code = top(*arguments); });
}

void add_record_command(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<WatchArguments>();
  auto* command = app.add_subcommand("record", "Record a running node's telemetry into a session file, for the dashboard");
  command->add_option("address", arguments->address, "As `mailroom run --listen` says it: [HOST:]PORT")->required();
  command->add_option("file", arguments->file, "Such as run.mailroom-session")->required();
  command->add_option("--seconds", arguments->seconds, "For so long [until the node ends, or a signal]");
  command->add_option("--token", arguments->token, "What to show to a node that asks for one");
  command->add_option("--tls-ca", arguments->ca, "Whose certificates to trust [the machine's]");
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
