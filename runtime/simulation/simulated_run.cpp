#include "runtime/simulation/simulated_run.hpp"

#include <algorithm>
#include <deque>
#include <fmt/format.h>

#include <mailroom/errors.hpp>
#include <mailroom/invariant.hpp>

#include "runtime/journal/dead_letters.hpp"
#include "runtime/journal/journal_keys.hpp"
#include "runtime/simulation/resting_scenario.hpp"
#include "runtime/simulation/simulated_store.hpp"

namespace mailroom::runtime {
namespace {

// Without progress for so long, and with no timer to wait for, a run is said to stand still.
constexpr std::int64_t patience_us = 3600ll * 1'000'000;

class MemorySpill final : public Spill {
 public:
  void append(const Parcel& parcel) override { parcels_.push_back(parcel); }
  std::optional<Parcel> read() override {
    if (parcels_.empty()) return std::nullopt;
    auto parcel = std::move(parcels_.front());
    parcels_.pop_front();
    return parcel;
  }

 private:
  std::deque<Parcel> parcels_;
};

std::string ordinal(std::uint64_t number) {
  const auto last = number % 10;
  const bool teen = number % 100 / 10 == 1;
  return fmt::format("{}{}", number, teen || last > 3 || last == 0 ? "th" : last == 1 ? "st" : last == 2 ? "nd" : "rd");
}

// Rows that were not committed are taken back at the next start.
void cut_to_commit(OutsideFile& file, const std::optional<ShardRecord>& record) {
  const auto committed = record && !record->position.is_null() ? record->position.at("rows").get<std::size_t>() : 0;
  file.rows.resize(std::min(file.rows.size(), committed));
}

}  // namespace

SimulatedRun::SimulatedRun(const Topology& topology, const std::vector<std::vector<RecordedInput>>& inputs, const SimulationCase& what,
                           const RunSize& usual, World& world)
    : topology_(topology), inputs_(inputs), case_(what), usual_(usual), world_(world), outside_(topology.stages.size()),
      pace_us_(std::uint64_t{16} << world.random() % 8),
      quiet_check_every_(usual.steps == 0 || usual.microseconds > 60'000'000 ? 500 : 16 << world.random() % 8) {
  if (what.durable) disk_ = std::make_shared<MemoryDisk>();
  for (std::size_t s = 0; s < topology_.stages.size(); ++s) {
    const auto& stage = topology_.stages[s];
    actors_.push_back(stage.kind == StageKind::actor ? observe(stage, s, world_, witness_) : ActorType{});
    sources_.push_back(stage.kind == StageKind::source ? simulated_source(stage, inputs_[s], world_) : SourceType{});
    sinks_.push_back(stage.kind == StageKind::sink ? simulated_sink(stage, outside_[s], world_) : SinkType{});
  }
}

SimulatedRun::~SimulatedRun() {
  world_.power_off = true;
  engine_.reset();
}

// The topology with simulated sources and sinks, and witnesses around its actors.
Topology SimulatedRun::witnessed() {
  auto topology = topology_;
  for (std::size_t s = 0; s < topology.stages.size(); ++s) {
    auto& stage = topology.stages[s];
    if (stage.kind == StageKind::actor) stage.actor = &actors_[s];
    if (stage.kind == StageKind::source) stage.source = &sources_[s];
    if (stage.kind == StageKind::sink) stage.sink = &sinks_[s];
  }
  return topology;
}

void SimulatedRun::run() {
  for (;;) {
    if (!start()) return;
    const auto life = live();
    if (life == Life::over) return;
    if (life == Life::finished) break;
  }
  if (world_.violations.empty()) check_at_rest();
}

// False: it does not start, and that is a violation.
bool SimulatedRun::start() {
  for (;;) {
    ++world_.lives;
    world_.power_off = false;
    world_.disk_is_full = false;
    world_.crash_now.reset();
    hangs_.clear();
    witness_.hosts.clear();
    world_.say("the node", [&] { return world_.lives == 1 ? std::string("starts") : fmt::format("starts again, for the {} time", ordinal(world_.lives)); });
    std::string reason;
    try {
      std::unique_ptr<Journal> journal;
      SimulatedStore* store = nullptr;
      if (disk_) {
        auto made = std::make_unique<SimulatedStore>(disk_, world_);
        store = made.get();
        journal = Journal::open(std::move(made));
        if (world_.lives > 1 && world_.waits(FaultKind::redrive)) redrive(*journal);
      }
      plan_ = make_plan(topology_, journal.get());
      if (world_.narrate) name_parts();
      for (const auto& channel : plan_->channels) {
        const auto& to = plan_->stage_of(channel.to);
        if (to.kind == StageKind::sink) world_.channels_to_sinks.insert(channel.id);
        if (!to.priorities.empty() && disk_) world_.channels_to_job_logs.emplace(channel.id, plan_->shards[channel.to].stage);
      }
      EngineOptions options;
      options.stepped = true;
      options.clock = world_.clock;
      options.seed = 1 + world_.random() % 1'000'000;
      options.sample_every = std::chrono::seconds(10);
      options.quiet_check_every = quiet_check_every_;
      options.make_spill = [] { return std::make_unique<MemorySpill>(); };
      options.log = [this](LogLevel level, const std::string& who, std::string_view text) {
        if (level >= LogLevel::warning) world_.say(who, [&] { return std::string(text); });
      };
      engine_us_ = world_.clock->steady_us();
      engine_ = std::make_unique<Engine>(witnessed(), std::move(journal), std::move(options));
      if (store != nullptr) store->recovered();
      progress_us_ = world_.clock->steady_us();
      return true;
    } catch (const std::exception& error) {
      reason = error.what();
    }
    if (world_.crash_now) {
      const auto fault = *world_.crash_now;
      crash(world_.power_off || fault.kind == FaultKind::sync_failure, fault.amount);
    } else if (!unflip()) {
      world_.violate("the node starts again", fmt::format("at start {} it says: {}", world_.lives, reason));
      return false;
    } else {
      world_.say("the node", [&] { return fmt::format("refuses to start: {}", reason); });
      world_.say("an operator", [] { return "mends the disk"; });
    }
  }
}

SimulatedRun::Life SimulatedRun::live() {
  // Retries and faults make runs longer, but not without end.
  const auto most_steps = 1'000'000 + usual_.steps * 50;
  const auto most_calls = 2'000'000 + 1'000 * case_.event_count() + usual_.calls * 50;
  while (!engine_->wait_for(std::chrono::milliseconds(0))) {
    ++world_.done.steps;
    happen();
    if (!engine_) return Life::again;
    one_step();
    if (world_.power_off) {
      crash(true, world_.crash_now ? world_.crash_now->amount : 0);
      return Life::again;
    }
    if ((world_.done.steps % 1024 == 0 && stands_still()) || world_.done.steps > most_steps || world_.done.calls > most_calls) {
      std::string who;
      for (const auto& shard : engine_->snapshot().shards)
        if (shard.depth + shard.waiting + shard.timers > 0 && who.size() < 300)
          who += fmt::format("; {}/{} is {} with {} events in its mailbox, {} waiting and {} timers", shard.stage, shard.shard,
                             to_string(shard.state), shard.depth, shard.waiting, shard.timers);
      world_.violate("everything drains", fmt::format("the run does not come to rest after {} steps and {} calls of handlers{}", world_.done.steps, world_.done.calls, who));
      return Life::over;
    }
    if (!world_.violations.empty()) return Life::over;
  }
  return ended();
}

// What is due by now.
void SimulatedRun::happen() {
  const auto step = world_.done.steps;
  if (const auto fault = world_.take(FaultKind::clock_skew, step)) {
    world_.say(*fault);
    world_.clock->skew(fault->amount);
  }
  if (const auto fault = world_.take(FaultKind::hang, step)) {
    engine_->ready(ready_);
    if (!ready_.empty()) {
      const auto actor = ready_[fault->choice % ready_.size()];
      hangs_.push_back({actor, world_.clock->steady_us() + fault->amount});
      world_.say(
          "FAULT", [&] { return fmt::format("{} does not come back for {:.3f} s", engine_->actor_name(actor), static_cast<double>(fault->amount) / 1e6); },
          true);
    }
  }
  if (const auto fault = world_.take(FaultKind::stop, step)) {
    world_.say(*fault);
    engine_->request_stop(fault->choice % 2 == 0 ? StopMode::checkpoint : StopMode::drain);
  }
  if (const auto fault = world_.take(FaultKind::kill, step)) {
    world_.say(*fault);
    crash(false, 0);
  } else if (const auto loss = world_.take(FaultKind::power_loss, step)) {
    world_.say(*loss);
    crash(true, loss->amount);
  }
}

void SimulatedRun::one_step() {
  auto& clock = *world_.clock;
  if (world_.done.steps % 8 == 0) clock.advance(static_cast<std::int64_t>(world_.random() % pace_us_));
  if (clock.steady_us() > engine_us_) {
    engine_->advance(std::chrono::microseconds(clock.steady_us() - engine_us_));
    engine_us_ = clock.steady_us();
  }
  const auto ready = engine_->ready();
  if (ready == 0) {
    if (const auto gone = engine_->advance_to_next()) {
      clock.advance(gone->count());
      engine_us_ += gone->count();
    } else {
      clock.advance(1'000'000);
    }
    return;
  }
  std::erase_if(hangs_, [&](const Hang& hang) { return hang.until_us <= clock.steady_us(); });
  if (hangs_.empty()) {
    engine_->step(world_.random() % ready);
    return;
  }
  engine_->ready(ready_);
  std::vector<std::size_t> free;
  for (std::size_t i = 0; i < ready_.size(); ++i)
    if (std::none_of(hangs_.begin(), hangs_.end(), [&](const Hang& hang) { return hang.actor == ready_[i]; })) free.push_back(i);
  if (!free.empty())
    engine_->step(free[world_.random() % free.size()]);
  else
    clock.advance(1'000 + static_cast<std::int64_t>(world_.random() % 100'000));
}

