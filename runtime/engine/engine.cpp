#include "runtime/engine/engine.hpp"

#include <algorithm>
#include <bit>
#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <condition_variable>
#include <fmt/format.h>
#include <future>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <unordered_map>
#include <variant>
#include <unistd.h>

#include <mailroom/errors.hpp>

#include "runtime/engine/actor_shard.hpp"
#include "runtime/engine/address_book.hpp"
#include "runtime/engine/caught.hpp"
#include "runtime/engine/conductor_actor.hpp"
#include "runtime/engine/dead_letter_control.hpp"
#include "runtime/engine/key_of_event.hpp"
#include "runtime/engine/messages.hpp"
#include "runtime/engine/recent_quantiles.hpp"
#include "runtime/engine/sampler_actor.hpp"
#include "runtime/engine/shard_actor.hpp"
#include "runtime/engine/sink_shard.hpp"
#include "runtime/engine/source_shard.hpp"
#include "runtime/engine/stuck_detector.hpp"
#include "runtime/engine/supervisor_actor.hpp"
#include "runtime/engine/syncer_actor.hpp"
#include "runtime/engine/take_snapshot.hpp"
#include "runtime/engine/turn_actor.hpp"
#include "runtime/engine/worker_actor.hpp"
#include "runtime/engine/worker_queue.hpp"

namespace mailroom::runtime {
namespace {

struct CafConfig : caf::actor_system_config {
  CafConfig(unsigned threads, bool stepped) {
    if (stepped) {
      set("scheduler.policy", caf::atom("testing"));
      return;
    }
    // One queue for all threads (docs/decisions/0009): a thread without work sleeps until there is some.
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", static_cast<std::size_t>(threads));
    // A shard leaves the core after this many messages. That nobody starves is seen to by ActorShard::slice_us; fewer
    // cost throughput (4: a tenth), because a shard's state then changes cores more often.
    set("scheduler.max-throughput", static_cast<std::size_t>(100));
  }
};

// CAF's scheduler for tests: a queue of the actors that have something to do, and a clock, both moved by hand.
using StepScheduler = caf::scheduler::test_coordinator;

struct ShardUnit {
  std::unique_ptr<CafShardPort> port;
  std::unique_ptr<ShardCore> core;
  std::vector<std::unique_ptr<ActorHost>> workers;  // until they are spawned
};

std::string no_such_stage(const Topology& topology, std::string_view stage) {
  std::vector<std::string_view> names;
  for (const auto& known : topology.stages) names.push_back(known.name);
  return fmt::format("there is no stage '{}'; there are: {}", stage, fmt::join(names, ", "));
}

}  // namespace

struct Engine::Impl {
  EngineOptions options;
  std::shared_ptr<Clock> clock;
  std::unique_ptr<Journal> journal;
  std::shared_ptr<const Plan> plan;
  EngineCounters counters;
  std::optional<TraceSampling> sampling;  // set when the engine is built
  SyncCounters sync_counters;
  DeadLetterBox dead_letters;
  AddressBook book;
  std::vector<ShardUnit> units;
  std::unique_ptr<StuckDetector> stuck;
  RecentQuantiles recent;
  std::unique_ptr<TelemetryLog> telemetry;
  std::atomic<std::int64_t> sample_every_ms{200};
  std::int64_t started_us = 0;
  const std::string node_name = [] {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? std::string(name) : std::string("local");
  }();

  std::unique_ptr<CafConfig> config;
  std::unique_ptr<caf::actor_system> system;
  StepScheduler* steps = nullptr;  // of a stepped engine
  std::vector<std::string> actor_names;
  std::unordered_map<const caf::resumable*, std::uint32_t> actor_numbers;

  mutable std::mutex mutex;
  std::condition_variable ended_changed;
  bool ended = false;
  EngineResult result;
  std::shared_ptr<const TelemetrySnapshot> latest;

  void log(LogLevel level, const std::string& who, std::string_view text) const {
    if (options.log) options.log(level, who, text);
  }
  std::uint64_t seed_for(std::uint64_t what) const { return options.seed * 0x9E3779B97F4A7C15ull + what; }

