// Memory mode's spilled mailbox: parcels written to an unlinked temporary file and read back in order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "runtime/journal/journal.hpp"

namespace mailroom::runtime {

// Where a mailbox spills to in memory mode. One thread.
class Spill {
 public:
  virtual ~Spill() = default;
  virtual void append(const Parcel& parcel) = 0;
  // The oldest parcel not read yet.
  virtual std::optional<Parcel> read() = 0;
};
using MakeSpill = std::function<std::unique_ptr<Spill>()>;

// Throws StorageError when the disk fails or is full.
class SpillFile final : public Spill {
 public:
  explicit SpillFile(std::filesystem::path directory) : directory_(std::move(directory)) {}
  ~SpillFile() override;
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  void append(const Parcel& parcel) override;
  // What has been read goes back to the disk in steps of `release_step`, and the file
  // shrinks to nothing once all is read. Throws CorruptData if someone else changed the file.
  std::optional<Parcel> read() override;

 private:
  static constexpr std::uint64_t release_step = 1 << 20;  // bytes
  void open();
  void release_what_was_read();
  std::filesystem::path directory_;
  int descriptor_ = -1;
  std::uint64_t released_ = 0, read_at_ = 0, end_ = 0;  // released_ <= read_at_ <= end_
  std::string buffer_;
};

}  // namespace mailroom::runtime
