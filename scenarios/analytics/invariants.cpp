// The shipped checker as an invariant: `mailroom simulate` holds each run's outputs against its input.
#include <mailroom/invariant.hpp>

#include "scenarios/analytics/check/outputs_check.hpp"

namespace analytics {

class OutputsEqualARecomputation : public mailroom::Invariant {
 public:
  void check(const mailroom::RestingScenario& run) const override {
    if (run.has_shed() || run.has_given_up()) return;
    using namespace std::chrono_literals;
    // Those of analytics.json.
    analytics_check::Recount recount({10s, 10min, 30min, 30s, 0s, {}});
    for (const auto& line : run.input<LogLine>("lines")) recount.line(line.text);
    recount.finish();
    analytics_check::Outputs outputs;
    outputs.minutes = rows_of(run, "minutes_json");
    outputs.top_paths = rows_of(run, "top_paths");
    outputs.sessions = rows_of(run, "session_list");
    outputs.alerts = rows_of(run, "alert_list");
    outputs.set_aside = rows_of(run, "set_aside");
    // Lines that are dirty at the source are no events here.
    std::uint64_t refused = 0;
    for (const auto& letter : run.dead_letters()) refused += letter.at("stage") == "parse";
    analytics_check::check_outputs(outputs, recount, refused).throw_if_broken();
  }

 private:
  static analytics_check::Rows rows_of(const mailroom::RestingScenario& run, std::string_view sink) {
    analytics_check::Rows rows;
    for (auto& event : run.output_json(sink)) rows.push_back(std::move(event.at("data")));
    return rows;
  }
};
MAILROOM_INVARIANT(OutputsEqualARecomputation, "analytics")

}  // namespace analytics
