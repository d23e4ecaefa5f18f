// The half of a source that works in the worker thread: it obtains frames and puts them into the intake.
#pragma once

#include <QObject>
#include <memory>

#include "dashboard/source/intake.hpp"

namespace mailroom::dashboard {

// Made in the GUI thread, then moved; start() and all after it run in the worker thread.
class Feed : public QObject {
  Q_OBJECT
 public:
  Feed(std::shared_ptr<Exchange> exchange, Micros step_us) : intake_(std::move(exchange), step_us) {}
  virtual void start() = 0;
  virtual void stop() {}
  virtual void reconnect_now() {}
  [[nodiscard]] Intake& intake() noexcept { return intake_; }

 protected:
  static constexpr int tick_ms = 50;
  Intake intake_;
};

}  // namespace mailroom::dashboard
