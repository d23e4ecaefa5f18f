// The sink of the load suite: checks each key's order and completeness, can stand still or be slow, and says what it
// saw in a JSON file at the end, not before: a busy disk would make it a slow sink at moments that nobody asked for.
#include <algorithm>
#include <bit>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <mailroom/json.hpp>

#include "runtime/engine/key_of_event.hpp"
#include "tests/faults/load/item.hpp"

namespace faults {

struct CheckOptions {
  std::uint64_t keys = 100;
  std::uint32_t shards = 1;   // of the stage that misbehaves: who shares a shard with the bad key
  std::int64_t bad_key = -1;  // whose neighbours are looked at
  std::int64_t still_ms = 0;  // writes nothing for so long after its first event
  std::string still_until;    // writes nothing until this file exists
  std::int64_t sleep_us = 0;  // for each event
};
MAILROOM_OPTIONS(CheckOptions, keys, shards, bad_key, still_ms, still_until, sleep_us)

// From made to written, in powers of the fourth root of 2.
class Latencies {
 public:
  void add(std::int64_t microseconds) {
    const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(microseconds, 1));
    const auto whole = static_cast<unsigned>(std::bit_width(us)) - 1;
    const auto quarter = whole < 2 ? 0 : (us >> (whole - 2)) & 3;
    ++counts_[whole * 4 + quarter];
    ++total_;
    longest_ = std::max(longest_, us);
  }
  [[nodiscard]] std::uint64_t quantile(double q) const {
    std::uint64_t passed = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      passed += counts_[i];
      if (total_ > 0 && static_cast<double>(passed) >= q * static_cast<double>(total_))
        return std::min(longest_, (std::uint64_t{1} << (i / 4)) * (5 + i % 4) / 4);
    }
    return 0;
  }
  [[nodiscard]] nlohmann::json json() const {
    return {{"events", total_}, {"p50_us", quantile(0.5)}, {"p99_us", quantile(0.99)}, {"longest_us", longest_}};
  }

 private:
  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(64 * 4);
  std::uint64_t total_ = 0, longest_ = 0;
};

class CheckSink : public mailroom::Sink {
 public:
  CheckSink(std::string path, const CheckOptions& options) : path_(std::move(path)), options_(options) {
    forget();
    const auto shard_of = [&](std::uint64_t key) {
      return mailroom::runtime::shard_of(mailroom::hash_key(std::to_string(key)), options_.shards);
    };
    for (std::uint64_t key = 0; key < options_.keys; ++key) {
      const bool bad = options_.bad_key >= 0 && static_cast<std::uint64_t>(options_.bad_key) == key;
      const bool beside =
          options_.bad_key >= 0 && shard_of(key) == shard_of(static_cast<std::uint64_t>(options_.bad_key));
      group_.push_back(bad ? bad_key : beside ? same_shard : others);
    }
  }
  ~CheckSink() override { save(); }

  void write(const mailroom::SinkEvent& out) override {
    const auto& item = *static_cast<const Item*>(out.event);
    stand_still();
    if (options_.sleep_us > 0) std::this_thread::sleep_for(std::chrono::microseconds(options_.sleep_us));
    if (item.key >= options_.keys)
      throw mailroom::BadValue("faults_check: event of key " + std::to_string(item.key) + "; expected below \"keys\", " +
                               std::to_string(options_.keys));
    auto& last = last_[item.key];
    if (item.number == last) {
      ++repeated_;
    } else if (item.number < last) {
      ++out_of_order_;
    } else {
      missing_ += item.number - last - 1;
      last = item.number;
    }
    if (item.counted != item.number) ++miscounted_;
    ++events_;
    ++count_[item.key];
    const auto now = wrote_us_ = steady_us();
    const auto group = group_[item.key];
    latencies_[group].add(now - item.made_us);
    if (group == others) {
      const auto slot = static_cast<std::size_t>((now - begun_us_) / 100'000);
      if (per_slot_.size() <= slot) per_slot_.resize(slot + 1, 0);
      ++per_slot_[slot];
    }
  }
  nlohmann::json flush() override {
    return {{"events", events_},   {"out_of_order", out_of_order_}, {"repeated", repeated_}, {"missing", missing_},
            {"miscounted", miscounted_}, {"last", last_},                 {"count", count_}};
  }
  void sync() override {}
  void recover(const nlohmann::json& position) override {
    forget();
    if (position.is_null()) return;
    events_ = position.at("events");
    out_of_order_ = position.at("out_of_order");
    repeated_ = position.at("repeated");
    missing_ = position.at("missing");
    miscounted_ = position.at("miscounted");
    last_ = position.at("last").get<std::vector<std::uint64_t>>();
    count_ = position.at("count").get<std::vector<std::uint64_t>>();
  }

 private:
  enum Group : std::uint8_t { bad_key, same_shard, others };

  void forget() {
    last_.assign(options_.keys, 0);
    count_.assign(options_.keys, 0);
    events_ = out_of_order_ = repeated_ = missing_ = miscounted_ = 0;
  }
  void stand_still() {
    if (begun_us_ == 0) begun_us_ = steady_us();
    if (stood_still_) return;
    stood_still_ = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(options_.still_ms));
    while (!options_.still_until.empty() && !std::filesystem::exists(options_.still_until))
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    recovered_us_ = steady_us();
  }
  void save() {
    const nlohmann::json seen = {{"events", events_},
                                 {"out_of_order", out_of_order_},
                                 {"repeated", repeated_},
                                 {"missing", missing_},
                                 {"miscounted", miscounted_},
                                 {"last", last_},
                                 {"count", count_},
                                 {"group", group_},
                                 {"drained_in", static_cast<double>(wrote_us_ - recovered_us_) / 1e6},
                                 {"others_per_100ms", per_slot_},
                                 {"latency",
                                  {{"bad_key", latencies_[bad_key].json()},
                                   {"same_shard", latencies_[same_shard].json()},
                                   {"others", latencies_[others].json()}}}};
    std::ofstream(path_) << seen.dump() << '\n';
  }

  const std::string path_;
  const CheckOptions options_;
  std::vector<std::uint8_t> group_;
  std::vector<std::uint64_t> last_, count_, per_slot_;
  std::uint64_t events_ = 0, out_of_order_ = 0, repeated_ = 0, missing_ = 0, miscounted_ = 0;
  Latencies latencies_[3];
  bool stood_still_ = false;
  std::int64_t begun_us_ = 0, recovered_us_ = 0, wrote_us_ = 0;
};

const bool check_sink_registered = mailroom::SinkTypes::add(
    {"faults_check", true, mailroom::schema_of<CheckOptions>(),
     [](const nlohmann::json& json) { (void)mailroom::from_json<CheckOptions>(json); },
     [](const mailroom::SinkSettings& settings) {
       return std::make_unique<CheckSink>(settings.path, mailroom::from_json<CheckOptions>(settings.options));
     }});

}  // namespace faults
