#include "tests/runtime/engine/engine_fixture.hpp"

#include <algorithm>
#include <thread>

#include "runtime/topology/load_topology.hpp"

namespace mailroom::runtime::test {
namespace {

struct Count {
  std::int64_t events = 0;
  std::vector<std::int64_t> numbers;
};
MAILROOM_STATE(Count, events, numbers)

class TestActor : public Actor<Count> {
 public:
  using Emits = Events<Seen>;
  TestActor() {
    ++world().instances;
    if (world().on_make) world().on_make();
  }
  void on(const Note& note, Count& count, Context& context) {
    ++count.events;  // before the throw: a rollback must undo it
    count.numbers.push_back(note.number);
    context.emit(Seen{note.key, note.number, count.events, context.attempt(), context.now()});
    if (world().on_note) world().on_note(note, context);
  }
};
MAILROOM_ACTOR(TestActor, Note)

class TestWorker : public Actor<> {
 public:
  using Emits = Events<Seen>;
  TestWorker() {
    if (world().on_make) world().on_make();
  }
  void on(const Note& note, Context& context) {
    context.emit(Seen{note.key, note.number, 0, context.attempt(), context.now()});
    if (world().on_note) world().on_note(note, context);
  }
};
MAILROOM_ACTOR(TestWorker, Note)

// Sends each note back to itself until its number is 0.
class Bouncer : public Actor<> {
 public:
  using Emits = Events<Note, Seen>;
  void on(const Note& note, Context& context) {
    if (note.number > 0)
      context.emit(Note{note.key, note.number - 1});
    else
      context.emit(Seen{note.key, 0, 0, 0, {}});
  }
};
MAILROOM_ACTOR(Bouncer, Note)

class Relay : public Actor<> {
 public:
  using Emits = Events<Note>;
  void on(const Note& note, Context& context) { context.emit(note); }
};
MAILROOM_ACTOR(Relay, Note)

class ScriptedSource : public Source {
 public:
  using Emits = Events<Note>;
  ReadStatus read(SourceBatch& batch, std::size_t max_events) override {
    static const auto& type = event_type_of<Note>();
    const auto& w = world();
    if (w.on_read) w.on_read();
    for (std::size_t n = 0; n < std::min<std::size_t>(max_events, 64) && next_ < w.input.size(); ++n, ++next_) {
      EventMeta meta;
      meta.time = Timestamp{w.input_times.empty() ? static_cast<std::int64_t>(next_ + 1) : w.input_times[next_]};
      auto note = w.input[next_];
      batch.events.append_move(type, &note, meta);
    }
    if (next_ < w.input.size()) return ReadStatus::more;
    return w.endless ? ReadStatus::idle : ReadStatus::end;
  }
  [[nodiscard]] nlohmann::json position() const override { return next_; }
  void seek(const nlohmann::json& position) override { next_ = position.get<std::size_t>(); }

 private:
  std::size_t next_ = 0;
};
MAILROOM_SOURCE(ScriptedSource, "scripted")

// An outside that a restart can take back to a committed length, as a file sink does.
class CollectingSink : public Sink {
 public:
  void write(const SinkEvent& event) override {
    if (world().gate) world().gate->pass();
    if (world().on_write) world().on_write();
    const std::lock_guard lock(world().mutex);
    world().output.push_back(*static_cast<const Seen*>(event.event));
  }
  nlohmann::json flush() override {
    const std::lock_guard lock(world().mutex);
    return world().output.size();
  }
  void sync() override {}
  void recover(const nlohmann::json& position) override {
    const std::lock_guard lock(world().mutex);
    const auto length = position.is_null() ? 0 : position.get<std::size_t>();
    ASSERT_GE(world().output.size(), length) << "the outside has less than was committed";
    world().output.resize(length);
  }
};
const bool sink_registered = SinkTypes::add({"collecting",
                                             false,
                                             {},
                                             [](const nlohmann::json&) {},
                                             [](const SinkSettings&) { return std::make_unique<CollectingSink>(); }});

}  // namespace

World& world() {
  static World the_world;
  return the_world;
}

std::vector<std::int64_t> numbers_of(const std::vector<Seen>& output, const std::string& key) {
  std::vector<std::int64_t> numbers;
  for (const auto& seen : output)
    if (seen.key == key) numbers.push_back(seen.number);
  return numbers;
}

std::string EngineTest::pipeline(const std::string& stage_members, const std::string& top_members) {
  auto json = nlohmann::json::parse(R"({
    "mailroom": 1, "name": "test", "durability": "memory",
    "stages": {
      "in":  {"source": "scripted"},
      "act": {"actor": "TestActor", "from": ["in"], "key": "key", "shards": 2,
              "on_failure": {"retries": 3, "backoff": "1ms..4ms"}},
      "out": {"sink": "collecting", "from": ["act"]}
    }})");
  json.merge_patch(nlohmann::json::parse(top_members));
  json["stages"]["act"].merge_patch(nlohmann::json::parse(stage_members));
  return json.dump(2);
}

