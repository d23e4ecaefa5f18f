#include "dashboard/source/source.hpp"

#include <QFileInfo>
#include <QThread>

#include "dashboard/source/generator_feed.hpp"
#include "dashboard/source/live_feed.hpp"
#include "dashboard/source/session_feed.hpp"

namespace mailroom::dashboard {

Source::Source(Kind kind, QString name) : kind_(kind), name_(std::move(name)) {
  exchange_ = std::make_shared<Exchange>(this, [this](std::shared_ptr<const Batch> next) { Q_EMIT batch(std::move(next)); });
  thread_ = std::make_unique<QThread>();
  thread_->setObjectName(QStringLiteral("telemetry"));
}

void Source::adopt(Feed* feed) {
  feed_ = feed;
  feed_->moveToThread(thread_.get());
}

std::unique_ptr<Source> Source::live(const NodeAddress& address) {
  std::unique_ptr<Source> made(new Source(Kind::live, address.url.authority()));
  made->address_ = address;
  made->adopt(new LiveFeed(made->exchange_, address));
  return made;
}

std::unique_ptr<Source> Source::session(const QString& path) {
  std::unique_ptr<Source> made(new Source(Kind::session, QFileInfo(path).fileName()));
  made->adopt(new SessionFeed(made->exchange_, path));
  return made;
}

std::unique_ptr<Source> Source::generator(const GeneratorOptions& options) {
  std::unique_ptr<Source> made(new Source(Kind::generator, QStringLiteral("generator, seed %1").arg(options.seed)));
  made->adopt(new GeneratorFeed(made->exchange_, options));
  return made;
}

Source::~Source() {
  exchange_->detach();
  if (thread_->isRunning()) {
    auto* feed = feed_;
    QMetaObject::invokeMethod(feed, [feed] {
      feed->stop();
      delete feed;  // here, in its own thread: its timers and its socket belong to it
    }, Qt::BlockingQueuedConnection);
    thread_->quit();
    thread_->wait();
  } else {
    delete feed_;
  }
}

void Source::start() {
  if (thread_->isRunning()) return;
  thread_->start();
  QMetaObject::invokeMethod(feed_, [feed = feed_] { feed->start(); }, Qt::QueuedConnection);
}

void Source::record(const QString& path) {
  QMetaObject::invokeMethod(feed_, [feed = feed_, path] { feed->intake().record(path); }, Qt::QueuedConnection);
}

void Source::stop_recording() {
  QMetaObject::invokeMethod(feed_, [feed = feed_] { feed->intake().stop_recording(); }, Qt::QueuedConnection);
}

void Source::reconnect_now() {
  QMetaObject::invokeMethod(feed_, [feed = feed_] { feed->reconnect_now(); }, Qt::QueuedConnection);
}

}  // namespace mailroom::dashboard
