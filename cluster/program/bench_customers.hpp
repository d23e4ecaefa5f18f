// Which customer pays in the n-th payment of the benchmark: ranks by a power law (s = 1). Reproducible: the n-th
// is always the same. Shared with tests/bench, where the same workload runs without Mailroom.
#pragma once

#include <cstdint>
#include <vector>

namespace mailroom::program {

class BenchCustomers {
 public:
  explicit BenchCustomers(std::uint32_t customers) : customers_(customers) {
    double sum = 0;
    for (std::uint32_t rank = 1; rank <= customers; ++rank) sum += 1.0 / rank;
    double reached = 0;
    std::uint32_t rank = 0;
    table_.reserve(table_size);
    for (std::uint32_t i = 0; i < table_size; ++i) {
      while (rank + 1 < customers && reached + 1.0 / (rank + 1) < sum * i / table_size) reached += 1.0 / ++rank;
      table_.push_back(rank);
    }
  }

  [[nodiscard]] std::uint64_t of(std::uint64_t n) const noexcept {
    const auto drawn = mix(n);
    const auto slot = drawn & (table_size - 1);
    const auto first = table_[slot];
    // A slot of the table stands for all ranks up to the next slot's: so every customer pays, however many they are.
    const auto end = slot + 1 < table_size ? table_[slot + 1] : customers_;
    return end <= first + 1 ? first : first + (drawn >> 32) % (end - first);
  }

 private:
  static constexpr std::uint32_t table_size = 65536;
  static std::uint64_t mix(std::uint64_t n) noexcept {
    n += 0x9E3779B97F4A7C15ull;  // splitmix64 (Steele, Lea, Flood, 2014)
    n = (n ^ (n >> 30)) * 0xBF58476D1CE4E5B9ull;
    n = (n ^ (n >> 27)) * 0x94D049BB133111EBull;
    return n ^ (n >> 31);
  }

  const std::uint32_t customers_;
  std::vector<std::uint32_t> table_;
};

}  // namespace mailroom::program
