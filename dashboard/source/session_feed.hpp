// A recorded session: read through as fast as the GUI thread takes it; replay is the views' affair, by their time range.
#pragma once

#include <QTimer>

#include "dashboard/source/feed.hpp"

namespace mailroom::dashboard {

class SessionFeed : public Feed {
  Q_OBJECT
 public:
  static constexpr Micros step_us = 250'000;
  SessionFeed(std::shared_ptr<Exchange> exchange, QString path) : Feed(std::move(exchange), step_us), path_(std::move(path)) {}
  void start() override;

 private:
  void read_on();
  QString path_;
  std::unique_ptr<SessionReader> reader_;
  QTimer* timer_ = nullptr;
};

}  // namespace mailroom::dashboard
