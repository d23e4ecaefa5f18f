#include "tests/bench/append_log.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace bench {
namespace {

class File {
 public:
  explicit File(std::filesystem::path path)
      : path_(std::move(path)), descriptor_(::open(path_.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600)) {
    if (descriptor_ < 0) fail("open");
  }
  ~File() {
    ::close(descriptor_);
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  void append(const std::string& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
      const auto written = ::write(descriptor_, bytes.data() + done, bytes.size() - done);
      if (written < 0) fail("write");
      done += static_cast<std::size_t>(written);
    }
  }
  void sync() {
    if (::fdatasync(descriptor_) != 0) fail("fdatasync");
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    throw std::system_error(errno, std::generic_category(), what + (" " + path_.string()));
  }
  const std::filesystem::path path_;
  const int descriptor_;
};

}  // namespace

AppendResult run_append(const AppendShape& shape) {
  File file(shape.directory / ("append-" + std::to_string(::getpid()) + ".log"));
  std::string bytes(shape.bytes_per_batch, '\0');
  std::uint64_t random = 1;  // a disk that compresses must not have it easier
  for (auto& byte : bytes) byte = static_cast<char>((random = random * 6364136223846793005ull + 1442695040888963407ull) >> 56);

  const Stopwatch stopwatch;
  std::atomic<std::uint64_t> appended{0};
  std::vector<double> syncs;
  std::exception_ptr failed;
  std::thread syncer([&] {
    try {
      for (std::uint64_t synced = 0; synced < shape.batches;) {
        appended.wait(synced);
        const auto upto = appended.load();
        const auto begin = std::chrono::steady_clock::now();
        file.sync();
        syncs.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
        synced = upto;
      }
    } catch (...) {
      failed = std::current_exception();
    }
  });
  std::exception_ptr append_failed;
  try {
    for (std::uint64_t i = 0; i < shape.batches; ++i) {
      file.append(bytes);
      ++appended;
      appended.notify_one();
    }
  } catch (...) {
    append_failed = std::current_exception();
    appended = shape.batches;
    appended.notify_one();
  }
  syncer.join();
  if (append_failed) std::rethrow_exception(append_failed);
  if (failed) std::rethrow_exception(failed);

  AppendResult result;
  result.measured = stopwatch.read();
  result.syncs = syncs.size();
  std::sort(syncs.begin(), syncs.end());
  const auto at = [&](double q) { return syncs.empty() ? 0 : syncs[std::min(syncs.size() - 1, static_cast<std::size_t>(q * static_cast<double>(syncs.size())))]; };
  result.sync_p50_us = at(0.5);
  result.sync_p99_us = at(0.99);
  result.sync_max_us = syncs.empty() ? 0 : syncs.back();
  return result;
}

}  // namespace bench
