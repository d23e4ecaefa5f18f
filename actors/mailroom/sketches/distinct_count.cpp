#include <mailroom/sketches/distinct_count.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include <mailroom/errors.hpp>
#include <mailroom/key_hash.hpp>

namespace mailroom {
namespace {

constexpr char zero = '0';

// Ertl, section 4: the parts of the estimator for registers that are still 0, and for those at their highest value.
double sigma(double x) {
  if (x == 1.0) return std::numeric_limits<double>::infinity();
  double y = 1, z = x;
  for (double before = -1; z != before;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}
double tau(double x) {
  if (x == 0.0 || x == 1.0) return 0;
  double y = 1, z = 1 - x;
  for (double before = -1; z != before;) {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

}  // namespace

void DistinctCount::add(std::string_view item) { add_hash(hash_key(item)); }
void DistinctCount::add(std::int64_t item) { add_hash(hash_integer_key(item)); }

void DistinctCount::add_hash(std::uint64_t hash) {
  if (!registers.empty()) return raise(hash);
  const auto at = std::lower_bound(few.begin(), few.end(), hash);
  if (at != few.end() && *at == hash) return;
  few.insert(at, hash);
  if (few.size() > exact_up_to) to_registers();
}

void DistinctCount::to_registers() {
  if (precision < 4 || precision > 16)
    throw BadValue(fmt::format("a DistinctCount of precision {}: expected 4 to 16", precision));
  registers.assign(std::size_t{1} << precision, zero);
  for (const auto hash : few) raise(hash);
  few.clear();
}

void DistinctCount::raise(std::uint64_t hash) {
  const auto index = hash >> (64 - precision);
  const auto rest = hash << precision;
  const auto rank = std::min<unsigned>(static_cast<unsigned>(std::countl_zero(rest)), 64 - precision) + 1;
  auto& value = registers[index];
  value = std::max(value, static_cast<char>(zero + static_cast<int>(rank)));
}

void DistinctCount::merge(const DistinctCount& other) {
  if (precision != other.precision)
    throw BadValue(fmt::format("DistinctCounts of precision {} and {} can't be merged: make both with the same", precision,
                               other.precision));
  for (const auto hash : other.few) add_hash(hash);
  if (other.registers.empty()) return;
  if (registers.empty()) to_registers();
  for (std::size_t i = 0; i < registers.size(); ++i) registers[i] = std::max(registers[i], other.registers[i]);
}

double DistinctCount::estimate() const {
  if (registers.empty()) return static_cast<double>(few.size());
  const auto highest = 64 - precision + 1;
  std::vector<std::uint32_t> with_rank(highest + 1, 0);
  for (const char value : registers) ++with_rank[std::min<std::size_t>(static_cast<std::size_t>(value - zero), highest)];
  const auto m = static_cast<double>(registers.size());
  auto z = m * tau(1 - with_rank[highest] / m);
  for (auto rank = highest - 1; rank >= 1; --rank) z = 0.5 * (z + with_rank[rank]);
  z += m * sigma(with_rank[0] / m);
  return m * m / (2 * std::log(2.0) * z);
}

double DistinctCount::standard_error(std::uint32_t precision) {
  return 1.04 / std::sqrt(static_cast<double>(std::uint64_t{1} << precision));
}

}  // namespace mailroom