  void build(Topology topology);
  // An actor with a thread of its own, where there are threads at all.
  template <class Actor, class... Arguments>
  caf::actor spawn_apart(Arguments&&... arguments) {
    if (options.stepped) return system->spawn<Actor>(std::forward<Arguments>(arguments)...);
    return system->spawn<Actor, caf::detached>(std::forward<Arguments>(arguments)...);
  }
  void spawn();
  void name_actors();
  void begin();
  [[nodiscard]] std::uint64_t events_read() const;  // by all sources
  [[nodiscard]] TelemetrySnapshot sample();
  template <class ShardsOf>
  void tell_decision(const SupervisorActor::Decided& decided, ShardsOf&& shards_of, const std::string& parent);
  ControlResult set_paused(std::string_view stage, bool paused);
  // The stage, or why there is none in `refusal`.
  std::optional<std::size_t> find_stage(std::string_view stage, ControlResult& refusal) const;
  // The shard that answers, or why none does.
  [[nodiscard]] std::variant<ShardIndex, StateAnswer> find_owner(const StateQuestion& question) const;
  void on_end(Ending ending, const std::string& reason, const std::vector<ShardIndex>& not_stopped);
  void dismiss();
};

void Engine::Impl::build(Topology topology) {
  plan = make_plan(std::move(topology), journal.get());
  counters.shards = std::vector<ShardCounters>(plan->shards.size());
  counters.channels = std::vector<ChannelCounters>(plan->channels.size());
  counters.sources = std::vector<SourceShard::Counters>(plan->shards.size());
  counters.telemetry = std::vector<ShardTelemetry>(plan->shards.size());
  telemetry = std::make_unique<TelemetryLog>(*clock);
  sampling.emplace(options.trace_one_in);
  stuck = std::make_unique<StuckDetector>(*plan);

  // What every receiver has consumed, so that each outbox knows what is still under way.
  std::map<ChannelId, ConsumedPosition> consumed;
  if (journal)
    for (const auto& shard : plan->shards)
      if (const auto record = journal->read_shard(shard.id))
        for (const auto& position : record->consumed) consumed[position.channel] = position;
  const auto consumed_by_receiver = [&consumed](ChannelId channel) {
    const auto found = consumed.find(channel);
    return found == consumed.end() ? ConsumedPosition{} : found->second;
  };

  for (ShardIndex index = 0; index < plan->shards.size(); ++index) {
    ShardUnit unit;
    unit.port = std::make_unique<CafShardPort>(book, *clock, *plan, index);
    ShardSetup setup;
    setup.plan = plan.get();
    setup.shard = index;
    setup.journal = journal.get();
    setup.port = unit.port.get();
    setup.counters = &counters.shards[index];
    setup.channels = &counters.channels;
    setup.dead_letters = &dead_letters;
    setup.telemetry = &counters.telemetry[index];
    setup.sampling = &*sampling;
    setup.make_spill = options.make_spill;
    if (!setup.make_spill)
      setup.make_spill = [folder = options.spill_directory.empty() ? std::filesystem::temp_directory_path()
                                                                   : options.spill_directory] {
        return std::make_unique<SpillFile>(folder);
      };
    setup.log = [this](LogLevel level, const std::string& who, std::string_view text) { log(level, who, text); };
    setup.seed = seed_for(index);
    const auto& stage = plan->stage_of(index);
    if (stage.kind == StageKind::source) {
      auto source = std::make_unique<SourceShard>(setup);
      source->publish_to(&counters.sources[index]);
      unit.core = std::move(source);
    } else if (stage.kind == StageKind::sink) {
      unit.core = std::make_unique<SinkShard>(setup);
    } else if (stage.ordering == Ordering::none) {
      unit.core = std::make_unique<WorkerQueue>(setup);
    } else {
      unit.core = std::make_unique<ActorShard>(setup);
    }
    try {
      unit.core->prepare(consumed_by_receiver);
      for (std::uint32_t worker = 0; worker < stage.workers; ++worker) unit.workers.push_back(stage.actor->make(stage.options, {}));
    } catch (...) {
      throw StorageError(fmt::format("{}: {}", plan->shard_name(index), caught_text()));
    }
    units.push_back(std::move(unit));
  }
}

void Engine::Impl::spawn() {
  const auto threads = options.threads > 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  config = std::make_unique<CafConfig>(threads, options.stepped);
  system = std::make_unique<caf::actor_system>(*config);
  const auto& stages = plan->topology.stages;
  const auto logger = [this](LogLevel level, const std::string& who, std::string_view text) { log(level, who, text); };

  if (journal)
    book.syncer = spawn_apart<SyncerActor>(*journal, std::cref(book), std::cref(*clock), std::ref(sync_counters));
  book.turns = system->spawn<TurnActor>(std::cref(book));
  book.workers.resize(plan->shards.size());
  for (ShardIndex index = 0; index < plan->shards.size(); ++index) {
    const auto& stage = plan->stage_of(index);
    auto& unit = units[index];
    if (stage.kind == StageKind::sink && stage.sink->blocks)
      book.shards.push_back(
          spawn_apart<ShardActor>(std::ref(*unit.core), std::ref(*unit.port), std::cref(book), index));
    else
      book.shards.push_back(
          system->spawn<ShardActor>(std::ref(*unit.core), std::ref(*unit.port), std::cref(book), index));
    for (std::uint32_t worker = 0; worker < stage.workers; ++worker) {
      const auto name = fmt::format("{}/worker {}", stage.name, worker);
      const auto spawn_worker = [&](auto&&... arguments) {
        return stage.blocking ? spawn_apart<WorkerActor>(std::forward<decltype(arguments)>(arguments)...)
                              : system->spawn<WorkerActor>(std::forward<decltype(arguments)>(arguments)...);
      };
      book.workers[index].push_back(spawn_worker(
          std::move(unit.workers[worker]), std::cref(stage), std::cref(book), std::cref(*clock), index, worker,
          std::function<void(LogLevel, std::string_view)>(
              [this, name](LogLevel level, std::string_view text) { log(level, name, text); })));
    }
  }

  std::vector<std::string> stage_names;
  for (std::size_t s = 0; s < stages.size(); ++s) {
    stage_names.push_back(stages[s].name);
    std::vector<std::string> names;
    for (std::uint32_t n = 0; n < stages[s].shards; ++n) names.push_back(fmt::format("{}/{}", stages[s].name, n));
    book.supervisors.push_back(
        system->spawn<SupervisorActor>("supervisor of " + stages[s].name, stages[s].supervision, names,
                                       std::function<std::vector<caf::actor>()>([this, s] {
                                         const auto first = book.shards.begin() + plan->first_shard[s];
                                         return std::vector<caf::actor>(first, first + plan->topology.stages[s].shards);
                                       }),
                                       std::function<void(SupervisorActor&, const std::string&)>(
                                           [this, s](SupervisorActor& self, const std::string& reason) {
                                             self.send(book.root_supervisor, FailureMail{s, reason});
                                           }),
                                       std::cref(*clock), seed_for(1000 + s), SupervisorActor::Log(logger),
                                       SupervisorActor::Tell([this, s](const SupervisorActor::Decided& decided) {
                                         tell_decision(decided, [&](std::size_t child) {
                                           return std::pair(plan->first_shard[s] + static_cast<ShardIndex>(child), 1u);
                                         }, plan->topology.stages[s].name);
                                       })));
  }
  book.root_supervisor =
      system->spawn<SupervisorActor>("supervisor of " + plan->topology.name, plan->topology.supervision, stage_names,
                                     std::function<std::vector<caf::actor>()>([this] { return book.supervisors; }),
                                     std::function<void(SupervisorActor&, const std::string&)>(
                                         [this](SupervisorActor& self, const std::string& reason) {
                                           self.send(book.conductor, StopNodeMail{reason});
                                         }),
                                     std::cref(*clock), seed_for(999), SupervisorActor::Log(logger),
                                     // Its children are stages, whose own supervisors tell of their shards.
                                     SupervisorActor::Tell([this](const SupervisorActor::Decided& decided) {
                                       tell_decision(decided, [](std::size_t) { return std::pair(0u, 0u); },
                                                     plan->topology.name);
                                     }));
  // These two have threads of their own: with a handler that does not return in every thread of the pool, the node must
  // still say so, and end when it is told to.
  book.conductor = spawn_apart<ConductorActor>(
      std::cref(book), std::cref(*plan), std::cref(options),
      ConductorActor::OnEnd([this](Ending ending, const std::string& reason, std::vector<ShardIndex> not_stopped) {
        on_end(ending, reason, not_stopped);
      }));
  book.sampler = spawn_apart<SamplerActor>(
      std::cref(sample_every_ms), std::function<void()>([this] {
        telemetry->collect(counters.telemetry);
        sampling->adapt(events_read(), clock->steady_us());
        auto taken = std::make_shared<TelemetrySnapshot>(sample());
        recent.update(*taken);
        stuck->update(*plan, counters, clock->steady_us(), *taken, [this](ShardIndex shard, std::int64_t busy_us) {
          const auto& stage = plan->stage_of(shard);
          TelemetryEvent event;
          event.kind = busy_us > 0 ? EventKind::stuck : EventKind::unstuck;
          event.shard = shard;
          event.type = &EventTypes::at(counters.shards[shard].busy_type.load(std::memory_order_relaxed));
          if (busy_us > 0)
            event.text = fmt::format("handling it for {:.1f} s; the deadline is {:.1f} s", static_cast<double>(busy_us) / 1e6,
                                     static_cast<double>(stage.deadline.count()) / 1e3);
          telemetry->add(std::move(event));
          if (busy_us == 0) return;
          log(LogLevel::warning, plan->shard_name(shard),
              fmt::format("has been handling {} for {:.1f} s; its deadline is {:.1f} s. It can't be interrupted; look "
                          "for a loop or a blocking call in {}",
                          EventTypes::at(counters.shards[shard].busy_type.load(std::memory_order_relaxed)).name(),
                          static_cast<double>(busy_us) / 1e6, static_cast<double>(stage.deadline.count()) / 1e3,
                          stage.actor->name));
        });
        const std::lock_guard lock(mutex);
        latest = std::move(taken);
      }));
}

// Numbers for the actors of a stepped engine, in the order in which they were made.
void Engine::Impl::name_actors() {
  steps = dynamic_cast<StepScheduler*>(&system->scheduler());
  const auto add = [this](const caf::actor& actor, std::string name) {
    if (!actor) return;
    actor_numbers[dynamic_cast<caf::resumable*>(caf::actor_cast<caf::abstract_actor*>(actor))] =
        static_cast<std::uint32_t>(actor_names.size());
    actor_names.push_back(std::move(name));
  };
  for (ShardIndex shard = 0; shard < book.shards.size(); ++shard) {
    add(book.shards[shard], plan->shard_name(shard));
    for (std::size_t worker = 0; worker < book.workers[shard].size(); ++worker)
      add(book.workers[shard][worker], fmt::format("{}, worker {}", plan->shard_name(shard), worker));
  }
  for (std::size_t stage = 0; stage < book.supervisors.size(); ++stage)
    add(book.supervisors[stage], "the supervisor of " + plan->topology.stages[stage].name);
  add(book.root_supervisor, "the supervisor of " + plan->topology.name);
  add(book.syncer, "the syncer");
  add(book.turns, "the turn actor");
  add(book.conductor, "the conductor");
  add(book.sampler, "the sampler");
}

void Engine::Impl::begin() {
  // Receivers before producers would be as good: what arrives before a shard has begun only waits in its mailbox.
  for (const auto& shard : book.shards) caf::anon_send(shard, BeginMail{});
}

std::uint64_t Engine::Impl::events_read() const {
  std::uint64_t read = 0;
  for (ShardIndex shard = 0; shard < plan->shards.size(); ++shard)
    if (plan->stage_of(shard).kind == StageKind::source) read += counters.shards[shard].in.get();
  return read;
}

TelemetrySnapshot Engine::Impl::sample() {
  auto snapshot = take_snapshot(*plan, counters, *clock, started_us);
  snapshot.node = node_name;
  snapshot.syncs = sync_counters.syncs.get();
  snapshot.sync_time = sync_counters.time.snapshot();
  return snapshot;
}

template <class ShardsOf>
void Engine::Impl::tell_decision(const SupervisorActor::Decided& decided, ShardsOf&& shards_of, const std::string& parent) {
  TelemetryEvent event;
  event.text = decided.text;
  event.stage = parent;
  if (decided.escalates) {
    event.kind = EventKind::escalate;
    telemetry->add(std::move(event));
    return;
  }
  event.kind = EventKind::restart;
  event.delay_us = decided.delay.count();
  for (const auto child : decided.restart) {
    const auto [first, count] = shards_of(child);
    for (auto shard = first; shard < first + count; ++shard) {
      event.shard = shard;
      telemetry->add(event);
    }
  }
}

std::optional<std::size_t> Engine::Impl::find_stage(std::string_view stage, ControlResult& refusal) const {
  const auto found = plan->topology.stage_index(stage);
  if (!found) {
    refusal = {ControlOutcome::unknown, no_such_stage(plan->topology, stage)};
    return std::nullopt;
  }
  const std::lock_guard lock(mutex);
  if (ended) {
    refusal = {ControlOutcome::ending, "the node has ended"};
    return std::nullopt;
  }
  return found;
}

ControlResult Engine::Impl::set_paused(std::string_view stage, bool paused) {
  ControlResult refusal;
  const auto found = find_stage(stage, refusal);
  if (!found) return refusal;
  // Told first: what comes of it, up to the node's end, is told behind it.
  TelemetryEvent event;
  event.kind = paused ? EventKind::pause : EventKind::resume;
  event.stage = stage;
  telemetry->add(std::move(event));
  const auto first = plan->first_shard[*found];
  for (std::uint32_t n = 0; n < plan->topology.stages[*found].shards; ++n)
    caf::anon_send(book.shards[first + n], PauseMail{paused});
  log(LogLevel::info, std::string(stage), paused ? "paused by an operator" : "resumed by an operator");
  refusal.text = fmt::format("{} {}", stage, paused ? "is paused" : "goes on");
  return refusal;
}

std::variant<ShardIndex, StateAnswer> Engine::Impl::find_owner(const StateQuestion& question) const {
  const auto& stages = plan->topology.stages;
  const auto found = plan->topology.stage_index(question.stage);
  if (!found) return StateAnswer{AskOutcome::unknown_stage, {}, no_such_stage(plan->topology, question.stage)};
  const auto& stage = stages[*found];
  if (stage.kind != StageKind::actor || stage.ordering == Ordering::none || !stage.actor->stateful)
    return StateAnswer{AskOutcome::keeps_no_state, {}, fmt::format("stage '{}' keeps no states", stage.name)};
  if (!question.type.empty()) {
    const auto& questions = stage.actor->questions;
    const auto asked = std::find_if(questions.begin(), questions.end(),
                                    [&](const Question& known) { return known.name == question.type; });
    if (asked == questions.end()) {
      std::vector<std::string_view> names;
      for (const auto& known : questions) names.push_back(known.name);
      return StateAnswer{AskOutcome::unknown_question, {},
                         fmt::format("stage '{}' does not answer {}; it answers {}, and without a question it shows "
                                     "the key's state",
                                     stage.name, question.type,
                                     names.empty() ? "no questions" : fmt::format("{}", fmt::join(names, ", ")))};
    }
    try {
      asked->check(question.content);
    } catch (...) {
      return StateAnswer{AskOutcome::bad_question, {}, fmt::format("{}: {}", question.type, caught_text())};
    }
  }
  return plan->first_shard[*found] + shard_of(hash_key(question.key), stage.shards);
}

void Engine::Impl::on_end(Ending ending, const std::string& reason, const std::vector<ShardIndex>& not_stopped) {
  EngineResult made;
  made.ending = ending;
  made.reason = reason;
  for (const auto shard : not_stopped) made.not_stopped.push_back(plan->shard_name(shard));
  if (journal && ending != Ending::failed) {
    try {
      journal->sync();
    } catch (const std::exception& error) {
      made.ending = Ending::failed;
      made.reason = error.what();
    }
  }
  telemetry->collect(counters.telemetry);
  TelemetryEvent event;
  event.kind = EventKind::ended;
  event.text = ending == Ending::failed        ? reason
               : ending == Ending::finished     ? "finished: the input is read to its end and everything is done"
               : ending == Ending::drained      ? "stopped on request with nothing left inside"
                                                : "stopped on request; the rest stays in the journal";
  telemetry->add(std::move(event));
  auto last = std::make_shared<TelemetrySnapshot>(sample());
  for (const auto& edge : last->edges) made.left_inside += edge.in_flight;
  const std::lock_guard lock(mutex);
  latest = std::move(last);
  result = std::move(made);
  ended = true;
  ended_changed.notify_all();
}

void Engine::Impl::dismiss() {
  if (!system) return;
  const auto leave = [](const caf::actor& actor) {
    if (actor) caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  };
  for (const auto& shard : book.shards) leave(shard);
  for (const auto& workers : book.workers)
    for (const auto& worker : workers) leave(worker);
  for (const auto& supervisor : book.supervisors) leave(supervisor);
  for (const auto* actor : {&book.root_supervisor, &book.syncer, &book.conductor, &book.sampler, &book.turns}) leave(*actor);
  if (steps != nullptr)
    while (steps->try_run_once()) {
    }
  system->await_all_actors_done();
  book = AddressBook{};
  system.reset();
}

Engine::Engine(Topology topology, std::unique_ptr<Journal> journal, EngineOptions options)
    : impl_(std::make_unique<Impl>()) {
  impl_->options = std::move(options);
  impl_->clock = impl_->options.clock ? impl_->options.clock : std::make_shared<SystemClock>();
  if (impl_->options.seed == 0) impl_->options.seed = std::random_device{}();
  impl_->journal = std::move(journal);
  impl_->started_us = impl_->clock->steady_us();
  impl_->sample_every_ms = impl_->options.sample_every.count();
  impl_->build(std::move(topology));
  impl_->spawn();
  if (impl_->options.stepped) impl_->name_actors();
  impl_->begin();
}

Engine::~Engine() {
  if (!impl_->options.stepped && !wait_for(std::chrono::milliseconds(0))) {
    request_stop(StopMode::checkpoint);
    while (!wait_for(std::chrono::milliseconds(1000))) {
    }
  }
  impl_->dismiss();
}

void Engine::request_stop(StopMode mode) {
  TelemetryEvent event;
  event.kind = EventKind::stopping;
  event.text = mode == StopMode::drain ? "reads no more and finishes what is inside" : "commits what is done and stops";
  impl_->telemetry->add(std::move(event));
  caf::anon_send(impl_->book.conductor, StopRequestMail{mode});
}

bool Engine::wait_for(std::chrono::milliseconds time) {
  std::unique_lock lock(impl_->mutex);
  if (time.count() <= 0) return impl_->ended;  // no visit to the kernel: a stepped engine is asked after each step
  return impl_->ended_changed.wait_for(lock, time, [this] { return impl_->ended; });
}

const EngineResult& Engine::result() const { return impl_->result; }

TelemetrySnapshot Engine::snapshot() const {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->latest) return *impl_->latest;
  }
  return impl_->sample();
}

