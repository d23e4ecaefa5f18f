#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mailroom/file_handle.hpp>
#include <mailroom/safe_folder.hpp>

namespace mailroom {
namespace fs = std::filesystem;

namespace {

FileHandle open_folder(const fs::path& folder) {
  return FileHandle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

void sync(const FileHandle& handle, const fs::path& folder) {
  if (!handle) throw storage_error(folder.string(), "the folder can't be opened", errno);
  if (::fsync(handle.get()) != 0) throw storage_error(folder.string(), "the folder can't be synced", errno);
}

}  // namespace

void sync_folder(const fs::path& folder) { sync(open_folder(folder), folder); }

void make_safe_folder(const fs::path& folder) {
  auto path = fs::absolute(folder).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "data/"
  if (path == path.root_path()) return;
  const auto above = path.parent_path();
  std::error_code error;
  const bool is_there = fs::exists(path, error);
  if (!is_there) {
    make_safe_folder(above);
    if (::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST)
      throw storage_error(path.string(), "the folder can't be created", errno);
  }
  const auto handle = open_folder(above);
  if (!handle && errno == EACCES && is_there) return;  // made by someone who may do more than we
  sync(handle, above);
}

}  // namespace mailroom
