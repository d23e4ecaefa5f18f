// How many different items there were, in 4 KB, whatever their number: HyperLogLog.
// Flajolet, Fusy, Gandouet, Meunier: "HyperLogLog" (2007); estimator: Ertl: "New cardinality estimation algorithms for
// HyperLogLog sketches" (2017), which needs no tables and no special cases.
//
//   DistinctCount visitors;                  a field of a state or an event; or {.precision = 14}
//   visitors.add(request.visitor);
//   all.merge(visitors);                     the same as if all had been added to one
//   visitors.estimate();
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <mailroom/fields.hpp>

namespace mailroom {

// Exact up to `exact_up_to` items (but for equal 64-bit hashes); beyond that the standard error is
// 1.04 / sqrt(2^precision): 1.6 % at 12. What was added in which order, and how it was merged, makes no difference to a
// single bit.
struct DistinctCount {
  static constexpr std::size_t exact_up_to = 64;

  std::uint32_t precision = 12;      // 4 to 16: 2^precision registers of a byte
  std::vector<std::uint64_t> few{};  // hashes, sorted, while there are at most exact_up_to
  std::string registers{};           // after that: the highest rank seen, as a character from '0'

  // Hashed as keys are: a text of digits is the same item as its number.
  void add(std::string_view item);
  void add(std::int64_t item);
  void add_hash(std::uint64_t hash);  // of 64 well mixed bits
  // Throws BadValue if the precisions differ.
  void merge(const DistinctCount& other);
  [[nodiscard]] double estimate() const;
  [[nodiscard]] static double standard_error(std::uint32_t precision);

 private:
  void to_registers();
  void raise(std::uint64_t hash);
};
MAILROOM_STRUCT(DistinctCount, precision, few, registers)

}  // namespace mailroom
