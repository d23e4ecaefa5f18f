#include "cluster/face/top_table.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <functional>

#include <mailroom/timestamp.hpp>

#include "runtime/telemetry/human_text.hpp"

namespace mailroom::cluster {

using nlohmann::json;
using runtime::human_duration;
using runtime::human_number;

namespace {

// As the dashboard says them, in the protocol's order.
const char* const states[] = {"idle", "working", "backpressure", "retrying", "restarting", "stuck", "stopped", "finished", "paused"};
// Of a stage, the state that says most.
const std::vector<std::string> worst = {"stuck", "restarting", "paused", "retrying", "backpressure", "working", "idle", "finished", "stopped"};

constexpr std::size_t frame_lines = 3;  // head, an empty line, the columns' names

constexpr const char *plain = "\x1b[0m", *bold = "\x1b[1m", *amber = "\x1b[33m", *red = "\x1b[31m", *faint = "\x1b[2m";

// How many columns a UTF-8 text takes, each character for one; and its first so many, "…" for what is cut.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}
std::string cut(std::string_view text, std::size_t columns) {
  if (columns == 0 || width_of(text) <= columns) return std::string(text);
  std::size_t end = 0, seen = 0;
  while (end < text.size()) {
    if ((static_cast<unsigned char>(text[end]) & 0xC0) != 0x80 && ++seen == columns) break;
    ++end;
  }
  return std::string(text.substr(0, end)) + "…";
}
// The same, but what is left out is in the middle: names often differ at their ends.
std::string cut_middle(std::string_view text, std::size_t columns) {
  const auto all = width_of(text);
  if (all <= columns || columns < 8) return cut(text, columns);
  const auto tail = columns / 3;
  std::size_t begin = text.size();
  for (std::size_t seen = 0; seen < tail && begin > 0;)
    if ((static_cast<unsigned char>(text[--begin]) & 0xC0) != 0x80) ++seen;
  return cut(text, columns - tail) + std::string(text.substr(begin));
}
std::string padded(std::string_view text, std::size_t width, bool left) {
  const auto cut_text = cut(text, width);
  const std::string spaces(width - std::min(width, width_of(cut_text)), ' ');
  return left ? cut_text + spaces : spaces + cut_text;
}

std::string counted(double value) { return human_number(static_cast<std::uint64_t>(value + 0.5)); }

}  // namespace

struct TopTable::Column {
  const char* title;
  std::size_t width;
  int keep;  // the least goes first where there is no room
  std::function<std::string(const Line&)> text;
  std::function<const char*(const Line&)> colour = nullptr;
};

TopTable::TopTable(const json& hello, bool by_shard) : hello_(hello), by_shard_(by_shard) {
  const auto& columns = hello.at("shard_columns");
  for (std::size_t i = 0; i < columns.size(); ++i) column_[columns[i].get<std::string>()] = i + 1;
}

void TopTable::take(const json& frame, Clock::time_point now) {
  const auto type = frame.at("type").get<std::string>();
  heard_ = now;
  if (type == "gauges") {
    rows_.apply(frame);
    if (!known_) {
      before_ = lines();
      before_at_ = now;
    }
    known_ = true;
  } else if (type == "events") {
    dropped_ = frame.at("dropped").get<std::uint64_t>();
    for (const auto& event : frame.at("events")) {
      events_.push_back(describe(event));
      if (events_.size() > most_events) events_.pop_front();
    }
  }
}

// Those that have room: the ones that say least go first.
std::vector<TopTable::Column> TopTable::columns_that_fit(std::size_t longest_name, const TableSize& size) const {
  const auto some = [](std::uint64_t value) { return value == 0 ? std::string("-") : human_number(value); };
  const auto trouble = [](std::uint64_t Line::*member, const char* colour) {
    return [member, colour](const Line& line) { return line.*member > 0 ? colour : nullptr; };
  };
  const auto name_width = size.columns == 0 ? longest_name : std::min<std::size_t>(longest_name, size.columns < 110 ? 18 : 28);
  std::vector<Column> columns = {
      {by_shard_ ? "shard" : "stage", name_width, 100, [name_width](const Line& line) { return cut_middle(line.name, name_width); }},
      {"state", 12, 90, [](const Line& line) { return line.state; },
       [](const Line& line) { return line.state == "stuck" || line.state == "restarting" ? red : line.state == "backpressure" || line.state == "retrying" || line.state == "paused" ? amber : nullptr; }},
      {"queued", 8, 80, [](const Line& line) { return line.capacity == 0 ? "-" : human_number(line.depth); },
       [](const Line& line) { return line.fill > 0.85 ? red : line.fill >= 0.6 ? amber : nullptr; }},
      {"full", 5, 30, [](const Line& line) { return line.capacity == 0 ? std::string("-") : fmt::format("{:.0f} %", line.fill * 100); },
       [](const Line& line) { return line.fill > 0.85 ? red : line.fill >= 0.6 ? amber : nullptr; }},
      {"in/s", 9, 70, [](const Line& line) { return counted(line.in_rate); }},
      {"out/s", 9, 40, [](const Line& line) { return counted(line.out_rate); }},
      {"wait p99", 8, 60, [](const Line& line) { return line.waited ? human_duration(line.wait_p99_us) : "-"; }},
      {"retries", 9, 20, [some](const Line& line) { return some(line.retries); }},
      {"dead", 7, 55, [some](const Line& line) { return some(line.dead); }, trouble(&Line::dead, amber)},
      {"restarts", 8, 45, [some](const Line& line) { return some(line.restarts); }, trouble(&Line::restarts, red)},
      {"disorder", 8, 50, [some](const Line& line) { return some(line.disorder); }, trouble(&Line::disorder, amber)},
  };
  const auto total = [&] {
    std::size_t width = 0;
    for (const auto& column : columns) width += column.width + 2;
    return width - 2;
  };
  while (size.columns > 0 && total() > size.columns && columns.size() > 1)
    columns.erase(std::min_element(columns.begin(), columns.end(), [](const Column& a, const Column& b) { return a.keep < b.keep; }));
  return columns;
}

// Which rows, if not all have room: those where something is the matter, then the busiest; in their order.
std::vector<std::size_t> TopTable::rows_that_fit(const std::vector<Line>& all, const TableSize& size) const {
  std::vector<std::size_t> shown(all.size());
  for (std::size_t i = 0; i < shown.size(); ++i) shown[i] = i;
  if (size.rows == 0) return shown;
  const auto room = size.rows > frame_lines + 1 ? size.rows - frame_lines : 1;
  const auto least_events = std::min<std::size_t>(events_.size(), std::min<std::size_t>(8, room / 4));
  const auto for_rows = room - std::min(room, least_events == 0 ? 0 : least_events + 1);
  if (shown.size() <= for_rows) return shown;
  const auto weight = [&](std::size_t i) {
    const auto& line = all[i];
    const auto& old = i < before_.size() ? before_[i] : line;
    const auto rank = std::find(worst.begin(), worst.end(), line.state) - worst.begin();
    const bool now_wrong = rank < 5 || line.fill >= 0.6 || line.disorder > old.disorder || line.dead > old.dead || line.restarts > old.restarts;
    return std::tuple(now_wrong, line.disorder + line.dead + line.restarts > 0, line.fill, line.in_rate + line.out_rate);
  };
  std::stable_sort(shown.begin(), shown.end(), [&](std::size_t a, std::size_t b) { return weight(a) > weight(b); });
  shown.resize(std::max<std::size_t>(1, for_rows - 1));  // one line says how many more
  std::sort(shown.begin(), shown.end());
  return shown;
}

std::string TopTable::head(const Totals& of, const TableSize& size) const {
  auto text = fmt::format("{} on {}, {}; up {}; {} read a second, {} queued, {} out of order, {} dead letters; {} MiB",
                          hello_.at("topology").get<std::string>(), hello_.at("node").get<std::string>(), hello_.at("durable").get<bool>() ? "durable" : "memory",
                          human_duration(rows_.head().at("uptime_us").get<std::uint64_t>()), counted(of.read), human_number(of.queued), human_number(of.disorder), human_number(of.dead),
                          rows_.head().at("rss_bytes").get<std::uint64_t>() >> 20);
  if (size.columns > 0 && width_of(text) > size.columns)
    text = fmt::format("{}: {}/s, {} queued, {} out of order, {} dead letters", hello_.at("topology").get<std::string>(), counted(of.read), human_number(of.queued), human_number(of.disorder), human_number(of.dead));
  return text;
}

std::string TopTable::text(Clock::time_point now, const TableSize& size) {
  auto all = lines();
  const auto seconds = std::chrono::duration<double>(now - before_at_).count();
  Totals of;
  std::size_t longest = 5;
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto& line = all[i];
    const auto rate = [&](std::uint64_t Line::*member) {
      const auto earlier = i < before_.size() ? before_[i].*member : 0;
      return seconds > 0 && line.*member >= earlier ? static_cast<double>(line.*member - earlier) / seconds : 0.0;
    };
    line.in_rate = rate(&Line::in);
    line.out_rate = rate(&Line::out);
    of.queued += line.depth;
    of.disorder += line.disorder;
    of.dead += line.dead;
    if (line.capacity == 0) of.read += line.out_rate;
    longest = std::max(longest, width_of(line.name));
  }
  const auto columns = columns_that_fit(longest, size);
  const auto shown = rows_that_fit(all, size);
  auto for_events = std::min<std::size_t>(8, events_.size());
  if (size.rows > 0) {
    const auto used = frame_lines + shown.size() + (shown.size() < all.size() ? 1 : 0) + 1;
    for_events = std::min(events_.size(), size.rows > used ? size.rows - used : 0);
  }

