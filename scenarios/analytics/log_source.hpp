// Where lines come from: "access_log" reads files, "access_log_generator" makes lines of the same shape from a seed. A line
// without a client or a time is dirt; what else may be wrong with it is for the stage `parse`.
#pragma once

#include <memory>
#include <string>

#include <mailroom/seeded_choice.hpp>
#include <mailroom/source.hpp>

#include "scenarios/analytics/events.hpp"

namespace analytics {

// A file, or a folder of *.log files read in name order ("path"). With "follow" it waits for more.
struct AccessLogOptions {
  std::int64_t max_line = 64 * 1024;
  bool follow = false;
};
MAILROOM_OPTIONS(AccessLogOptions, max_line, follow)

class AccessLog final : public mailroom::Source {
 public:
  using Options = AccessLogOptions;
  using Emits = mailroom::Events<LogLine>;
  AccessLog(const AccessLogOptions& options, const mailroom::SourceSettings& settings);

  mailroom::ReadStatus read(mailroom::SourceBatch& batch, std::size_t max_events) override { return lines_->read(batch, max_events); }
  [[nodiscard]] nlohmann::json position() const override { return lines_->position(); }
  void seek(const nlohmann::json& position) override { lines_->seek(position); }
  [[nodiscard]] mailroom::SourceProgress progress() const override { return lines_->progress(); }

 private:
  std::unique_ptr<mailroom::Source> lines_;
};

struct LogGeneratorOptions {
  std::uint64_t lines = 100'000;
  std::uint64_t seed = 1;
  Timestamp start{1'431'820'800'000'000};  // 2015-05-17
  std::uint64_t per_minute = 4'000;
  std::uint64_t visitors = 20'000, paths = 400;
  double disordered = 0.2;     // share of lines that come up to 8 s after their time
  double late = 0.004;         // share that comes 20 s to 3 minutes after it
  double duplicates = 0.01;    // share that repeats one of the last per_minute / 2 lines
  double dirt = 0.005;
  double ahead = 0.0005;       // share that says it is a year later than it is
};
MAILROOM_OPTIONS(LogGeneratorOptions, lines, seed, start, per_minute, visitors, paths, disordered, late, duplicates, dirt, ahead)

// Each line is a function of the seed and its number: going on in the middle costs nothing.
class LogGenerator final : public mailroom::Source {
 public:
  using Options = LogGeneratorOptions;
  using Emits = mailroom::Events<LogLine>;
  explicit LogGenerator(const LogGeneratorOptions& options);  // throws BadValue

  mailroom::ReadStatus read(mailroom::SourceBatch& batch, std::size_t max_events) override;
  [[nodiscard]] nlohmann::json position() const override { return {{"next", next_}}; }
  void seek(const nlohmann::json& position) override { next_ = position.at("next").get<std::uint64_t>(); }
  [[nodiscard]] mailroom::SourceProgress progress() const override { return {next_, options_.lines, "events"}; }

  // The line of that number, in the order in which they arrive.
  void line(std::uint64_t number, std::string& text) const;

 private:
  [[nodiscard]] bool repeats(std::uint64_t number) const;

  const LogGeneratorOptions options_;
  mailroom::Zipf visitors_, paths_;
  std::uint64_t next_ = 0;
  std::string text_;
};

}  // namespace analytics
