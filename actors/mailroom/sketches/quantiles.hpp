// Percentiles of values from 0, each within a relative error: DDSketch.
// Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees" (2019).
//
//   Quantiles latency;                       a field of a state or an event; or {.accuracy = 0.005}
//   latency.add(12.5);
//   all.merge(latency);                      the same as if all had been added to one
//   latency.quantile(0.99);
#pragma once

#include <cstdint>
#include <vector>

#include <mailroom/fields.hpp>

namespace mailroom {

// quantile(q) is within `accuracy` (relative) of the value of rank floor(q * (count - 1)) among all values, sorted. Eight
// bytes for each bucket between the least and the greatest value: 115 buckets a power of ten at 1 %. Beyond
// most_buckets (17 powers of ten at 1 %) the least values share a bucket and lose the promise. What was added in which
// order, and how it was merged, makes no difference.
struct Quantiles {
  static constexpr std::size_t most_buckets = 2048;
  static constexpr double least = 1e-9;  // what is below counts as 0

  double accuracy = 0.01;
  std::int64_t zeros = 0;
  std::int64_t first = 0;               // the bucket of counts[0]
  std::vector<std::int64_t> counts{};   // bucket i: values in (g^(i-1), g^i] with g = (1 + accuracy) / (1 - accuracy)

  // Throws BadValue for a negative value or one that is no number.
  void add(double value, std::int64_t times = 1);
  // Throws BadValue if the accuracies differ.
  void merge(const Quantiles& other);
  [[nodiscard]] std::int64_t count() const;
  // 0 if nothing was added.
  [[nodiscard]] double quantile(double q) const;

 private:
  void add_to(std::int64_t bucket, std::int64_t times);
};
MAILROOM_STRUCT(Quantiles, accuracy, zeros, first, counts)

}  // namespace mailroom
