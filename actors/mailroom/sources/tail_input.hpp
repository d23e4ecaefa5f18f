// A file that another program appends to, and replaces by a new one from time to time.
#pragma once

#include <chrono>

#include <mailroom/file_handle.hpp>
#include <mailroom/sources/input.hpp>

namespace mailroom {

// Never ends. A file that is not there yet is waited for; its folder must be there.
// Rotation (the path leads to another file): the old file is read until nothing has been added to it for `rotate_wait`,
// its last line with or without an end; then the new one from its beginning. After a restart the old file is looked for,
// by its inode, in the same folder.
// Truncation (the same file, now shorter: logrotate's copytruncate) and an old file that is gone after a restart: what
// was not yet read of it can't be told, so this is noted as dirty input, and reading begins at the start of the file.
// Not seen: a file that was both created and rotated away while nobody read; a truncated file that has grown past its
// old length before it was looked at.
// Position: {"inode", "offset", "line", "records", "before"}.
class TailInput final : public Input {
 public:
  // Throws StorageError if the path's folder is not there.
  TailInput(std::string path, std::chrono::microseconds rotate_wait);

  Got read(char* to, std::size_t room, std::size_t& count) override;
  Next next_file() override;
  [[nodiscard]] const std::string& path() const override { return path_; }
  [[nodiscard]] const std::string& origin() const override { return origin_; }
  [[nodiscard]] nlohmann::json position(const Place& place) const override;
  Resumed seek(const nlohmann::json& position) override;
  void rewind(std::uint64_t offset) override;
  [[nodiscard]] SourceProgress progress(std::uint64_t offset) const override;
  [[nodiscard]] std::vector<DirtyInput> take_notes() override { return std::exchange(notes_, {}); }

 private:
  // False if there is no file at `path`.
  bool open(const std::string& path);
  void note(std::string reason);

  std::string path_, origin_;
  std::chrono::microseconds rotate_wait_;
  FileHandle file_;
  std::uint64_t inode_ = 0;
  std::uint64_t read_to_ = 0;
  std::uint64_t done_before_ = 0;  // bytes of the files before this one, in this process
  std::chrono::steady_clock::time_point quiet_since_{};  // once rotated
  bool rotated_ = false;
  std::vector<DirtyInput> notes_;
};

}  // namespace mailroom
