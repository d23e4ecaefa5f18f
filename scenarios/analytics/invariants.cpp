// The shipped checker as an invariant: `mailroom simulate` holds each run's outputs against its input. All of it: analytics.json
// gives nothing up but dirty lines (its keys wait as long as it takes), and sheds nothing.
#include <mailroom/invariant.hpp>

#include "scenarios/analytics/check/outputs_check.hpp"

namespace analytics {

class OutputsEqualARecomputation : public mailroom::Invariant {
 public:
  void check(const mailroom::RestingScenario& run) const override {
    using namespace std::chrono_literals;
    // Those of analytics.json.
    analytics_check::Recount recount({10s, 10min, 30min, 30s, 0s, {}, 6h});
    for (const auto& line : run.input<LogLine>("lines")) recount.line(line.text);
    recount.finish();
    analytics_check::Outputs outputs;
    outputs.minutes = run.rows_of("minutes_json");
    outputs.top_paths = run.rows_of("top_paths");
    outputs.sessions = run.rows_of("session_list");
    outputs.alerts = run.rows_of("alert_list");
    outputs.set_aside = run.rows_of("set_aside");
    // Lines that are dirty at the source are no events here.
    std::uint64_t refused = 0;
    for (const auto& letter : run.dead_letters()) refused += letter.at("stage") == "parse" || letter.at("kind") == "ahead";
    analytics_check::check_outputs(outputs, recount, refused).throw_if_broken();
  }
};
MAILROOM_INVARIANT(OutputsEqualARecomputation, "analytics")

}  // namespace analytics
