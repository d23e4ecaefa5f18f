#include "dashboard/source/generator_feed.hpp"

#include <QDateTime>
#include <QElapsedTimer>

namespace mailroom::dashboard {

namespace {
Micros now_us() { return QDateTime::currentMSecsSinceEpoch() * 1000; }
}  // namespace

void GeneratorFeed::start() {
  const auto begin = options_.begin_us != unknown_value ? options_.begin_us : now_us() - options_.history_us;
  history_end_us_ = begin + options_.history_us;
  generator_ = std::make_unique<Generator>(options_, begin);
  intake_.frame(encode(generator_->hello()), begin);
  timer_ = new QTimer(this);
  QObject::connect(timer_, &QTimer::timeout, this, [this] { work(); });
  timer_->start(0);
}

void GeneratorFeed::put(Micros to_us) {
  auto step = generator_->step(to_us);
  if (!step.events.events.empty()) intake_.frame(encode(step.events), to_us);
  if (!step.spans.spans.empty()) intake_.frame(encode(step.spans), to_us);
  intake_.frame(encode(step.gauges), to_us);
}

void GeneratorFeed::work() {
  const auto period = static_cast<Micros>(1e6 / options_.rate_hz);
  if (generator_->at_us() < history_end_us_) {
    if (!intake_.idle() && !intake_.flush()) return;
    QElapsedTimer taken;
    taken.start();
    // 5 a second are enough for what is past.
    while (generator_->at_us() < history_end_us_ && taken.elapsed() < 40) put(std::min(history_end_us_, generator_->at_us() + std::max<Micros>(period, 200'000)));
    intake_.link({LinkState::loading, QStringLiteral("generating"), 0,
                  options_.history_us > 0 ? 1 - static_cast<double>(history_end_us_ - generator_->at_us()) / static_cast<double>(options_.history_us) : 1});
    intake_.flush();
    return;
  }
  if (!options_.live) {
    intake_.link({LinkState::complete, {}, 0, 1});
    timer_->setInterval(tick_ms);
    if (intake_.flush()) timer_->stop();
    return;
  }
  timer_->setInterval(static_cast<int>(std::max<Micros>(1, period / 1000)));
  intake_.link({LinkState::live, {}, 0, 1});
  // By the wall clock, if that is where it began; else on from where it is.
  put(options_.begin_us != unknown_value ? generator_->at_us() + period : std::max(generator_->at_us() + 1, now_us()));
  intake_.flush();
}

QString write_generated_session(const QString& path, const GeneratorOptions& options, Micros length_us) {
  const auto begin = options.begin_us != unknown_value ? options.begin_us : now_us() - length_us;
  Generator generator(options, begin);
  SessionWriter writer(path);
  writer.frame(encode(generator.hello()), begin);
  const auto period = static_cast<Micros>(1e6 / options.rate_hz);
  Micros full_at = 0;
  for (Micros at = begin + period; at <= begin + length_us; at += period) {
    auto step = generator.step(at);
    if (!step.events.events.empty()) writer.frame(encode(step.events), at);
    if (!step.spans.spans.empty()) writer.frame(encode(step.spans), at);
    step.gauges.full = at - full_at >= second_us;
    if (step.gauges.full) {
      writer.full_frame(encode(step.gauges), at);
      full_at = at;
    } else writer.frame(encode(step.gauges), at);
  }
  writer.close();
  return writer.error();
}

}  // namespace mailroom::dashboard
