// Writes a session file (docs/telemetry-protocol.md): the frames of a node as they came, to be looked at later.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/face/telemetry_client.hpp"

namespace mailroom::cluster {

// One thread.
class SessionWriter {
 public:
  // `over`: over the session that is there, if one is. Throws BadValue as check() does, StorageError.
  explicit SessionWriter(const std::filesystem::path& file, bool over = false);
  // Throws BadValue for a file that is there already, unless it is a session and may be written over.
  static void check(const std::filesystem::path& file, bool over);
  // Takes a frame that came at that moment; the first must be "hello". Throws BadValue for what is no frame, StorageError.
  void add(std::string_view frame, std::int64_t at_us);
  // Writes the index; nothing may be added afterwards. A file without it can be read all the same.
  void close();
  [[nodiscard]] std::uint64_t bytes() const noexcept { return offset_; }

 private:
  void write(std::string_view bytes);
  void record(std::string_view frame, std::int64_t at_us);

  const std::filesystem::path file_;
  std::ofstream out_;
  std::uint64_t offset_ = 0;
  GaugeRows rows_;
  std::int64_t next_full_us_ = 0;
  std::vector<std::pair<std::int64_t, std::uint64_t>> index_;
};

}  // namespace mailroom::cluster
