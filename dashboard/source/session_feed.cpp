#include "dashboard/source/session_feed.hpp"

#include <QElapsedTimer>

namespace mailroom::dashboard {

void SessionFeed::start() {
  reader_ = std::make_unique<SessionReader>(path_);
  timer_ = new QTimer(this);
  QObject::connect(timer_, &QTimer::timeout, this, [this] { read_on(); });
  timer_->start(0);
}

void SessionFeed::read_on() {
  if (!intake_.idle() && !intake_.flush()) {
    timer_->setInterval(5);  // the GUI thread is busy with the last one
    return;
  }
  timer_->setInterval(0);
  QElapsedTimer taken;
  taken.start();
  while (taken.elapsed() < 40) {
    auto record = reader_->next();
    if (!record) {
      timer_->setInterval(tick_ms);
      intake_.link(reader_->error().isEmpty() ? Link{LinkState::complete, {}, 0, 1} : Link{LinkState::failed, reader_->error(), 0, 1});
      if (intake_.flush()) timer_->stop();
      return;
    }
    intake_.frame(record->bytes, record->at_us);
  }
  intake_.link({LinkState::loading, QStringLiteral("reading the session"), 0, reader_->done()});
  intake_.flush();
}

}  // namespace mailroom::dashboard
