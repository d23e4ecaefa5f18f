// The checker as an invariant of each query's topology. They give nothing up and shed nothing: each row is held to it.
#include <mailroom/invariant.hpp>

#include "scenarios/nexmark/check/recount.hpp"

namespace nexmark {
namespace {

// What the sources gave and the sink "answers" wrote.
void check_query(const std::string& topology, const mailroom::RestingScenario& run) {
  nexmark_check::Input input;
  if (topology == "nexmark-q8") {
    input.persons = run.input<Person>("persons");
    input.auctions = run.input<Auction>("auctions");
  } else {
    input.bids = run.input<Bid>("bids");
  }
  nexmark_check::check_rows(topology, input, run.rows_of("answers")).throw_if_broken();
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
