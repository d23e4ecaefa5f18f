// The checker as an invariant of each query's topology.
#include <mailroom/invariant.hpp>

#include "scenarios/nexmark/check/recount.hpp"

namespace nexmark {
namespace {

// What the sources gave and the sink "answers" wrote.
void check_query(const std::string& topology, const mailroom::RestingScenario& run) {
  if (run.has_shed() || run.has_given_up()) return;
  nexmark_check::Input input;
  if (topology == "nexmark-q8") {
    input.persons = run.input<Person>("persons");
    input.auctions = run.input<Auction>("auctions");
  } else {
    input.bids = run.input<Bid>("bids");
  }
  std::vector<nlohmann::json> rows;
  for (auto& event : run.output_json("answers")) rows.push_back(std::move(event.at("data")));
  nexmark_check::check_rows(topology, input, rows).throw_if_broken();
}

template <int query>
class EqualsARecomputation : public mailroom::Invariant {
 public:
  void check(const mailroom::RestingScenario& run) const override { check_query("nexmark-q" + std::to_string(query), run); }
};
template <int... queries>
bool add_all(std::integer_sequence<int, queries...>) {
  return (mailroom::Invariants::add("EqualsARecomputation", "nexmark-q" + std::to_string(queries),
                                    [] { return std::make_unique<EqualsARecomputation<queries>>(); }) &&
          ...);
}
[[maybe_unused]] const bool added = add_all(std::integer_sequence<int, 1, 2, 5, 7, 8, 11>{});

}  // namespace
}  // namespace nexmark
