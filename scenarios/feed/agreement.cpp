// What stages must agree on, or timelines at rest would not be what was recomputed.
#include <mailroom/topology_rule.hpp>

#include "scenarios/feed/authors.hpp"
#include "scenarios/feed/graph.hpp"
#include "scenarios/feed/outboxes.hpp"
#include "scenarios/feed/pages.hpp"
#include "scenarios/feed/posts.hpp"
#include "scenarios/feed/timelines.hpp"

namespace feed {

inline void stages_agree(mailroom::RuleCheck& check) {
  check.same<Timelines, Authors, Outboxes, Pages>("length");
  check.same<Posts, Graph>("window");
}
MAILROOM_TOPOLOGY_RULE(stages_agree)

}  // namespace feed
