#include <mailroom/sources/tail_input.hpp>

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mailroom/saved_position.hpp>
#include <mailroom/sources/read_position.hpp>

namespace mailroom {
namespace fs = std::filesystem;

TailInput::TailInput(std::string path, std::chrono::microseconds rotate_wait)
    : path_(std::move(path)), origin_(fs::path(path_).filename().string()), rotate_wait_(rotate_wait) {
  const auto folder = fs::absolute(path_).parent_path();
  std::error_code error;
  if (!fs::is_directory(folder, error))
    throw StorageError(fmt::format("{}: the folder {} is not there; create it, or correct \"path\"", path_, folder.string()));
}

bool TailInput::open(const std::string& path) {
  FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file && errno == ENOENT) return false;
  if (!file) throw storage_error(path, "can't be opened", errno);
  struct stat found {};
  if (::fstat(file.get(), &found) != 0) throw storage_error(path, "can't be read", errno);
  if (!S_ISREG(found.st_mode)) throw BadValue(fmt::format("{}: expected a file that grows; for a pipe, use the source \"stdin\"", path));
  file_ = std::move(file);
  inode_ = found.st_ino;
  done_before_ += read_to_;
  read_to_ = 0;
  rotated_ = false;
  return true;
}

void TailInput::note(std::string reason) { notes_.push_back({origin_, std::move(reason), {}}); }

Input::Next TailInput::next_file() { return open(path_) ? Next::opened : Next::wait; }

Input::Got TailInput::read(char* to, std::size_t room, std::size_t& count) {
  struct stat now {};
  if (::fstat(file_.get(), &now) != 0) throw storage_error(path_, "can't be read", errno);
  if (static_cast<std::uint64_t>(now.st_size) < read_to_) {
    note(fmt::format("the file was shortened from at least {} bytes to {}; expected it to grow. It is read again from its start; "
                     "what had been written to it and not yet read is not known", read_to_, now.st_size));
    return Got::end;
  }
  if (const auto got = read_some(file_, path_, to, room); got > 0) {
    count = static_cast<std::size_t>(got);
    read_to_ += count;
    rotated_ = false;
    return Got::bytes;
  }
  struct stat there {};
  if (::stat(path_.c_str(), &there) != 0 || there.st_ino == inode_) {
    rotated_ = false;
    return Got::wait;
  }
  // The writer may still have the old file open for a moment.
  const auto moment = std::chrono::steady_clock::now();
  if (!rotated_) quiet_since_ = moment;
  rotated_ = true;
  return moment - quiet_since_ >= rotate_wait_ ? Got::end : Got::wait;
}

nlohmann::json TailInput::position(const Place& place) const {
  auto position = place_to_json(place);
  position["inode"] = file_ ? inode_ : 0;
  return position;
}

Input::Resumed TailInput::seek(const nlohmann::json& position) {
  const auto saved = place_from_json(position, path_);
  const auto inode = saved_number(position, "inode", path_);
  Resumed resumed;
  resumed.place.records = saved.records;
  if (inode == 0) return resumed;
  const auto is_it = [&](const std::string& path) {
    if (!open(path)) return false;
    read_to_ = done_before_ = 0;
    auto place = inode_ == inode ? find_place(file_, path, saved) : std::nullopt;
    if (!place) return false;
    resumed = {true, std::move(*place)};
    return true;
  };
  if (is_it(path_)) return resumed;
  std::error_code error;
  fs::directory_iterator entry(fs::absolute(path_).parent_path(), error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    struct stat found {};
    if (::stat(entry->path().c_str(), &found) == 0 && found.st_ino == inode && S_ISREG(found.st_mode) && is_it(entry->path().string()))
      return resumed;
  }
  file_ = FileHandle();
  note(fmt::format("{} bytes of this file were read before the restart, and the file is gone or was shortened; expected it here or, "
                   "rotated, in the same folder. Reading begins at the start of the present file; what had been written to the old "
                   "one and not yet read is not known", saved.offset));
  return resumed;
}

void TailInput::rewind(std::uint64_t offset) {
  if (::lseek(file_.get(), static_cast<off_t>(offset), SEEK_SET) < 0) throw storage_error(path_, "can't be read", errno);
  read_to_ = offset;
}

SourceProgress TailInput::progress(std::uint64_t offset) const {
  SourceProgress progress;
  progress.done = done_before_ + offset;
  return progress;
}

}  // namespace mailroom
