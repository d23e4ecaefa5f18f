// Two gauges that fall silent now and then, and windows over both: what an idle source must not hold back, and what it then
// finds closed.
#include <fmt/format.h>
#include <map>

#include <mailroom/invariant.hpp>
#include <mailroom/windows.hpp>

namespace tides {

using mailroom::Timestamp;

struct Reading {
  std::string coast;
  std::int64_t number = 0;
  Timestamp at;
};
MAILROOM_EVENT(Reading, coast, number, at)

struct Level {
  std::string coast;
  Timestamp from;
  std::int64_t readings = 0, numbers = 0;  // how many, and their sum
};
MAILROOM_EVENT(Level, coast, from, readings, numbers)

struct TooLate {
  std::string coast;
  std::int64_t number = 0;
};
MAILROOM_EVENT(TooLate, coast, number)

struct GaugeOptions {
  std::int64_t readings = 200, first = 0;
};
MAILROOM_OPTIONS(GaugeOptions, readings, first)

// A reading a second, some of them up to two seconds out of order; and a few that say it is a week later.
class Gauge : public mailroom::Source {
 public:
  using Options = GaugeOptions;
  using Emits = mailroom::Events<Reading>;
  explicit Gauge(const GaugeOptions& options) : options_(options) {}
  mailroom::ReadStatus read(mailroom::SourceBatch& batch, std::size_t most) override {
    for (; most > 0 && next_ < options_.readings; --most, ++next_) {
      const auto number = options_.first + next_;
      const auto second = next_ - number * 7 % 3 + (number % 50 == 49 ? 7 * 86'400 : 0);
      Reading reading{fmt::format("coast {}", number % 3), number, Timestamp{} + std::chrono::seconds(100 + second)};
      batch.events.append_move(mailroom::event_type_of<Reading>(), &reading, {reading.at});
    }
    return next_ < options_.readings ? mailroom::ReadStatus::more : mailroom::ReadStatus::end;
  }
  [[nodiscard]] nlohmann::json position() const override { return next_; }
  void seek(const nlohmann::json& position) override { next_ = position.get<std::int64_t>(); }

 private:
  const GaugeOptions options_;
  std::int64_t next_ = 0;
};
MAILROOM_SOURCE(Gauge, "tide_gauge")

struct Water {
  std::int64_t readings = 0, numbers = 0;
};
MAILROOM_STRUCT(Water, readings, numbers)

class Levels : public mailroom::Windowed<Levels, Water> {
 public:
  using Emits = mailroom::Events<Level, TooLate>;
  using Windowed::Windowed;
  void add(const Reading& reading, Water& water) noexcept {
    ++water.readings;
    water.numbers += reading.number;
  }
  void result(const mailroom::Window& window, const Water& water, mailroom::Context& context) {
    context.emit(Level{std::string(context.key()), window.start, water.readings, water.numbers});
  }
  void late(const Reading& reading, const mailroom::Window&, mailroom::Context& context) { context.emit(TooLate{reading.coast, reading.number}); }
};
MAILROOM_ACTOR(Levels, Reading, mailroom::WindowDue)

// Each reading is in one window or was too late, or was refused for its date; a coast's windows come once each and in order:
// idle or not, time never goes back.
class EveryReadingIsAccountedFor : public mailroom::Invariant {
 public:
  void check(const mailroom::RestingScenario& run) const override {
    if (run.has_given_up()) return;
    std::int64_t given = 0, found = 0, numbers = 0;
    for (const auto* gauge : {"north", "south"})
      for (const auto& reading : run.input<Reading>(gauge)) {
        ++given;
        numbers += reading.number;
      }
    std::map<std::string, Timestamp> last;
    for (const auto& level : run.output<Level>("levels_list")) {
      found += level.readings;
      numbers -= level.numbers;
      const auto [before, is_new] = last.emplace(level.coast, level.from);
      if (!is_new && level.from <= before->second)
        throw mailroom::Broken(fmt::format("{}: the window from {} comes after that from {}", level.coast, level.from.to_string(), before->second.to_string()));
      before->second = level.from;
    }
    for (const auto& late : run.output<TooLate>("levels_list")) {
      ++found;
      numbers -= late.number;
    }
    for (const auto& letter : run.dead_letters()) {
      if (letter.at("kind") != "ahead") continue;
      ++found;
      numbers -= letter.at("payload").at("number").get<std::int64_t>();
    }
    if (found != given || numbers != 0) throw mailroom::Broken(fmt::format("{} readings came in, {} are accounted for; their numbers differ by {}", given, found, numbers));
  }
};
MAILROOM_INVARIANT(EveryReadingIsAccountedFor, "tides")

}  // namespace tides
