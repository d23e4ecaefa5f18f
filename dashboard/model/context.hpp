// What a view is given: the node that is looked at, and what all views share. Views connect to this and to nothing below it.
#pragma once

#include <QElapsedTimer>
#include <QObject>
#include <QTimer>
#include <vector>

#include "dashboard/model/view_state.hpp"

namespace mailroom::dashboard {

// One node that is connected, or one session that is open.
struct Watched {
  std::unique_ptr<Source> source;
  std::unique_ptr<NodeModel> node;
};

class Context : public QObject {
  Q_OBJECT
 public:
  explicit Context(QObject* parent = nullptr);
  ~Context() override;

  // --- for views
  // The node that is looked at. Always there: before the first connection it is one of which nothing is known.
  [[nodiscard]] NodeModel& node() const { return *shown_; }
  // All shards and edges at the end of the shown range: what tables and topology show.
  [[nodiscard]] const Moment& shown() const { return range.live() ? shown_->now() : shown_->at(range.end_us()); }
  Selection selection;
  TimeRange range;
  Crosshair crosshair;
  Filters filters;

  // --- for the shell
  void watch(std::unique_ptr<Source> source);  // starts it, and looks at it
  void close(std::size_t at);
  void show(std::size_t at);
  [[nodiscard]] const std::vector<Watched>& watched() const noexcept { return watched_; }
  [[nodiscard]] int shown_index() const;       // -1: none
  [[nodiscard]] Source* source() const;        // of the shown node; nullptr: none
  // Events processed since the pause began.
  [[nodiscard]] std::int64_t newer() const;

 Q_SIGNALS:
  void reset();    // another node is shown, or it began anew: all indices are new
  void updated();  // new data, or another moment of the history: at most 20 times a second. Repaint what changed
  void tables_due();  // as `updated`, for tables: at most 4 times a second
  void nodes_changed();  // one was added, closed, or is shown now
  void link_changed();   // of the shown node: connected, stale, gone, loading

 private:
  void tick();
  std::vector<Watched> watched_;
  NodeModel nothing_;
  NodeModel* shown_ = &nothing_;
  QTimer timer_;
  QElapsedTimer elapsed_, tables_;
  bool dirty_ = true, tables_dirty_ = true;
  bool was_stale_ = false;
  std::int64_t in_at_pause_ = 0;
};

}  // namespace mailroom::dashboard
