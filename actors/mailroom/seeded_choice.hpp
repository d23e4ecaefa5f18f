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

// Popularity: the n-th of `count` (at least 1) is drawn with weight 1 / n^exponent.
class Zipf {
 public:
  Zipf(std::size_t count, double exponent) {
    double sum = 0;
    cumulative_.reserve(count);
    for (std::size_t i = 1; i <= count; ++i) cumulative_.push_back(sum += std::pow(static_cast<double>(i), -exponent));
  }
  // `u` in [0, 1). The most popular is 0.
  [[nodiscard]] std::size_t draw(double u) const {
    const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end(), u * cumulative_.back());
    return std::min(static_cast<std::size_t>(found - cumulative_.begin()), cumulative_.size() - 1);
  }

 private:
  std::vector<double> cumulative_;
};

}  // namespace mailroom
