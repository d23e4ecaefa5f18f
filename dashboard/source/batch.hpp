// What goes from the worker thread of a source to the GUI thread: one immutable batch, at most one under way.
#pragma once

#include <QMutex>
#include <functional>
#include <memory>

#include "dashboard/source/frames.hpp"

namespace mailroom::dashboard {

enum class LinkState : std::uint8_t {
  idle,        // not started
  connecting,
  live,        // frames come
  stale,       // connected, but nothing came for 3 s (or too late: Batch::behind_us)
  waiting,     // the connection is gone; the next try is in `retry_in_ms`
  loading,     // a session file is being read
  complete,    // a session file is read to its end; nothing more will come
  failed       // it will not be tried again: `text` says why
};

struct Link {
  LinkState state = LinkState::idle;
  QString text;          // for a person: what happened and what is done about it
  int retry_in_ms = 0;
  double loaded = 0;     // 0..1 of a session file
  bool operator==(const Link&) const = default;
};

struct Batch {
  std::optional<Hello> hello;  // a new run, node or connection; all else here was received under it, or in the same run
  std::vector<Gauges> gauges;  // in the order of their wall_us; rows that did not change are left out
  std::vector<Event> events;   // never conflated
  std::vector<Span> spans;
  std::int64_t events_dropped = 0, spans_dropped = 0;  // by the node or here, since the connection began
  std::int64_t frames = 0;                             // received since the last batch
  std::int64_t values = 0;                             // rows received since the last batch, before conflation
  std::int64_t bad_frames = 0;                         // since the source began
  QString bad_frame;                                   // the last one's fault
  Micros behind_us = 0;                                // how much longer the last gauges were under way than the fastest of this connection
  Link link;
  QString recording;                                   // the session file that is being written; empty: none
  QString recording_error;
};

// The meeting point of the two threads, owned by both. No QPointer crosses threads: the GUI side detaches it before it dies.
class Exchange {
 public:
  using Deliver = std::function<void(std::shared_ptr<const Batch>)>;
  // GUI thread. `deliver` runs in the thread of `receiver`.
  Exchange(QObject* receiver, Deliver deliver) : receiver_(receiver), deliver_(std::move(deliver)) {}
  // GUI thread: nothing is delivered after it has returned.
  void detach() {
    const QMutexLocker lock(&mutex_);
    receiver_ = nullptr;
  }
  // Worker thread. False: one is still under way; keep collecting.
  [[nodiscard]] bool free() const {
    const QMutexLocker lock(&mutex_);
    return !in_flight_;
  }
  static void send(const std::shared_ptr<Exchange>& exchange, std::shared_ptr<const Batch> batch);

 private:
  mutable QMutex mutex_;
  QObject* receiver_;
  Deliver deliver_;
  bool in_flight_ = false;
};

}  // namespace mailroom::dashboard