  std::vector<std::string> out;
  const auto paint = [&](const char* colour, std::string text) { return size.colour && colour != nullptr ? colour + text + plain : text; };
  const auto first = head(of, size);
  if (const auto silent = std::chrono::duration_cast<std::chrono::seconds>(now - heard_).count(); silent >= 3)
    out.push_back(paint(red, cut(fmt::format("silent for {} s; before that: {}", silent, first), size.columns)));
  else
    out.push_back(paint(bold, cut(first, size.columns)));
  out.emplace_back();
  const auto row = [&](const auto& cell, const auto& colour) {
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) line += "  ";
      line += paint(colour(columns[i]), padded(cell(columns[i]), columns[i].width, i < 2 && columns[i].keep >= 90));
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
  };
  out.push_back(row([](const Column& column) { return std::string(column.title); }, [](const Column&) { return faint; }));
  for (const auto i : shown)
    out.push_back(row([&](const Column& column) { return column.text(all[i]); }, [&](const Column& column) { return column.colour ? column.colour(all[i]) : nullptr; }));
  if (shown.size() < all.size())
    out.push_back(paint(faint, cut(fmt::format("+ {} calmer ones: a higher terminal shows them", all.size() - shown.size()), size.columns)));
  if (for_events > 0) {
    out.emplace_back(dropped_ > 0 ? paint(amber, cut(fmt::format("{} events were lost on the way", human_number(dropped_)), size.columns)) : std::string());
    for (auto event = events_.end() - static_cast<std::ptrdiff_t>(for_events); event != events_.end(); ++event) out.push_back(cut(*event, size.columns));
  }
  before_ = std::move(all);
  before_at_ = now;
  std::string text;
  for (std::size_t i = 0; i < out.size(); ++i) text += out[i] + (size.rows > 0 && i + 1 == out.size() ? "" : "\n");
  return text;
}

