// The workload of `mailroom bench`: generator -> validate -> running total per customer -> a sink that checks
// the order of each customer's events. 64-byte events, customers by a power law.
#pragma once

#include <cstdint>
#include <string>

namespace mailroom::program {

struct BenchShape {
  std::uint64_t events = 2'000'000;
  std::uint32_t customers = 10'000;
  std::uint32_t shards = 8;
  std::uint32_t capacity = 8192;
  bool durable = false;
};

// The topology as JSON text, for load_topology_text().
std::string bench_topology(const BenchShape& shape);

// What the checking sink saw in this process since the last call.
struct BenchSeen {
  std::uint64_t events = 0;
  std::uint64_t out_of_order = 0;
};
BenchSeen take_bench_seen();

}  // namespace mailroom::program
