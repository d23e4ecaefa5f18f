// Who may use a journal's directory: one process that writes, or any number that read.
#pragma once

#include <filesystem>

namespace mailroom::runtime {

// Held while it lives; the system frees it when the process dies, however it dies. The file OWNER in the
// directory carries it and names the writer's process.
class DirectoryLock {
 public:
  enum class Mode { write, read };
  // write: creates directory and file where they are missing. read: changes nothing.
  // Throws StorageError: in use by another process (named), not a journal's directory (read), not permitted.
  DirectoryLock(const std::filesystem::path& directory, Mode mode);
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  ~DirectoryLock();

 private:
  int file_ = -1;
};

}  // namespace mailroom::runtime