// "12:00:01 late  act/1  key c-7  #17  ..."
std::string TopTable::describe(const json& event) const {
  auto line = fmt::format("{} {:<11}", Timestamp{event.at("at_us").get<std::int64_t>()}.to_string().substr(11, 8), event.at("kind").get<std::string>());
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
  // A user's text must not drive the terminal: no control characters, nor those of the second half (U+0080 to U+009F).
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto c = static_cast<unsigned char>(line[i]);
    if (c < 0x20 || c == 0x7F) line[i] = ' ';
    if (c == 0xC2 && i + 1 < line.size() && static_cast<unsigned char>(line[i + 1]) < 0xA0) line[i] = line[i + 1] = ' ';
  }
  return line;
}

std::vector<TopTable::Line> TopTable::lines() const {
  std::map<std::string, std::uint64_t> capacities;
  for (const auto& stage : hello_.at("stages")) capacities[stage.at("name")] = stage.at("capacity");
  std::vector<Line> all;
  for (const auto& [index, row] : rows_.shards()) {
    const auto& name = hello_.at("shards").at(index);
    const auto stage = name.at(0).get<std::string>();
    const auto full = by_shard_ ? fmt::format("{}/{}", stage, name.at(1).get<unsigned>()) : stage;
    if (all.empty() || all.back().name != full) {
      all.emplace_back();
      all.back().name = full;
    }
    auto& line = all.back();
    const auto number = [&, &of = row](const char* column) { return of.at(column_.at(column)).get<std::uint64_t>(); };
    const auto state = number("state");
    const std::string text = state < std::size(states) ? states[state] : "?";
    const auto rank = [&](const std::string& s) { return std::find(worst.begin(), worst.end(), s) - worst.begin(); };
    if (line.state.empty() || rank(text) < rank(line.state)) line.state = text;
    line.depth += number("depth");
    line.capacity += capacities[stage];
    if (capacities[stage] > 0) line.fill = std::max(line.fill, static_cast<double>(number("depth")) / static_cast<double>(capacities[stage]));
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

}  // namespace mailroom::cluster
