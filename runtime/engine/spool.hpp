// Memory mode's spilled mailbox: parcels written to an unlinked temporary file and read back in order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "runtime/journal/journal.hpp"

namespace mailroom::runtime {

// One thread. Throws StorageError when the disk fails or is full.
class SpillFile {
 public:
  explicit SpillFile(std::filesystem::path directory) : directory_(std::move(directory)) {}
  ~SpillFile();
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  void append(const Parcel& parcel);
  // The oldest parcel not read yet. The file shrinks to nothing once all is read.
  std::optional<Parcel> read();

 private:
  void open();
  std::filesystem::path directory_;
  int descriptor_ = -1;
  std::uint64_t read_at_ = 0, end_ = 0;
  std::string buffer_;
};

}  // namespace mailroom::runtime
