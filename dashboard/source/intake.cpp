#include "dashboard/source/intake.hpp"

#include <QCoreApplication>
#include <chrono>

namespace mailroom::dashboard {

namespace {
Micros steady_us() { return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
}  // namespace

void Exchange::send(const std::shared_ptr<Exchange>& exchange, std::shared_ptr<const Batch> batch) {
  const QMutexLocker lock(&exchange->mutex_);
  if (!exchange->receiver_) return;
  exchange->in_flight_ = true;
  QMetaObject::invokeMethod(exchange->receiver_, [exchange, batch = std::move(batch)] {
    {
      const QMutexLocker inner(&exchange->mutex_);
      if (!exchange->receiver_) return;
    }
    exchange->deliver_(batch);  // only the GUI thread detaches, and this is it
    const QMutexLocker inner(&exchange->mutex_);
    exchange->in_flight_ = false;
  }, Qt::QueuedConnection);
}

void Intake::begin() {
  decoder_ = FrameDecoder();
  hello_bytes_.clear();
  node_lost_events_ = node_lost_spans_ = 0;
  least_offset_us_.reset();
  behind_us_ = 0;
  begun_us_ = steady_us();
}

// Frames that queue on a slow way arrive without a gap and yet are old. Both clocks are steady ones, whose difference is constant
// but for a drift: the least that was seen may rise by 200 ppm, far more than quartz drifts.
void Intake::time(const Gauges& gauges) {
  behind_us_ = 0;
  if (gauges.uptime_us == unknown_value) return;
  const auto now = steady_us();
  const auto offset = now - gauges.uptime_us;
  auto least = least_offset_us_ ? std::min(offset, *least_offset_us_ + (now - offset_at_us_) / 5'000) : offset;
  if (offset - least > now - begun_us_ + second_us) least = offset;  // longer under way than there is a way: a lie, or a machine that slept
  least_offset_us_ = least;
  offset_at_us_ = now;
  behind_us_ = offset - least;
}

void Intake::link(Link link) {
  if (link == link_) return;
  link_ = std::move(link);
  dirty_ = true;
}

bool Intake::frame(const QByteArray& bytes, Micros arrived_us) {
  auto decoded = decoder_.decode(bytes);
  if (auto* bad = std::get_if<BadFrame>(&decoded)) {
    ++bad_frames_;
    bad_frame_ = bad->why;
    dirty_ = true;
    return false;
  }
  auto& frame = std::get<Frame>(decoded);
  ++next_->frames;
  dirty_ = true;
  bool recorded = false;
  if (auto* hello = std::get_if<Hello>(&frame)) {
    // What waits of another run names other shards.
    next_->gauges.clear();
    if (!same_run(*hello, hello_)) {
      next_->events.clear();
      next_->spans.clear();
    }
    shard_place_.assign(hello->shards.size(), -1);
    edge_place_.assign(hello->edges.size(), -1);
    source_place_.assign(hello->stages.size(), -1);
    last_ = Gauges();
    last_.shards.resize(hello->shards.size());
    last_.edges.resize(hello->edges.size());
    for (auto& row : last_.shards) row.index = -1;
    hello_bytes_ = bytes;
    hello_ = *hello;
    next_->hello = std::move(*hello);
  } else if (auto* gauges = std::get_if<Gauges>(&frame)) {
    time(*gauges);
    next_->values += static_cast<std::int64_t>(gauges->shards.size() + gauges->edges.size() + gauges->sources.size());
    for (const auto& row : gauges->shards) last_.shards[static_cast<std::size_t>(row.index)] = row;
    for (const auto& row : gauges->edges) last_.edges[static_cast<std::size_t>(row.index)] = row;
    for (const auto& row : gauges->sources) {
      bool found = false;
      for (auto& old : last_.sources)
        if (old.stage == row.stage) { old = row; found = true; break; }
      if (!found) last_.sources.push_back(row);
    }
    if (writer_ && (gauges->full || arrived_us - full_at_us_ >= second_us)) {
      Gauges full = *gauges;
      full.shards.clear();
      for (const auto& row : last_.shards) if (row.index >= 0) full.shards.push_back(row);
      full.edges.clear();
      for (const auto& row : last_.edges) if (row.index >= 0) full.edges.push_back(row);
      full.sources = last_.sources;
      full.full = true;
      writer_->full_frame(encode(full), arrived_us);
      full_at_us_ = arrived_us;
      recorded = true;
    }
    merge(std::move(*gauges));
  } else if (auto* events = std::get_if<EventList>(&frame)) {
    node_lost_events_ = events->dropped;
    for (auto& event : events->events) {
      if (next_->events.size() < max_waiting) next_->events.push_back(std::move(event));
      else ++lost_events_;
    }
  } else if (auto* spans = std::get_if<SpanList>(&frame)) {
    node_lost_spans_ = spans->dropped;
    for (auto& span : spans->spans) {
      if (next_->spans.size() < max_waiting) next_->spans.push_back(std::move(span));
      else ++lost_spans_;
    }
  }
  if (writer_ && !recorded) writer_->frame(bytes, arrived_us);
  if (writer_ && !writer_->error().isEmpty()) {
    recording_error_ = writer_->error();
    writer_.reset();
  }
  return true;
}

void Intake::merge(Gauges&& gauges) {
  auto& waiting = next_->gauges;
  const bool join = !waiting.empty() && (step_us_ == 0 || waiting.back().wall_us / step_us_ == gauges.wall_us / step_us_);
  if (!join) {
    for (auto* places : {&shard_place_, &edge_place_, &source_place_}) std::fill(places->begin(), places->end(), -1);
    waiting.emplace_back();
  }
  auto& into = waiting.back();
  auto shards = std::move(into.shards);
  auto edges = std::move(into.edges);
  auto sources = std::move(into.sources);
  const auto put = [](auto& rows, auto& places, auto& row, int index) {
    auto& place = places[static_cast<std::size_t>(index)];
    if (place >= 0) rows[static_cast<std::size_t>(place)] = std::move(row);
    else { place = static_cast<int>(rows.size()); rows.push_back(std::move(row)); }
  };
  if (!join) {
    shards = std::move(gauges.shards);
    edges = std::move(gauges.edges);
    sources = std::move(gauges.sources);
    const auto index_of = [](auto& rows, auto& places, auto member) {
      for (std::size_t at = 0; at < rows.size(); ++at) places[static_cast<std::size_t>(rows[at].*member)] = static_cast<int>(at);
    };
    index_of(shards, shard_place_, &ShardRow::index);
    index_of(edges, edge_place_, &EdgeRow::index);
    index_of(sources, source_place_, &SourceRow::stage);
  } else {
    for (auto& row : gauges.shards) put(shards, shard_place_, row, row.index);
    for (auto& row : gauges.edges) put(edges, edge_place_, row, row.index);
    for (auto& row : gauges.sources) put(sources, source_place_, row, row.stage);
  }
  const bool full = into.full || gauges.full;
  into = std::move(gauges);
  into.full = full;
  into.shards = std::move(shards);
  into.edges = std::move(edges);
  into.sources = std::move(sources);
}

bool Intake::flush() {
  if (!dirty_) return true;
  if (!exchange_->free()) return false;
  auto batch = std::exchange(next_, std::make_shared<Batch>());
  batch->events_dropped = node_lost_events_ + lost_events_;
  batch->spans_dropped = node_lost_spans_ + lost_spans_;
  batch->bad_frames = bad_frames_;
  batch->bad_frame = bad_frame_;
  batch->behind_us = behind_us_;
  batch->link = link_;
  batch->recording = writer_ ? writer_->path() : QString();
  batch->recording_error = std::exchange(recording_error_, QString());
  for (auto* places : {&shard_place_, &edge_place_, &source_place_}) std::fill(places->begin(), places->end(), -1);
  dirty_ = false;
  Exchange::send(exchange_, std::move(batch));
  return true;
}

void Intake::record(const QString& path) {
  writer_ = std::make_unique<SessionWriter>(path);
  dirty_ = true;
  full_at_us_ = 0;
  if (writer_->error().isEmpty() && !hello_bytes_.isEmpty()) writer_->frame(hello_bytes_, QDateTime::currentMSecsSinceEpoch() * 1000);
  if (!writer_->error().isEmpty()) {
    recording_error_ = writer_->error();
    writer_.reset();
  }
}

void Intake::stop_recording() {
  if (!writer_) return;
  writer_->close();
  recording_error_ = writer_->error();
  writer_.reset();
  dirty_ = true;
}

}  // namespace mailroom::dashboard
