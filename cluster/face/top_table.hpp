// What `mailroom top` shows: a node's stages or shards, and what happened last, as text that fits the terminal.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cluster/face/telemetry_client.hpp"

namespace mailroom::cluster {

// Of a terminal; 0: without bound (a file, a pipe).
struct TableSize {
  std::size_t columns = 0, rows = 0;
  bool colour = false;
};

// One node's frames in, text out. One thread.
class TopTable {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t most_events = 50;  // of the latest, kept

  // `hello`: a decoded frame. Throws nlohmann::json::exception if it is none, as take() does.
  TopTable(const nlohmann::json& hello, bool by_shard);
  // Any decoded frame after it, with the time it came.
  void take(const nlohmann::json& frame, Clock::time_point now);
  // Whether there are gauges to show.
  [[nodiscard]] bool known() const noexcept { return known_; }
  // Rates are since the last call. In a bounded size the columns that say least are left out first, then the rows that are
  // calm, which are counted, then older events; no line is longer than the terminal is wide.
  [[nodiscard]] std::string text(Clock::time_point now, const TableSize& size);

 private:
  // Of a shard or, added up, of a stage.
  struct Line {
    std::string name, state;
    std::uint64_t depth = 0, capacity = 0, in = 0, out = 0, retries = 0, dead = 0, restarts = 0, disorder = 0;
    std::uint64_t wait_p99_us = 0;
    double in_rate = 0, out_rate = 0, fill = 0;  // fill: of the fullest mailbox, 0..1
    bool waited = false;
  };
  struct Column;
  struct Totals {
    std::uint64_t queued = 0, disorder = 0, dead = 0;
    double read = 0;  // a second
  };
  [[nodiscard]] std::vector<Line> lines() const;
  [[nodiscard]] std::vector<Column> columns_that_fit(std::size_t longest_name, const TableSize& size) const;
  [[nodiscard]] std::vector<std::size_t> rows_that_fit(const std::vector<Line>& all, const TableSize& size) const;
  [[nodiscard]] std::string head(const Totals& of, const TableSize& size) const;
  [[nodiscard]] std::string describe(const nlohmann::json& event) const;

  const nlohmann::json hello_;
  const bool by_shard_;
  std::map<std::string, std::size_t> column_;
  GaugeRows rows_;
  bool known_ = false;
  Clock::time_point heard_{}, before_at_{};
  std::vector<Line> before_;
  std::deque<std::string> events_;
  std::uint64_t dropped_ = 0;
};

}  // namespace mailroom::cluster
