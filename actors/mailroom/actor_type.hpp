// What the engine knows of an actor class without knowing the C++ type. MAILROOM_ACTOR registers one
// ActorType; the engine makes one ActorHost per shard (or per worker) from it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <typeindex>
#include <vector>

#include <mailroom/answer.hpp>
#include <mailroom/context.hpp>
#include <mailroom/event_key.hpp>
#include <mailroom/event_type.hpp>
#include <mailroom/schema.hpp>

namespace mailroom {

// Loads what was last committed for a key; nullopt: the key has no state yet.
using LoadState = std::function<std::optional<std::string>(std::string_view key)>;
// Receives a changed key's state bytes at commit; nullopt: the state is to be erased.
using SaveState = std::function<void(std::string_view key, std::optional<std::string_view> bytes)>;

// Events of a batch that are handled one after the other by one call: all of one type, at the first attempt.
struct EventRow {
  const EventBatch& batch;
  std::uint32_t at, end;  // still to be handled: [at, end)
  const KeyReader* key;   // null: they have none
  std::string_view stage;
  Timestamp now;
  std::atomic<std::uint64_t>& calls;  // one more before each call: shows that the actor still comes back
};

// The user's actor with the states of the keys that its shard owns. Used by one thread at a time.
class ActorHost {
 public:
  virtual ~ActorHost() = default;

  // Calls the actor's on(). If it throws, the key's state is as it was before the call and the exception
  // passes through. `type` must be one of ActorType::handles.
  virtual void handle(const EventType& type, const void* event, const EventKey& key, Context& context) = 0;
  // The same for events in a row. Returns when all are done or Context::interrupt() was called, `row.at` behind the
  // last that is done; if a call throws, `row.at` is the event that failed.
  virtual void handle_row(EventRow& row, Context& context) = 0;
  // Marks the state of the key being handled for erasure (Context::forget).
  virtual void forget_current() = 0;
  // Hands over every key changed since the last call, encoded, and considers them committed.
  virtual void take_changes(const SaveState& save) = 0;
  // The same without encoding: memory mode.
  virtual void accept_changes() = 0;
  // Discards clean states beyond `keep` keys. Only where LoadState can bring them back.
  virtual void evict_clean(std::size_t keep) = 0;
  [[nodiscard]] virtual std::size_t resident_keys() const noexcept = 0;
  // The state as JSON, for operators: nullopt if the key has none. Keeps nothing in memory that was not there.
  [[nodiscard]] virtual std::optional<nlohmann::json> show_state(std::string_view key) const = 0;
  // The actor's answer to one of ActorType::questions, as JSON: nullopt if the key has no state. Throws what answer()
  // throws; keeps nothing in memory that was not there.
  [[nodiscard]] virtual std::optional<nlohmann::json> answer(std::string_view question, const nlohmann::json& content,
                                                             const AnswerContext& context) const = 0;
  // A new instance of the user's class, as after construction; states stay.
  virtual void restart() = 0;
};

struct ActorType {
  std::string name;
  std::type_index cpp_class = typeid(void);
  std::vector<const EventType*> handles;
  std::vector<const EventType*> never_throws;  // of them those whose on() is noexcept
  std::vector<const EventType*> emits;
  std::vector<Question> questions;
  bool stateful = false;
  Schema state_schema;  // empty if stateless
  std::uint16_t state_version = 1;
  Schema options_schema;  // empty if it takes none
  // Throws BadValue if the options do not fit, or what the constructor throws. `load` may be empty (memory mode).
  std::function<std::unique_ptr<ActorHost>(const nlohmann::json& options, LoadState load)> make;
  // Throws BadValue if the options do not fit. Does not construct the actor.
  std::function<void(const nlohmann::json& options)> check_options;
  // State bytes (as SaveState gave them) as JSON, for `mailroom journal inspect`. Throws CorruptData.
  std::function<nlohmann::json(std::string_view bytes)> state_to_json;
};

class ActorTypes {
 public:
  static bool add(ActorType type);  // throws std::logic_error on a taken name; always true
  [[nodiscard]] static const ActorType* find(std::string_view name) noexcept;
  [[nodiscard]] static std::vector<const ActorType*> all();
};

}  // namespace mailroom