void Engine::ask(const StateQuestion& question, std::function<void(StateAnswer)> give) {
  const auto owner = impl_->find_owner(question);
  if (const auto* refusal = std::get_if<StateAnswer>(&owner))
    give(*refusal);
  else
    caf::anon_send(impl_->book.shards[std::get<ShardIndex>(owner)],
                   AskMail{question, std::make_shared<PendingAnswer>(std::move(give))});
}

StateAnswer Engine::ask(const StateQuestion& question, std::chrono::milliseconds deadline) {
  auto given = std::make_shared<std::promise<StateAnswer>>();
  auto answer = given->get_future();
  ask(question, [given](StateAnswer made) { given->set_value(std::move(made)); });
  if (answer.wait_for(deadline) == std::future_status::ready) return answer.get();
  const auto shard = std::get<ShardIndex>(impl_->find_owner(question));
  return {AskOutcome::no_answer,
          {},
          fmt::format("{} has not answered within {} ms; it is {}", impl_->plan->shard_name(shard), deadline.count(),
                      to_string(snapshot().shards[shard].state))};
}

std::shared_ptr<const TelemetrySnapshot> Engine::latest_snapshot() const {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->latest) return impl_->latest;
  }
  return std::make_shared<TelemetrySnapshot>(impl_->sample());
}

