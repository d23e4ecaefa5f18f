#include "runtime/simulation/history_check.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include <mailroom/errors.hpp>

#include "runtime/engine/key_of_event.hpp"

namespace mailroom::runtime {
namespace {

// "ledger, key 'alice'"; where there are no keys, "ledger".
std::string at_key(const Stage& stage, const std::string& key) { return key.empty() ? stage.name : fmt::format("{}, key '{}'", stage.name, key); }

std::string how_often(std::int64_t times) { return times == 1 ? "once" : times == 2 ? "twice" : fmt::format("{} times", times); }

using Producer = std::pair<std::size_t, std::uint32_t>;  // stage, shard

// What must have come to one key of one stage.
struct Expected {
  std::map<Producer, std::vector<EventId>> from;  // in order of emission
  std::map<EventId, std::int64_t> times;          // how often, from all
  std::map<EventId, Timestamp> event_times;       // as emitted; none where only the engine knows it
};

class Replay final : private ContextPort {
 public:
  Replay(const RestingRun& run, World& world) : run_(run), world_(world), stages_(run.plan->topology.stages) {
    expected_.resize(stages_.size());
    // By stage and key: timers of several keys may look alike.
    for (const auto& one : run.given_up)
      if (world.redriven.contains(one.event)) out_of_reach_.insert(one);
    for (const auto& one : run.set_aside)
      if (one.own_timer) out_of_reach_.insert({one.stage, one.key, one.event});
  }

  void check() {
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      stage_ = s;
      if (stages_[s].kind == StageKind::source)
        replay_source();
      else if (stages_[s].kind == StageKind::actor && stages_[s].ordering != Ordering::none)
        replay_shards();
    }
    // What reaches a worker queue must be known before: alike events are one entry there.
    for (stage_ = 0; stage_ < stages_.size(); ++stage_)
      if (stages_[stage_].kind == StageKind::actor && stages_[stage_].ordering == Ordering::none) replay_workers();
    for (std::size_t s = 0; s < stages_.size(); ++s)
      if (stages_[s].kind != StageKind::source) compare(s);
  }

 private:
  // Timers of a key that are set and have not fired.
  struct Timer {
    std::string name;
    Timestamp due;
  };
  struct Timers {
    std::multimap<EventId, Timer> set;
    // One that is a dead letter, or was one for a time, can't be cancelled any more.
    template <class OutOfReach>
    void cancel(std::string_view name, const OutOfReach& out_of_reach) {
      std::erase_if(set, [&](const auto& timer) { return timer.second.name == name && !out_of_reach(timer.first); });
    }
  };

  void replay_source() {
    const auto& stage = stages_[stage_];
    std::uint64_t dirty = 0;
    for (std::uint32_t number = 0; number < stage.shards; ++number) {
      shard_ = number;
      const auto stream = static_cast<std::uint16_t>(run_.plan->shards[run_.plan->first_shard[stage_] + number].id);
      const auto& input = (*run_.inputs)[stage_][number];
      dirty += input.dirty.size();
      std::uint64_t sequence = 0;
      const auto refused = too_far_ahead(stage, input);
      for (const auto& event : input.events) {
        const auto trace = make_trace(stream, ++sequence);
        if (!refused[sequence - 1]) {
          route(*event.type, event.event(), {}, trace, std::nullopt);
          continue;
        }
        const auto id = world_.events.note(*event.type, event.event(), trace);
        if (std::none_of(run_.set_aside.begin(), run_.set_aside.end(), [&](const SetAside& one) { return one.stage == stage_ && one.event == id; }))
          world_.violate("nothing is lost", fmt::format("{}: {} is dated too far ahead, and no dead letter", stage.name, world_.events.describe(id)));
      }
    }
    dirty_ += dirty;
  }

  // Which of a source's events "max_ahead" refuses, by a plain reading of it.
  [[nodiscard]] std::vector<bool> too_far_ahead(const Stage& stage, const RecordedInput& input) const {
    std::vector<bool> refused(input.events.size(), false);
    if (run_.plan->topology.clock != ClockKind::events || stage.max_ahead.count() == 0) return refused;
    std::optional<Timestamp> latest;
    std::vector<Timestamp> row;  // those beyond it, one after the other
    for (std::size_t i = 0; i < input.events.size(); ++i) {
      const auto& event = input.events[i];
      const auto index = event.type->index();
      const auto read = index < stage.time_readers.size() ? stage.time_readers[index] : nullptr;
      const auto time = read != nullptr ? Timestamp{read(event.event())} : event.time;
      if (latest && time > *latest + stage.max_ahead) {
        if (!row.empty() && (time > row.back() + stage.max_ahead || row.back() > time + stage.max_ahead)) row.clear();
        row.push_back(time);
        refused[i] = row.size() < stage.believed_after;
        if (refused[i]) continue;
      }
      row.clear();
      latest = latest ? std::max(*latest, time) : time;
    }
    return refused;
  }

