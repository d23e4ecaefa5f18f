// The timer queue against a plain model: a list that is searched and sorted.
#include "runtime/engine/timer_queue.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>
#include <tuple>

namespace mailroom::runtime {
namespace {

HeldEvent timer(std::uint64_t ordinal, std::string key, std::string name, std::int64_t due) {
  HeldEvent made;
  made.ordinal = ordinal;
  made.key = std::move(key);
  made.name = std::move(name);
  made.due = Timestamp{due};
  return made;
}

struct ModelTimer {
  std::int64_t due;
  std::uint64_t ordinal;
  std::string key, name;
};

RC_GTEST_PROP(TimerQueueModel, FiresReplacesAndCancelsAsAPlainListWould, ()) {
  TimerQueue queue;
  std::vector<ModelTimer> model;
  const auto by_name = [&](const std::string& key, const std::string& name) {
    return std::find_if(model.begin(), model.end(),
                        [&](const auto& t) { return !t.name.empty() && t.key == key && t.name == name; });
  };
  // Keys and names that give the same text when joined.
  const std::vector<std::string> keys{"", "a", "ab", "1:a"}, names{"", "b", "bc", "c"};
  std::uint64_t ordinal = 0;
  const auto steps = *rc::gen::inRange(0, 80);
  for (int step = 0; step < steps; ++step) {
    const auto key = *rc::gen::elementOf(keys);
    const auto name = *rc::gen::elementOf(names);
    const auto time = *rc::gen::inRange<std::int64_t>(-20, 20);
    switch (*rc::gen::inRange(0, 3)) {
      case 0: {
        std::optional<std::uint64_t> replaced;
        if (const auto found = by_name(key, name); found != model.end()) {
          replaced = found->ordinal;
          model.erase(found);
        }
        model.push_back({time, ++ordinal, key, name});
        RC_ASSERT(queue.set(timer(ordinal, key, name, time)) == replaced);
        break;
      }
      case 1: {
        std::optional<std::uint64_t> cancelled;
        if (const auto found = by_name(key, name); found != model.end()) {
          cancelled = found->ordinal;
          model.erase(found);
        }
        RC_ASSERT(queue.cancel(key, name) == cancelled);
        break;
      }
      default: {
        const auto first = std::min_element(model.begin(), model.end(), [](const auto& a, const auto& b) {
          return std::tie(a.due, a.ordinal) < std::tie(b.due, b.ordinal);
        });
        const auto popped = queue.pop_due(Timestamp{time});
        if (first == model.end() || first->due > time) {
          RC_ASSERT(!popped.has_value());
        } else {
          RC_ASSERT(popped.has_value() && popped->ordinal == first->ordinal && popped->key == first->key);
          model.erase(first);
        }
      }
    }
    RC_ASSERT(queue.size() == model.size());
    const auto first = std::min_element(model.begin(), model.end(), [](auto& a, auto& b) { return a.due < b.due; });
    RC_ASSERT(queue.next_due() == (model.empty() ? std::nullopt : std::optional<Timestamp>(Timestamp{first->due})));
  }
}

}  // namespace
}  // namespace mailroom::runtime
