// The number of the last commit known to be safe, in the 32-byte file ACKNOWLEDGED beside the log.
//
// The store's recovery takes damage in the log's tail for a write that the crash cut short, and goes on
// without it. That is right for commits that nobody was told of. This number tells those from the others.
// It is written after the sync it speaks of and never synced itself, so after a power loss it may be older
// than the log, which only weakens the check; it cannot be newer.
//
// It is made and synced before the store is: a store without it has lost it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace mailroom::runtime {

class AcknowledgedMark {
 public:
  // make: makes and syncs the file where it is missing or cut short, so that later writes need no space.
  // write: it must be there; check: the same, only to read it. read: without it the number is 0.
  enum class Mode { make, write, check, read };
  // Throws CorruptData if the file is damaged or must be there and is not; StorageError if it cannot be used.
  AcknowledgedMark(const std::filesystem::path& directory, Mode mode);
  ~AcknowledgedMark();
  AcknowledgedMark(const AcknowledgedMark&) = delete;
  AcknowledgedMark& operator=(const AcknowledgedMark&) = delete;

  // The number at opening or last set; 0 if there was no file.
  [[nodiscard]] std::uint64_t commit() const noexcept { return commit_; }
  void set(std::uint64_t commit);  // throws StorageError

  // What is wrong with a mark that a store must have; nullopt: it is there and whole.
  static std::optional<std::string> what_is_wrong(const std::filesystem::path& directory);

 private:
  std::filesystem::path path_;
  int file_ = -1;
  std::uint64_t commit_ = 0;
};

}  // namespace mailroom::runtime
