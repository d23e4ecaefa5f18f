// Appends to a file through a buffer, and takes back what was not committed.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include <mailroom/file_handle.hpp>

namespace mailroom {

// Writes all of it, over short writes and interruptions. Throws StorageError naming `path`; `written` then says how much
// the file has taken.
void write_all(const FileHandle& file, const std::string& path, std::string_view bytes, std::size_t& written);

// Positions are {"bytes": the file's length}. One writer at a time: it holds a lock on the file. All throw StorageError
// naming the file and what the system says (disk full, ...); after that the file is as it is until recover().
class FileWriter {
 public:
  static constexpr std::size_t buffer_size = 256 * 1024;

  explicit FileWriter(std::string path) : path_(std::move(path)) {}

  // Opens the file, creating it and its folders, and cuts it to the position: null, to nothing. Throws StorageError too
  // if the file is shorter than the position, which means that committed bytes are lost.
  void recover(const nlohmann::json& position);
  [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(file_); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::uint64_t length() const noexcept { return length_ + buffer_.size(); }

  // Append here, then call written().
  [[nodiscard]] std::string& buffer() noexcept { return buffer_; }
  void written() {
    if (buffer_.size() >= buffer_size) write_out();
  }
  nlohmann::json flush();
  // Never tried again after it failed: the system may have dropped what it could not write.
  void sync();

 private:
  void open();
  void write_out();

  std::string path_;
  FileHandle file_;
  std::string buffer_;
  std::uint64_t length_ = 0;  // of the file
  bool sync_failed_ = false;
};

}  // namespace mailroom
