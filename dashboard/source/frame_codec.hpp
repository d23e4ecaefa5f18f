// CBOR <-> frames. The decoder reads what a stranger sent: whatever the bytes are, it returns in time linear in them, holds
// memory linear in them, and calls nothing valid that is not.
#pragma once

#include <QByteArray>

#include "dashboard/source/frames.hpp"

namespace mailroom::dashboard {

// What one frame and one node may claim; a node that claims more is refused with a word.
inline constexpr qsizetype max_frame_bytes = 32 << 20;
inline constexpr std::size_t max_stages = 4'096, max_shards = 65'536, max_edges = 16'384, max_listed = 65'536;
inline constexpr qsizetype max_text = 4'096;  // a longer text is cut
inline constexpr std::int64_t max_number = 1LL << 53;  // a larger one is unknown: no counter or time is

struct BadFrame { QString why; };

// Decodes frames of one connection, in their order: columns and bounds come from the `hello` before them. One thread.
class FrameDecoder {
 public:
  // A Frame, or why it is none. A frame before `hello`, or with indices that `hello` did not name, is bad as a whole.
  std::variant<Frame, BadFrame> decode(const QByteArray& bytes);

 private:
  friend class FrameReader;
  bool greeted_ = false;
  QStringList stage_names_;
  std::size_t stages_ = 0, shards_ = 0, edges_ = 0;
  // The place in a row -> the column, -1: one that this program does not know.
  std::vector<int> shard_columns_, edge_columns_, source_columns_;
};

// For the generator, and for the full rows of a recorded session.
QByteArray encode(const Hello& hello);
QByteArray encode(const Gauges& gauges);
QByteArray encode(const EventList& list);
QByteArray encode(const SpanList& list);

}  // namespace mailroom::dashboard
