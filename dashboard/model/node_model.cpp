#include "dashboard/model/node_model.hpp"

#include <algorithm>
#include <cmath>

namespace mailroom::dashboard {

namespace {
constexpr Micros slot_us = Track<StageSample>::fine_us;
constexpr Micros silence_us = 5 * second_us;  // gauges further apart say nothing of what was between

float rate(std::int64_t now, std::int64_t before, Micros taken_us) {
  return now < 0 || before < 0 || now < before || taken_us <= 0 ? not_known : static_cast<float>(static_cast<double>(now - before) * 1e6 / static_cast<double>(taken_us));
}
float rate(double now, double before, Micros taken_us) {
  return !(now >= before) || taken_us <= 0 ? not_known : static_cast<float>((now - before) * 1e6 / static_cast<double>(taken_us));
}
constexpr std::array counted{&Counts::ingested, &Counts::disordered, &Counts::dead_letters, &Counts::restarts};
void add(float& to, float value) { if (!std::isnan(value)) to = std::isnan(to) ? value : to + value; }
void add(double& to, std::int64_t value) { if (value >= 0) to = (std::isnan(to) ? 0 : to) + static_cast<double>(value); }
void most(float& to, float value) { if (!std::isnan(value)) to = std::isnan(to) ? value : std::max(to, value); }
}  // namespace

QString NodeModel::stage_name(int stage) const {
  return stage < 0 || stage >= stage_count() ? QStringLiteral("–") : hello_.stages[static_cast<std::size_t>(stage)].name;
}

QString NodeModel::shard_name(int shard) const {
  if (shard < 0 || shard >= shard_count()) return QStringLiteral("–");
  const auto& name = hello_.shards[static_cast<std::size_t>(shard)];
  const auto& stage_name = hello_.stages[static_cast<std::size_t>(name.stage)].name;
  return shards_of_[static_cast<std::size_t>(name.stage)].size() == 1 ? stage_name : QStringLiteral("%1/%2").arg(stage_name, QString::number(name.number));
}

int NodeModel::find_shard(const QString& name) const {
  for (int shard = 0; shard < shard_count(); ++shard)
    if (shard_name(shard) == name) return shard;
  return -1;
}

float NodeModel::fill(int shard, const ShardSample& sample) const {
  const auto capacity = stage(stage_of(shard)).capacity;
  return sample.depth < 0 || capacity <= 0 ? not_known : std::min(1.f, static_cast<float>(sample.depth) / static_cast<float>(capacity));
}

Micros NodeModel::now_us() const {
  if (last_us_ == unknown_value) return unknown_value;
  if (link_.state != LinkState::live || !since_gauges_.isValid()) return last_us_;
  return last_us_ + std::min<Micros>(since_gauges_.nsecsElapsed() / 1000, 3 * second_us);
}

double NodeModel::age_s() const { return since_gauges_.isValid() ? static_cast<double>(since_gauges_.elapsed()) / 1000 + behind_s() : 0; }

bool NodeModel::stale() const {
  switch (link_.state) {
    case LinkState::loading: case LinkState::complete: case LinkState::idle: return false;
    case LinkState::stale: case LinkState::waiting: case LinkState::failed: return known_;
    default: return known_ && age_s() > 3;
  }
}

const Moment& NodeModel::at(Micros at_us) const {
  if (last_us_ == unknown_value || at_us >= last_us_ - slot_us) return now_;
  const auto* found = moments_.at(at_us);
  return found ? *found : unknown_moment_;
}

Counts NodeModel::counts() const {
  Counts made;
  for (std::size_t shard = 0; shard < rows_.size(); ++shard) {
    const auto& row = rows_[shard];
    for (const auto column : {ShardColumn::late, ShardColumn::duplicates, ShardColumn::missing, ShardColumn::order_breaks}) add(made.disordered, row[column]);
    add(made.dead_letters, row[ShardColumn::dead_letters]);
    add(made.restarts, row[ShardColumn::restarts]);
    if (hello_.stages[static_cast<std::size_t>(hello_.shards[shard].stage)].kind == StageKind::source) add(made.ingested, row[ShardColumn::out]);
  }
  return made;
}

Counts NodeModel::counts_at(Micros at_us) const {
  if (last_us_ == unknown_value || at_us >= last_us_ - slot_us) return counts();
  Counts made;
  for (auto at = at_us; at > at_us - 3 * second_us; at -= slot_us) {
    const auto sample = totals_.at(at);
    bool all = true;
    for (const auto count : counted) {
      if (std::isnan(made.*count)) made.*count = sample.so_far.*count;
      all = all && !std::isnan(made.*count);
    }
    if (all) break;
  }
  return made;
}

Counts NodeModel::counts_within(Micros begin_us, Micros end_us) const {
  auto begin = counts_at(begin_us);
  if (last_us_ == unknown_value || begin_us >= last_us_) return {};
  // A run that began in the window began with none; else the first in the window that are known.
  if (hello_.started_us != unknown_value && hello_.started_us >= begin_us) begin = {0, 0, 0, 0};
  const auto unknown = [](const Counts& counts) { return std::any_of(counted.begin(), counted.end(), [&](auto count) { return std::isnan(counts.*count); }); };
  for (auto at = std::max(begin_us, first_us_); at <= end_us && unknown(begin); at += slot_us) {
    const auto sample = totals_.at(at);
    for (const auto count : counted) if (std::isnan(begin.*count)) begin.*count = sample.so_far.*count;
  }
  auto made = counts_at(end_us);
  for (const auto count : counted)
    if (const double more = made.*count - begin.*count; !std::isnan(more)) made.*count = std::max(0.0, more);
    else made.*count = Counts::unknown;
  return made;
}

NodeModel::Unheard NodeModel::unheard() const {
  if (!(joined_.letters > 0) || events_.forgotten() > 0) return {};
  const auto heard = events_.count(EventKind::dead_letter, std::numeric_limits<Micros>::min(), joined_.at_us);
  return {std::max<std::int64_t>(0, static_cast<std::int64_t>(std::min(joined_.letters, 1e15)) - heard), joined_.again};
}

std::vector<std::int32_t> NodeModel::minute_of(int shard, Micros at_us) const {
  std::vector<std::int32_t> depths(60, -1);
  const auto begin = at_us - 60 * second_us;
  moments_.each(begin, at_us, [&](const Moment& moment) {
    const auto place = (moment.at_us - begin) / second_us;
    if (place >= 0 && place < 60) depths[static_cast<std::size_t>(place)] = moment.shards[static_cast<std::size_t>(shard)].depth;
  });
  return depths;
}

void NodeModel::greet(const Hello& hello) {
  const bool again = known_ && same_run(hello, hello_);
  hello_ = hello;
  known_ = true;
  joined_ = {unknown_value, Counts::unknown, again};
  if (!again) begin_anew();  // else reconnected: what was before is of the same run
}

void NodeModel::begin_anew() {
  shards_of_.assign(hello_.stages.size(), {});
  for (std::size_t shard = 0; shard < hello_.shards.size(); ++shard)
    shards_of_[static_cast<std::size_t>(hello_.shards[shard].stage)].push_back(static_cast<int>(shard));
  rows_.assign(hello_.shards.size(), ShardRow());
  edge_rows_.assign(hello_.edges.size(), EdgeRow());
  sources_.clear();
  gauges_ = Gauges();
  now_ = Moment();
  now_.shards.resize(hello_.shards.size());
  now_.edges.resize(hello_.edges.size());
  unknown_moment_ = now_;
  slots_ = {};
  slot_ = -1;
  slot_number_ = moment_second_ = coarse_number_ = -1;
  coarse_ = Coarse();
  first_us_ = last_us_ = unknown_value;
  stage_tracks_.assign(hello_.stages.size(), {});
  totals_ = {};
  moments_.reset(hello_.shards.size(), hello_.edges.size());
  events_.clear();
  traces_.clear();
  Q_EMIT reset();
}

void NodeModel::apply(const Gauges& gauges) {
  if (gauges.wall_us < 0) return;
  // A clock that is set back: what came before stands on a time axis that is no longer this node's.
  if (last_us_ != unknown_value && gauges.wall_us < last_us_ - silence_us) {
    auto rows = std::move(rows_);
    auto edge_rows = std::move(edge_rows_);
    auto sources = std::move(sources_);
    const auto now = now_;
    begin_anew();
    rows_ = std::move(rows);  // this frame may hold but what changed
    edge_rows_ = std::move(edge_rows);
    sources_ = std::move(sources);
    now_ = now;
  }
  const bool after_silence = last_us_ != unknown_value && gauges.wall_us - last_us_ > silence_us;
  // The slot that ends here holds what was known before this frame.
  const auto number = gauges.wall_us / slot_us;
  if (slot_number_ >= 0 && number > slot_number_ && !after_silence) close_slot((slot_number_ + 1) * slot_us - 1);
  if (after_silence) slot_ = -1, slots_ = {};
  slot_number_ = std::max(slot_number_, number);
  for (const auto& row : gauges.shards) {
    rows_[static_cast<std::size_t>(row.index)] = row;
    auto& sample = now_.shards[static_cast<std::size_t>(row.index)];
    sample.depth = static_cast<std::int32_t>(std::min<std::int64_t>(row[ShardColumn::depth], std::numeric_limits<std::int32_t>::max()));
    sample.state = row.state();
    const auto wait = row[ShardColumn::wait_p99_us];
    sample.wait_p99_us = wait < 0 ? not_known : static_cast<float>(wait);
    sample.restarts = static_cast<std::uint16_t>(std::clamp<std::int64_t>(row[ShardColumn::restarts], 0, 65'535));
  }
  for (const auto& row : gauges.edges) {
    edge_rows_[static_cast<std::size_t>(row.index)] = row;
    auto& sample = now_.edges[static_cast<std::size_t>(row.index)];
    sample.in_flight = static_cast<std::int32_t>(std::min<std::int64_t>(row[EdgeColumn::in_flight], std::numeric_limits<std::int32_t>::max()));
    sample.blocked = row[EdgeColumn::blocked] == 1;
  }
  for (const auto& row : gauges.sources) {
    auto found = std::find_if(sources_.begin(), sources_.end(), [&](const SourceRow& old) { return old.stage == row.stage; });
    if (found == sources_.end()) sources_.push_back(row);
    else *found = row;
  }
  gauges_ = gauges;
  gauges_.shards.clear();
  gauges_.edges.clear();
  gauges_.sources.clear();
  if (joined_.at_us == unknown_value) joined_.at_us = gauges.wall_us, joined_.letters = counts().dead_letters;
  now_.at_us = gauges.wall_us;
  last_us_ = std::max(last_us_, gauges.wall_us);
  if (first_us_ == unknown_value) first_us_ = gauges.wall_us;
  first_us_ = std::max(first_us_, last_us_ - history_us);
}

void NodeModel::close_slot(Micros at_us) {
  const int before_slot = slot_;
  slot_ = (slot_ + 1) % static_cast<int>(slots_.size());
  auto& slot = slots_[static_cast<std::size_t>(slot_)];
  slot.at_us = now_.at_us;  // of the frame whose counters these are
  slot.shards.resize(rows_.size());
  slot.edges.resize(edge_rows_.size());
  slot.retries = Counts::unknown;
  const auto previous = before_slot < 0 ? nullptr : &slots_[static_cast<std::size_t>(before_slot)];
  // The oldest of the ring: about a second ago, or as far back as there is.
  const Slot* oldest = nullptr;
  for (std::size_t back = slots_.size() - 1; back >= 1 && !oldest; --back) {
    const auto& each = slots_[(static_cast<std::size_t>(slot_) + slots_.size() - back) % slots_.size()];
    if (each.at_us != unknown_value && each.at_us < slot.at_us && slot.at_us - each.at_us < silence_us) oldest = &each;
  }

  std::vector<StageSample> stages(hello_.stages.size());
  TotalSample total;
  total.so_far = counts();
  slot.disorder = total.so_far.disordered;
  for (std::size_t shard = 0; shard < rows_.size(); ++shard) {
    const auto& row = rows_[shard];
    auto& sample = now_.shards[shard];
    slot.shards[shard] = {row[ShardColumn::in], row[ShardColumn::out]};
    const auto& counters = slot.shards[shard];
    if (oldest) {
      sample.in = rate(counters.in, oldest->shards[shard].in, slot.at_us - oldest->at_us);
      sample.out = rate(counters.out, oldest->shards[shard].out, slot.at_us - oldest->at_us);
    } else sample.in = sample.out = not_known;
    const auto stage = static_cast<std::size_t>(hello_.shards[shard].stage);
    auto& into = stages[stage];
    if (previous) {
      const auto taken = slot.at_us - previous->at_us;
      add(into.in, rate(counters.in, previous->shards[shard].in, taken));
      add(into.out, rate(counters.out, previous->shards[shard].out, taken));
    }
    if (sample.depth >= 0) add(into.depth, static_cast<float>(sample.depth));
    most(into.wait_p99_us, sample.wait_p99_us);
    add(slot.retries, row[ShardColumn::retries]);
  }
  for (std::size_t edge = 0; edge < edge_rows_.size(); ++edge) {
    slot.edges[edge] = edge_rows_[edge][EdgeColumn::sent];
    now_.edges[edge].rate = oldest ? rate(slot.edges[edge], oldest->edges[edge], slot.at_us - oldest->at_us) : not_known;
  }
  for (std::size_t stage = 0; stage < stages.size(); ++stage) {
    const bool source = hello_.stages[stage].kind == StageKind::source;
    if (source) add(total.ingest, stages[stage].out);
    if (hello_.stages[stage].kind == StageKind::sink) add(total.out, stages[stage].in);
    if (!source) add(total.queued, stages[stage].depth);
    most(total.wait_p99_us, stages[stage].wait_p99_us);
    stage_tracks_[stage].push_fine(at_us, stages[stage]);
  }
  if (previous) {
    total.disorder = rate(slot.disorder, previous->disorder, slot.at_us - previous->at_us);
    total.retries = rate(slot.retries, previous->retries, slot.at_us - previous->at_us);
  }
  totals_.push_fine(at_us, total);

  const auto coarse_number = at_us / Track<StageSample>::coarse_us;
  if (coarse_number != coarse_number_ && !coarse_.stages.empty()) {
    const auto end = coarse_number_ * Track<StageSample>::coarse_us;
    for (std::size_t stage = 0; stage < stages.size(); ++stage) stage_tracks_[stage].push_coarse(end, coarse_.stages[stage].sample());
    totals_.push_coarse(end, coarse_.total.sample());
    coarse_ = Coarse();
  }
  coarse_number_ = coarse_number;
  coarse_.stages.resize(stages.size());
  for (std::size_t stage = 0; stage < stages.size(); ++stage) coarse_.stages[stage].add(stages[stage]);
  coarse_.total.add(total);

  const auto second = at_us / second_us;
  if (second != moment_second_) {
    moment_second_ = second;
    moments_.push(now_);
  }
}

void NodeModel::apply(const Batch& batch) {
  if (batch.hello) greet(*batch.hello);
  if (known_) {
    for (const auto& gauges : batch.gauges) apply(gauges);
    if (!batch.gauges.empty()) since_gauges_.start();
    for (const auto& event : batch.events) {
      events_.add(event);
      // What happened before the first gauges came is part of what can be scrubbed to.
      if (first_us_ != unknown_value && event.at_us < first_us_ && event.at_us > first_us_ - 60 * second_us) first_us_ = event.at_us;
    }
    for (const auto& span : batch.spans) traces_.add(span);
  }
  events_dropped_ = batch.events_dropped;
  spans_dropped_ = batch.spans_dropped;
  bad_frames_ = batch.bad_frames;
  bad_frame_ = batch.bad_frame;
  behind_us_ = batch.behind_us;
  values_ += batch.values;
  recording_ = batch.recording;
  const bool link_is_new = !(link_ == batch.link);
  link_ = batch.link;
  if (link_is_new) Q_EMIT link_changed();
  if (!batch.recording_error.isEmpty()) Q_EMIT recording_failed(batch.recording_error);
  Q_EMIT updated();
}

}  // namespace mailroom::dashboard