void Engine::sample_every(std::chrono::milliseconds time) {
  impl_->sample_every_ms.store(std::max<std::int64_t>(1, time.count()), std::memory_order_relaxed);
}

const TelemetryLog& Engine::telemetry_log() const { return *impl_->telemetry; }

std::uint64_t Engine::trace_one_in() const {
  return impl_->sampling->one_in();
}

const Plan& Engine::plan() const { return *impl_->plan; }

ControlResult Engine::pause(std::string_view stage) { return impl_->set_paused(stage, true); }

ControlResult Engine::resume(std::string_view stage) { return impl_->set_paused(stage, false); }

ControlResult Engine::restart_shard(std::string_view stage, std::uint32_t shard) {
  ControlResult result;
  const auto found = impl_->find_stage(stage, result);
  if (!found) return result;
  const auto& what = impl_->plan->topology.stages[*found];
  if (shard >= what.shards)
    return {ControlOutcome::unknown,
            fmt::format("stage '{}' has the shards 0 to {}, and none numbered {}", stage, what.shards - 1, shard)};
  if (what.kind != StageKind::actor)
    return {ControlOutcome::refused, fmt::format("'{}' is a {}: only actors are restarted", stage,
                                                 what.kind == StageKind::source ? "source" : "sink")};
  caf::anon_send(impl_->book.supervisors[*found], RestartChildMail{shard});
  return {ControlOutcome::done, fmt::format("{}/{} is being restarted", stage, shard)};
}

