#include "dashboard/model/view_state.hpp"

#include <algorithm>

namespace mailroom::dashboard {

void TimeRange::set_extent(Micros first_us, Micros last_us) {
  if (first_us == unknown_value || last_us == unknown_value) return;
  const bool first_time = last_us_ == 0;
  if (first_us == first_us_ && last_us == last_us_) return;
  first_us_ = first_us;
  last_us_ = last_us;
  if (live_ || first_time) end_us_ = last_us_;
  Q_EMIT changed();
}

void TimeRange::set_live() {
  live_ = true;
  paused_ = false;
  speed_ = 0;
  end_us_ = last_us_;
  Q_EMIT mode_changed();
  Q_EMIT changed();
}

void TimeRange::set_paused(bool paused) {
  if (paused == paused_) return;
  if (!paused) return set_live();
  paused_ = true;
  live_ = false;
  speed_ = 0;
  Q_EMIT mode_changed();
}

void TimeRange::set(Micros begin_us, Micros end_us) {
  if (begin_us > end_us) std::swap(begin_us, end_us);
  width_us_ = std::max(least_us, end_us - begin_us);
  end_us_ = std::clamp(end_us, std::min(first_us_ + least_us, last_us_), last_us_);
  const bool was = live_;
  live_ = end_us >= last_us_ && !paused_ && was;
  if (was != live_) Q_EMIT mode_changed();
  Q_EMIT changed();
}

void TimeRange::set_width(Micros width_us) {
  width_us = std::clamp<Micros>(width_us, least_us, history_us);
  if (width_us == width_us_) return;
  if (!live_) end_us_ = std::min(last_us_, end_us_ + (width_us - width_us_) / 2);
  width_us_ = width_us;
  Q_EMIT changed();
}

void TimeRange::move(Micros by_us) {
  const auto end = std::clamp(end_us_ + by_us, std::min(first_us_ + least_us, last_us_), last_us_);
  const bool leaves = live_ && end < last_us_;
  end_us_ = end;
  if (leaves) {
    live_ = false;
    Q_EMIT mode_changed();
  }
  Q_EMIT changed();
}

void TimeRange::play(double speed) {
  speed_ = speed <= 0 ? 0 : std::clamp(speed, 0.5, 16.0);
  if (speed_ > 0) {
    live_ = false;
    paused_ = false;
    if (end_us_ >= last_us_) end_us_ = std::min(last_us_, first_us_ + width_us_);
  }
  Q_EMIT mode_changed();
  Q_EMIT changed();
}

void TimeRange::advance(Micros elapsed_us) {
  if (speed_ <= 0) return;
  end_us_ = std::min(last_us_, end_us_ + static_cast<Micros>(static_cast<double>(elapsed_us) * speed_));
  if (end_us_ == last_us_) {
    speed_ = 0;
    Q_EMIT mode_changed();
  }
  Q_EMIT changed();
}

QString Filter::text() const {
  constexpr const char* fields[] = {"actor", "key", "kind"};
  return QStringLiteral("%1 %2 %3").arg(QLatin1String(fields[static_cast<std::size_t>(field)]), exclude ? QStringLiteral("≠") : QStringLiteral("="), pattern);
}

QString Filters::add(const Filter& filter) {
  QRegularExpression compiled(filter.pattern, QRegularExpression::CaseInsensitiveOption);
  if (filter.pattern.isEmpty()) return QStringLiteral("an empty filter");
  if (!compiled.isValid()) return QStringLiteral("%1 is no regular expression: %2").arg(filter.pattern, compiled.errorString());
  if (std::find(filters_.begin(), filters_.end(), filter) != filters_.end()) return {};
  filters_.push_back(filter);
  compiled_.push_back(std::move(compiled));
  Q_EMIT changed();
  return {};
}

void Filters::remove(std::size_t at) {
  if (at >= filters_.size()) return;
  filters_.erase(filters_.begin() + static_cast<std::ptrdiff_t>(at));
  compiled_.erase(compiled_.begin() + static_cast<std::ptrdiff_t>(at));
  Q_EMIT changed();
}

void Filters::clear() {
  if (filters_.empty()) return;
  filters_.clear();
  compiled_.clear();
  Q_EMIT changed();
}

bool Filters::passes_actor(const QString& name) const {
  for (std::size_t at = 0; at < filters_.size(); ++at)
    if (filters_[at].field == Filter::Field::actor && compiled_[at].match(name).hasMatch() == filters_[at].exclude) return false;
  return true;
}

bool Filters::passes_event(const NodeModel& node, const Event& event) const {
  for (std::size_t at = 0; at < filters_.size(); ++at) {
    const auto field = filters_[at].field;
    const auto subject = field == Filter::Field::actor ? node.shard_name(event.shard)
                       : field == Filter::Field::key   ? event.key
                       : event.kind == EventKind::other ? QString() : QString::fromLatin1(event_kind_names[static_cast<std::size_t>(event.kind)]);
    if (compiled_[at].match(subject).hasMatch() == filters_[at].exclude) return false;
  }
  return true;
}

}  // namespace mailroom::dashboard
