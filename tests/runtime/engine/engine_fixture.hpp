// Small events, actors, a scripted source and a collecting sink for tests of the engine, and a way to run a
// topology given as JSON to its end.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <mailroom/mailroom.hpp>

#include "runtime/engine/engine.hpp"
#include "runtime/journal/memory_store.hpp"

namespace mailroom::runtime::test {

// --- the world of the tests, reached by the actors below; set anew by each test ---

struct Note {
  std::string key;
  std::int64_t number = 0;
};
MAILROOM_EVENT(Note, key, number)

// What the actors report.
struct Seen {
  std::string key;
  std::int64_t number = 0;
  std::int64_t count = 0;  // of the key's events so far
  std::int64_t attempt = 0;
  Timestamp now;
};
MAILROOM_EVENT(Seen, key, number, count, attempt, now)

class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  // Someone stands before the gate.
  bool wait_for_someone() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [this] { return waiting_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

struct World {
  std::vector<Note> input;
  std::vector<std::int64_t> input_times;               // micros; empty: number of the event
  std::function<void(const Note&, Context&)> on_note;  // may throw; called by TestActor before it counts
  std::vector<Seen> output;                            // what the sink has written
  std::mutex mutex;
  std::shared_ptr<Gate> gate;
  std::atomic<int> instances{0};  // TestActor objects made
  // May throw; called by the source before it reads, the sink before it writes, and the actors when they are made.
  std::function<void()> on_read, on_write, on_make;
  bool endless = false;           // the source never ends

  void clear() {
    input.clear();
    input_times.clear();
    on_note = nullptr;
    on_read = on_write = on_make = nullptr;
    output.clear();
    gate.reset();
    instances = 0;
    endless = false;
  }
};
World& world();

std::vector<std::int64_t> numbers_of(const std::vector<Seen>& output, const std::string& key);

class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override;

  // Source -> TestActor -> sink, with `stage` merged into the actor's stage.
  static std::string pipeline(const std::string& stage_members = "{}", const std::string& top_members = "{}");
  static Topology load(const std::string& json);
  // Runs it to its end, in memory mode unless a journal is given. Fails the test if it does not end in time.
  std::unique_ptr<Engine> start(const std::string& json, std::unique_ptr<Journal> journal = nullptr);
  void run(const std::string& json, std::unique_ptr<Journal> journal = nullptr);
  static bool wait(Engine& engine) { return engine.wait_for(std::chrono::seconds(60)); }
  // Polls until the condition holds, with a deadline.
  static bool until(const std::function<bool()>& condition);
  // Of a stepped engine: steps whoever is ready, but for `who`, until nobody is; how many steps that took, at most 10,000.
  static int step_all_but(Engine& engine, const std::string& who);
  static void expect_balanced(const TelemetrySnapshot& snapshot);
  static ShardSnapshot sum(const TelemetrySnapshot& snapshot, const std::string& stage);
  void input(std::initializer_list<std::pair<const char*, int>> notes) {
    for (const auto& [key, number] : notes) world().input.push_back({key, number});
  }

  EngineOptions options_;  // of the engines to be started
  EngineResult result_;
  TelemetrySnapshot snapshot_;
  std::vector<BoxedDeadLetter> dead_letters_;
  std::vector<std::string> log_;
  std::mutex log_mutex_;
};

}  // namespace mailroom::runtime::test
