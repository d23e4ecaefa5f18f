#include "dashboard/model/context.hpp"

namespace mailroom::dashboard {

namespace {
std::int64_t processed(const NodeModel& node) {
  std::int64_t sum = 0;
  for (int shard = 0; shard < node.shard_count(); ++shard) sum += std::max<std::int64_t>(0, node.row(shard)[ShardColumn::in]);
  return sum;
}
}  // namespace

Context::Context(QObject* parent) : QObject(parent) {
  elapsed_.start();
  tables_.start();
  connect(&timer_, &QTimer::timeout, this, [this] { tick(); });
  connect(&range, &TimeRange::changed, this, [this] { dirty_ = true; });
  connect(&range, &TimeRange::mode_changed, this, [this] {
    dirty_ = true;
    if (range.paused()) in_at_pause_ = processed(*shown_);
  });
  timer_.start(50);
}

Context::~Context() {
  shown_ = &nothing_;
  watched_.clear();  // the feeds stop before anything that they fill is gone
}

void Context::watch(std::unique_ptr<Source> source) {
  Watched made{std::move(source), std::make_unique<NodeModel>()};
  auto* node = made.node.get();
  auto* feed = made.source.get();
  connect(feed, &Source::batch, node, [node](const std::shared_ptr<const Batch>& batch) { node->apply(*batch); });
  connect(node, &NodeModel::reset, this, [this, node] {
    if (node != shown_) return;
    selection.clear();
    Q_EMIT reset();
    Q_EMIT nodes_changed();
  });
  connect(node, &NodeModel::updated, this, [this, node] { if (node == shown_) dirty_ = true; });
  connect(node, &NodeModel::link_changed, this, [this, node] { if (node == shown_) Q_EMIT link_changed(); else Q_EMIT nodes_changed(); });
  watched_.push_back(std::move(made));
  feed->start();
  show(watched_.size() - 1);
}

void Context::show(std::size_t at) {
  if (at >= watched_.size()) return;
  shown_ = watched_[at].node.get();
  selection.clear();
  range.set_extent(shown_->first_us(), shown_->last_us());
  range.set_live();
  dirty_ = true;
  Q_EMIT reset();
  Q_EMIT nodes_changed();
  Q_EMIT link_changed();
}

void Context::close(std::size_t at) {
  if (at >= watched_.size()) return;
  auto gone = std::move(watched_[at]);
  watched_.erase(watched_.begin() + static_cast<std::ptrdiff_t>(at));
  const bool was_shown = gone.node.get() == shown_;
  if (was_shown) {
    shown_ = &nothing_;
    if (watched_.empty()) {
      selection.clear();
      Q_EMIT reset();
      Q_EMIT link_changed();
    } else show(std::min(at, watched_.size() - 1));
  }
  gone.source.reset();
  Q_EMIT nodes_changed();
}

int Context::shown_index() const {
  for (std::size_t at = 0; at < watched_.size(); ++at)
    if (watched_[at].node.get() == shown_) return static_cast<int>(at);
  return -1;
}

Source* Context::source() const {
  const auto at = shown_index();
  return at < 0 ? nullptr : watched_[static_cast<std::size_t>(at)].source.get();
}

std::int64_t Context::newer() const { return range.paused() ? std::max<std::int64_t>(0, processed(*shown_) - in_at_pause_) : 0; }

void Context::tick() {
  const Micros elapsed = elapsed_.nsecsElapsed() / 1000;
  elapsed_.start();
  range.advance(elapsed);
  if (shown_->known() && shown_->last_us() != unknown_value) range.set_extent(shown_->first_us(), shown_->now_us());
  if (const bool stale = shown_->stale(); stale != was_stale_) {
    was_stale_ = stale;
    dirty_ = true;
    Q_EMIT link_changed();
  }
  if (dirty_) {
    dirty_ = false;
    tables_dirty_ = true;
    Q_EMIT updated();
  }
  if (tables_dirty_ && tables_.elapsed() >= 240) {
    tables_dirty_ = false;
    tables_.start();
    Q_EMIT tables_due();
  }
}

}  // namespace mailroom::dashboard