bool SimulatedRun::stands_still() {
  const auto now = world_.clock->steady_us();
  if (world_.progress != last_progress_ || !hangs_.empty()) {
    last_progress_ = world_.progress;
    progress_us_ = now;
    return false;
  }
  if (now - progress_us_ < patience_us) return false;
  for (const auto& shard : engine_->snapshot().shards)
    if (shard.timers > 0) return now - progress_us_ > 400 * 24 * patience_us;
  return true;
}

void SimulatedRun::crash(bool power, std::int64_t survives) {
  ++world_.crashes;
  const auto unsynced = disk_->unsynced_writes();
  const auto kept = power ? unsynced * static_cast<std::size_t>(survives) / 1000 : unsynced;
  if (power)
    world_.say("the node", [&, this] {
      // A start's own writes (names, epochs) are no shard's commits: what survives is counted from the end.
      const auto gone = std::min(unsynced - kept, world_.unsynced.size());
      const std::vector<std::string> lost(world_.unsynced.end() - static_cast<std::ptrdiff_t>(gone), world_.unsynced.end());
      return lost.empty() ? std::string("is gone; every commit is on the disk")
                          : fmt::format("is gone; lost with it, because no fdatasync came after: {}", fmt::join(lost, ", "));
    });
  else
    world_.say("the node", [] { return "is gone; what it has committed is kept"; });
  if (power) world_.unsynced.clear();
  world_.power_off = world_.ghosts = true;  // what still runs on the way down is seen by nobody
  engine_.reset();
  world_.ghosts = false;
  if (power) {
    disk_->crash(kept);
    for (auto& file : outside_) file.lose_power(survives);
    world_.unsafe.clear();
  } else {
    disk_->kill();
  }
  if (world_.take(FaultKind::bit_flip, world_.crashes)) flip_a_bit();
}

