#include "runtime/simulation/observed_actor.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

#include <mailroom/errors.hpp>

namespace mailroom::runtime {

namespace {
static_assert(sizeof(Applied) == 40);
struct Trailer {
  std::uint64_t entries;
  std::uint64_t has_state;
};
}  // namespace

std::string encode_witnessed(const std::optional<std::string_view>& state, const KeyHistory& history) {
  std::string bytes(state.value_or(std::string_view()));
  bytes.append(reinterpret_cast<const char*>(history.data()), history.size() * sizeof(Applied));
  const Trailer trailer{history.size(), state ? 1u : 0u};
  bytes.append(reinterpret_cast<const char*>(&trailer), sizeof trailer);
  return bytes;
}

WitnessedState decode_witnessed(std::string_view bytes) {
  WitnessedState found;
  Trailer trailer{};
  if (bytes.size() < sizeof trailer) throw CorruptData("a simulated state has no history");
  std::memcpy(&trailer, bytes.data() + bytes.size() - sizeof trailer, sizeof trailer);
  bytes.remove_suffix(sizeof trailer);
  if (trailer.entries > bytes.size() / sizeof(Applied)) throw CorruptData("a simulated state's history is cut");
  found.history.resize(trailer.entries);
  const auto size = trailer.entries * sizeof(Applied);
  if (size > 0) std::memcpy(found.history.data(), bytes.data() + bytes.size() - size, size);
  bytes.remove_suffix(size);
  if (trailer.has_state != 0) found.state = std::string(bytes);
  return found;
}

std::optional<Timestamp> deadline_of(const Stage& stage, const EventType& type, const void* event, Timestamp time) {
  if (!stage.expires_at.empty()) return Timestamp{stage.expires_at[type.index()](event)};
  if (stage.expires_after.count() > 0) return time + stage.expires_after;
  return std::nullopt;
}

ActorType observe(const Stage& stage, std::size_t stage_index, World& world, Witness& witness) {
  auto type = *stage.actor;
  type.make = [&stage, stage_index, &world, &witness](const nlohmann::json&, LoadState load) -> std::unique_ptr<ActorHost> {
    return std::make_unique<ObservedHost>(stage, stage_index, world, witness, std::move(load));
  };
  return type;
}

ObservedHost::ObservedHost(const Stage& stage, std::size_t stage_index, World& world, Witness& witness, LoadState load)
    : stage_(stage), stage_index_(stage_index),
      name_(fmt::format("{}/{}{}", stage.name, stage.ordering == Ordering::none ? "worker " : "", witness.hosts[stage_index].size())),
      world_(world), witness_(witness), load_(std::move(load)), context_(*this) {
  LoadState own;
  if (load_)
    own = [this](std::string_view key) -> std::optional<std::string> {
      const auto bytes = load_(key);
      if (!bytes) return std::nullopt;
      return decode_witnessed(*bytes).state;
    };
  inner_ = stage.actor->make(stage.options, std::move(own));
  witness_.hosts[stage_index_].push_back(this);
}

ObservedHost::~ObservedHost() { std::erase(witness_.hosts[stage_index_], this); }

KeyHistory& ObservedHost::history_of(std::string_view key) {
  const auto found = histories_.find(key);
  if (found != histories_.end()) return found->second;
  auto& history = histories_[std::string(key)];
  if (load_)
    if (const auto bytes = load_(key)) history = decode_witnessed(*bytes).history;
  return history;
}

template <class Call>
void ObservedHost::witnessed(const EventType& type, const void* event, const EventKey& key, Context& context, Call&& call) {
  ++world_.done.calls;
  const auto id = world_.events.note(type, event, context.trace());
  const auto text = std::string(key.text());
  world_.say(name_, [&] {
    return fmt::format("handles {}{}{}", EventCatalogue::describe(type, event), text.empty() ? "" : " of key '" + text + "'",
                       context.attempt() > 1 ? fmt::format(", attempt {}", context.attempt()) : "");
  });
  if (stage_.ordering == Ordering::none) check_job(id, type, event, context);
  if (const auto fault = world_.take(FaultKind::slow, world_.done.calls)) {
    world_.say(*fault);
    world_.slow_calls = slow_calls(*fault);
    world_.slow_us = fault->amount;
  }
  if (world_.slow_calls > 0) {
    --world_.slow_calls;
    world_.clock->advance(world_.slow_us);
  }
  const auto failure = world_.take(FaultKind::exception, world_.done.calls);
  if (failure) world_.say(*failure);
  fails_at_ = failure ? failure->amount : -1;
  // An exception in a handler that is noexcept would end the program; before it, it is one that the engine must stand.
  const auto& noexcepts = stage_.actor->never_throws;
  if (failure && std::find(noexcepts.begin(), noexcepts.end(), &type) != noexcepts.end()) fails_at_ = 0;
  if (const auto fault = world_.take(FaultKind::poison, world_.done.calls)) {
    world_.say(*fault);
    world_.poisoned[id] += fault->amount;
  }
  if (!world_.poisoned.empty())
    if (const auto poison = world_.poisoned.find(id); poison != world_.poisoned.end() && poison->second-- > 0) fails_at_ = 0;
  emissions_ = 0;
  engine_ = &context.port();
  try {
    maybe_fail();
    call();
  } catch (const std::exception& error) {
    world_.say(name_, [&] { return fmt::format("  throws: {}", error.what()); });
    throw;
  }
  ++world_.progress;
  const Applied applied{id, context.event_time().micros, context.now().micros, ++world_.ordinal, context.attempt(), context.behind_ms()};
  if (stage_.ordering == Ordering::none) {
    witness_.workers[stage_index_][id] = applied;
  } else {
    history_of(text).push_back(applied);
    changed_.insert(text);
  }
}

// A worker begins a job.
void ObservedHost::check_job(EventId id, const EventType& type, const void* event, const Context& context) {
  if (world_.ghosts) return;
  if (const auto log = world_.job_logs.find(stage_index_); log != world_.job_logs.end()) log->second.begun(id, world_.lives);
  const auto due = deadline_of(stage_, type, event, context.event_time());
  // One that an operator has tried again is late, and he knows it.
  if (due && context.now() > *due && context.now() != Timestamp::max() && !world_.redriven.contains(id))
    world_.violate("nothing is begun after its deadline", fmt::format("{}: {} is begun at {} (attempt {}), and had to be by {}", stage_.name,
                                                                     world_.events.describe(id), context.now().to_string(), context.attempt(), due->to_string()));
}

void ObservedHost::maybe_fail() {
  if (fails_at_ == emissions_) {
    fails_at_ = -1;
    throw std::runtime_error("a failure that the simulation planted");
  }
}

void ObservedHost::handle(const EventType& type, const void* event, const EventKey& key, Context& context) {
  witnessed(type, event, key, context, [&] {
    context_.begin(context.stage(), key, context.event_time(), context.now(), context.trace(), context.attempt(), context.behind_ms());
    inner_->handle(type, event, key, context_);
  });
}

void ObservedHost::handle_row(EventRow& row, Context& context) {
  do {
    const auto& meta = row.batch.meta(row.at);
    const auto* event = row.batch.event(row.at);
    const auto key = row.key != nullptr ? EventKey(*row.key, event, meta.key_hash) : EventKey({}, 0);
    context.begin(row.stage, key, meta.time, row.now, meta.trace, 1, meta.behind_ms);
    // The actor's own row is one event long: what the engine asks for between two events is asked for here.
    EventRow one{row.batch, row.at, row.at + 1, row.key, row.stage, row.now, row.calls};
    witnessed(row.batch.type(row.at), event, key, context, [&] { inner_->handle_row(one, context_); });
    ++row.at;
  } while (!context.take_interrupt() && row.at < row.end);
}

void ObservedHost::take_changes(const SaveState& save) {
  inner_->take_changes([&](std::string_view key, std::optional<std::string_view> bytes) {
    save(key, encode_witnessed(bytes, history_of(key)));
    if (const auto listed = changed_.find(key); listed != changed_.end()) changed_.erase(listed);
  });
  // Stateless actors, and keys whose state was not touched: only their history has grown.
  for (const auto& key : changed_) save(key, encode_witnessed(std::nullopt, history_of(key)));
  changed_.clear();
}

void ObservedHost::accept_changes() {
  inner_->accept_changes();
  changed_.clear();
}

void ObservedHost::restart() {
  world_.say(name_, [] { return "the actor is made anew"; });
  inner_->restart();
}

void ObservedHost::emit(const EventType& type, void* event, std::string_view stage, Timestamp time) {
  world_.say(name_, [&] { return fmt::format("  emits {}{}", EventCatalogue::describe(type, event), stage.empty() ? std::string() : fmt::format(" to {}", stage)); });
  engine_->emit(type, event, stage, time);
  ++emissions_;
  maybe_fail();
}

void ObservedHost::set_timer(const EventType& type, void* event, Timestamp due, std::string_view name) {
  world_.say(name_, [&] {
    return fmt::format("  sets a timer{} for {}: {}", name.empty() ? std::string() : fmt::format(" '{}'", name), due.to_string(),
                       EventCatalogue::describe(type, event));
  });
  engine_->set_timer(type, event, due, name);
}

void ObservedHost::cancel_timer(std::string_view name) {
  world_.say(name_, [&] { return fmt::format("  cancels the timer '{}'", name); });
  engine_->cancel_timer(name);
}
void ObservedHost::forget_state() {
  world_.say(name_, [] { return "  forgets the key's state"; });
  engine_->forget_state();
}
void ObservedHost::log(LogLevel level, std::string_view text) {
  world_.say(name_, [&] { return fmt::format("  logs: {}", text); });
  engine_->log(level, text);
}

}  // namespace mailroom::runtime
