// What a scenario's checker found: `orders-check`, `feed-check` and simulation invariants report in the same words.
//
//   CheckReport report;
//   CheckedInvariant likes(report, "likes = number of likers");
//   for (const auto& post : posts) likes.expect(post.likes == post.likers, "post {}: {} likes", post.number, post.likes);
//   report.print(std::cout); return report.violations() == 0 ? 0 : 1;
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace mailroom {

struct Finding {
  std::string invariant;
  std::uint64_t checked = 0, violations = 0;
  std::vector<std::string> first;  // at most 5, each naming its offender
};

struct CheckReport {
  std::deque<Finding> findings;  // in the order in which they were checked
  [[nodiscard]] std::uint64_t violations() const;
  void print(std::ostream& out) const;
  // Throws Broken (invariant.hpp) with the first broken invariant in words; nothing if all hold.
  void throw_if_broken() const;
};

// One invariant being checked. The report outlives it.
class CheckedInvariant {
 public:
  CheckedInvariant(CheckReport& report, std::string invariant) : finding_(report.findings.emplace_back()) {
    finding_.invariant = std::move(invariant);
  }
  template <class... Args>
  void expect(bool holds, fmt::format_string<Args...> offender, Args&&... args) {
    ++finding_.checked;
    if (holds) return;
    ++finding_.violations;
    if (finding_.first.size() < 5) finding_.first.push_back(fmt::format(offender, std::forward<Args>(args)...));
  }

 private:
  Finding& finding_;
};

// A JSON file, such as a topology. Throws std::runtime_error naming the file.
nlohmann::json read_json_file(const std::filesystem::path& file);
// The rows of a .jsonl file, in order; one at a time, or all. Throws std::runtime_error naming file and line.
void each_json_line(const std::filesystem::path& file, const std::function<void(nlohmann::json row)>& take);
std::vector<nlohmann::json> read_json_lines(const std::filesystem::path& file);

}  // namespace mailroom
