#include "runtime/telemetry/summary_table.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <vector>

#include "runtime/telemetry/human_text.hpp"

namespace mailroom::runtime {
namespace {

// A table of texts; numbers to the right, names to the left; columns that hold nothing but "0" may be left out.
class Table {
 public:
  void column(std::string title, bool left = false, bool may_go = false) {
    columns_.push_back({std::move(title), left, may_go});
  }
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] std::string text() const {
    std::vector<std::size_t> shown;
    std::vector<std::size_t> widths(columns_.size(), 0);
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const bool empty =
          std::all_of(rows_.begin(), rows_.end(), [&](const auto& row) { return row[c] == "0" || row[c].empty(); });
      if (!columns_[c].may_go || !empty) shown.push_back(c);
      widths[c] = columns_[c].title.size();
      for (const auto& row : rows_) widths[c] = std::max(widths[c], row[c].size());
    }
    std::string out;
    const auto line = [&](const auto& cell) {
      std::string text = " ";
      for (const auto c : shown)
        text += columns_[c].left ? fmt::format(" {:<{}} ", cell(c), widths[c])
                                 : fmt::format(" {:>{}} ", cell(c), widths[c]);
      text.erase(text.find_last_not_of(' ') + 1);
      out += text + "\n";
    };
    line([&](std::size_t c) { return columns_[c].title; });
    for (const auto& row : rows_) line([&](std::size_t c) { return row[c]; });
    return out;
  }

 private:
  struct Column {
    std::string title;
    bool left, may_go;
  };
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

struct StageSum {
  std::uint64_t shards = 0;
  ShardSnapshot all;
};

std::string stages_table(const TelemetrySnapshot& snapshot) {
  std::vector<std::string> order;
  std::map<std::string, StageSum> sums;
  for (const auto& shard : snapshot.shards) {
    auto [found, added] = sums.emplace(shard.stage, StageSum{});
    if (added) order.push_back(shard.stage);
    auto& [count, all] = found->second;
    ++count;
    all.in += shard.in;
    all.out += shard.out;
    all.high_water = std::max(all.high_water, shard.high_water);
    all.capacity = shard.capacity;
    all.retries += shard.retries;
    all.restarts += shard.restarts;
    all.dead_letters += shard.dead_letters;
    all.dropped += shard.dropped;
    all.parked += shard.parked;
    all.timers += shard.timers;
    all.unrouted += shard.unrouted;
    all.order_breaks += shard.order_breaks;
    all.order_violations += shard.order_violations;
    all.wait += shard.wait;
    all.work += shard.work;
  }
  Table table;
  table.column("stage", true);
  table.column("shards");
  table.column("in");
  table.column("out");
  table.column("high water");
  table.column("wait p50/p99");
  table.column("work p50/p99");
  table.column("retries", false, true);
  table.column("restarts", false, true);
  table.column("dead", false, true);
  table.column("shed", false, true);
  table.column("parked", false, true);
  table.column("timers", false, true);
  table.column("unrouted", false, true);
  table.column("breaks", false, true);
  table.column("disorder", false, true);  // none is said in the closing line
  // "3.4 / 120 ms": a unit that both share is said once.
  const auto pair = [](const HistogramSnapshot& h) {
    if (h.total() == 0) return std::string("-");
    auto p50 = human_duration(h.quantile_us(0.5));
    const auto p99 = human_duration(h.quantile_us(0.99));
    const auto unit = p50.find(' ');
    if (p99.find(' ') == p99.rfind(' ') && unit == p50.rfind(' ') && p99.ends_with(p50.substr(unit))) p50.resize(unit);
    return p50 + " / " + p99;
  };
  for (const auto& name : order) {
    const auto& [count, all] = sums.at(name);
    table.row({name, human_number(count), human_number(all.in), human_number(all.out),
               all.capacity == 0 ? "-" : human_number(all.high_water) + " of " + human_number(all.capacity),
               pair(all.wait), pair(all.work), human_number(all.retries), human_number(all.restarts),
               human_number(all.dead_letters), human_number(all.dropped), human_number(all.parked),
               human_number(all.timers), human_number(all.unrouted), human_number(all.order_breaks),
               human_number(all.order_violations)});
  }
  return table.text();
}

}  // namespace

std::string summary_table(const TelemetrySnapshot& snapshot, bool colours) {
  const auto red = [&](const std::string& text) { return colours ? "\x1b[1;31m" + text + "\x1b[0m" : text; };
  auto text = stages_table(snapshot);

  Table books;
  books.column("edge", true);
  books.column("sent");
  books.column("= processed");
  books.column("+ dead-lettered");
  books.column("+ shed", false, true);
  books.column("+ parked", false, true);
  books.column("+ in flight");
  books.column("", true);
  std::size_t unbalanced = 0;
  std::uint64_t violations = 0, events = 0, dirty = 0;
  for (const auto& edge : snapshot.edges) {
    const auto difference = edge.difference();
    if (difference != 0) ++unbalanced;
    books.row({edge.from + " -> " + edge.to, human_number(edge.sent), human_number(edge.processed),
               human_number(edge.dead_lettered), human_number(edge.dropped()), human_number(edge.parked),
               human_number(edge.in_flight),
               difference == 0 ? "balanced" : red(fmt::format("DIFFERENCE {}", difference))});
  }
  text += "\nThe books\n" + books.text() + "\n";
  for (const auto& shard : snapshot.shards) violations += shard.order_violations;
  for (const auto& source : snapshot.sources) {
    events += source.events;
    dirty += source.dirty;
  }
  // A source counts from its beginning, its shard from this start.
  auto before = events;
  for (const auto& shard : snapshot.shards)
    for (const auto& source : snapshot.sources)
      if (source.stage == shard.stage) before -= std::min(before, shard.in);
  events -= before;
  const auto seconds = static_cast<double>(snapshot.uptime_us) / 1e6;
  text += fmt::format("{} events read{} in {}{}; ", human_number(events),
                      dirty > 0 ? fmt::format(" and {} dirty line{}", human_number(dirty), dirty == 1 ? "" : "s") : "",
                      human_duration(snapshot.uptime_us),
                      before > 0 ? fmt::format(", {} in earlier runs", human_number(before)) : "");
  if (seconds > 0)
    text +=
        fmt::format("{} a second; ", human_number(static_cast<std::uint64_t>(static_cast<double>(events) / seconds)));
  if (snapshot.durable)
    text += fmt::format("{} commits, {} syncs (p99 {}); ", human_number(snapshot.commits), human_number(snapshot.syncs),
                        human_duration(snapshot.sync_time.quantile_us(0.99)));
  text += unbalanced == 0 ? "the books balance; "
                          : red(fmt::format("{} EDGE{} NOT BALANCE; ", unbalanced, unbalanced == 1 ? " DOES" : "S DO"));
  text +=
      violations == 0 ? "every key in order." : red(fmt::format("{} EVENTS OUT OF ORDER.", human_number(violations)));
  return text;
}

}  // namespace mailroom::runtime
