#include <algorithm>
#include <cctype>
#include <utility>

#include <mailroom/nearest_name.hpp>

namespace mailroom {
namespace {

// Two letters changed about count as one mistake, the commonest there is (optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  const auto same = [&](std::size_t i, std::size_t j) { return lower(a[i]) == lower(b[j]); };
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, last);
    std::swap(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same(i - 1, j - 1) ? 0 : 1)});
      if (i > 1 && j > 1 && same(i - 1, j - 2) && same(i - 2, j - 1)) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest_name(std::string_view written, const std::vector<std::string_view>& known) {
  if (written.size() > 200) return {};
  std::string_view best;
  auto least = std::max<std::size_t>(1, written.size() / 3) + 1;
  for (const auto name : known) {
    const auto d = distance(written, name);
    if (d < least) {
      least = d;
      best = name;
    }
  }
  return std::string(best);
}

}  // namespace mailroom
