// Cuts an input's bytes into lines, through one buffer, whatever the input's size.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <mailroom/sources/input.hpp>

namespace mailroom {

// A record is one line, or several in a row where a format puts line breaks inside quotes. Lines end in \n or \r\n; the
// last of a file may have no end. Not thread-safe.
class LineReader {
 public:
  enum class Status : std::uint8_t {
    line,      // record() is the line
    too_long,  // next(): a line longer than allowed was passed over, record() is its beginning.
               // extend(): the record would be longer than allowed; it is as it was
    wait,      // no whole line at the moment; the record is as it was
    pause,     // much was passed over and no line end found yet: call again, after giving others a turn
    end        // the file has no more lines
  };
  static constexpr std::size_t kept_before = 64;
  static constexpr std::size_t kept_of_long_line = 4096;

  LineReader(Input& input, std::size_t max_line);

  // Begins to read the input's current file at `place`, which must be where the input gives its next byte.
  void start(const Input::Place& place);
  // Goes to the next record: its first line.
  Status next();
  // Adds the next line to the record, which may become at most `max_record` bytes long.
  Status extend(std::size_t max_record);
  // Gives back all lines but the first / all lines: they are read again.
  void keep_first_line();
  void unread();

  // Without the last line's end. Valid until the next call that reads.
  [[nodiscard]] std::string_view record() const noexcept;
  // The record's first line, counted from 1.
  [[nodiscard]] std::uint64_t line() const noexcept { return line_; }
  [[nodiscard]] bool at_file_start() const noexcept { return base_ + begin_ == 0; }
  // After the record. A line that is only partly passed over counts as not read.
  [[nodiscard]] std::uint64_t offset() const noexcept { return skipping_ ? skip_offset_ : base_ + end_; }
  [[nodiscard]] std::uint64_t next_line() const noexcept { return line_ + lines_; }
  [[nodiscard]] std::string_view before() const noexcept;

 private:
  Status find_line(std::size_t max_record);
  Status skip();
  // Reads more bytes; `index` is kept pointing at its byte.
  Input::Got fill(std::size_t& index);

  Input& input_;
  std::size_t max_line_;
  std::vector<char> data_;
  std::uint64_t base_ = 0;     // data_[0]'s place in the file
  std::size_t begin_ = 0;      // the record is data_[begin_, end_)
  std::size_t first_end_ = 0;  // of its first line
  std::size_t end_ = 0;
  std::size_t filled_ = 0;
  std::uint64_t line_ = 1;
  std::uint64_t lines_ = 0;    // in the record
  bool at_end_ = false;
  bool long_line_ = false;     // record() is skipped_
  bool skipping_ = false;
  std::uint64_t skip_offset_ = 0;
  std::string skip_before_, skipped_;
};

}  // namespace mailroom
