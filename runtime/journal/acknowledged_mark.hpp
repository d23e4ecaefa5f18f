// The number of the last commit known to be safe, in the 32-byte file ACKNOWLEDGED beside the log.
//
// The store's recovery takes damage in the log's tail for a write that the crash cut short, and goes on
// without it. That is right for commits that nobody was told of. This number tells those from the others.
// It is written after the sync it speaks of and never synced itself, so after a power loss it may be older
// than the log, which only weakens the check; it cannot be newer.
#pragma once

#include <cstdint>
#include <filesystem>

namespace mailroom::runtime {

class AcknowledgedMark {
 public:
  enum class Mode { write, read };
  // write: makes and syncs the file where it is missing, so that later writes need no space.
  // Throws CorruptData if the file is damaged, StorageError if it cannot be used.
  AcknowledgedMark(const std::filesystem::path& directory, Mode mode);
  ~AcknowledgedMark();
  AcknowledgedMark(const AcknowledgedMark&) = delete;
  AcknowledgedMark& operator=(const AcknowledgedMark&) = delete;

  // The number at opening or last set; 0 if there was no file.
  [[nodiscard]] std::uint64_t commit() const noexcept { return commit_; }
  void set(std::uint64_t commit);  // throws StorageError

 private:
  std::filesystem::path path_;
  int file_ = -1;
  std::uint64_t commit_ = 0;
};

}  // namespace mailroom::runtime
