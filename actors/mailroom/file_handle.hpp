// An open file of the system, closed with its owner; and the system's errors in words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <mailroom/errors.hpp>

namespace mailroom {

class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int fd) noexcept : fd_(fd) {}
  FileHandle(FileHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileHandle& operator=(FileHandle&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileHandle();

  [[nodiscard]] int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// "orders.csv: can't be opened: No such file or directory", from errno as `error`; for a full or failing disk with what
// to do about it.
StorageError storage_error(std::string_view path, std::string_view what_failed, int error);

// ::read, begun again when a signal interrupts it. Throws StorageError naming `path`; 0 at the end. A non-blocking file
// with nothing to give at the moment: -1.
long read_some(const FileHandle& file, const std::string& path, char* to, std::size_t room);
// Up to `size` bytes from `offset`; fewer only at the file's end.
std::string read_at(const FileHandle& file, const std::string& path, std::uint64_t offset, std::size_t size);

}  // namespace mailroom