  void replay_shards() {
    const auto& stage = stages_[stage_];
    struct Step {
      const std::string* key;
      const Applied* applied;
    };
    std::vector<std::vector<Step>> shards(stage.shards);
    for (const auto& [key, history] : run_.histories[stage_])
      for (const auto& applied : history)
        shards[stage.shards == 1 ? 0 : shard_of(hash_key(key), stage.shards)].push_back({&key, &applied});
    std::map<std::string, nlohmann::json> states;
    for (shard_ = 0; shard_ < stage.shards; ++shard_) {
      auto& steps = shards[shard_];
      std::sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) { return a.applied->ordinal < b.applied->ordinal; });
      const auto host = stage.actor->make(stage.options, {});
      host_ = host.get();
      for (const auto& step : steps) {
        key_ = *step.key;
        auto& timers = timers_[{stage_, key_}];
        const auto fired = timers.set.find(step.applied->event);
        if (fired != timers.set.end()) {
          timers.set.erase(fired);
        } else {
          ++taken_[{stage_, key_}][step.applied->event];
          check_timers(stage, timers, *step.applied);
        }
        if (!call(*host, *step.applied)) return;
      }
      for (const auto& step : steps)
        if (!states.contains(*step.key))
          if (const auto state = host->show_state(*step.key)) states.emplace(*step.key, *state);
    }
    for (const auto& [key, history] : run_.histories[stage_]) {
      const auto kept = run_.states[stage_].find(key);
      const auto played = states.find(key);
      const auto show = [](bool there, const auto& at) { return there ? at->second.dump() : std::string("no state"); };
      const bool has_kept = kept != run_.states[stage_].end(), has_played = played != states.end();
      if (has_kept != has_played || (has_kept && kept->second != played->second))
        world_.violate("effectively once",
                       fmt::format("{}: the state is {}, and {} {} it is made of make{} {}", at_key(stage, key), show(has_kept, kept),
                                   history.size() == 1 ? "the" : fmt::format("the {}", history.size()), history.size() == 1 ? "event" : "events",
                                   history.size() == 1 ? "s" : "", show(has_played, played)));
    }
    host_ = nullptr;
  }

  // By the events' clock a timer fires before what comes to its key after its time.
  void check_timers(const Stage& stage, const Timers& timers, const Applied& applied) {
    if (run_.plan->topology.clock != ClockKind::events) return;
    for (const auto& [event, timer] : timers.set)
      if (timer.due < Timestamp{applied.now} && !out_of_reach(event))
        world_.violate("order", fmt::format("{}: the timer {} was due at {}, and {} is handled before it, at {}", at_key(stage, key_), world_.events.describe(event),
                                            timer.due.to_string(), world_.events.describe(applied.event), Timestamp{applied.now}.to_string()));
  }

  void replay_workers() {
    const auto host = stages_[stage_].actor->make(stages_[stage_].options, {});
    host_ = host.get();
    shard_ = 0;
    auto times = expected_[stage_][{}].times;
    for (const auto& one : run_.set_aside)
      if (one.stage == stage_) --times[one.event];
    for (const auto& [key, history] : run_.histories[stage_])
      for (const auto& applied : history) {
        // One that nobody has sent was lost with its sender's commit, or is an invention: then what it has caused is one.
        const auto sent = times.find(applied.event);
        if (sent == times.end()) continue;
        const auto again = sent->second;
        taken_[{stage_, {}}][applied.event] = again;
        key_ = key_of_job(stages_[stage_], applied.event);
        for (std::int64_t i = 0; i < again; ++i)
          if (!call(*host, applied)) return;
      }
    key_.clear();
    host_ = nullptr;
  }

  bool call(ActorHost& host, const Applied& applied) {
    const auto& entry = world_.events.at(applied.event);
    const EventKey key(key_);
    Context context(*this);
    trace_ = entry.trace;
    context.begin(stages_[stage_].name, key, Timestamp{applied.time}, Timestamp{applied.now}, entry.trace,
                  static_cast<unsigned>(applied.attempt), applied.behind_ms);
    try {
      host.handle(*entry.type, entry.event(), key, context);
      return true;
    } catch (const std::exception& error) {
      world_.violate("handlers are repeatable",
                     fmt::format("{}: handled {} in the run; played again with the same state it throws: {}",
                                 at_key(stages_[stage_], key_), world_.events.describe(applied.event), error.what()));
      return false;
    }
  }

  // Where one emission must have gone.
  void route(const EventType& type, const void* event, std::string_view to, TraceId trace, std::optional<Timestamp> time) {
    EventId id = 0;
    for (std::size_t c = 0; c < stages_.size(); ++c) {
      const auto& consumer = stages_[c];
      if (!to.empty() && consumer.name != to) continue;
      for (const auto& edge : consumer.inputs) {
        if (edge.from != stage_ || std::find(edge.events.begin(), edge.events.end(), &type) == edge.events.end()) continue;
        if (id == 0) id = world_.events.note(type, event, trace);
        auto& expected = expected_[c][key_at(consumer, type, event)];
        expected.from[{stage_, shard_}].push_back(id);
        ++expected.times[id];
        if (time) expected.event_times.emplace(id, *time);
      }
    }
  }

  static std::string key_at(const Stage& consumer, const EventType& type, const void* event) {
    if (consumer.kind == StageKind::sink || consumer.ordering == Ordering::none) return {};
    return key_text(consumer, type, event);
  }

  // Workers' jobs are counted together; those with a key come to their handler with it, and in its order.
  [[nodiscard]] std::string key_of_job(const Stage& workers, EventId job) const {
    const auto& entry = world_.events.at(job);
    return key_text(workers, *entry.type, entry.event());
  }

  static std::string key_text(const Stage& consumer, const EventType& type, const void* event) {
    const auto& key = consumer.keys[type.index()];
    if (!key || key->readers.empty()) return {};
    KeyScratch scratch;
    std::string composed;
    return std::string(read_key(*key, event, scratch, composed));
  }

  void compare(std::size_t s) {
    const auto& stage = stages_[s];
    const bool keeps_order = stage.kind == StageKind::sink || stage.ordering != Ordering::none;
    // What has come to each key, in order.
    std::map<std::string, std::vector<std::pair<EventId, Timestamp>>> came;
    if (stage.kind == StageKind::sink) {
      for (const auto& row : run_.outside[s]->rows) came[{}].emplace_back(row.event, row.time);
    } else {
      // What a worker did stays known when its commit is lost; the event may have been given up since.
      const bool by_workers = stage.ordering == Ordering::none;
      const auto& done = taken_[{s, {}}];
      for (const auto& [key, history] : run_.histories[s])
        for (const auto& applied : history)
          if (const auto at = done.find(applied.event); !by_workers || (at != done.end() && at->second > 0))
            came[key].emplace_back(applied.event, Timestamp{applied.time});
    }
    std::map<std::string, std::map<EventId, std::int64_t>> aside;
    for (const auto& one : run_.set_aside) {
      if (one.stage != s) continue;
      const auto key = stage.kind == StageKind::sink || stage.ordering == Ordering::none ? std::string() : one.key;
      auto& timers = timers_[{s, key}];
      const auto timer = one.own_timer ? timers.set.find(one.event) : timers.set.end();
      if (timer != timers.set.end())
        timers.set.erase(timer);
      else
        ++aside[key][one.event];
    }
    std::set<std::string> keys;
    for (const auto& [key, unused] : expected_[s]) keys.insert(key);
    for (const auto& [key, unused] : came) keys.insert(key);
    for (const auto& [key, unused] : aside) keys.insert(key);
    std::uint64_t lost = 0;
    std::string first_lost;
    for (const auto& key : keys) {
      const auto& expected = expected_[s][key];
      std::map<EventId, std::int64_t> found = aside[key];
      if (stage.kind == StageKind::actor) {
        for (const auto& [event, times] : taken_[{s, key}]) found[event] += times;
      } else {
        for (const auto& [event, time] : came[key]) ++found[event];
      }
      for (const auto& [event, times] : found) {
        const auto wanted = expected.times.find(event);
        const auto most = wanted == expected.times.end() ? 0 : wanted->second;
        if (times <= most) continue;
        if (most == 0)
          world_.violate("nothing is invented", fmt::format("{}: {} was never sent to it", at_key(stage, key), world_.events.describe(event)));
        else
          world_.violate("effectively once", fmt::format("{}: {} came {} and was sent {}", at_key(stage, key), world_.events.describe(event),
                                                         how_often(times), how_often(most)));
      }
      for (const auto& [event, times] : expected.times) {
        const auto there = found.find(event);
        const auto missing = times - (there == found.end() ? 0 : there->second);
        if (missing <= 0) continue;
        if (lost == 0) first_lost = fmt::format("{}: {}", at_key(stage, key), world_.events.describe(event));
        lost += static_cast<std::uint64_t>(missing);
        shed_.insert(shed_.end(), static_cast<std::size_t>(missing), {s, key, event});
      }
      for (const auto& [event, time] : came[key]) {
        const auto sent = expected.event_times.find(event);
        if (sent != expected.event_times.end() && expected.times.at(event) == 1 && sent->second != time)
          world_.violate("events are kept as they are", fmt::format("{}: {} was sent with time {} and came with {}", at_key(stage, key),
                                                                   world_.events.describe(event), sent->second.to_string(), time.to_string()));
      }
      if (keeps_order) check_order(stage, key, expected, came[key]);
      if (stage.key_in_order) {
        std::map<std::string, std::vector<std::pair<EventId, Timestamp>>> jobs;
        for (const auto& job : came[key]) jobs[key_of_job(stage, job.first)].push_back(job);
        for (const auto& [job_key, done] : jobs) check_order(stage, job_key, expected, done);
      }
      if (stage.kind == StageKind::actor && stage.ordering != Ordering::none) check_parked(s, key, expected, came[key]);
    }
    if (const auto log = world_.job_logs.find(s); log != world_.job_logs.end()) check_choice(s, log->second);
    std::uint64_t shed = 0;
    for (const auto& [edge, count] : run_.dropped)
      if (edge.second == s) shed += count;
    if (lost != shed)
      world_.violate("nothing is lost", lost == 0 ? fmt::format("{}: none of its events is missing, and {} are counted as shed by its overflow policy", stage.name, shed)
                                                  : fmt::format("{}{} never came{}", first_lost,
                                                                lost == 1 ? std::string() : fmt::format(" and {} more", lost - 1),
                                                                shed == 0 ? std::string() : fmt::format(" ({} are counted as shed by the overflow policy)", shed)));
    {
      for (const auto& [where, timers] : timers_)
        if (where.first == s && !timers.set.empty())
          world_.violate("nothing is lost", fmt::format("{}: {} did not fire; the first: {}", at_key(stage, where.second),
                                                        timers.set.size() == 1 ? "a timer" : fmt::format("{} timers", timers.set.size()), world_.events.describe(timers.set.begin()->first)));
    }
  }

  // Of the jobs that came together the best are begun first.
  void check_choice(std::size_t s, const JobLog& log) {
    const auto& stage = stages_[s];
    const auto& expected = expected_[s][{}];
    // Where keys keep their order, a job may have to wait for another of its key: only a key's first is held to the law.
    std::map<std::string, std::set<Producer>> producers;
    std::map<std::string, EventId> first;
    if (stage.key_in_order)
      for (const auto& [producer, sent] : expected.from)
        for (const auto event : sent) {
          producers[key_of_job(stage, event)].insert(producer);
          first.emplace(key_of_job(stage, event), event);
        }
    const auto passed = log.passed_over(stage.workers, [&](EventId id) -> std::optional<JobLog::Rank> {
      const auto times = expected.times.find(id);
      if (times == expected.times.end() || times->second != 1) return std::nullopt;
      const auto& entry = world_.events.at(id);
      const auto key = stage.key_in_order ? key_of_job(stage, id) : std::string();
      return JobLog::Rank{stage.priorities[entry.type->index()](entry.event()), !stage.key_in_order || (producers[key].size() == 1 && first[key] == id)};
    });
    if (passed)
      world_.violate("the best job first", fmt::format("{}: {} is begun while {} of a higher priority, or as high and older, that came with it {}; one of them: {}", stage.name,
                                                       world_.events.describe(passed->begun), passed->better_ones == 1 ? "one" : fmt::format("{}", passed->better_ones),
                                                       passed->better_ones == 1 ? "waits" : "wait", world_.events.describe(passed->better)));
  }

  // What follows a parked event of its key is parked, too: none of that producer's later events has been handled.
  void check_parked(std::size_t s, const std::string& key, const Expected& expected, const std::vector<std::pair<EventId, Timestamp>>& came) {
    std::set<EventId> parked, handled;
    for (const auto& one : run_.set_aside)
      if (one.stage == s && one.key == key && one.parked) parked.insert(one.event);
    if (parked.empty()) return;
    for (const auto& [event, time] : came) handled.insert(event);
    for (const auto& [producer, sent] : expected.from) {
      EventId before = 0;
      for (const auto event : sent) {
        if (expected.times.at(event) != 1 || world_.redriven.contains(event)) continue;
        if (parked.contains(event)) before = event;
        if (before != 0 && handled.contains(event)) {
          world_.violate("order", fmt::format("{}: {} is parked, and {}, which {}/{} sent after it, was handled", at_key(stages_[s], key),
                                              world_.events.describe(before), world_.events.describe(event), stages_[producer.first].name, producer.second));
          return;
        }
      }
    }
  }

  // The events of each producer came in the order in which it sent them. Those that look alike are left out.
  void check_order(const Stage& stage, const std::string& key, const Expected& expected, const std::vector<std::pair<EventId, Timestamp>>& came) {
    std::map<EventId, std::size_t> place;
    for (std::size_t i = 0; i < came.size(); ++i) place[came[i].first] = i;
    for (const auto& [producer, sent] : expected.from) {
      std::size_t last = 0;
      EventId before = 0;
      for (const auto event : sent) {
        const auto at = place.find(event);
        if (at == place.end() || expected.times.at(event) != 1 || world_.redriven.contains(event)) continue;
        if (before != 0 && at->second < last) {
          world_.violate("order", fmt::format("{}: {}/{} sent {} before {}, and they came the other way round", at_key(stage, key),
                                              stages_[producer.first].name, producer.second, world_.events.describe(before), world_.events.describe(event)));
          return;
        }
        last = at->second;
        before = event;
      }
    }
  }

  [[nodiscard]] bool out_of_reach(EventId timer) const { return out_of_reach_.contains({stage_, key_, timer}); }

  // ContextPort
  void emit(const EventType& type, void* event, std::string_view stage, Timestamp time) override { route(type, event, stage, trace_, time); }
  void set_timer(const EventType& type, void* event, Timestamp due, std::string_view name) override {
    auto& timers = timers_[{stage_, key_}];
    if (!name.empty()) cancel_timer(name);
    timers.set.emplace(world_.events.note(type, event, trace_), Timer{std::string(name), due});
  }
  void cancel_timer(std::string_view name) override {
    if (!name.empty()) timers_[{stage_, key_}].cancel(name, [this](EventId event) { return out_of_reach(event); });
  }
  void forget_state() override { host_->forget_current(); }
  void log(LogLevel, std::string_view) override {}

  const RestingRun& run_;
  World& world_;
  const std::vector<Stage>& stages_;
  std::vector<std::map<std::string, Expected>> expected_;  // [stage]: key
  std::map<std::pair<std::size_t, std::string>, std::map<EventId, std::int64_t>> taken_;  // from mailboxes, not timers
  std::map<std::pair<std::size_t, std::string>, Timers> timers_;
  std::set<StageEvent> out_of_reach_;
  std::uint64_t dirty_ = 0;
  std::vector<StageEvent> shed_;
  std::size_t stage_ = 0;
  std::uint32_t shard_ = 0;
  std::string key_;
  TraceId trace_ = 0;
  ActorHost* host_ = nullptr;

 public:
  [[nodiscard]] std::uint64_t dirty() const { return dirty_; }
  [[nodiscard]] std::vector<StageEvent> shed() { return std::move(shed_); }
};

}  // namespace

std::vector<StageEvent> check_history(const RestingRun& run, World& world) {
  Replay replay(run, world);
  replay.check();
  if (run.rejected != run.overflow_letters)
    world.violate("nothing is lost", fmt::format("{} events were rejected by full mailboxes, and {} of them are dead letters", run.rejected, run.overflow_letters));
  if (replay.dirty() != run.dirty)
    world.violate("nothing is lost", fmt::format("{} pieces of the input are no events, and {} of them are dead letters", replay.dirty(), run.dirty));
  return replay.shed();
}

}  // namespace mailroom::runtime
