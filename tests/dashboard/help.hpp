// What the dashboard's tests share: waiting on a condition, a filled window, frames made by hand.
#pragma once

#include <gmock/gmock.h>

#include <QApplication>
#include <QElapsedTimer>
#include <functional>

#include "dashboard/shell/main_window.hpp"
#include "dashboard/source/frame_codec.hpp"
#include "dashboard/source/generator.hpp"

namespace mailroom::dashboard {

inline constexpr Micros test_begin_us = 1'764'685'440LL * second_us;  // 2025-12-02 14:24:00 UTC

// Runs the event loop until the condition holds; the deadline is for a test that would hang.
inline bool wait_until(const std::function<bool()>& holds, int deadline_ms = 60'000) {
  QElapsedTimer waited;
  waited.start();
  while (!holds()) {
    if (waited.hasExpired(deadline_ms)) return false;
    QApplication::processEvents(QEventLoop::AllEvents | QEventLoop::WaitForMoreEvents, 20);
    QApplication::processEvents(QEventLoop::AllEvents, 5);
  }
  return true;
}

inline GeneratorOptions generated(int seconds, bool trouble = true, bool disorder = true) {
  GeneratorOptions options;
  options.begin_us = test_begin_us;
  options.history_us = seconds * second_us;
  options.live = false;
  options.trouble = trouble;
  options.disorder = disorder;
  return options;
}

// A window over generated telemetry that ended: nothing moves any more.
inline void fill(MainWindow& window, const GeneratorOptions& options) {
  window.context().watch(Source::generator(options));
  window.show();
  ASSERT_TRUE(wait_until([&] { return window.context().node().link().state == LinkState::complete; }));
  bool tables = false;
  const auto connection = QObject::connect(&window.context(), &Context::tables_due, [&] { tables = true; });
  window.context().range.set_live();
  ASSERT_TRUE(wait_until([&] { return tables; }));
  QObject::disconnect(connection);
}

// A node of two stages: "in" (source, 1 shard) -> "work" (2 shards of 100 events).
inline Hello small_hello() {
  Hello hello;
  hello.program = QStringLiteral("test");
  hello.node = QStringLiteral("n1");
  hello.topology = QStringLiteral("small");
  hello.role = QStringLiteral("operator");
  hello.started_us = hello.wall_us = test_begin_us;
  hello.rate_hz = 20;
  StageInfo source;
  source.name = QStringLiteral("in");
  source.type = QStringLiteral("In");
  source.kind = StageKind::source;
  source.shards = 1;
  StageInfo work = source;
  work.name = QStringLiteral("work");
  work.kind = StageKind::actor;
  work.shards = 2;
  work.capacity = 100;
  hello.stages = {source, work};
  hello.shards = {{0, 0}, {1, 0}, {1, 1}};
  hello.edges = {{0, 1, {QStringLiteral("Event")}, false}};
  return hello;
}

inline ShardRow shard_row(int index, std::int64_t depth, std::int64_t in, std::int64_t out) {
  ShardRow row;
  row.index = index;
  row[ShardColumn::state] = static_cast<std::int64_t>(ShardState::working);
  row[ShardColumn::depth] = depth;
  row[ShardColumn::in] = in;
  row[ShardColumn::out] = out;
  return row;
}

inline Gauges small_gauges(Micros after_us, std::int64_t in, std::int64_t depth = 10) {
  Gauges gauges;
  gauges.wall_us = test_begin_us + after_us;
  gauges.shards = {shard_row(0, unknown_value, in, in), shard_row(1, depth, in, in - depth), shard_row(2, 0, 0, 0)};
  EdgeRow edge;
  edge.index = 0;
  edge[EdgeColumn::sent] = in;
  gauges.edges = {edge};
  return gauges;
}

}  // namespace mailroom::dashboard
