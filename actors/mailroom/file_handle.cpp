#include <cerrno>
#include <fmt/format.h>
#include <system_error>
#include <unistd.h>

#include <mailroom/file_handle.hpp>

namespace mailroom {

FileHandle::~FileHandle() {
  if (fd_ >= 0) ::close(fd_);
}

StorageError storage_error(std::string_view path, std::string_view what_failed, int error) {
  const auto advice = [error]() -> std::string_view {
    switch (error) {
      case ENOSPC:
      case EDQUOT:
      case EFBIG: return "; free space there, then start again";
      case EIO: return "; look at the disk (dmesg), then start again";
      default: return "";
    }
  };
  return StorageError(fmt::format("{}: {}: {}{}", path, what_failed, std::generic_category().message(error), advice()));
}

long read_some(const FileHandle& file, const std::string& path, char* to, std::size_t room) {
  for (;;) {
    const auto got = ::read(file.get(), to, room);
    if (got >= 0) return got;
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return -1;
    throw storage_error(path, "can't be read", errno);
  }
}

std::string read_at(const FileHandle& file, const std::string& path, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const auto got = ::pread(file.get(), bytes.data() + done, size - done, static_cast<off_t>(offset + done));
    if (got == 0) break;
    if (got > 0)
      done += static_cast<std::size_t>(got);
    else if (errno != EINTR)
      throw storage_error(path, "can't be read", errno);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace mailroom