void SimulatedRun::flip_a_bit() {
  if (flip_) return;
  const auto row = disk_->pick_row(world_.random());
  if (!row) return;
  Flip flip{row->first, row->second, world_.random() % 32};
  if (!disk_->flip_bit(flip.table, flip.key, flip.bit)) return;
  world_.say(
      "FAULT", [&] { return fmt::format("the disk changes a bit of {}", describe_key(flip.table, flip.key)); }, true);
  flip_ = flip;
}

bool SimulatedRun::unflip() {
  if (!flip_) return false;
  disk_->flip_bit(flip_->table, flip_->key, flip_->bit);
  flip_.reset();
  return true;
}

SimulatedRun::Life SimulatedRun::ended() {
  const auto result = engine_->result();
  world_.say("the node", [&] {
    switch (result.ending) {
      case Ending::finished: return std::string("has finished: all sources have ended, and nothing is under way");
      case Ending::drained: return std::string("has drained and stopped");
      case Ending::checkpointed: return fmt::format("has stopped with {} events inside, all in the journal", result.left_inside);
      case Ending::failed: return fmt::format("has stopped: {}", result.reason);
    }
    return std::string();
  });
  if (result.ending == Ending::failed) {
    if (!case_.durable) {
      // A policy may stop the node; in memory mode that is the end.
      const bool by_policy = std::any_of(topology_.stages.begin(), topology_.stages.end(), [](const Stage& stage) {
        return stage.on_failure.then == Then::stop || stage.on_failure.then == Then::escalate;
      });
      if (by_policy) return Life::over;
      world_.violate("the node stays up", fmt::format("it stops: {}", result.reason));
      return Life::over;
    }
    const bool planned = world_.crash_now.has_value() || flip_.has_value();
    const auto fault = world_.crash_now.value_or(Fault{});
    // A failed sync leaves open what is on the disk; after other failures the machine is still up.
    crash(fault.kind == FaultKind::sync_failure, fault.amount);
    if (unflip() || planned) return Life::again;
    // A policy may stop the node. It must get further with each start, or somebody has to look at it.
    if (world_.progress == progress_at_failure_ && ++failed_lives_ > 3) {
      world_.violate("the node stays up", fmt::format("it stops at each start: {}", result.reason));
      return Life::over;
    }
    if (world_.progress != progress_at_failure_) failed_lives_ = 0;
    progress_at_failure_ = world_.progress;
    return Life::again;
  }
  check_books(result.ending == Ending::finished);
  if (!world_.violations.empty()) return Life::over;
  finished_ = result.ending == Ending::finished;
  if (finished_ && !(disk_ && world_.waits(FaultKind::redrive) && something_to_redrive(*engine_->journal()))) return Life::finished;
  world_.ghosts = true;
  engine_.reset();
  world_.ghosts = false;
  disk_->kill();
  return Life::again;
}

