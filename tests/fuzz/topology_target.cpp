#include <string>

#include <mailroom/mailroom.hpp>

#include "runtime/topology/load_topology.hpp"
#include "tests/fuzz/targets.hpp"

namespace mailroom::fuzz {
namespace {

struct Order {
  std::string customer;
  std::int64_t number = 0;
  Timestamp at;
};
MAILROOM_EVENT(Order, customer, number, at)

struct Total {
  std::int64_t sum = 0;
};
MAILROOM_STATE(Total, sum)

class Adder : public Actor<Total> {
 public:
  using Emits = Events<Order>;
  void on(const Order& order, Total& total, Context& context) {
    total.sum += order.number;
    context.emit(order);
  }
};
MAILROOM_ACTOR(Adder, Order)

}  // namespace

void topology(std::string_view bytes) {
  runtime::LoadOptions options;
  options.load_libraries = false;
  const auto loaded = runtime::load_topology_text(std::string(bytes), "fuzz.json", options);
  for (const auto& problem : loaded.problems) hold(!to_string(problem).empty(), "a problem has words");
  hold(loaded.topology || !loaded.problems.empty(), "what is refused is refused with a reason");
  if (!loaded.topology) return;
  hold(!loaded.topology->stages.empty(), "a topology has stages");
  for (const auto& stage : loaded.topology->stages) {
    hold(stage.shards >= 1, "a stage has a shard");
    for (const auto& input : stage.inputs) hold(input.from < loaded.topology->stages.size(), "an input comes from a stage");
  }
}

}  // namespace mailroom::fuzz