Topology EngineTest::load(const std::string& json) {
  LoadOptions options;
  options.load_libraries = false;
  auto loaded = load_topology_text(json, "test.json", options);
  std::string problems;
  for (const auto& problem : loaded.problems) problems += to_string(problem) + "\n";
  if (!loaded.topology) throw std::runtime_error(problems);
  return *loaded.topology;
}

void EngineTest::SetUp() {
  world().clear();
  options_.threads = 2;
  options_.seed = 7;
  options_.sample_every = std::chrono::milliseconds(5);
  options_.quiet_check_every = std::chrono::milliseconds(1);
  options_.log = [this](LogLevel, const std::string& who, std::string_view text) {
    const std::lock_guard lock(log_mutex_);
    log_.push_back(who + ": " + std::string(text));
  };
}

std::unique_ptr<Engine> EngineTest::start(const std::string& json, std::unique_ptr<Journal> journal) {
  auto topology = load(json);
  topology.durability = journal ? Durability::durable : Durability::memory;
  return std::make_unique<Engine>(std::move(topology), std::move(journal), options_);
}

void EngineTest::run(const std::string& json, std::unique_ptr<Journal> journal) {
  const auto engine = start(json, std::move(journal));
  ASSERT_TRUE(wait(*engine)) << "the engine did not end";
  result_ = engine->result();
  snapshot_ = engine->snapshot();
  dead_letters_ = engine->dead_letters();
}

bool EngineTest::until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

int EngineTest::step_all_but(Engine& engine, const std::string& who) {
  std::vector<std::uint32_t> ready;
  for (int steps = 0; steps < 10'000; ++steps) {
    engine.ready(ready);
    const auto next = std::find_if(ready.begin(), ready.end(), [&](std::uint32_t actor) { return engine.actor_name(actor) != who; });
    if (next == ready.end()) return steps;
    engine.step(static_cast<std::size_t>(next - ready.begin()));
  }
  return 10'000;
}

void EngineTest::expect_balanced(const TelemetrySnapshot& snapshot) {
  for (const auto& edge : snapshot.edges)
    EXPECT_EQ(edge.difference(), 0) << edge.from << " -> " << edge.to << ": sent " << edge.sent << ", processed "
                                    << edge.processed << ", dead-lettered " << edge.dead_lettered << ", dropped "
                                    << edge.dropped() << ", parked " << edge.parked << ", in flight " << edge.in_flight;
  for (const auto& shard : snapshot.shards) EXPECT_EQ(shard.order_violations, 0u) << shard.stage << "/" << shard.shard;
}

ShardSnapshot EngineTest::sum(const TelemetrySnapshot& snapshot, const std::string& stage) {
  ShardSnapshot all;
  all.stage = stage;
  for (const auto& shard : snapshot.shards) {
    if (shard.stage != stage) continue;
    all.in += shard.in;
    all.out += shard.out;
    all.failures += shard.failures;
    all.retries += shard.retries;
    all.restarts += shard.restarts;
    all.dead_letters += shard.dead_letters;
    all.dropped += shard.dropped;
    all.parked += shard.parked;
    all.waiting += shard.waiting;
    all.depth += shard.depth;
    all.order_breaks += shard.order_breaks;
    all.unrouted += shard.unrouted;
    all.keys += shard.keys;
    all.high_water = std::max(all.high_water, shard.high_water);
  }
  return all;
}

}  // namespace mailroom::runtime::test
