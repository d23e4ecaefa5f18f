#include <mailroom/check_report.hpp>

#include <algorithm>
#include <fmt/ostream.h>
#include <fstream>
#include <stdexcept>

#include <mailroom/invariant.hpp>

namespace mailroom {

std::uint64_t CheckReport::violations() const {
  std::uint64_t sum = 0;
  for (const auto& finding : findings) sum += finding.violations;
  return sum;
}

void CheckReport::print(std::ostream& out) const {
  std::size_t width = 0;
  for (const auto& finding : findings) width = std::max(width, finding.invariant.size());
  fmt::print(out, "{:<{}}  {:>10}  {:>10}\n", "INVARIANT", width, "CHECKED", "VIOLATIONS");
  for (const auto& finding : findings) {
    fmt::print(out, "{:<{}}  {:>10}  {:>10}\n", finding.invariant, width, finding.checked, finding.violations);
    for (const auto& offender : finding.first) fmt::print(out, "    {}\n", offender);
  }
}

void CheckReport::throw_if_broken() const {
  for (const auto& finding : findings)
    if (finding.violations > 0)
      throw Broken(fmt::format("{}: {} of {} do not hold; {}", finding.invariant, finding.violations, finding.checked,
                               fmt::join(finding.first, "; ")));
}

nlohmann::json read_json_file(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error(fmt::format("{}: can't be opened", file.string()));
  auto json = nlohmann::json::parse(in, nullptr, false);
  if (json.is_discarded()) throw std::runtime_error(fmt::format("{}: not JSON", file.string()));
  return json;
}

void each_json_line(const std::filesystem::path& file, const std::function<void(nlohmann::json row)>& take) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error(fmt::format("{}: can't be opened", file.string()));
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.empty()) continue;
    auto row = nlohmann::json::parse(line, nullptr, false);
    if (row.is_discarded())
      throw std::runtime_error(fmt::format("{}:{}: not JSON: {}", file.string(), number, line.substr(0, 100)));
    take(std::move(row));
  }
}

std::vector<nlohmann::json> read_json_lines(const std::filesystem::path& file) {
  std::vector<nlohmann::json> rows;
  each_json_line(file, [&](nlohmann::json row) { rows.push_back(std::move(row)); });
  return rows;
}

}  // namespace mailroom