// Names of shards and channels, as the journal numbers them.
void SimulatedRun::name_parts() {
  for (ShardIndex shard = 0; shard < plan_->shards.size(); ++shard) world_.shard_names[plan_->shards[shard].id] = plan_->shard_name(shard);
  for (const auto& channel : plan_->channels)
    world_.channel_names[channel.id] = {plan_->shard_name(channel.from), plan_->shard_name(channel.to)};
}

bool SimulatedRun::something_to_redrive(Journal& journal) const {
  DeadLetterFilter parked, failed;
  parked.parked = true;
  failed.kind = held_kind::failed;
  return !list_dead_letters(journal, parked).empty() || !list_dead_letters(journal, failed).empty();
}

// An operator has seen to the cause of the failures, and has all that was given up on tried again.
void SimulatedRun::redrive(Journal& journal) {
  if (!something_to_redrive(journal)) return;
  if (!world_.take(FaultKind::redrive, world_.lives + 1'000'000 * (finished_ ? 1 : 0))) return;
  DeadLetterFilter parked, failed;
  parked.parked = true;
  failed.kind = held_kind::failed;
  for (const auto& [shard, name] : journal.shards()) {
    const auto stage = *topology_.stage_index(name.first);
    // A parked key goes on where it stopped; for workers only the event is parked, and its key has gone on.
    const bool parks_events = topology_.stages[stage].ordering == Ordering::none;
    for (const auto reason : {HeldReason::dead, HeldReason::parked})
      journal.scan_held(reason, shard, [&](const HeldEvent& held) {
        if (!held.event || (held.kind != held_kind::failed && held.kind != held_kind::follows)) return true;
        const auto event = world_.events.note(held.event->type(0), held.event->event(0), held.event->meta(0).trace);
        given_up_.insert({stage, held.key, event});
        if (held.kind == held_kind::failed && (reason == HeldReason::dead || parks_events)) world_.redriven.insert(event);
        return true;
      });
  }
  std::uint64_t count = retry_dead_letters(journal, parked).changed;
  count += retry_dead_letters(journal, failed).changed;
  world_.poisoned.clear();
  world_.say("an operator", [&] { return fmt::format("mends the cause of the failures, and has what was given up on tried again: {}", count == 1 ? "1 event" : fmt::format("{} events", count)); });
}

