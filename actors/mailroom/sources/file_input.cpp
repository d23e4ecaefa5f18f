#include <mailroom/sources/file_input.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <mailroom/sources/read_position.hpp>

namespace mailroom {
namespace fs = std::filesystem;

namespace {

// The folder's time of change in ns; 0 if that is so recent that another change may bear the same time.
std::int64_t folder_changed(const std::string& folder) {
  struct stat found {};
  timespec now{};
  if (::stat(folder.c_str(), &found) != 0) throw storage_error(folder, "the folder can't be read", errno);
  ::clock_gettime(CLOCK_REALTIME, &now);
  if (now.tv_sec - found.st_mtim.tv_sec < 2) return 0;
  return std::int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec;
}

}  // namespace

FileInput::FileInput(FileInputSettings settings) : settings_(std::move(settings)), path_(settings_.path) {
  struct stat found {};
  if (::stat(path_.c_str(), &found) != 0) throw storage_error(path_, "can't be read", errno);
  directory_ = S_ISDIR(found.st_mode);
  if (!directory_) {
    if (!S_ISREG(found.st_mode)) throw BadValue(fmt::format("{}: expected a file or a folder; for a pipe, use the source \"stdin\"", path_));
    if (settings_.follow) throw BadValue(fmt::format("{}: \"follow\" is for folders; for a file that grows, use the source \"tail\"", path_));
    if (!settings_.pattern.empty()) throw BadValue(fmt::format("{}: \"pattern\" is for folders, and this is a file", path_));
    files_ = {{fs::path(path_).filename().string(), static_cast<std::uint64_t>(found.st_size)}};
  } else {
    files_ = list();
    if (files_.empty() && !settings_.follow)
      throw BadValue(fmt::format("{}: no file in this folder {}", path_,
                                 settings_.pattern.empty() ? fmt::format("ends in {}; say which to read with \"pattern\"", fmt::join(settings_.extensions, " or "))
                                                           : fmt::format("matches the pattern \"{}\"", settings_.pattern)));
  }
  for (const auto& file : files_) total_ += file.size;
}

bool FileInput::is_ours(const std::string& name) const {
  if (name.starts_with('.')) return false;
  if (!settings_.pattern.empty()) return ::fnmatch(settings_.pattern.c_str(), name.c_str(), 0) == 0;
  return std::any_of(settings_.extensions.begin(), settings_.extensions.end(), [&](const auto& end) { return name.ends_with(end); });
}

std::vector<FileInput::Entry> FileInput::list() const {
  std::vector<Entry> found;
  std::error_code error;
  fs::directory_iterator entry(settings_.path, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    auto name = entry->path().filename().string();
    std::error_code gone;  // between listing and looking: not there, then
    if (!is_ours(name) || !entry->is_regular_file(gone)) continue;
    const auto size = entry->file_size(gone);
    if (!gone) found.push_back({std::move(name), size});
  }
  if (error) throw storage_error(settings_.path, "the folder can't be read", error.value());
  std::sort(found.begin(), found.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return found;
}

bool FileInput::look_again() {
  const auto as_of = folder_changed(settings_.path);
  if (as_of != 0 && as_of == listed_as_of_) return false;  // called where the known files are read
  listed_as_of_ = as_of;
  for (auto& entry : list()) {
    const auto at = std::lower_bound(files_.begin(), files_.end(), entry.name, [](const Entry& a, const std::string& name) { return a.name < name; });
    if (at != files_.end() && at->name == entry.name) continue;
    const auto index = static_cast<std::size_t>(at - files_.begin());
    const bool missed = file_ && index <= current_;
    if (missed) {
      notes_.push_back({fmt::format("{}/{}", settings_.path, entry.name),
                        fmt::format("this file appeared when {} was being read, and files are read in the order of their names; "
                                    "expected a later name: give it one to have it read", files_[current_].name),
                        {}});
      ++current_;
      done_before_ += entry.size;
    }
    total_ += entry.size;
    files_.insert(files_.begin() + static_cast<std::ptrdiff_t>(index), std::move(entry));
  }
  return file_ ? current_ + 1 < files_.size() : !files_.empty();
}

void FileInput::open(std::size_t index) {
  if (file_ && index > current_) done_before_ += files_[current_].size;
  current_ = index;
  const auto& name = files_[index].name;
  if (directory_) path_ = (fs::path(settings_.path) / name).string();
  const auto folder = fs::path(settings_.path).lexically_normal();
  origin_ = directory_ ? fmt::format("{}/{}", (folder.has_filename() ? folder : folder.parent_path()).filename().string(), name) : name;
  file_ = FileHandle(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file_) throw storage_error(path_, "can't be opened", errno);
  ::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  read_to_ = 0;
}

Input::Next FileInput::next_file() {
  const bool known = (file_ ? current_ + 1 : 0) < files_.size();
  if (!known && !(settings_.follow && look_again())) return settings_.follow ? Next::wait : Next::end;
  open(file_ ? current_ + 1 : 0);
  return Next::opened;
}

Input::Got FileInput::read(char* to, std::size_t room, std::size_t& count) {
  const auto got = read_some(file_, path_, to, room);
  if (got > 0) {
    count = static_cast<std::size_t>(got);
    read_to_ += count;
    return Got::bytes;
  }
  struct stat now {};
  if (::fstat(file_.get(), &now) != 0) throw storage_error(path_, "can't be read", errno);
  const auto size = static_cast<std::uint64_t>(now.st_size);
  if (size < read_to_)
    throw StorageError(fmt::format("{}: {} bytes were read and now it has {}: it was shortened while it was being read; "
                                   "put the file back and start again", path_, read_to_, size));
  auto& known = files_[current_].size;
  total_ += read_to_ - known;
  known = read_to_;
  if (!settings_.follow || current_ + 1 < files_.size() || look_again()) return Got::end;
  return Got::wait;
}

nlohmann::json FileInput::position(const Place& place) const {
  auto position = place_to_json(place);
  position["file"] = file_ ? nlohmann::json(files_[current_].name) : nlohmann::json(nullptr);
  return position;
}

Input::Resumed FileInput::seek(const nlohmann::json& position) {
  const auto saved = place_from_json(position, settings_.path);
  const auto file = position.value("file", nlohmann::json(nullptr));
  if (!file.is_string()) return {};
  const auto name = file.get<std::string>();
  const auto at = std::find_if(files_.begin(), files_.end(), [&](const Entry& entry) { return entry.name == name; });
  if (at == files_.end())
    throw StorageError(fmt::format("{}: line {} of {} was read before the restart, and this file is no longer there; "
                                   "put it back, or start over with --fresh", settings_.path, saved.line, name));
  file_ = FileHandle();
  open(static_cast<std::size_t>(at - files_.begin()));
  done_before_ = 0;
  for (auto before = files_.begin(); before != at; ++before) done_before_ += before->size;
  auto place = find_place(file_, path_, saved);
  if (!place)
    throw StorageError(fmt::format("{}: {} bytes of it were read before the restart, and it is no longer the same file (it has {} bytes); "
                                   "put the file back, or start over with --fresh", path_, saved.offset, at->size));
  return {true, std::move(*place)};
}

void FileInput::rewind(std::uint64_t offset) {
  if (::lseek(file_.get(), static_cast<off_t>(offset), SEEK_SET) < 0) throw storage_error(path_, "can't be read", errno);
  read_to_ = offset;
}

SourceProgress FileInput::progress(std::uint64_t offset) const {
  const auto done = done_before_ + (file_ ? offset : 0);
  SourceProgress progress;
  progress.done = done;
  if (!settings_.follow) progress.total = std::max(total_, done);
  return progress;
}

}  // namespace mailroom
