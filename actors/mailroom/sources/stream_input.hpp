// Bytes that come once: standard input, a pipe.
#pragma once

#include <mailroom/file_handle.hpp>
#include <mailroom/sources/input.hpp>

namespace mailroom {

// Position: {"records"}: a pipe can't be rewound, so seek() only goes on counting. What was read from it and not yet
// committed when the process died is lost, unless its writer sends it again.
class StreamInput final : public Input {
 public:
  // `fd` is duplicated. Throws StorageError if it is not open.
  explicit StreamInput(int fd);

  Got read(char* to, std::size_t room, std::size_t& count) override;
  Next next_file() override { return std::exchange(begun_, true) ? Next::end : Next::opened; }
  [[nodiscard]] const std::string& path() const override { return name_; }
  [[nodiscard]] const std::string& origin() const override { return name_; }
  [[nodiscard]] nlohmann::json position(const Place& place) const override { return {{"records", place.records}}; }
  Resumed seek(const nlohmann::json& position) override;
  void rewind(std::uint64_t) override {}
  [[nodiscard]] SourceProgress progress(std::uint64_t offset) const override;

 private:
  std::string name_;
  FileHandle file_;
  bool begun_ = false;
};

}  // namespace mailroom
