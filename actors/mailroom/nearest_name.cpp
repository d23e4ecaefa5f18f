#include <algorithm>
#include <cctype>

#include <mailroom/nearest_name.hpp>

namespace mailroom {
namespace {

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1)});
      diagonal = above;
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
