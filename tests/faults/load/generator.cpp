// A source of numbered events, as fast as it may or at a steady rate, until a number of events or a time is reached.
#include <algorithm>
#include <fstream>
#include <optional>

#include "tests/faults/load/item.hpp"

namespace faults {

struct GeneratorOptions {
  std::uint64_t events = 0;  // 0: no end by number
  double seconds = 0;        // 0: no end by time
  std::uint64_t keys = 100;
  double rate = 0;            // events per second; 0: as fast as it is read
  std::string say_when_done;  // this file is made once the last event has been read
};
MAILROOM_OPTIONS(GeneratorOptions, events, seconds, keys, rate, say_when_done)

class Generator : public mailroom::Source {
 public:
  using Options = GeneratorOptions;
  using Emits = mailroom::Events<Item>;

  explicit Generator(const Options& options) : options_(options) {
    if (options.keys == 0) throw mailroom::BadValue("faults_generator: \"keys\" is 0; expected 1 or more");
  }

  mailroom::ReadStatus read(mailroom::SourceBatch& batch, std::size_t max_events) override {
    static const auto& type = mailroom::event_type_of<Item>();
    const auto now = steady_us();
    if (!begun_us_) begun_us_ = refilled_us_ = now;
    if (options_.seconds > 0 && static_cast<double>(now - *begun_us_) >= options_.seconds * 1e6) return end();
    auto count = static_cast<std::uint64_t>(max_events);
    if (options_.rate > 0) {
      // What could not be given in time is not made up for, beyond a quarter of a second: a source that was kept from
      // reading must show in the numbers.
      allowed_ = std::min(allowed_ + static_cast<double>(now - refilled_us_) * options_.rate / 1e6,
                          std::max(1.0, options_.rate / 4));
      refilled_us_ = now;
      count = std::min(count, static_cast<std::uint64_t>(allowed_));
      allowed_ -= static_cast<double>(count);
    }
    if (options_.events > 0) count = std::min(count, options_.events - std::min(options_.events, next_));
    for (const auto last = next_ + count; next_ < last; ++next_) {
      Item item{next_ % options_.keys, next_ / options_.keys + 1, 0, now};
      batch.events.append_move(type, &item, mailroom::EventMeta{});
    }
    if (options_.events > 0 && next_ >= options_.events) return end();
    return options_.rate > 0 && allowed_ < 1 ? mailroom::ReadStatus::idle : mailroom::ReadStatus::more;
  }
  [[nodiscard]] nlohmann::json position() const override { return next_; }
  void seek(const nlohmann::json& position) override { next_ = position.get<std::uint64_t>(); }
  [[nodiscard]] mailroom::SourceProgress progress() const override {
    if (options_.events == 0) return {next_, std::nullopt, "events"};
    return {next_, options_.events, "events"};
  }

 private:
  mailroom::ReadStatus end() {
    if (!options_.say_when_done.empty()) std::ofstream(options_.say_when_done) << next_ << '\n';
    return mailroom::ReadStatus::end;
  }

  const Options options_;
  std::uint64_t next_ = 0;
  std::optional<std::int64_t> begun_us_;
  std::int64_t refilled_us_ = 0;
  double allowed_ = 0;
};
MAILROOM_SOURCE(Generator, "faults_generator")

}  // namespace faults
