// What all views share: one selection, one time range, one crosshair, one set of filters. GUI thread.
#pragma once

#include <QObject>
#include <QRegularExpression>
#include <optional>
#include <vector>

#include "dashboard/model/node_model.hpp"

namespace mailroom::dashboard {

// What is followed in every view. A shard implies its stage. -1, empty: nothing.
class Selection : public QObject {
  Q_OBJECT
 public:
  using QObject::QObject;
  [[nodiscard]] int stage() const noexcept { return stage_; }
  [[nodiscard]] int shard() const noexcept { return shard_; }
  [[nodiscard]] int edge() const noexcept { return edge_; }
  [[nodiscard]] const QString& trace() const noexcept { return trace_; }
  [[nodiscard]] const QString& key() const noexcept { return key_; }
  void select_stage(int stage) { set(stage, -1, -1, trace_, {}); }
  void select_shard(int stage, int shard) { set(stage, shard, -1, trace_, {}); }
  void select_edge(int edge) { set(-1, -1, edge, trace_, {}); }
  // The trace view shows it; `shard` is where it was clicked, -1: leave the shard as it is.
  void select_trace(const QString& trace, int stage = -1, int shard = -1, const QString& key = {}) {
    if (shard >= 0) set(stage, shard, -1, trace, key);
    else set(stage_, shard_, edge_, trace, key);
  }
  void clear() { set(-1, -1, -1, {}, {}); }

 Q_SIGNALS:
  void changed();
  void trace_wanted();  // a trace was selected: the shell raises the trace view

 private:
  void set(int stage, int shard, int edge, const QString& trace, const QString& key) {
    const bool wanted = !trace.isEmpty() && trace != trace_;
    if (stage == stage_ && shard == shard_ && edge == edge_ && trace == trace_ && key == key_) return;
    stage_ = stage; shard_ = shard; edge_ = edge; trace_ = trace; key_ = key;
    Q_EMIT changed();
    if (wanted) Q_EMIT trace_wanted();
  }
  int stage_ = -1, shard_ = -1, edge_ = -1;
  QString trace_, key_;
};

// The window of time that is shown, and whether it follows the newest. Pause, scrub and replay all move this and nothing else;
// collection goes on.
class TimeRange : public QObject {
  Q_OBJECT
 public:
  using QObject::QObject;
  static constexpr Micros default_width_us = 60 * second_us, least_us = 1 * second_us;
  [[nodiscard]] Micros begin_us() const noexcept { return end_us_ - width_us_; }
  [[nodiscard]] Micros end_us() const noexcept { return end_us_; }
  [[nodiscard]] Micros width_us() const noexcept { return width_us_; }
  [[nodiscard]] bool live() const noexcept { return live_; }      // follows the newest
  [[nodiscard]] bool paused() const noexcept { return paused_; }  // stands still because a person said so
  [[nodiscard]] double speed() const noexcept { return speed_; }  // replay; 0: it does not play
  // All that there is to show: from the oldest of the history to the newest.
  [[nodiscard]] Micros first_us() const noexcept { return first_us_; }
  [[nodiscard]] Micros last_us() const noexcept { return last_us_; }

  void set_extent(Micros first_us, Micros last_us);  // the context calls it at each tick; a live range follows
  void set_live();                                   // also ends a pause
  void set_paused(bool paused);
  void set(Micros begin_us, Micros end_us);  // leaves live, unless it ends at the newest; kept within what there is
  void set_width(Micros width_us);           // around the end, if live; else around the middle
  void move(Micros by_us);
  void reset_width() { set_width(default_width_us); }
  void play(double speed);                   // 0.5 .. 16; 0 stops
  void advance(Micros elapsed_us);           // the context's tick

 Q_SIGNALS:
  void changed();       // what is shown
  void mode_changed();  // live, paused, speed

 private:
  Micros end_us_ = 0, width_us_ = default_width_us, first_us_ = 0, last_us_ = 0;
  bool live_ = true, paused_ = false;
  double speed_ = 0;
};

// The time under the mouse, in all time views at once.
class Crosshair : public QObject {
  Q_OBJECT
 public:
  using QObject::QObject;
  [[nodiscard]] std::optional<Micros> at_us() const noexcept { return at_us_; }
  void set(std::optional<Micros> at_us) {
    if (at_us == at_us_) return;
    at_us_ = at_us;
    Q_EMIT changed();
  }

 Q_SIGNALS:
  void changed();

 private:
  std::optional<Micros> at_us_;
};

// A filter is an explicit chip that can be removed; views hide what does not pass and say how many of how many they show.
struct Filter {
  enum class Field : std::uint8_t { actor, key, kind } field = Field::actor;  // actor: the shard's name; key and kind: of events
  QString pattern;  // a regular expression, case-insensitive
  bool exclude = false;
  bool operator==(const Filter&) const = default;
  [[nodiscard]] QString text() const;
};

class Filters : public QObject {
  Q_OBJECT
 public:
  using QObject::QObject;
  [[nodiscard]] const std::vector<Filter>& all() const noexcept { return filters_; }
  [[nodiscard]] bool empty() const noexcept { return filters_.empty(); }
  // Empty: added. Else why the pattern is none.
  QString add(const Filter& filter);
  void remove(std::size_t at);
  void clear();
  [[nodiscard]] bool passes_actor(const QString& name) const;  // a shard's or a stage's name
  [[nodiscard]] bool passes_event(const NodeModel& node, const Event& event) const;

 Q_SIGNALS:
  void changed();

 private:
  std::vector<Filter> filters_;
  std::vector<QRegularExpression> compiled_;
};

}  // namespace mailroom::dashboard
