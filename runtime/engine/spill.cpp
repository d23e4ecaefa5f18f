#include "runtime/engine/spill.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <mailroom/batch_codec.hpp>
#include <mailroom/errors.hpp>

namespace mailroom::runtime {
namespace {

struct Header {
  std::uint64_t length;
  std::uint64_t first_sequence;
  std::int64_t watermark;
  std::uint64_t skipped;
  std::uint64_t channel;
};

[[noreturn]] void refuse(const char* what, const std::filesystem::path& directory) {
  throw StorageError(
      fmt::format("can't {} a spilled mailbox in {}: {}; free space there, or set TMPDIR to another folder", what,
                  directory.string(), std::strerror(errno)));
}

}  // namespace

SpillFile::~SpillFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void SpillFile::open() {
  auto name = (directory_ / "mailroom-spill-XXXXXX").string();
  descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor_ < 0) refuse("create", directory_);
  ::unlink(name.c_str());  // it goes with the process
}

void SpillFile::append(const Parcel& parcel) {
  if (descriptor_ < 0) open();
  buffer_.assign(sizeof(Header), '\0');
  encode_batch(*parcel.batch, buffer_);
  const Header header{buffer_.size() - sizeof(Header), parcel.first_sequence, parcel.watermark.micros, parcel.skipped,
                      parcel.channel};
  std::memcpy(buffer_.data(), &header, sizeof header);
  std::size_t written = 0;
  while (written < buffer_.size()) {
    const auto n =
        ::pwrite(descriptor_, buffer_.data() + written, buffer_.size() - written, static_cast<off_t>(end_ + written));
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = ENOSPC;  // a write that takes nothing and says nothing
    if (n <= 0) refuse("write", directory_);
    written += static_cast<std::size_t>(n);
  }
  end_ += buffer_.size();
}

std::optional<Parcel> SpillFile::read() {
  if (read_at_ == end_) return std::nullopt;
  const auto read_all = [&](char* to, std::size_t count, std::uint64_t at) {
    std::size_t done = 0;
    while (done < count) {
      const auto n = ::pread(descriptor_, to + done, count - done, static_cast<off_t>(at + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) refuse("read", directory_);
      if (n == 0) throw CorruptData("a spilled mailbox's file was cut short by someone else");
      done += static_cast<std::size_t>(n);
    }
  };
  Header header{};
  read_all(reinterpret_cast<char*>(&header), sizeof header, read_at_);
  if (header.length > end_ - read_at_ - sizeof header)
    throw CorruptData("a spilled mailbox's file was changed by someone else");
  buffer_.resize(header.length);
  read_all(buffer_.data(), header.length, read_at_ + sizeof header);
  read_at_ += sizeof header + header.length;
  Parcel parcel;
  parcel.channel = static_cast<ChannelId>(header.channel);
  parcel.first_sequence = header.first_sequence;
  parcel.skipped = header.skipped;
  parcel.watermark = Timestamp{header.watermark};
  parcel.batch = std::make_shared<EventBatch>(decode_batch(buffer_));
  release_what_was_read();
  return parcel;
}

// A mailbox that never quite empties would otherwise fill the disk with what is long done.
void SpillFile::release_what_was_read() {
  if (read_at_ == end_) {
    released_ = read_at_ = end_ = 0;
    if (::ftruncate(descriptor_, 0) != 0) refuse("shorten", directory_);
  } else if (read_at_ - released_ >= release_step) {
    // A file system that can't cut holes keeps the bytes until the file is empty: nothing is wrong but its size.
    ::fallocate(descriptor_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(released_),
                static_cast<off_t>(read_at_ - released_));
    released_ = read_at_ - read_at_ % 4096;  // the block that is read in part goes with the next step
  }
}

}  // namespace mailroom::runtime
