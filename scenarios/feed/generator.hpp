// A social network's actions, made up: `feed_generator`. The same options give the same actions; each is computed from the
// seed and its number alone, so that going on in the middle costs nothing. User 1 is the most followed, by Zipf's law; what
// is liked is recent and mostly of the much followed; what is taken back (unfollow, unlike, remove, unblock) was done before.
#pragma once

#include <mailroom/seeded_choice.hpp>

#include "scenarios/feed/events.hpp"

namespace feed {

struct GeneratorOptions {
  std::int64_t actions = 100'000;
  std::int64_t users = 2'000;
  std::uint64_t seed = 1;
  Timestamp start{1'767'225'600'000'000};  // 2026-01-01
  std::int64_t per_second = 2;             // actions
  std::vector<std::int64_t> thresholds;    // moves the threshold between pushing and pulling so often, evenly over the run
};
MAILROOM_OPTIONS(GeneratorOptions, actions, users, seed, start, per_second, thresholds)

class FeedGenerator : public mailroom::Source {
 public:
  using Options = GeneratorOptions;
  using Emits = mailroom::Events<Action>;
  // Throws BadValue for options that make no sense.
  explicit FeedGenerator(const GeneratorOptions& options);

  mailroom::ReadStatus read(mailroom::SourceBatch& batch, std::size_t max_events) override;
  [[nodiscard]] nlohmann::json position() const override { return {{"action", next_}}; }
  void seek(const nlohmann::json& position) override { next_ = position.is_null() ? 1 : position.at("action").get<std::int64_t>(); }
  [[nodiscard]] mailroom::SourceProgress progress() const override;

  // Action `number`, from 1.
  [[nodiscard]] Action action(std::int64_t number) const;

 private:
  [[nodiscard]] Kind kind_of(std::int64_t number) const;
  [[nodiscard]] std::int64_t earlier(std::int64_t number, Kind kind, mailroom::SeededChoice& choice) const;
  [[nodiscard]] std::int64_t poster(std::int64_t number) const;

  GeneratorOptions options_;
  mailroom::Zipf famous_, active_;
  std::int64_t next_ = 1;
};
MAILROOM_SOURCE(FeedGenerator, "feed_generator")

}  // namespace feed
