// Where a record source's bytes come from: files one after another, a pipe, a growing file.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include <mailroom/source.hpp>

namespace mailroom {

// Used by one thread; never blocks (but for a disk's own time). Throws StorageError or BadValue on what it cannot
// go on from.
class Input {
 public:
  enum class Got : std::uint8_t {
    bytes,  // `count` of them, at least one
    wait,   // nothing at the moment
    end     // the current file has no more; on to next_file()
  };
  enum class Next : std::uint8_t { opened, wait, end };

  // How far the current file has been read. `before`: the bytes (up to 64) that end at `offset`, by which a file
  // replaced by another one is told after a restart.
  struct Place {
    std::uint64_t offset = 0;
    std::uint64_t line = 1;  // of the line that begins there
    std::string before;
    std::uint64_t records = 0;  // read so far, over all files
  };
  struct Resumed {
    bool opened = false;  // a file is open, to be read on at `place`; else next_file() opens one
    Place place;
  };

  virtual ~Input() = default;
  virtual Got read(char* to, std::size_t room, std::size_t& count) = 0;
  virtual Next next_file() = 0;
  // The current file, for messages and for DirtyInput::origin.
  [[nodiscard]] virtual const std::string& path() const = 0;
  [[nodiscard]] virtual const std::string& origin() const = 0;

  [[nodiscard]] virtual nlohmann::json position(const Place& place) const = 0;
  // Opens the file of a position. Throws StorageError if what was read of it is no longer there. The next read() gives
  // the file's first byte, and rewind() the bytes from `offset` on.
  virtual Resumed seek(const nlohmann::json& position) = 0;
  virtual void rewind(std::uint64_t offset) = 0;
  [[nodiscard]] virtual SourceProgress progress(std::uint64_t offset) const = 0;
  // What people should know of the input and no record says; moved out.
  [[nodiscard]] virtual std::vector<DirtyInput> take_notes() { return {}; }
};

}  // namespace mailroom
