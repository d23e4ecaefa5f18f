#include "runtime/simulation/shrink.hpp"

#include <algorithm>
#include <utility>

namespace mailroom::runtime {
namespace {

class Shrinker {
 public:
  Shrinker(const Simulation& simulation, const SimulationCase& broken, std::string law, std::uint64_t most_runs, const std::function<bool()>& go_on)
      : simulation_(simulation), law_(std::move(law)), most_runs_(most_runs), go_on_(go_on) {
    best_.what = broken;
    best_.result = simulation_.run(broken);
  }

  Shrunk run() {
    for (bool smaller = true; smaller && may_go_on();) {
      smaller = false;
      smaller |= thin_out([](SimulationCase& what) -> auto& { return what.faults; });
      for (std::size_t stage = 0; stage < best_.what.events.size(); ++stage)
        for (std::size_t shard = 0; shard < best_.what.events[stage].size(); ++shard)
          smaller |= thin_out([=](SimulationCase& what) -> auto& { return what.events[stage][shard]; });
      smaller |= bring_forward();
      // What is as the topology says needs no thought.
      smaller |= without([](SimulationCase& what) { return std::exchange(what.capacity, 0) != 0; });
      smaller |= without([](SimulationCase& what) { return std::exchange(what.resident_keys, 0) != 0; });
    }
    best_.runs = runs_;
    return best_;
  }

 private:
  bool may_go_on() const { return runs_ < most_runs_ && (!go_on_ || go_on_()); }

  // Takes it over if the law still breaks: in this order of steps, or in one of two others.
  bool try_out(SimulationCase what) {
    for (int order = 0; order < 3 && may_go_on(); ++order) {
      ++runs_;
      auto result = simulation_.run(what);
      if (std::any_of(result.violations.begin(), result.violations.end(), [&](const Violation& one) { return one.law == law_; })) {
        best_.what = std::move(what);
        best_.result = std::move(result);
        return true;
      }
      what.seed = what.seed * 6364136223846793005ull + 1442695040888963407ull;
    }
    return false;
  }

  template <class Change>
  bool without(const Change& change) {
    auto what = best_.what;
    return change(what) && try_out(std::move(what));
  }

  // A fault that comes sooner needs fewer events to lead up to it.
  bool bring_forward() {
    bool smaller = false;
    for (std::size_t fault = 0; fault < best_.what.faults.size(); ++fault)
      for (auto by = best_.what.faults[fault].at / 2; by > 0 && may_go_on();) {
        auto what = best_.what;
        auto& at = what.faults[fault].at;
        if (by < at && (at -= by, try_out(std::move(what))))
          smaller = true;
        else
          by /= 2;
      }
    return smaller;
  }

  template <class Part>
  bool thin_out(const Part& part) {
    bool smaller = false;
    for (auto piece = (part(best_.what).size() + 1) / 2; piece > 0;) {
      bool removed = false;
      for (std::size_t at = 0; at < part(best_.what).size() && may_go_on();) {
        auto what = best_.what;
        auto& all = part(what);
        const auto end = std::min(all.size(), at + piece);
        all.erase(all.begin() + static_cast<std::ptrdiff_t>(at), all.begin() + static_cast<std::ptrdiff_t>(end));
        if (try_out(std::move(what)))
          removed = smaller = true;
        else
          at += piece;
      }
      if (piece == 1 && !removed) break;
      piece = piece == 1 ? 1 : (piece + 1) / 2;
      if (!may_go_on()) break;
    }
    return smaller;
  }

  const Simulation& simulation_;
  const std::string law_;
  const std::uint64_t most_runs_;
  const std::function<bool()>& go_on_;
  std::uint64_t runs_ = 0;
  Shrunk best_;
};

}  // namespace

Shrunk shrink(const Simulation& simulation, const SimulationCase& broken, const std::string& law, std::uint64_t most_runs,
              const std::function<bool()>& go_on) {
  return Shrinker(simulation, broken, law, most_runs, go_on).run();
}

}  // namespace mailroom::runtime