void SimulatedRun::check_books(bool finished) {
  const auto snapshot = engine_->snapshot();
  for (const auto& edge : snapshot.edges) {
    if (edge.difference() != 0)
      world_.violate("the books balance",
                     fmt::format("{} -> {}: sent {} = processed {} + dead-lettered {} + dropped {} + parked {} + in flight {} is off by {}", edge.from,
                                 edge.to, edge.sent, edge.processed, edge.dead_lettered, edge.dropped(), edge.parked, edge.in_flight, edge.difference()));
    if (finished && edge.in_flight != 0)
      world_.violate("everything drains", fmt::format("{} -> {}: {} events are in flight in a node that has finished", edge.from, edge.to, edge.in_flight));
  }
  for (const auto& shard : snapshot.shards) {
    if (shard.order_violations > 0)
      world_.violate("order", fmt::format("{}/{} counts {} violations of its order", shard.stage, shard.shard, shard.order_violations));
    if (shard.capacity > 0 && shard.high_water > std::max<std::uint64_t>(shard.capacity, plan_->shards.size()))
      world_.violate("bounded memory", fmt::format("{}/{} had {} events in a mailbox for {}", shard.stage, shard.shard, shard.high_water, shard.capacity));
  }
}

void SimulatedRun::check_at_rest() {
  RestingRun rest;
  rest.plan = plan_.get();
  rest.inputs = &inputs_;
  rest.given_up = given_up_;
  const auto stages = topology_.stages.size();
  rest.histories.resize(stages);
  rest.states.resize(stages);
  rest.outside.resize(stages);
  std::vector<nlohmann::json> letters;
  const auto snapshot = engine_->snapshot();
  for (const auto& edge : snapshot.edges)
    if (edge.dropped() > 0) {
      auto& dropped = rest.dropped[{*topology_.stage_index(edge.from), *topology_.stage_index(edge.to)}];
      dropped += edge.dropped();
      rest.rejected += edge.rejected;
    }
  for (std::size_t s = 0; s < stages; ++s) {
    if (topology_.stages[s].kind == StageKind::sink) rest.outside[s] = &outside_[s];
    for (const auto& [event, applied] : witness_.workers[s]) rest.histories[s][{}].push_back(applied);
    if (const auto worker = rest.histories[s].find({}); worker != rest.histories[s].end() && topology_.stages[s].ordering == Ordering::none)
      std::sort(worker->second.begin(), worker->second.end(), [](const Applied& a, const Applied& b) { return a.ordinal < b.ordinal; });
  }
  const auto set_aside = [&](std::size_t stage, const HeldEvent& held, bool parked) {
    if (!held.event) {
      ++rest.dirty;
      return;
    }
    if (held.kind == held_kind::overflow) {  // counted as shed by its edge
      ++rest.overflow_letters;
      return;
    }
    const auto& type = held.event->type(0);
    const auto& meta = held.event->meta(0);
    const auto event = world_.events.note(type, held.event->event(0), meta.trace);
    rest.set_aside.push_back({stage, held.channel == 0, held.key, event, parked});
    if (held.kind == held_kind::failed || held.kind == held_kind::follows) rest.given_up.insert({stage, held.key, event});
    if (held.kind != held_kind::expired || topology_.clock == ClockKind::events) return;
    const auto due = deadline_of(topology_.stages[stage], type, held.event->event(0), meta.time);
    if (!due || held.when <= *due)
      world_.violate("nothing is given up before its deadline", fmt::format("{}: {} has expired at {}, and could be begun until {}", topology_.stages[stage].name,
                                                                           world_.events.describe(event), held.when.to_string(), due ? due->to_string() : "the end"));
  };

  if (!case_.durable) {
    for (const auto& [stage, hosts] : witness_.hosts) {
      if (topology_.stages[stage].ordering == Ordering::none) continue;
      for (auto* host : hosts)
        for (const auto& [key, history] : host->histories()) {
          rest.histories[stage][key] = history;
          if (auto state = host->show_state(key)) rest.states[stage][key] = std::move(*state);
        }
    }
    for (const auto& letter : engine_->dead_letters()) {
      set_aside(*topology_.stage_index(letter.stage), letter.held, letter.parked);
      letters.push_back({{"stage", letter.stage}, {"kind", letter.held.kind}, {"reason", letter.held.reason}, {"key", letter.held.key}});
      letters.back()["event"] = letter.held.event ? letter.held.event->type(0).name() : std::string();
      letters.back()["payload"] = letter.held.event ? letter.held.event->type(0).to_json(letter.held.event->event(0)) : nlohmann::json(letter.held.content);
      letters.back()["id"] = fmt::format("{}/{}:{}", letter.stage, letter.shard, letter.held.ordinal);
    }
    const auto shed = check_history(rest, world_);
    check_invariants(rest, shed, letters);
    return;
  }

  // The power fails right after the end: all of it must be on the disk.
  world_.say("the node", [] { return "is looked at once more, after the power has failed: everything must be there"; });
  world_.power_off = world_.ghosts = true;
  engine_.reset();
  world_.ghosts = false;
  disk_->crash(0);
  for (auto& file : outside_) file.lose_power(0);
  unflip();
  try {
    const auto journal = Journal::open(std::make_unique<MemoryStore>(disk_));
    for (std::size_t index = 0; index < plan_->shards.size(); ++index) {
      const auto& shard = plan_->shards[index];
      const auto& stage = topology_.stages[shard.stage];
      if (stage.kind == StageKind::sink) cut_to_commit(outside_[shard.stage], journal->read_shard(shard.id));
      if (stage.kind == StageKind::actor && stage.ordering != Ordering::none)
        journal->scan_state(shard.id, [&](std::string_view key, std::string_view bytes) {
          auto found = decode_witnessed(bytes);
          rest.histories[shard.stage][std::string(key)] = std::move(found.history);
          if (found.state) rest.states[shard.stage][std::string(key)] = stage.actor->state_to_json(*found.state);
          return true;
        });
      for (const auto reason : {HeldReason::dead, HeldReason::parked, HeldReason::waiting})
        journal->scan_held(reason, shard.id, [&](HeldEvent held) {
          if (reason == HeldReason::waiting)
            world_.violate("everything drains", fmt::format("{}, key '{}': an event waits for its retry in a node that has finished", stage.name, held.key));
          set_aside(shard.stage, held, reason == HeldReason::parked);
          return true;
        });
    }
    DeadLetterFilter parked;
    parked.parked = true;
    for (const auto& filter : {DeadLetterFilter{}, parked})
      for (const auto& letter : list_dead_letters(*journal, filter)) {
        letters.push_back({{"id", letter.id}, {"stage", letter.stage}, {"kind", letter.kind}, {"reason", letter.reason}, {"key", letter.key},
                           {"event", letter.event}, {"payload", letter.payload}});
      }
  } catch (const std::exception& error) {
    world_.violate("acknowledged is kept", fmt::format("after the end the journal says: {}", error.what()));
    return;
  }
  const auto shed = check_history(rest, world_);
  check_invariants(rest, shed, letters);
}

void SimulatedRun::check_invariants(const RestingRun& rest, const std::vector<StageEvent>& shed, const std::vector<nlohmann::json>& dead_letters) {
  if (!world_.violations.empty()) return;
  const SimulatedScenario scenario(topology_, rest, world_, shed, dead_letters);
  for (const auto& [name, invariant] : Invariants::of(topology_.name)) {
    try {
      invariant->check(scenario);
    } catch (const std::exception& error) {
      world_.violate(name, error.what());
    }
  }
}

}  // namespace mailroom::runtime
