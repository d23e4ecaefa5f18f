// The session file of docs/telemetry-protocol.md: the frames as they came, with the time of each, and an index by the second.
#pragma once

#include <QFile>
#include <vector>

#include "dashboard/source/frames.hpp"

namespace mailroom::dashboard {

inline constexpr char session_magic[] = "MAILROOM-SESSION-1\n";

// Writes one. After the first failed write error() says so and nothing more is written. One thread.
class SessionWriter {
 public:
  explicit SessionWriter(const QString& path);
  ~SessionWriter() { close(); }
  void frame(const QByteArray& bytes, Micros at_us);
  // One that names every row: a reader can begin here.
  void full_frame(const QByteArray& bytes, Micros at_us);
  // Writes the index. Without it (the recorder was killed) the file is still readable.
  void close();
  [[nodiscard]] const QString& error() const noexcept { return error_; }
  [[nodiscard]] QString path() const { return file_.fileName(); }

 private:
  void write(const QByteArray& bytes);
  QFile file_;
  QString error_;
  std::vector<std::pair<Micros, quint64>> index_;
};

// Reads one from its begin. One thread.
class SessionReader {
 public:
  explicit SessionReader(const QString& path);
  struct Record { Micros at_us; QByteArray bytes; };
  // The next frame; nothing at the end, at a record cut short, or after an error.
  std::optional<Record> next();
  [[nodiscard]] const QString& error() const noexcept { return error_; }  // names the file and what is wrong
  [[nodiscard]] double done() const;                                       // 0..1
  [[nodiscard]] bool indexed() const noexcept { return indexed_; }         // the recorder closed it
  // (time, offset) of the full frames, as the recorder left them; empty without an index.
  [[nodiscard]] std::vector<std::pair<Micros, quint64>> index();

 private:
  QFile file_;
  QString error_;
  qint64 size_ = 0, end_ = 0;
  bool indexed_ = false;
};

}  // namespace mailroom::dashboard
