#include <mailroom/sinks/file_writer.hpp>

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mailroom/safe_folder.hpp>
#include <mailroom/saved_position.hpp>

namespace mailroom {
namespace fs = std::filesystem;
void write_all(const FileHandle& file, const std::string& path, std::string_view bytes, std::size_t& written) {
  for (written = 0; written < bytes.size();) {
    const auto took = ::write(file.get(), bytes.data() + written, bytes.size() - written);
    if (took >= 0) written += static_cast<std::size_t>(took);
    else if (errno != EINTR) throw storage_error(path, "can't be written", errno);
  }
}

void FileWriter::open() {
  const auto path = fs::absolute(path_).lexically_normal();
  std::error_code error;
  if (fs::exists(path, error) && !fs::is_regular_file(path, error))
    throw StorageError(fmt::format("{}: is no regular file, expected one to be written and cut; for the terminal or a pipe, use the sink \"console\"", path_));
  make_safe_folder(path.parent_path());
  file_ = FileHandle(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  if (!file_) throw storage_error(path_, "can't be opened for writing", errno);
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    file_ = FileHandle();
    if (reason == EWOULDBLOCK)
      throw StorageError(fmt::format("{}: another sink or process is writing to it; give each sink a file of its own", path_));
    throw storage_error(path_, "can't be locked", reason);
  }
  sync_folder(path.parent_path());  // also of a file that is there: whoever made it may have been killed before this
}

void FileWriter::recover(const nlohmann::json& position) {
  const auto bytes = position.is_null() ? 0 : saved_number(position, "bytes", path_);
  buffer_.clear();
  if (!file_) open();
  struct stat now {};
  if (::fstat(file_.get(), &now) != 0) throw storage_error(path_, "can't be read", errno);
  const auto size = static_cast<std::uint64_t>(now.st_size);
  if (size < bytes) {
    file_ = FileHandle();
    throw StorageError(fmt::format("{}: has {} bytes, and {} were committed: the file lost committed bytes; put it back as it was, "
                                   "or start with an empty journal", path_, size, bytes));
  }
  if (size > bytes && ::ftruncate(file_.get(), static_cast<off_t>(bytes)) != 0) throw storage_error(path_, "can't be cut to its last commit", errno);
  if (::lseek(file_.get(), static_cast<off_t>(bytes), SEEK_SET) < 0) throw storage_error(path_, "can't be written", errno);
  length_ = bytes;
}

void FileWriter::write_out() {
  std::size_t written = 0;
  try {
    write_all(file_, path_, buffer_, written);
  } catch (...) {
    length_ += written;
    buffer_.erase(0, written);
    throw;
  }
  length_ += written;
  buffer_.clear();
}

nlohmann::json FileWriter::flush() {
  if (!buffer_.empty()) write_out();
  return {{"bytes", length_}};
}

void FileWriter::sync() {
  if (!file_) return;
  if (!sync_failed_ && ::fdatasync(file_.get()) == 0) return;
  const int reason = sync_failed_ ? EIO : errno;
  sync_failed_ = true;
  throw storage_error(path_, "can't be synced; what was written since the last sync may be lost", reason);
}

}  // namespace mailroom