std::vector<DeadLetter> Engine::list_dead_letters(const DeadLetterFilter& filter, std::size_t most) const {
  auto letters = impl_->journal ? runtime::list_dead_letters(*impl_->journal, filter, most)
                                : list_boxed(*impl_->plan, impl_->dead_letters.latest(), filter);
  if (letters.size() > most) letters.resize(most);
  return letters;
}

void Engine::change_dead_letters(const DeadLetterFilter& filter, bool discard,
                                 std::function<void(DeadLetterOutcome)> give) {
  check_dead_letter_filter(filter);
  HeldChange change;
  change.discard = discard;
  change.parked = filter.parked;
  change.key = filter.key;
  change.kind = filter.kind;
  std::map<ShardIndex, std::vector<std::uint64_t>> by_shard;
  DeadLetterOutcome refused;
  const auto& plan = *impl_->plan;
  for (const auto& id : filter.ids) {
    const auto parsed = parse_dead_letter_id(id);
    const auto stage = plan.topology.stage_index(parsed.stage);
    if (stage && parsed.shard < plan.topology.stages[*stage].shards)
      by_shard[plan.first_shard[*stage] + parsed.shard].push_back(parsed.ordinal);
    else
      refused.refused.push_back(fmt::format("{}: not there: there is no such shard", id));
  }
  if (filter.ids.empty())
    for (ShardIndex shard = 0; shard < plan.shards.size(); ++shard)
      if (!filter.stage || plan.stage_of(shard).name == *filter.stage) by_shard[shard];
  const auto pending = std::make_shared<PendingDeadLetters>(std::move(give));
  if (!refused.refused.empty()) pending->add(std::move(refused));
  for (auto& [shard, ordinals] : by_shard) {
    if (filter.stage && plan.stage_of(shard).name != *filter.stage) continue;
    change.ordinals = std::move(ordinals);
    caf::anon_send(impl_->book.shards[shard], HeldMail{change, pending});
  }
}

std::vector<BoxedDeadLetter> Engine::dead_letters() const { return impl_->dead_letters.latest(); }

std::uint64_t Engine::forgotten_dead_letters() const { return impl_->dead_letters.forgotten(); }

Journal* Engine::journal() { return impl_->journal.get(); }

std::size_t Engine::ready() const { return impl_->steps->jobs.size(); }

void Engine::ready(std::vector<std::uint32_t>& actors) const {
  actors.clear();
  for (const auto* job : impl_->steps->jobs) actors.push_back(impl_->actor_numbers.at(job));
}

void Engine::step(std::size_t index) {
  auto& jobs = impl_->steps->jobs;
  std::swap(jobs.front(), jobs[index]);
  impl_->steps->run_once();
}

const std::string& Engine::actor_name(std::uint32_t number) const { return impl_->actor_names.at(number); }

void Engine::advance(std::chrono::microseconds time) { impl_->steps->advance_time(time); }

std::optional<std::chrono::microseconds> Engine::advance_to_next() {
  auto& clock = impl_->steps->clock();
  const auto before = clock.now();
  if (!clock.trigger_timeout()) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::microseconds>(clock.now() - before);
}

}  // namespace mailroom::runtime
