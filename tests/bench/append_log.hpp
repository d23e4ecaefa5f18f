// The floor under a journal: the same bytes in the same batches appended to one file, and one fdatasync for all
// that was appended since the last.
#pragma once

#include <cstdint>
#include <filesystem>

#include "tests/bench/workload.hpp"

namespace bench {

struct AppendShape {
  std::filesystem::path directory;
  std::size_t bytes_per_batch = 0;
  std::uint64_t batches = 0;
};
struct AppendResult {
  Measured measured;
  std::uint64_t syncs = 0;
  double sync_p50_us = 0, sync_p99_us = 0, sync_max_us = 0;
};
// Throws std::system_error.
AppendResult run_append(const AppendShape& shape);

}  // namespace bench
