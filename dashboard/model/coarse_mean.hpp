// What several fine samples make as one coarse one: the mean of rates and depths that were known, the worst of waits.
#pragma once

#include <algorithm>
#include <cmath>

#include "dashboard/model/history.hpp"

namespace mailroom::dashboard {

class Mean {
 public:
  void add(float value) {
    if (std::isnan(value)) return;
    sum_ += value;
    ++known_;
  }
  [[nodiscard]] float value() const { return known_ == 0 ? not_known : sum_ / static_cast<float>(known_); }

 private:
  float sum_ = 0;
  int known_ = 0;
};

class Worst {
 public:
  void add(float value) { if (!std::isnan(value)) value_ = std::isnan(value_) ? value : std::max(value_, value); }
  [[nodiscard]] float value() const { return value_; }

 private:
  float value_ = not_known;
};

struct StageMean {
  Mean in, out, depth;
  Worst wait_p99_us;
  void add(const StageSample& sample) {
    in.add(sample.in);
    out.add(sample.out);
    depth.add(sample.depth);
    wait_p99_us.add(sample.wait_p99_us);
  }
  [[nodiscard]] StageSample sample() const { return {.in = in.value(), .out = out.value(), .wait_p99_us = wait_p99_us.value(), .depth = depth.value()}; }
};

struct TotalMean {
  Mean ingest, out, queued, disorder, retries;
  Worst wait_p99_us;
  Counts so_far;  // the latest that were known
  void add(const TotalSample& sample) {
    ingest.add(sample.ingest);
    out.add(sample.out);
    queued.add(sample.queued);
    disorder.add(sample.disorder);
    retries.add(sample.retries);
    wait_p99_us.add(sample.wait_p99_us);
    for (const auto count : {&Counts::ingested, &Counts::disordered, &Counts::dead_letters, &Counts::restarts})
      if (!std::isnan(sample.so_far.*count)) so_far.*count = sample.so_far.*count;
  }
  [[nodiscard]] TotalSample sample() const {
    return {.ingest = ingest.value(), .out = out.value(), .queued = queued.value(), .wait_p99_us = wait_p99_us.value(),
            .disorder = disorder.value(), .retries = retries.value(), .so_far = so_far};
  }
};

}  // namespace mailroom::dashboard
