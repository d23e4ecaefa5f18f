#include "runtime/journal/acknowledged_mark.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <string_view>
#include <unistd.h>

#include <mailroom/batch_codec.hpp>
#include <mailroom/errors.hpp>
#include <mailroom/file_handle.hpp>

namespace mailroom::runtime {

namespace {

constexpr std::string_view magic = "MRACK1\n\n";
constexpr std::size_t mark_size = 32, commit_at = 8, crc_at = 28;  // bytes 16 to 27 are zero

std::array<char, mark_size> encode_mark(std::uint64_t commit) {
  std::array<char, mark_size> bytes{};
  std::memcpy(bytes.data(), magic.data(), magic.size());
  for (std::size_t i = 0; i < 8; ++i) bytes[commit_at + i] = static_cast<char>(commit >> (8 * i));
  const auto crc = crc32c(std::string_view(bytes.data(), crc_at));
  for (std::size_t i = 0; i < 4; ++i) bytes[crc_at + i] = static_cast<char>(crc >> (8 * i));
  return bytes;
}

[[noreturn]] void refuse(const std::filesystem::path& path, const char* what) {
  throw CorruptData(fmt::format(
      "{}: {}. It says how far the log had been acknowledged; without it a log that has lost its end looks like a whole one. "
      "Restore the file from a copy of the same moment, or go on with the log as it is: `mailroom journal accept {}`",
      path.string(), what, path.parent_path().string()));
}

}  // namespace

AcknowledgedMark::AcknowledgedMark(const std::filesystem::path& directory, Mode mode)
    : path_(directory / "ACKNOWLEDGED") {
  const auto fail = [&](const char* what) {
    const int error = errno;
    if (file_ >= 0) ::close(file_);
    throw storage_error(path_.string(), what, error);
  };
  file_ = ::open(path_.c_str(), (mode == Mode::make ? O_RDWR | O_CREAT : mode == Mode::write ? O_RDWR : O_RDONLY) | O_CLOEXEC, 0644);
  if (file_ < 0) {
    if (mode == Mode::read && errno == ENOENT) return;
    if ((mode == Mode::write || mode == Mode::check) && errno == ENOENT) refuse(path_, "is missing");
    fail("cannot be opened");
  }
  std::array<char, mark_size> bytes{};
  const auto size = ::pread(file_, bytes.data(), mark_size, 0);
  if (size < 0) fail("cannot be read");
  // It is written whole and synced before anything can be acknowledged: one that is too short is not made yet.
  if (size < static_cast<ssize_t>(mark_size)) {
    if (mode == Mode::read) return;
    if (mode == Mode::write || mode == Mode::check) {
      ::close(file_);
      refuse(path_, "is cut short");
    }
    try {
      set(0);
    } catch (...) {
      ::close(file_);
      throw;
    }
    const int folder = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = ::fdatasync(file_) == 0 && folder >= 0 && ::fsync(folder) == 0;
    if (folder >= 0) ::close(folder);
    if (!synced) fail("cannot be synced");
    return;
  }
  for (std::size_t i = 0; i < 8; ++i)
    commit_ |= std::uint64_t{static_cast<unsigned char>(bytes[commit_at + i])} << (8 * i);
  if (bytes != encode_mark(commit_)) {
    ::close(file_);
    refuse(path_, "is damaged");
  }
}

AcknowledgedMark::~AcknowledgedMark() {
  if (file_ >= 0) ::close(file_);
}

std::optional<std::string> AcknowledgedMark::what_is_wrong(const std::filesystem::path& directory) {
  try {
    const AcknowledgedMark mark(directory, Mode::check);
    return std::nullopt;
  } catch (const CorruptData& error) {
    return error.what();
  }
}

void AcknowledgedMark::set(std::uint64_t commit) {
  const auto bytes = encode_mark(commit);
  const auto written = ::pwrite(file_, bytes.data(), bytes.size(), 0);
  if (written != static_cast<ssize_t>(bytes.size())) {
    throw storage_error(path_.string(), "cannot be written", written < 0 ? errno : EIO);
  }
  commit_ = commit;
}

}  // namespace mailroom::runtime
