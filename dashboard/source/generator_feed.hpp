// The generator as a source: its frames are encoded and go the way of a node's.
#pragma once

#include <QTimer>

#include "dashboard/source/feed.hpp"
#include "dashboard/source/generator.hpp"

namespace mailroom::dashboard {

class GeneratorFeed : public Feed {
  Q_OBJECT
 public:
  GeneratorFeed(std::shared_ptr<Exchange> exchange, const GeneratorOptions& options)
      : Feed(std::move(exchange), options.history_us > 0 ? 250'000 : 0), options_(options) {}
  void start() override;

 private:
  void put(Micros to_us);
  void work();
  GeneratorOptions options_;
  std::unique_ptr<Generator> generator_;
  QTimer* timer_ = nullptr;
  Micros history_end_us_ = 0;
};

// Writes a session file of that length, as fast as it goes. Empty, or what went wrong.
QString write_generated_session(const QString& path, const GeneratorOptions& options, Micros length_us);

}  // namespace mailroom::dashboard
