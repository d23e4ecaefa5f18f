#include "dashboard/source/session_file.hpp"

#include <QtEndian>

#include "dashboard/source/frame_codec.hpp"

namespace mailroom::dashboard {

namespace {
constexpr quint32 index_mark = 0xFFFFFFFF;
constexpr int head_bytes = 12;

template <typename Number> void append(QByteArray& to, Number value) {
  value = qToLittleEndian(value);
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}
}  // namespace

SessionWriter::SessionWriter(const QString& path) : file_(path) {
  if (!file_.open(QIODevice::WriteOnly | QIODevice::Truncate)) {
    error_ = QStringLiteral("%1 can't be written: %2").arg(path, file_.errorString());
    return;
  }
  write(QByteArray(session_magic));
}

void SessionWriter::write(const QByteArray& bytes) {
  if (!error_.isEmpty() || !file_.isOpen()) return;
  if (file_.write(bytes) != bytes.size()) error_ = QStringLiteral("%1 can't be written: %2").arg(file_.fileName(), file_.errorString());
}

void SessionWriter::frame(const QByteArray& bytes, Micros at_us) {
  QByteArray head;
  append(head, static_cast<quint32>(bytes.size()));
  append(head, static_cast<qint64>(at_us));
  write(head + bytes);
}

void SessionWriter::full_frame(const QByteArray& bytes, Micros at_us) {
  index_.emplace_back(at_us, static_cast<quint64>(file_.pos()));
  frame(bytes, at_us);
}

void SessionWriter::close() {
  if (!file_.isOpen()) return;
  const auto offset = static_cast<quint64>(file_.pos());
  QByteArray record;
  append(record, index_mark);
  append(record, static_cast<quint32>(index_.size()));
  for (const auto& [at, place] : index_) {
    append(record, static_cast<qint64>(at));
    append(record, place);
  }
  append(record, offset);
  write(record);
  if (error_.isEmpty() && !file_.flush()) error_ = QStringLiteral("%1 can't be written: %2").arg(file_.fileName(), file_.errorString());
  file_.close();
}

SessionReader::SessionReader(const QString& path) : file_(path) {
  if (!file_.open(QIODevice::ReadOnly)) {
    error_ = QStringLiteral("%1 can't be read: %2").arg(path, file_.errorString());
    return;
  }
  const qsizetype magic = qsizetype(sizeof session_magic) - 1;
  if (file_.read(magic) != QByteArray(session_magic)) {
    error_ = QStringLiteral("%1 is no recorded session: it should begin with MAILROOM-SESSION-1").arg(path);
    return;
  }
  size_ = end_ = file_.size();
  const auto begin = file_.pos();
  if (size_ >= begin + 16 && file_.seek(size_ - 8)) {
    quint64 offset = 0;
    if (file_.read(reinterpret_cast<char*>(&offset), 8) == 8) {
      offset = qFromLittleEndian(offset);
      quint32 head[2] = {0, 0};
      if (offset >= quint64(begin) && offset + 16 <= quint64(size_) && file_.seek(qint64(offset)) &&
          file_.read(reinterpret_cast<char*>(head), 8) == 8 && qFromLittleEndian(head[0]) == index_mark &&
          offset + 16 + quint64(qFromLittleEndian(head[1])) * 16 == quint64(size_)) {
        indexed_ = true;
        end_ = qint64(offset);
      }
    }
  }
  file_.seek(begin);
}

std::optional<SessionReader::Record> SessionReader::next() {
  if (!error_.isEmpty() || file_.pos() + head_bytes > end_) return std::nullopt;
  char head[head_bytes];
  if (file_.read(head, head_bytes) != head_bytes) return std::nullopt;
  const auto length = qFromLittleEndian<quint32>(head);
  const auto at = qFromLittleEndian<qint64>(head + 4);
  if (length == index_mark) return std::nullopt;
  if (length > max_frame_bytes) {
    error_ = QStringLiteral("%1 is damaged at byte %2: a frame of %3 bytes").arg(file_.fileName(), QString::number(file_.pos() - head_bytes), QString::number(length));
    return std::nullopt;
  }
  if (file_.pos() + length > end_) return std::nullopt;  // cut short: left out
  return Record{at, file_.read(length)};
}

double SessionReader::done() const { return size_ == 0 ? 1 : static_cast<double>(file_.pos()) / static_cast<double>(size_); }

std::vector<std::pair<Micros, quint64>> SessionReader::index() {
  std::vector<std::pair<Micros, quint64>> made;
  if (!indexed_) return made;
  const auto back = file_.pos();
  file_.seek(end_ + 8);
  const auto bytes = file_.read(size_ - end_ - 16);
  for (qsizetype at = 0; at + 16 <= bytes.size(); at += 16)
    made.emplace_back(qFromLittleEndian<qint64>(bytes.constData() + at), qFromLittleEndian<quint64>(bytes.constData() + at + 8));
  file_.seek(back);
  return made;
}

}  // namespace mailroom::dashboard
