#include "dashboard/source/generator.hpp"

#include <algorithm>
#include <cmath>

namespace mailroom::dashboard {

namespace {
constexpr std::int64_t mailbox = 4'096;
constexpr double source_rate = 16'000;

QString customer(int number) { return QStringLiteral("c-%1").arg(number); }
}  // namespace

Generator::Generator(const GeneratorOptions& options, Micros begin_us)
    : options_(options), random_(options.seed), begin_us_(begin_us), at_us_(begin_us), planned_until_us_(begin_us) {
  hello_.program = QStringLiteral("generator %1").arg(options.seed);
  hello_.node = QStringLiteral("n1");
  hello_.role = QStringLiteral("viewer");
  hello_.started_us = hello_.wall_us = begin_us;
  hello_.rate_hz = options.rate_hz;
  hello_.trace_one_in = 1'000;
  hello_.supervision = Supervision{QStringLiteral("one_for_one"), 5, 10 * second_us};
  if (options.stages > 0) synthetic(options.stages, std::max(options.stages, options.shards));
  else pipeline();

  const auto stages = hello_.stages.size();
  shards_of_.resize(stages);
  edges_into_.resize(stages);
  edges_from_.resize(stages);
  emitted_.resize(stages);
  load_.resize(stages);
  emitted_by_source_.resize(stages);
  for (std::size_t at = 0; at < hello_.shards.size(); ++at) shards_of_[static_cast<std::size_t>(hello_.shards[at].stage)].push_back(static_cast<int>(at));
  for (std::size_t at = 0; at < hello_.edges.size(); ++at) {
    edges_into_[static_cast<std::size_t>(hello_.edges[at].to)].push_back(static_cast<int>(at));
    edges_from_[static_cast<std::size_t>(hello_.edges[at].from)].push_back(static_cast<int>(at));
  }
  sent_.resize(hello_.edges.size());
  edge_carry_.resize(hello_.edges.size());
  edge_in_flight_.resize(hello_.edges.size());
  edge_blocked_.resize(hello_.edges.size());
  shards_.resize(hello_.shards.size());
  for (const auto& of : shards_of_) {
    double sum = 0;
    for (const int shard : of) sum += shards_[static_cast<std::size_t>(shard)].share = uniform(0.8, 1.2);
    for (const int shard : of) shards_[static_cast<std::size_t>(shard)].share /= sum;
  }
}

int Generator::stage(const char* name, StageKind kind, const char* type, int shards, double per_s, std::vector<int> from) {
  StageInfo made;
  made.name = QString::fromLatin1(name);
  made.type = QString::fromLatin1(type);
  made.kind = kind;
  made.shards = shards;
  made.capacity = kind == StageKind::source ? unknown_value : mailbox;
  made.overflow = QStringLiteral("backpressure");
  made.ordering = QStringLiteral("key");
  made.supervision = Supervision{kind == StageKind::actor ? QStringLiteral("rest_for_one") : QStringLiteral("one_for_one"), 3, 60 * second_us};
  made.retries = 3;
  made.then = QStringLiteral("dead_letter");
  made.deadline_us = 30 * second_us;
  if (kind == StageKind::actor) { made.watched_field = QStringLiteral("number"); made.grace_us = 8 * second_us; }
  const int index = static_cast<int>(hello_.stages.size());
  hello_.stages.push_back(std::move(made));
  speed_.push_back(per_s);
  for (int number = 0; number < shards; ++number) hello_.shards.push_back({index, number});
  for (const int each : from) hello_.edges.push_back({each, index, {QStringLiteral("Event")}, false});
  return index;
}

void Generator::pipeline() {
  hello_.topology = QStringLiteral("orders pipeline");
  int gateways[3], decoders[2], enrichers[3], aggregates[3];
  for (int at = 0; at < 3; ++at) gateways[at] = stage(qPrintable(QStringLiteral("gateway-%1").arg(at)), StageKind::source, "Gateway", 3, 0, {});
  decoders[0] = stage("decode-a", StageKind::actor, "Decode", 8, 60'000, {gateways[0], gateways[1]});
  decoders[1] = stage("decode-b", StageKind::actor, "Decode", 8, 60'000, {gateways[1], gateways[2]});
  enrichers[0] = stage("enrich-a", StageKind::actor, "Enrich", 16, 40'000, {decoders[0]});
  enrichers[1] = stage("enrich-b", StageKind::actor, "Enrich", 16, 40'000, {decoders[0], decoders[1]});
  enrichers[2] = stage("enrich-c", StageKind::actor, "Enrich", 16, 40'000, {decoders[1]});
  for (int at = 0; at < 3; ++at)
    aggregates[at] = stage(qPrintable(QStringLiteral("agg-%1").arg(at)), StageKind::actor, "Aggregate", 32, 40'000, {enrichers[at]});
  stage("store", StageKind::sink, "jsonl", 4, 60'000, {aggregates[0], aggregates[1]});
  stage("alerts", StageKind::sink, "jsonl", 2, 30'000, {aggregates[1], aggregates[2]});
}

void Generator::synthetic(int stages, int shards) {
  hello_.topology = QStringLiteral("synthetic, %1 stages").arg(stages);
  const int layers = std::max(2, static_cast<int>(std::lround(std::sqrt(stages * 0.75))));
  const int wide = (stages + layers - 1) / layers;
  const int each = shards / stages;
  int extra = shards % stages;
  for (int at = 0; at < stages; ++at) {
    const int layer = at / wide, place = at % wide;
    std::vector<int> from;
    if (layer > 0) {
      const int above = (layer - 1) * wide;
      from.push_back(above + place);
      if (wide > 1) from.push_back(above + (place + 1) % wide);
    }
    const bool last = layer == (stages - 1) / wide;
    stage(qPrintable(QStringLiteral("s%1-%2").arg(layer).arg(place)), layer == 0 ? StageKind::source : last ? StageKind::sink : StageKind::actor,
          "Synthetic", each + (extra-- > 0 ? 1 : 0), 60'000, from);
  }
}

int Generator::find(const char* stage_name, int number) const {
  for (std::size_t at = 0; at < hello_.shards.size(); ++at)
    if (hello_.shards[at].number == number && hello_.stages[static_cast<std::size_t>(hello_.shards[at].stage)].name == QLatin1String(stage_name)) return static_cast<int>(at);
  return hello_.shards.empty() ? -1 : static_cast<int>(static_cast<std::size_t>(number * 7919) % hello_.shards.size());
}

// All that is not rates happens by this schedule, in seconds of the cycle.
void Generator::plan(Micros begin) {
  const auto at = [&](double s) { return begin + static_cast<Micros>(s * 1e6); };
  const auto add = [&](double s, EventKind kind, int shard, const auto& set) {
    Event event;
    event.at_us = at(s);
    event.kind = kind;
    event.shard = shard;
    event.event = QStringLiteral("OrderLine");
    event.from = find("decode-a", shard % 8);
    set(event);
    planned_.push_back(event);
  };
  const auto trace = [&] { return QString::number(next_trace_++, 16); };
  if (options_.disorder) {
    const int busy = find("enrich-b", 11), some = find("enrich-a", 2), lost = find("enrich-c", 9), twice = find("agg-2", 7);
    const auto base = static_cast<std::int64_t>((begin - begin_us_) / second_us) * 40 + 184'000;
    // A shard in trouble: eleven missing, six of them come late, two copies, three tries.
    const auto gap = next_id_ + 1'000'000 + (begin - begin_us_) / second_us;
    add(63, EventKind::gap, busy, [&](Event& event) { event.id = gap; event.key = customer(88120); event.first = base; event.last = base + 10; event.sequence = base + 11; event.trace = trace(); });
    for (int late = 0; late < 6; ++late) {
      const double s = 65 + late * 0.55;
      add(s, EventKind::late, busy, [&](Event& event) { event.key = customer(88120); event.sequence = base + late; event.highest = base + 40 + late; event.belonged_us = at(62.6 + late * 0.4); event.trace = trace(); });
      add(s, EventKind::gap_filled, busy, [&](Event& event) { event.key = customer(88120); event.sequence = base + late; event.gap = gap; event.left = 10 - late; });
    }
    for (int extra = 0; extra < 5; ++extra)
      add(68.4 + extra * 0.3, EventKind::late, busy, [&](Event& event) { event.key = customer(88131); event.sequence = base + 60 + extra; event.highest = base + 80; event.belonged_us = at(66 + extra * 0.3); event.trace = trace(); });
    for (const double s : {67.5, 68.1, 74.2})
      add(s, EventKind::duplicate, busy, [&](Event& event) { event.key = customer(88120); event.sequence = base + 15; event.first_us = at(61); event.trace = trace(); });
    for (const double s : {68.3, 72.1})
      add(s, EventKind::retry, busy, [&](Event& event) { event.key = customer(10455); event.sequence = base + 90; event.attempt = 2; event.delay_us = 200'000; event.text = QStringLiteral("price service: timeout after 160 ms"); event.trace = trace(); });
    add(71, EventKind::gap_final, busy, [&](Event& event) { event.key = customer(88120); event.gap = gap; event.left = 5; });
    for (const double s : {50.0, 53.0, 69.0})
      add(s, EventKind::late, some, [&](Event& event) { event.key = customer(5120); event.sequence = base + static_cast<std::int64_t>(s); event.highest = event.sequence + 3; event.belonged_us = at(s - 1.8); event.trace = trace(); });
    add(51, EventKind::gap, lost, [&](Event& event) { event.id = gap + 500'000; event.key = customer(66002); event.first = base; event.last = base + 2; event.sequence = base + 3; });
    add(59, EventKind::gap_final, lost, [&](Event& event) { event.key = customer(66002); event.gap = gap + 500'000; event.left = 3; });
    add(80, EventKind::retry, twice, [&](Event& event) { event.key = customer(4410); event.sequence = base + 7; event.attempt = 2; event.delay_us = 100'000; event.text = QStringLiteral("ledger is locked"); event.trace = trace(); });
    add(83.2, EventKind::duplicate, twice, [&](Event& event) { event.key = customer(4410); event.sequence = base + 5; event.first_us = at(81); event.trace = trace(); });
    for (const double s : {83.6, 84.1})
      add(s, EventKind::retry, twice, [&](Event& event) { event.key = customer(4411); event.sequence = base + 9; event.attempt = 2; event.delay_us = 100'000; event.text = QStringLiteral("ledger is locked"); event.trace = trace(); });
  }
  if (options_.trouble) {
    const int failing = find("agg-1", 5), other = find("decode-b", 3), full = find("enrich-b", 11);
    add(36, EventKind::restart, other, [&](Event& event) { event.text = QStringLiteral("bad checksum in Decode"); event.delay_us = 300'000; });
    for (const double s : {72.0, 80.0, 86.0}) {
      add(s, EventKind::restart, failing, [&](Event& event) { event.text = QStringLiteral("std::out_of_range: vector::at in Aggregate"); event.delay_us = 900'000; });
      for (int copy = 0; copy < 2; ++copy)
        add(s + 0.1 + copy * 0.05, EventKind::dead_letter, failing, [&](Event& event) {
          event.key = customer(10455); event.sequence = 97'309 + copy + static_cast<std::int64_t>((begin - begin_us_) / second_us);
          event.attempt = 3; event.reason_kind = QStringLiteral("failed"); event.text = QStringLiteral("vector::at");
          event.from = find("enrich-b", 4); event.letter = QString::number(next_letter_++); event.trace = trace();
        });
    }
    add(86.05, EventKind::escalate, -1, [&](Event& event) { event.stage = hello_.shards[static_cast<std::size_t>(failing)].stage; event.text = QStringLiteral("restart budget 3 of 3 in 60 s"); });
    add(74, EventKind::dead_letter, full, [&](Event& event) {
      event.key = customer(88120); event.sequence = 184'207; event.attempt = 5; event.reason_kind = QStringLiteral("rejected"); event.text = QStringLiteral("unknown article 22139");
      event.from = find("decode-a", 6); event.letter = QString::number(next_letter_++); event.trace = trace();
    });
  }
  std::stable_sort(planned_.begin(), planned_.end(), [](const Event& a, const Event& b) { return a.at_us > b.at_us; });
}

void Generator::trace(Step& step, Micros at, int shard, const QString& id, const QString& key, std::int64_t sequence, int tries, bool dies) {
  // Back from the shard to a source by the first edges, then forward to the sinks.
  std::vector<int> path;
  for (int stage = hello_.shards[static_cast<std::size_t>(shard)].stage;;) {
    path.insert(path.begin(), stage);
    const auto& into = edges_into_[static_cast<std::size_t>(stage)];
    if (into.empty() || path.size() > 40) break;
    stage = hello_.edges[static_cast<std::size_t>(into.front())].from;
  }
  auto now = at - 60'000;
  int from = -1;
  const auto visit = [&](int where, int attempt, Outcome outcome, Micros wait, Micros work, const QString& text) {
    Span span;
    span.trace = id; span.shard = where; span.from = from; span.event = QStringLiteral("OrderLine"); span.key = key; span.sequence = sequence; span.attempt = attempt;
    span.entered_us = now; span.started_us = now + wait; span.ended_us = now + wait + work; span.outcome = outcome; span.text = text;
    step.spans.spans.push_back(span);
    now = span.ended_us;
  };
  for (const int stage : path) {
    const auto& of = shards_of_[static_cast<std::size_t>(stage)];
    const int where = stage == path.back() ? shard : of[static_cast<std::size_t>(sequence) % of.size()];
    if (edges_into_[static_cast<std::size_t>(stage)].empty()) {
      Span span;
      span.trace = id; span.shard = where; span.event = QStringLiteral("OrderLine"); span.key = key; span.sequence = sequence; span.started_us = now; span.outcome = Outcome::emitted;
      step.spans.spans.push_back(span);
      now += 3'000;
    } else if (stage != path.back()) {
      visit(where, 1, Outcome::done, static_cast<Micros>(uniform(2'000, 12'000)), 4'000, {});
    } else {
      for (int attempt = 1; attempt <= tries; ++attempt) {
        const bool last = attempt == tries;
        visit(where, attempt, !last ? Outcome::failed : dies ? Outcome::dead_letter : Outcome::done, static_cast<Micros>(uniform(20'000, 110'000)),
              static_cast<Micros>(uniform(18'000, 30'000)), !last ? QStringLiteral("price service: timeout after 160 ms") : dies ? QStringLiteral("vector::at") : QString());
        if (!last) now += 40'000;
      }
    }
    from = where;
  }
  if (dies) return;
  for (int stage = path.back(), hops = 0; hops < 6; ++hops) {
    const auto& next = edges_from_[static_cast<std::size_t>(stage)];
    if (next.empty()) break;
    stage = hello_.edges[static_cast<std::size_t>(next.front())].to;
    const auto& of = shards_of_[static_cast<std::size_t>(stage)];
    const int where = of[static_cast<std::size_t>(sequence) % of.size()];
    visit(where, 1, Outcome::done, static_cast<Micros>(uniform(4'000, 40'000)), static_cast<Micros>(uniform(2'000, 9'000)), {});
    from = where;
  }
}

void Generator::happen(Step& step, Event event) {
  if (event.id < 0) event.id = next_id_++;
  if (event.shard >= 0) {
    auto& shard = shards_[static_cast<std::size_t>(event.shard)];
    switch (event.kind) {
      case EventKind::late: ++shard.late; break;
      case EventKind::duplicate: ++shard.duplicates; break;
      case EventKind::gap_final: shard.missing += event.left; break;
      case EventKind::retry: ++shard.retries; ++shard.failures; break;
      case EventKind::dead_letter: ++shard.dead; ++shard.failures; break;
      case EventKind::restart: ++shard.restarts; shard.down_until_us = event.at_us + event.delay_us; break;
      default: break;
    }
    if (!event.trace.isEmpty() && event.kind != EventKind::gap)
      trace(step, event.at_us, event.shard, event.trace, event.key, event.sequence, event.kind == EventKind::retry ? 3 : event.kind == EventKind::dead_letter ? 3 : 1, event.kind == EventKind::dead_letter);
  }
  step.events.events.push_back(std::move(event));
}

Generator::Step Generator::step(Micros to_us) {
  Step made;
  const auto taken = std::max<Micros>(1, to_us - at_us_);
  const double dt = static_cast<double>(taken) / 1e6;
  at_us_ = to_us;
  while (planned_until_us_ <= to_us) {
    plan(planned_until_us_);
    planned_until_us_ += cycle_us;
  }
  while (!planned_.empty() && planned_.back().at_us <= to_us) {
    auto event = std::move(planned_.back());
    planned_.pop_back();
    happen(made, std::move(event));
  }
  const double cycle = static_cast<double>((to_us - begin_us_) % cycle_us) / 1e6;
  const double t = static_cast<double>(to_us - begin_us_) / 1e6;
  // enrich-b is slow for 25 s, and catches up.
  const bool slow = options_.trouble && cycle > 62 && cycle < 78;
  const int slow_a = slow ? find("enrich-b", 11) : -1, slow_b = slow ? find("enrich-b", 7) : -1;

  for (std::size_t stage = 0; stage < hello_.stages.size(); ++stage) {
    const auto& info = hello_.stages[stage];
    double arriving = 0;
    if (info.kind == StageKind::source) {
      arriving = source_rate * (1 + 0.03 * std::sin(t / 9 + static_cast<double>(stage)) + uniform(-0.02, 0.02)) * dt;
      if (options_.stages > 0) arriving /= 4;
      bool blocked = false;
      for (const int edge : edges_from_[stage]) blocked = blocked || edge_blocked_[static_cast<std::size_t>(edge)];
      if (blocked) arriving *= 0.75;
    } else {
      for (const int edge : edges_into_[stage]) {
        const auto from = static_cast<std::size_t>(hello_.edges[static_cast<std::size_t>(edge)].from);
        const double part = emitted_[from] / static_cast<double>(edges_from_[from].size());
        arriving += part;
        auto& carry = edge_carry_[static_cast<std::size_t>(edge)];
        carry += part;
        sent_[static_cast<std::size_t>(edge)] += static_cast<std::int64_t>(carry);
        carry -= std::floor(carry);
      }
    }
    double done_all = 0, waiting = 0;
    bool full = false;
    for (const int index : shards_of_[stage]) {
      auto& shard = shards_[static_cast<std::size_t>(index)];
      const double arrive = arriving * shard.share * uniform(0.97, 1.03);
      double done = arrive;
      if (info.kind != StageKind::source) {
        double can = speed_[stage] * dt / static_cast<double>(shards_of_[stage].size());
        if (slow && (index == slow_a || index == slow_b)) can *= index == slow_a ? 0.28 : 0.3;
        if (to_us < shard.down_until_us) can = 0;
        shard.depth += arrive;
        done = std::min(shard.depth, can);
        shard.depth -= done;
        const double resting = std::max(2.0, arrive / dt * 0.004);  // what is always on its way through
        const double shown = shard.depth + resting * uniform(0.8, 1.2);
        if (shard.depth > mailbox * 0.95) { shard.depth = mailbox * 0.95; }
        if (shard.depth > mailbox * 0.6) full = true;
        shard.wait_p99_us = shard.wait_p99_us * 0.9 + 0.1 * (3'000 + shown / std::max(arrive / dt * 0.5, can / dt) * 1.2e6) * uniform(0.97, 1.03);
        shard.work_p99_us = 60 * uniform(0.9, 1.1);
        shard.high = std::max(shard.high, static_cast<std::int64_t>(shown));
        shard.state = to_us < shard.down_until_us ? ShardState::restarting : ShardState::working;
        shard.last[2] = static_cast<std::int64_t>(shown);
        waiting += shown;
      } else {
        shard.state = ShardState::working;
        shard.last[2] = 0;
      }
      shard.in += done;  // in the protocol: taken to their end
      shard.out += done;
      done_all += done;
    }
    emitted_[stage] = done_all;
    load_[stage] = waiting;
    for (const int edge : edges_into_[stage]) {
      edge_blocked_[static_cast<std::size_t>(edge)] = full;
      edge_in_flight_[static_cast<std::size_t>(edge)] = static_cast<std::int64_t>(waiting / static_cast<double>(edges_into_[stage].size()));
    }
  }
  // Who has no credit says so.
  for (std::size_t edge = 0; edge < hello_.edges.size(); ++edge)
    if (edge_blocked_[edge])
      for (const int index : shards_of_[static_cast<std::size_t>(hello_.edges[edge].from)]) {
        auto& shard = shards_[static_cast<std::size_t>(index)];
        if (shard.state == ShardState::working && index % 2 == 0) shard.state = ShardState::blocked_downstream;
      }
  if (slow) for (const int index : {slow_a, slow_b}) if (index >= 0 && shards_[static_cast<std::size_t>(index)].state == ShardState::working) shards_[static_cast<std::size_t>(index)].state = ShardState::retrying;

  // A sampled trace every second.
  if (at_us_ / second_us != (at_us_ - taken) / second_us && !shards_.empty()) {
    for (std::size_t stage = hello_.stages.size(); stage-- > 0;)
      if (hello_.stages[stage].kind == StageKind::sink) {
        const auto& of = shards_of_[stage];
        trace(made, at_us_ - 400'000, of[static_cast<std::size_t>(frame_) % of.size()], QString::number(next_trace_++, 16), customer(1'000 + static_cast<int>(frame_ % 977)), 40'000 + frame_, 1, false);
        break;
      }
  }

  auto& gauges = made.gauges;
  gauges.frame = frame_++;
  gauges.wall_us = at_us_;
  gauges.uptime_us = at_us_ - begin_us_;
  gauges.full = gauges.frame % 200 == 0;
  gauges.cpu_us = static_cast<std::int64_t>(t * 1.1e6);
  gauges.rss_bytes = 412LL << 20;
  gauges.clients = 1;
  gauges.commits = static_cast<std::int64_t>(t * 1'900);
  gauges.syncs = static_cast<std::int64_t>(t * 400);
  gauges.sync_p99_us = 6'100;
  gauges.shards.reserve(shards_.size());
  for (std::size_t at = 0; at < shards_.size(); ++at) {
    auto& shard = shards_[at];
    ShardRow row;
    row.index = static_cast<int>(at);
    row[ShardColumn::state] = static_cast<std::int64_t>(shard.state);
    row[ShardColumn::depth] = shard.last[2];
    row[ShardColumn::high_water] = shard.high;
    row[ShardColumn::in] = static_cast<std::int64_t>(shard.in);
    row[ShardColumn::out] = static_cast<std::int64_t>(shard.out);
    row[ShardColumn::failures] = shard.failures;
    row[ShardColumn::retries] = shard.retries;
    row[ShardColumn::restarts] = shard.restarts;
    row[ShardColumn::dead_letters] = shard.dead;
    for (const auto column : {ShardColumn::dropped, ShardColumn::parked, ShardColumn::waiting, ShardColumn::timers, ShardColumn::unrouted,
                              ShardColumn::order_violations, ShardColumn::order_breaks}) row[column] = 0;
    row[ShardColumn::late] = shard.late;
    row[ShardColumn::duplicates] = shard.duplicates;
    row[ShardColumn::missing] = shard.missing;
    row[ShardColumn::commits] = static_cast<std::int64_t>(shard.out / 64);
    row[ShardColumn::keys] = 900 + static_cast<int>(at) % 200;
    if (hello_.stages[static_cast<std::size_t>(hello_.shards[at].stage)].kind != StageKind::source) {
      row[ShardColumn::wait_p50_us] = static_cast<std::int64_t>(shard.wait_p99_us * 0.4);
      row[ShardColumn::wait_p99_us] = static_cast<std::int64_t>(shard.wait_p99_us);
      row[ShardColumn::work_p50_us] = 9;
      row[ShardColumn::work_p99_us] = static_cast<std::int64_t>(shard.work_p99_us);
    }
    gauges.shards.push_back(std::move(row));
  }
  for (std::size_t at = 0; at < sent_.size(); ++at) {
    EdgeRow row;
    row.index = static_cast<int>(at);
    row.values.fill(0);
    row[EdgeColumn::sent] = sent_[at];
    row[EdgeColumn::in_flight] = edge_in_flight_[at];
    row[EdgeColumn::processed] = std::max<std::int64_t>(0, sent_[at] - edge_in_flight_[at]);
    row[EdgeColumn::blocked] = edge_blocked_[at];
    gauges.edges.push_back(row);
  }
  for (std::size_t stage = 0; stage < hello_.stages.size(); ++stage) {
    if (hello_.stages[stage].kind != StageKind::source) continue;
    SourceRow row;
    row.stage = static_cast<int>(stage);
    double all = 0;
    for (const int shard : shards_of_[stage]) all += shards_[static_cast<std::size_t>(shard)].out;
    row[SourceColumn::events] = static_cast<std::int64_t>(all);
    row[SourceColumn::dirty] = row[SourceColumn::ended] = 0;
    gauges.sources.push_back(row);
  }
  return made;
}

}  // namespace mailroom::dashboard
