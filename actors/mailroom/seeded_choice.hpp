// Chance that does not depend on when or how often it is asked: the same seed and words give the same answer. For
// generators of input, and for actors that must be repeatable.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace mailroom {

constexpr std::uint64_t scramble(std::uint64_t x) {  // splitmix64
  x += 0x9E37'79B9'7F4A'7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58'476D'1CE4'E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D0'49BB'1331'11EBull;
  return x ^ (x >> 31);
}

class SeededChoice {
 public:
  constexpr SeededChoice(std::uint64_t seed, std::initializer_list<std::string_view> words, std::uint64_t number = 0)
      : state_(scramble(seed ^ scramble(number))) {
    for (const auto word : words) {
      for (const char c : word) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100'0000'01B3ull;  // FNV-1a
      state_ = scramble(state_);
    }
  }
  // Each call draws anew. In [0, 1).
  constexpr double real() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  constexpr bool chance(double probability) { return real() < probability; }
  // In [low, high].
  constexpr std::int64_t integer(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
  }

 private:
  constexpr std::uint64_t next() { return scramble(state_++); }
  std::uint64_t state_;
};

// Popularity: the n-th of `count` (at least 1) is drawn with weight 1 / n^exponent. A draw takes a few steps, however many
// there are: a guide table (Chen, Asau: "On generating random variates from an empirical distribution", 1974) says where to
// begin.
class Zipf {
 public:
  Zipf(std::size_t count, double exponent) {
    double sum = 0;
    cumulative_.reserve(count);
    for (std::size_t i = 1; i <= count; ++i) cumulative_.push_back(sum += std::pow(static_cast<double>(i), -exponent));
    guide_.reserve(count);
    for (std::size_t i = 0, at = 0; i < count; ++i) {
      while (cumulative_[at] <= static_cast<double>(i) / static_cast<double>(count) * sum) ++at;
      guide_.push_back(static_cast<std::uint32_t>(at));
    }
  }
  // `u` in [0, 1). The most popular is 0.
  [[nodiscard]] std::size_t draw(double u) const {
    const auto last = cumulative_.size() - 1;
    auto at = static_cast<std::size_t>(guide_[std::min(static_cast<std::size_t>(u * static_cast<double>(guide_.size())), last)]);
    while (at > 0 && cumulative_[at - 1] > u * cumulative_[last]) --at;  // where rounding has led beyond
    while (at < last && cumulative_[at] <= u * cumulative_[last]) ++at;
    return at;
  }

 private:
  std::vector<double> cumulative_;
  std::vector<std::uint32_t> guide_;  // where to begin for u = i / count
};

}  // namespace mailroom
