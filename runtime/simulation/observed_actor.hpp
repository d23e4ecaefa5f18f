// A user's actor with a witness around it: writes down what was done to each key, and fails when it is told to.
//
// What was done is kept beside the key's own state, in the same bytes: it is rolled back, committed, lost and recovered
// with it. After any crash the journal so says by itself which events its states are made of.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <mailroom/actor_type.hpp>

#include "runtime/simulation/world.hpp"
#include "runtime/topology/topology.hpp"

namespace mailroom::runtime {

// One successful call of a handler.
struct Applied {
  EventId event = 0;
  std::int64_t time = 0;      // the event's
  std::int64_t now = 0;       // Context::now()
  std::uint64_t ordinal = 0;  // over all calls of the run
  std::uint32_t attempt = 1;
  std::uint32_t behind_ms = 0;  // EventMeta::behind_ms
};
using KeyHistory = std::vector<Applied>;

// A key's state with its history, as the journal holds it.
struct WitnessedState {
  std::optional<std::string> state;  // the actor's own bytes; absent: it has none (left)
  KeyHistory history;
};
std::string encode_witnessed(const std::optional<std::string_view>& state, const KeyHistory& history);
// Throws CorruptData.
WitnessedState decode_witnessed(std::string_view bytes);

// Until when a job of a stage with workers may be begun; nullopt: for ever.
[[nodiscard]] std::optional<Timestamp> deadline_of(const Stage& stage, const EventType& type, const void* event, Timestamp time);

class ObservedHost;

// The hosts of the node's present life, and what has no state to be kept with.
struct Witness {
  // Memory mode: hosts by stage, in order of their shards.
  std::map<std::size_t, std::vector<ObservedHost*>> hosts;
  // Worker queues: how each event was handled last.
  std::map<std::size_t, std::unordered_map<EventId, Applied>> workers;
};

// The stage's actor type with a witness around its hosts. `world` and `witness` outlive it.
ActorType observe(const Stage& stage, std::size_t stage_index, World& world, Witness& witness);

class ObservedHost final : public ActorHost, private ContextPort {
 public:
  ObservedHost(const Stage& stage, std::size_t stage_index, World& world, Witness& witness, LoadState load);
  ~ObservedHost() override;

  void handle(const EventType& type, const void* event, const EventKey& key, Context& context) override;
  void handle_row(EventRow& row, Context& context) override;
  void forget_current() override { inner_->forget_current(); }
  void take_changes(const SaveState& save) override;
  void accept_changes() override;
  void evict_clean(std::size_t keep) override { inner_->evict_clean(keep); }
  [[nodiscard]] std::size_t resident_keys() const noexcept override { return inner_->resident_keys(); }
  [[nodiscard]] std::optional<nlohmann::json> show_state(std::string_view key) const override {
    return inner_->show_state(key);
  }
  [[nodiscard]] std::optional<nlohmann::json> answer(std::string_view question, const nlohmann::json& content,
                                                     const AnswerContext& context) const override {
    return inner_->answer(question, content, context);
  }
  void restart() override;

  [[nodiscard]] const std::map<std::string, KeyHistory, std::less<>>& histories() const noexcept { return histories_; }

 private:
  template <class Call>
  void witnessed(const EventType& type, const void* event, const EventKey& key, Context& context, Call&& call);
  KeyHistory& history_of(std::string_view key);
  void maybe_fail();
  void check_job(EventId id, const EventType& type, const void* event, const Context& context);

  // ContextPort: between the actor and the engine.
  void emit(const EventType& type, void* event, std::string_view stage, Timestamp time) override;
  void set_timer(const EventType& type, void* event, Timestamp due, std::string_view name) override;
  void cancel_timer(std::string_view name) override;
  void forget_state() override;
  void log(LogLevel level, std::string_view text) override;

  const Stage& stage_;
  const std::size_t stage_index_;
  const std::string name_;  // "ledger/3", "prices/worker 1"
  World& world_;
  Witness& witness_;
  LoadState load_;
  std::unique_ptr<ActorHost> inner_;
  Context context_;  // what the actor sees
  ContextPort* engine_ = nullptr;
  std::map<std::string, KeyHistory, std::less<>> histories_;
  std::set<std::string, std::less<>> changed_;        // since the last commit
  std::int64_t fails_at_ = -1;                         // of the call under way: the emission; -1: not at all
  std::int64_t emissions_ = 0;
};

}  // namespace mailroom::runtime
