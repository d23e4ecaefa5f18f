// Holds a run's outputs against a plain recomputation of its input: one pass over the lines in the order in which the source
// read them, with maps and sorted lists instead of windows, sketches, shards and timers.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <mailroom/check_report.hpp>

#include "scenarios/analytics/alert_rule.hpp"

namespace analytics_check {

using mailroom::Timestamp;
using Rows = std::vector<nlohmann::json>;

// The topology's times.
struct Rules {
  std::chrono::microseconds lateness{}, remember{}, gap{}, minutes_allowed{}, sessions_allowed{};
  analytics::AlertOptions alerts;
  std::chrono::microseconds max_ahead{};  // 0: no bound
  std::uint64_t believed_after = 10;
};
// Of a topology that has the stages of analytics.json. Throws what nlohmann's json throws.
Rules rules_of(const nlohmann::json& topology);

// What must come out.
class Recount {
 public:
  explicit Recount(const Rules& rules) : rules_(rules) {}
  void line(std::string_view text);
  void finish();

  struct Minute {
    std::int64_t requests = 0, late = 0, errors = 0, bytes = 0;
    std::vector<std::int64_t> sizes{};  // sorted by finish()
    std::map<std::string, std::int64_t> paths{};
    std::set<std::string> visitors{};
  };
  std::uint64_t lines = 0, dirty = 0;  // dirty: also those dated too far ahead
  std::map<Timestamp, Minute> minutes;
  std::vector<std::string> sessions, set_aside, alerts;  // as text, sorted

 private:
  struct Visit {
    Timestamp start, end;  // of the session: its end is the gap behind the last request
    analytics::Session session;
  };
  void visit(const analytics::Request& request, Timestamp reached);
  bool too_far_ahead(Timestamp time);
  void aside(analytics::SetAsideAs reason, const analytics::Request& request);

  const Rules rules_;
  Timestamp watermark_ = Timestamp::min();
  std::vector<Timestamp> ahead_;  // lines in a row that were dated too far ahead
  std::unordered_map<std::string, std::unordered_map<std::uint64_t, Timestamp>> seen_;
  std::unordered_map<std::string, std::vector<Visit>> visits_;
};

struct Outputs {
  Rows minutes, top_paths, sessions, alerts, set_aside;
  std::vector<std::string> csv;  // lines of minutes.csv, if there is one
};
// Of a run's output folder. Throws std::runtime_error naming the file.
Outputs read_outputs(const std::filesystem::path& folder);
// `dead_letters`: how many the run has; absent: not looked at. The recount is finished.
mailroom::CheckReport check_outputs(const Outputs& outputs, const Recount& expected, std::optional<std::uint64_t> dead_letters);

}  // namespace analytics_check
