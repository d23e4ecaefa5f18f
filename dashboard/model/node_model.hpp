// One node, as far as its telemetry says: who it is, how its shards stand now and stood before, what happened.
#pragma once

#include <QElapsedTimer>
#include <QObject>
#include <memory>

#include "dashboard/model/coarse_mean.hpp"
#include "dashboard/model/event_log.hpp"
#include "dashboard/model/history.hpp"
#include "dashboard/model/trace_store.hpp"
#include "dashboard/source/source.hpp"

namespace mailroom::dashboard {

// GUI thread. Views read; only batches change it. Indices of stages, shards and edges are those of Hello; they mean
// something else after `reset`.
class NodeModel : public QObject {
  Q_OBJECT
 public:
  explicit NodeModel(QObject* parent = nullptr) : QObject(parent) {}

  void apply(const Batch& batch);

  // --- who
  [[nodiscard]] bool known() const noexcept { return known_; }  // a hello has come
  [[nodiscard]] const Hello& hello() const noexcept { return hello_; }
  [[nodiscard]] int stage_count() const { return static_cast<int>(hello_.stages.size()); }
  [[nodiscard]] int shard_count() const { return static_cast<int>(hello_.shards.size()); }
  [[nodiscard]] const StageInfo& stage(int stage) const { return hello_.stages[static_cast<std::size_t>(stage)]; }
  [[nodiscard]] int stage_of(int shard) const { return hello_.shards[static_cast<std::size_t>(shard)].stage; }
  [[nodiscard]] const std::vector<int>& shards_of(int stage) const { return shards_of_[static_cast<std::size_t>(stage)]; }
  [[nodiscard]] QString shard_name(int shard) const;  // "ledger/3"; a stage of one shard: "ledger". "–": none
  [[nodiscard]] QString stage_name(int stage) const;  // "–": none
  [[nodiscard]] int find_shard(const QString& name) const;  // -1: none
  // Depth and mailbox fill, 0..1; NaN: unknown, or a mailbox without bound.
  [[nodiscard]] float fill(int shard, const ShardSample& sample) const;

  // --- now
  [[nodiscard]] const ShardRow& row(int shard) const { return rows_[static_cast<std::size_t>(shard)]; }
  [[nodiscard]] const Gauges& gauges() const noexcept { return gauges_; }  // the node's own numbers; its rows are empty
  [[nodiscard]] const std::vector<SourceRow>& sources() const noexcept { return sources_; }
  [[nodiscard]] const Moment& now() const noexcept { return now_; }  // with rates over the last second
  // The node's clock now: that of the last gauges, moved on by the time since (live, and not stale).
  [[nodiscard]] Micros now_us() const;
  [[nodiscard]] const Link& link() const noexcept { return link_; }
  [[nodiscard]] bool stale() const;  // live or generated, but older than 3 s
  // How old what is known is: since the last gauges came, and by how much they came late.
  [[nodiscard]] double age_s() const;
  // Of that, how late they came: frames queue at a slow node, or on the way from it.
  [[nodiscard]] double behind_s() const { return static_cast<double>(behind_us_) / 1e6; }

  // --- before
  [[nodiscard]] Micros first_us() const { return first_us_; }  // of the history; unknown: none yet
  [[nodiscard]] Micros last_us() const { return last_us_; }
  [[nodiscard]] const Track<StageSample>& stage_track(int stage) const { return stage_tracks_[static_cast<std::size_t>(stage)]; }
  [[nodiscard]] const Track<TotalSample>& total_track() const noexcept { return totals_; }
  // What was counted up to a time: the newest that is known then, within 3 s; at or after the newest: what is known now.
  [[nodiscard]] Counts counts_at(Micros at_us) const;
  // What was counted within a window, or within the part of it that is known: counters at its end less those at its begin.
  [[nodiscard]] Counts counts_within(Micros begin_us, Micros end_us) const;
  // Dead letters of this run that were written while this dashboard did not listen: before it came, or (came_back) while the connection was gone.
  struct Unheard { std::int64_t letters = 0; bool came_back = false; };
  [[nodiscard]] Unheard unheard() const;
  [[nodiscard]] const Moments& moments() const noexcept { return moments_; }
  // All shards and edges at a time; now() at or after the newest. Never null: where nothing is known every sample is unknown.
  [[nodiscard]] const Moment& at(Micros at_us) const;
  // Depths of one shard at each second of the minute before `at_us`, oldest first, -1 unknown.
  [[nodiscard]] std::vector<std::int32_t> minute_of(int shard, Micros at_us) const;

  [[nodiscard]] const EventLog& events() const noexcept { return events_; }
  [[nodiscard]] const TraceStore& traces() const noexcept { return traces_; }
  [[nodiscard]] std::int64_t events_dropped() const noexcept { return events_dropped_; }
  [[nodiscard]] std::int64_t spans_dropped() const noexcept { return spans_dropped_; }
  [[nodiscard]] std::int64_t bad_frames() const noexcept { return bad_frames_; }
  [[nodiscard]] const QString& bad_frame() const noexcept { return bad_frame_; }
  [[nodiscard]] std::int64_t values_received() const noexcept { return values_; }
  [[nodiscard]] const QString& recording() const noexcept { return recording_; }

 Q_SIGNALS:
  void reset();    // another run, another topology: indices are new
  void updated();  // a batch was applied
  void link_changed();
  void recording_failed(const QString& why);

 private:
  void greet(const Hello& hello);
  void begin_anew();
  void apply(const Gauges& gauges);
  void close_slot(Micros at_us);
  [[nodiscard]] Counts counts() const;  // now

  bool known_ = false;
  Hello hello_;
  std::vector<std::vector<int>> shards_of_;
  std::vector<ShardRow> rows_;
  std::vector<EdgeRow> edge_rows_;
  std::vector<SourceRow> sources_;
  Gauges gauges_;
  Moment now_, unknown_moment_;
  Link link_;
  QElapsedTimer since_gauges_;

  // Rates: counters at the last four slot ends of 250 ms.
  struct Counters { std::int64_t in = unknown_value, out = unknown_value; };
  struct Slot { Micros at_us = unknown_value; std::vector<Counters> shards; std::vector<std::int64_t> edges; double disorder = Counts::unknown, retries = Counts::unknown; };
  std::array<Slot, 5> slots_;
  int slot_ = -1;
  std::int64_t slot_number_ = -1;
  Micros moment_second_ = -1;
  struct Coarse { TotalMean total; std::vector<StageMean> stages; };  // no stages: nothing was added yet
  Coarse coarse_;
  std::int64_t coarse_number_ = -1;

  // The first gauges since the latest hello.
  struct Joined { Micros at_us = unknown_value; double letters = Counts::unknown; bool again = false; };
  Joined joined_;

  Micros first_us_ = unknown_value, last_us_ = unknown_value;
  std::vector<Track<StageSample>> stage_tracks_;
  Track<TotalSample> totals_;
  Moments moments_;
  EventLog events_;
  TraceStore traces_;
  Micros behind_us_ = 0;
  std::int64_t events_dropped_ = 0, spans_dropped_ = 0, bad_frames_ = 0, values_ = 0;
  QString bad_frame_, recording_;
};

}  // namespace mailroom::dashboard
