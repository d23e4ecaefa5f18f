// The shipped checker as an invariant: `mailroom simulate` holds each run's outputs against its input.
#include <mailroom/invariant.hpp>

#include "scenarios/feed/check/feed_model.hpp"

namespace feed {

class FeedKeepsItsPromises : public mailroom::Invariant {
 public:
  void check(const mailroom::RestingScenario& run) const override {
    feed_check::FeedModel model{feed_check::Settings{}};
    // What one key misses reaches readers everywhere: then all that is there is held to be right, and not to be all.
    if (run.has_given_up()) model.some_is_missing();
    for (const auto& action : run.input<Action>("actions")) model.take(action);
    for (auto& row : run.output_json("shown")) {
      auto data = row.at("data");
      data["type"] = row.at("event");
      model.timelines_row(data);
    }
    for (const auto& row : run.rows_of("told")) model.notifications_row(row);
    for (const auto& row : run.rows_of("fanout_tallies")) model.fanout_row(row);
    for (const auto& row : run.rows_of("post_tallies")) model.posts_row(row);
    model.finish().throw_if_broken();
  }
};
MAILROOM_INVARIANT(FeedKeepsItsPromises, "feed")

}  // namespace feed
