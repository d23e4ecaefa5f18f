// The timer queue against a plain model: a list that is searched and sorted.
#include "runtime/engine/timer_queue.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>
#include <tuple>

#include <mailroom/mailroom.hpp>

namespace mailroom::runtime {
namespace {

struct Alarm {
  std::string text;
  std::int64_t number = 0;
};
MAILROOM_EVENT(Alarm, text, number)

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

// Timers are kept as bytes: what comes out is what the engine has made and the journal holds.
TEST(TimerQueue, GivesBackTheWholeTimer) {
  TimerQueue queue;
  for (const auto* name : {"", "named"}) {
    auto set = timer(7, "the key", name, 50);
    auto batch = std::make_shared<EventBatch>();
    EventMeta meta;
    meta.time = set.due;
    meta.trace = make_trace(3, 99);
    meta.key_hash = hash_key(set.key);
    Alarm alarm{"a text of more than a few bytes", -5};
    batch->append_move(event_type_of<Alarm>(), &alarm, meta);
    set.event = std::move(batch);
    queue.set(set);
    EXPECT_FALSE(queue.pop_due(Timestamp{49}));
    const auto fired = queue.pop_due(Timestamp{50});
    ASSERT_TRUE(fired && fired->event);
    EXPECT_EQ(std::tie(fired->ordinal, fired->key, fired->name, fired->due), std::tie(set.ordinal, set.key, set.name, set.due));
    const auto& found = fired->event->meta(0);
    EXPECT_EQ(std::tie(found.time, found.trace, found.key_hash), std::tie(meta.time, meta.trace, meta.key_hash));
    ASSERT_EQ(fired->event->size(), 1u);
    ASSERT_EQ(&fired->event->type(0), &event_type_of<Alarm>());
    const auto& back = *static_cast<const Alarm*>(fired->event->event(0));
    EXPECT_EQ(std::tie(back.text, back.number), std::tuple("a text of more than a few bytes", -5));
  }
}

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
