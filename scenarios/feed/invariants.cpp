// The shipped checker as an invariant: `mailroom simulate` holds each run's outputs against its input.
#include <mailroom/invariant.hpp>

#include "scenarios/feed/check/feed_model.hpp"

namespace feed {

class FeedKeepsItsPromises : public mailroom::Invariant {
 public:
  void check(const mailroom::RestingScenario& run) const override {
    if (run.has_shed() || run.has_given_up()) return;
    feed_check::FeedModel model{feed_check::Settings{}};
    for (const auto& action : run.input<Action>("actions")) model.take(action);
    for (auto& row : run.output_json("shown")) {
      auto data = row.at("data");
      data["type"] = row.at("event");
      model.timelines_row(data);
    }
    for (const auto& row : run.output_json("told")) model.notifications_row(row.at("data"));
    for (const auto& row : run.output_json("fanout_tallies")) model.fanout_row(row.at("data"));
    for (const auto& row : run.output_json("post_tallies")) model.posts_row(row.at("data"));
    model.finish().throw_if_broken();
  }
};
MAILROOM_INVARIANT(FeedKeepsItsPromises, "feed")

}  // namespace feed
