#include "runtime/journal/directory_lock.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <string>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

#include <mailroom/errors.hpp>
#include <mailroom/file_handle.hpp>
#include <mailroom/safe_folder.hpp>

namespace mailroom::runtime {

DirectoryLock::DirectoryLock(const std::filesystem::path& directory, Mode mode) {
  const auto path = directory / "OWNER";
  if (mode == Mode::write) {
    make_safe_folder(directory);
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  } else {
    file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  }
  if (file_ < 0) {
    if (mode == Mode::read && (errno == ENOENT || errno == ENOTDIR))
      throw StorageError(
          fmt::format("journal {}: there is no journal here: give the directory that `mailroom run --data` names",
                      directory.string()));
    throw storage_error(path.string(), "cannot be opened", errno);
  }
  if (::flock(file_, (mode == Mode::write ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
    const int error = errno;
    char text[64] = {};
    const auto size = ::pread(file_, text, sizeof text - 1, 0);
    ::close(std::exchange(file_, -1));
    if (error != EWOULDBLOCK) throw storage_error(path.string(), "cannot be locked", error);
    std::string owner(text, size > 0 ? static_cast<std::size_t>(size) : 0);
    while (!owner.empty() && owner.back() == '\n') owner.pop_back();
    throw StorageError(fmt::format("journal {}: in use by {}: stop it first, or give another directory",
                                   directory.string(),
                                   owner.empty() ? "another process" : "another process (last writer: " + owner + ")"));
  }
  if (mode == Mode::write) {
    const auto owner = fmt::format("process {}\n", ::getpid());
    // Only information for the message above: a failure to write it harms nobody.
    if (::ftruncate(file_, 0) != 0 || ::pwrite(file_, owner.data(), owner.size(), 0) < 0) errno = 0;
  }
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

DirectoryLock::~DirectoryLock() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace mailroom::runtime
