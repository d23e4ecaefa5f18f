// Popularity: what the guide table finds is what a search over the whole table finds.
#include <gmock/gmock.h>

#include <mailroom/seeded_choice.hpp>

namespace mailroom {
namespace {

TEST(ZipfTest, DrawsWhatASearchOverAllWeightsFinds) {
  for (const std::size_t count : {1u, 2u, 3u, 100u, 20'000u})
    for (const double exponent : {0.0, 0.4, 1.0, 2.0}) {
      const Zipf zipf(count, exponent);
      std::vector<double> sums;
      double sum = 0;
      for (std::size_t i = 1; i <= count; ++i) sums.push_back(sum += std::pow(static_cast<double>(i), -exponent));
      const auto searched = [&](double u) {
        const auto found = std::upper_bound(sums.begin(), sums.end(), u * sum);
        return std::min(static_cast<std::size_t>(found - sums.begin()), count - 1);
      };
      std::vector<double> draws{0, 0x1.fffffffffffffp-1};
      SeededChoice choice(1, {"draws"}, count);
      for (int i = 0; i < 2'000; ++i) draws.push_back(choice.real());
      for (std::size_t i = 0; i < std::min<std::size_t>(count, 500); ++i) draws.push_back(static_cast<double>(i) / static_cast<double>(count));
      for (const auto u : draws) ASSERT_EQ(zipf.draw(u), searched(u)) << "u " << u << ", " << count << " with exponent " << exponent;
    }
}

}  // namespace
}  // namespace mailroom
