#include <mailroom/sketches/quantiles.hpp>

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

#include <mailroom/errors.hpp>

namespace mailroom {

void Quantiles::add(double value, std::int64_t times) {
  if (!(value >= 0) || std::isinf(value)) throw BadValue(fmt::format("Quantiles of {}: expected a number from 0", value));
  if (value < least) {
    zeros += times;
    return;
  }
  add_to(static_cast<std::int64_t>(std::ceil(std::log(value) / std::log((1 + accuracy) / (1 - accuracy)))), times);
}

void Quantiles::add_to(std::int64_t bucket, std::int64_t times) {
  constexpr auto most = static_cast<std::int64_t>(most_buckets);
  if (counts.empty()) first = bucket;
  const auto size = static_cast<std::int64_t>(counts.size());
  if (bucket < first) {
    // The least values share a bucket if there would be too many.
    const auto from = std::max(bucket, first + size - most);
    if (from < first) counts.insert(counts.begin(), static_cast<std::size_t>(first - from), 0);
    first = std::min(first, from);
  } else if (bucket >= first + size) {
    counts.resize(static_cast<std::size_t>(bucket - first + 1), 0);
    if (const auto over = bucket - first + 1 - most; over > 0) {
      const auto kept = counts.begin() + static_cast<std::ptrdiff_t>(std::min<std::int64_t>(over, size));
      const auto below = std::accumulate(counts.begin(), kept, std::int64_t{0});
      counts.erase(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(over));
      counts.front() += below;
      first += over;
    }
  }
  counts[static_cast<std::size_t>(std::max(bucket, first) - first)] += times;
}

void Quantiles::merge(const Quantiles& other) {
  if (accuracy != other.accuracy)
    throw BadValue(fmt::format("Quantiles of accuracy {} and {} can't be merged: make both with the same", accuracy, other.accuracy));
  zeros += other.zeros;
  if (other.counts.empty()) return;
  // The greatest first: room is made once.
  for (auto i = other.counts.size(); i-- > 0;)
    if (other.counts[i] != 0) add_to(other.first + static_cast<std::int64_t>(i), other.counts[i]);
}

std::int64_t Quantiles::count() const { return std::accumulate(counts.begin(), counts.end(), zeros); }

double Quantiles::quantile(double q) const {
  const auto all = count();
  if (all == 0) return 0;
  const auto rank = static_cast<std::int64_t>(std::clamp(q, 0.0, 1.0) * static_cast<double>(all - 1));
  auto passed = zeros;
  if (rank < passed) return 0;
  const auto gamma = (1 + accuracy) / (1 - accuracy);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    passed += counts[i];
    if (rank < passed) return 2 * std::pow(gamma, static_cast<double>(first + static_cast<std::int64_t>(i))) / (gamma + 1);
  }
  return 0;
}

}  // namespace mailroom
