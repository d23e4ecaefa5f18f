// The workload of `mailroom bench`: generator -> validate -> running total per customer -> a sink that checks
// the order of each customer's events. Customers by a power law.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mailroom::program {

struct BenchShape {
  std::uint64_t events = 2'000'000;
  std::uint32_t customers = 10'000;
  std::uint32_t shards = 8;
  std::uint32_t capacity = 8192;
  std::uint32_t event_bytes = 64;  // 64: a struct of eight numbers; else two numbers and a text, 16 or more
  double rate = 0;                 // events per second; 0: as fast as it goes
  std::uint64_t backlog = 0;       // the sink stands still until as many events have been generated
  bool durable = false;
};

// The topology as JSON text, for load_topology_text().
std::string bench_topology(const BenchShape& shape);

struct BenchLatency {
  double p50_us = 0, p99_us = 0, p999_us = 0, max_us = 0;
};

// What the checking sink saw in this process since the last call.
struct BenchSeen {
  std::uint64_t events = 0;
  std::uint64_t out_of_order = 0;
  // From the time at which an event was due (not given: a source that is held up does not hide it) to the sink.
  // Only with a rate.
  std::optional<BenchLatency> latency;
};
BenchSeen take_bench_seen();

}  // namespace mailroom::program
