// How an event is written in a record of a file: CSV, JSON.
#pragma once

#include <string>

#include <mailroom/event_batch.hpp>
#include <mailroom/sources/line_reader.hpp>

namespace mailroom {

class RecordFormat {
 public:
  enum class Taken : std::uint8_t {
    event,  // appended
    dirty,  // the reason says why; the reader's record is what was refused
    blank,  // nothing in it
    wait    // the record is not all there yet; the reader stands before it
  };

  virtual ~RecordFormat() = default;
  // Called at the beginning of each file, with a reader that stands there. False: the header is not all there yet.
  // Throws BadValue if the file as a whole can't be read as events.
  virtual bool begin_file(LineReader&, const std::string& /*path*/) { return true; }
  [[nodiscard]] virtual bool has_header() const { return false; }
  // Makes an event of the record whose first line the reader stands on; may add lines to the record.
  virtual Taken take(LineReader& lines, EventBatch& events, std::string& reason) = 0;
};

}  // namespace mailroom
