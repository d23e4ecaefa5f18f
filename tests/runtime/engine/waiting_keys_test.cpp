// Waiting keys against a plain model: each key's order is kept, the retry due the longest comes first, and a key is
// free exactly when nothing of it waits.
#include "runtime/engine/waiting_keys.hpp"

#include <algorithm>
#include <deque>
#include <gmock/gmock.h>
#include <map>
#include <rapidcheck/gtest.h>

namespace mailroom::runtime {
namespace {

HeldEvent event_of(const std::string& key, std::uint64_t ordinal) {
  HeldEvent made;
  made.key = key;
  made.ordinal = ordinal;
  return made;
}

RC_GTEST_PROP(WaitingKeysModel, KeepsEachKeysOrderAndTheRetriesInTimeOrder, ()) {
  struct Model {
    std::int64_t retry_at;
    std::deque<std::uint64_t> ordinals;
  };
  WaitingKeys waiting;
  std::map<std::string, Model> model;
  std::uint64_t ordinal = 0;
  const auto steps = *rc::gen::inRange(0, 80);
  for (int step = 0; step < steps; ++step) {
    const std::string key(1, *rc::gen::inRange('a', 'e'));
    const auto at = *rc::gen::inRange<std::int64_t>(0, 20);
    const auto found = model.find(key);
    if (found == model.end()) {
      RC_ASSERT(!waiting.contains(key));
      waiting.block(event_of(key, ++ordinal), at);
      model[key] = {at, {ordinal}};
    } else {
      RC_ASSERT(waiting.contains(key));
      auto& [retry_at, ordinals] = found->second;
      switch (*rc::gen::inRange(0, 5)) {
        case 0: {
          auto next = event_of(key, ++ordinal);
          next.name = std::to_string(ordinal);  // as a timer that is due
          waiting.append(std::move(next));
          ordinals.push_back(ordinal);
          break;
        }
        case 2: {
          // Any but the head, which may be at work.
          const auto place = *rc::gen::inRange<std::size_t>(0, ordinals.size());
          const auto cancelled = waiting.cancel_timer(key, std::to_string(ordinals[place]));
          RC_ASSERT(cancelled == (place == 0 ? std::nullopt : std::optional(ordinals[place])));
          if (cancelled) ordinals.erase(ordinals.begin() + static_cast<std::ptrdiff_t>(place));
          break;
        }
        case 3: {
          // In front of the first behind the head with a higher number; all from there on are named.
          const auto limit = *rc::gen::inRange<std::uint64_t>(0, ordinal + 2);
          auto inserted = event_of(key, ++ordinal);
          inserted.name = std::to_string(ordinal);
          const auto place = std::find_if(ordinals.begin() + 1, ordinals.end(), [&](auto one) { return one > limit; });
          const bool there = place != ordinals.end();
          std::deque<std::uint64_t> behind{ordinal}, named;
          behind.insert(behind.end(), place, ordinals.end());
          RC_ASSERT(waiting.insert_before(inserted, [&](const HeldEvent& one) { return one.ordinal > limit; },
                                          [&](const HeldEvent& one) { named.push_back(one.ordinal); }) == there);
          RC_ASSERT(named == (there ? behind : std::deque<std::uint64_t>{}));
          if (there) ordinals.insert(place, ordinal);
          break;
        }
        case 1:
          waiting.reschedule(key, at);
          retry_at = at;
          break;
        default:
          RC_ASSERT(waiting.front(key).ordinal == ordinals.front());
          RC_ASSERT(waiting.pop_front(key).ordinal == ordinals.front());
          ordinals.pop_front();
          if (ordinals.empty()) model.erase(found);
      }
    }
    std::size_t events = 0;
    std::optional<std::int64_t> next;
    for (const auto& [name, entry] : model) {
      events += entry.ordinals.size();
      next = next ? std::min(*next, entry.retry_at) : entry.retry_at;
    }
    RC_ASSERT(waiting.size() == events);
    RC_ASSERT(waiting.keys() == model.size());
    RC_ASSERT(waiting.empty() == model.empty());
    RC_ASSERT(waiting.next_retry() == next);
    const auto now = *rc::gen::inRange<std::int64_t>(0, 20);
    const auto due = waiting.due_key(now);
    RC_ASSERT(due.has_value() == (next && *next <= now));
    if (due) RC_ASSERT(model.at(*due).retry_at == *next);
  }
}

TEST(WaitingKeysRestart, GivesRetriesBackToHeadsThatHadNoneLeft) {
  WaitingKeys waiting;
  auto spent = event_of("spent", 1), trying = event_of("trying", 2);
  spent.attempts = 4;
  trying.attempts = 2;
  waiting.block(std::move(spent), 10);
  waiting.block(std::move(trying), 10);
  waiting.restart_attempts(3);
  EXPECT_EQ(waiting.front("spent").attempts, 0u);
  EXPECT_EQ(waiting.front("trying").attempts, 2u) << "it still has retries: they go on where they were";
}

}  // namespace
}  // namespace mailroom::runtime
