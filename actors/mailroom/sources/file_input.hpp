// A file, or the files of a directory in the order of their names.
#pragma once

#include <mailroom/file_handle.hpp>
#include <mailroom/sources/input.hpp>

namespace mailroom {

struct FileInputSettings {
  std::string path;
  std::vector<std::string> extensions;  // of a directory's files, such as ".csv"
  std::string pattern;                  // instead of them: a glob for their names
  bool follow = false;
};

// A directory is read flat; hidden files are left out. Its files are those that are there at the start. With `follow`
// it never ends: the last file is read as it grows, to its last whole line, until a file with a later name appears; a
// file that appears under an earlier name than the one being read is not read, and noted.
// Position: {"file": its name, "offset", "line", "records", "before"}.
class FileInput final : public Input {
 public:
  // Throws StorageError (no such path) and BadValue (nothing in it to read, no regular file).
  explicit FileInput(FileInputSettings settings);

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
  struct Entry {
    std::string name;
    std::uint64_t size = 0;
  };
  [[nodiscard]] std::vector<Entry> list() const;
  [[nodiscard]] bool is_ours(const std::string& name) const;
  // Looks for new files; true if there is one after the current.
  bool look_again();
  void open(std::size_t index);

  FileInputSettings settings_;
  bool directory_ = false;
  std::vector<Entry> files_;
  std::int64_t listed_as_of_ = 0;  // the folder's time of change when it was listed, ns; 0: list it again
  std::size_t current_ = 0;      // files_[current_] is open, if any is
  std::uint64_t done_before_ = 0;  // bytes of the files before
  std::uint64_t total_ = 0;
  FileHandle file_;
  std::uint64_t read_to_ = 0;
  std::string path_, origin_;
  std::vector<DirtyInput> notes_;
};

}  // namespace mailroom
