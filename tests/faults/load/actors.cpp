// Actors that behave, and actors that each misbehave in one way.
#include <atomic>
#include <ctime>
#include <fmt/format.h>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/faults/load/item.hpp"

namespace faults {
namespace {

// Keeps a core busy for that long, counted in the thread's own CPU time: a thread that is put aside does not get away
// with less work.
void burn(std::int64_t microseconds) {
  const auto spent_us = [] {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000 + time.tv_nsec / 1000;
  };
  const auto until = spent_us() + microseconds;
  while (spent_us() < until) {
  }
}

bool is_named(std::int64_t option, std::uint64_t key) { return option < 0 || static_cast<std::uint64_t>(option) == key; }

std::uint64_t mix(std::uint64_t n) {  // splitmix64
  n += 0x9E3779B97F4A7C15ull;
  n = (n ^ (n >> 30)) * 0xBF58476D1CE4E5B9ull;
  n = (n ^ (n >> 27)) * 0x94D049BB133111EBull;
  return n ^ (n >> 31);
}

}  // namespace

// In all options: "key" -1 means every key, "number" 0 every event of the key.

struct Count {
  std::uint64_t events = 0;
};
MAILROOM_STATE(Count, events)

struct PassOptions {
  std::int64_t burn_us = 0;
};
MAILROOM_OPTIONS(PassOptions, burn_us)

class Pass : public mailroom::Actor<Count> {
 public:
  using Emits = mailroom::Events<Item>;
  using Options = PassOptions;
  explicit Pass(const Options& options) : options_(options) {}
  void on(const Item& item, Count& count, mailroom::Context& context) {
    if (options_.burn_us > 0) burn(options_.burn_us);
    auto passed = item;
    passed.counted = ++count.events;
    context.emit(passed);
  }

 private:
  const Options options_;
};
MAILROOM_ACTOR(Pass, Item)

struct SlowOptions {
  std::int64_t sleep_us = 0;
  std::int64_t key = -1;
  std::int64_t for_ms = 0;  // from the first event on; 0: for ever
};
MAILROOM_OPTIONS(SlowOptions, sleep_us, key, for_ms)

class Slow : public mailroom::Actor<> {
 public:
  using Emits = mailroom::Events<Item>;
  using Options = SlowOptions;
  explicit Slow(const Options& options) : options_(options) {}
  void on(const Item& item, mailroom::Context& context) {
    if (begun_us_ == 0) begun_us_ = steady_us();
    if (is_named(options_.key, item.key) && (options_.for_ms == 0 || steady_us() < begun_us_ + options_.for_ms * 1000))
      std::this_thread::sleep_for(std::chrono::microseconds(options_.sleep_us));
    context.emit(item);
  }

 private:
  const Options options_;
  std::int64_t begun_us_ = 0;
};
MAILROOM_ACTOR(Slow, Item)

struct HangOptions {
  std::vector<std::int64_t> keys;  // each hangs once
  std::uint64_t number = 1;
  std::int64_t ms = 1000;
};
MAILROOM_OPTIONS(HangOptions, keys, number, ms)

class Hang : public mailroom::Actor<> {
 public:
  using Emits = mailroom::Events<Item>;
  using Options = HangOptions;
  explicit Hang(const Options& options) : options_(options) {}
  void on(const Item& item, mailroom::Context& context) {
    for (const auto key : options_.keys)
      if (is_named(key, item.key) && item.number == options_.number) {
        context.log(mailroom::LogLevel::info, fmt::format("key {} hangs for {} ms", item.key, options_.ms));
        std::this_thread::sleep_for(std::chrono::milliseconds(options_.ms));
      }
    context.emit(item);
  }

 private:
  const Options options_;
};
MAILROOM_ACTOR(Hang, Item)

struct PoisonOptions {
  std::int64_t key = -1;
  std::uint64_t number = 0;
  std::uint64_t heals_after = 0;  // throws only so many times in the whole process; 0: always
};
MAILROOM_OPTIONS(PoisonOptions, key, number, heals_after)

class Poison : public mailroom::Actor<> {
 public:
  using Emits = mailroom::Events<Item>;
  using Options = PoisonOptions;
  explicit Poison(const Options& options) : options_(options) {}
  void on(const Item& item, mailroom::Context& context) {
    // The process counts, not the instance: a restart makes a new instance and must not begin the count anew.
    static std::atomic<std::uint64_t> thrown{0};
    if (is_named(options_.key, item.key) && (options_.number == 0 || options_.number == item.number) &&
        (options_.heals_after == 0 || thrown.fetch_add(1) < options_.heals_after))
      throw std::runtime_error(fmt::format("poison: key {} number {}", item.key, item.number));
    context.emit(item);
  }

 private:
  const Options options_;
};
MAILROOM_ACTOR(Poison, Item)

struct ThrowingOptions {
  std::int64_t key = -1;
  double chance = 0.1;
  std::uint64_t seed = 1;
};
MAILROOM_OPTIONS(ThrowingOptions, key, chance, seed)

// Each try of each event is drawn from the seed alone: the same ones fail in each run, whatever the order of keys.
class Throwing : public mailroom::Actor<> {
 public:
  using Emits = mailroom::Events<Item>;
  using Options = ThrowingOptions;
  explicit Throwing(const Options& options) : options_(options) {}
  void on(const Item& item, mailroom::Context& context) {
    const auto drawn = mix(options_.seed ^ mix(item.key ^ mix(item.number ^ mix(context.attempt()))));
    if (is_named(options_.key, item.key) && static_cast<double>(drawn >> 11) * 0x1p-53 < options_.chance)
      throw std::runtime_error(
          fmt::format("drawn: key {} number {} attempt {}", item.key, item.number, context.attempt()));
    context.emit(item);
  }

 private:
  const Options options_;
};
MAILROOM_ACTOR(Throwing, Item)

}  // namespace faults
