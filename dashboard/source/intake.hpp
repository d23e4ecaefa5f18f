// Where a feed's frames go: decoded, conflated to the newest value of each row, recorded, handed to the GUI thread.
#pragma once

#include <memory>

#include "dashboard/source/batch.hpp"
#include "dashboard/source/frame_codec.hpp"
#include "dashboard/source/session_file.hpp"

namespace mailroom::dashboard {

// Worker thread only. Memory: one row per shard, edge and source, and what waits for the GUI thread: at most
// `max_waiting` events and spans; more are counted as dropped.
class Intake {
 public:
  static constexpr std::size_t max_waiting = 200'000;
  // `step_us` 0: gauges that wait are conflated to one (live). Else: to one per step of the node's time (a session, so that
  // its history keeps its grain).
  Intake(std::shared_ptr<Exchange> exchange, Micros step_us) : exchange_(std::move(exchange)), step_us_(step_us) {}

  // False: a bad frame, which was counted and left out.
  bool frame(const QByteArray& bytes, Micros arrived_us);
  void link(Link link);
  // A new connection: the next frame has to be its `hello`.
  void begin();
  // Sends what has come, if the GUI thread is done with the last batch and there is something to say. True: nothing is left here.
  bool flush();
  [[nodiscard]] bool idle() const { return exchange_->free() && !dirty_; }

  void record(const QString& path);
  void stop_recording();

 private:
  void merge(Gauges&& gauges);
  void time(const Gauges& gauges);

  std::shared_ptr<Exchange> exchange_;
  Micros step_us_;
  FrameDecoder decoder_;
  std::shared_ptr<Batch> next_ = std::make_shared<Batch>();
  std::vector<int> shard_place_, edge_place_, source_place_;  // index -> row in the waiting gauges, -1: none
  bool dirty_ = false;
  std::int64_t bad_frames_ = 0, lost_events_ = 0, lost_spans_ = 0, node_lost_events_ = 0, node_lost_spans_ = 0;
  QString bad_frame_, recording_error_;
  Link link_;
  Hello hello_;  // the latest, also of an earlier connection
  // The newest value of each row: for the full frames of a recording.
  Gauges last_;
  QByteArray hello_bytes_;
  std::unique_ptr<SessionWriter> writer_;
  Micros full_at_us_ = 0;
  // This machine's steady clock less the node's: the least of this connection, when that was taken, and by how much the last one exceeds it.
  std::optional<Micros> least_offset_us_;
  Micros offset_at_us_ = 0, behind_us_ = 0, begun_us_ = 0;
};

}  // namespace mailroom::dashboard
