#include "runtime/engine/journal_fit.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <mailroom/errors.hpp>

namespace mailroom::runtime {
namespace {

using nlohmann::json;

// What is left of a shard, in a word; nullopt: nothing.
std::optional<std::string> left_in_shard(Journal& journal, ShardId shard) {
  bool any = false;
  const auto found = [&](const auto&...) {
    any = true;
    return false;
  };
  journal.scan_state(shard, found);
  if (any) return "states";
  constexpr std::pair<HeldReason, const char*> tables[] = {
      {HeldReason::timer, "timers"}, {HeldReason::waiting, "waiting events"}, {HeldReason::parked, "parked events"}};
  for (const auto& [table, word] : tables) {
    journal.scan_held_heads(table, shard, found);
    if (any) return word;
  }
  return std::nullopt;
}

bool undelivered(Journal& journal, ChannelId channel) {
  bool any = false;
  journal.scan_parcel_heads(channel, [&](const auto&) {
    any = true;
    return false;
  });
  return any;
}

std::string advice(const Plan& plan) {
  return fmt::format("Run it with the topology it was written with until it is drained, or give '{}' a new --data directory", plan.topology.name);
}

void refuse_what_is_not_there(const Plan& plan, Journal& journal) {
  std::set<ChannelId> channels;
  std::set<ShardId> shards;
  for (const auto& channel : plan.channels) channels.insert(channel.id);
  for (const auto& shard : plan.shards) shards.insert(shard.id);
  for (const auto& [id, name] : journal.channels())
    if (!channels.contains(id) && undelivered(journal, id))
      throw StorageError(fmt::format("the journal holds undelivered events from {}/{} to {}/{}, which this topology does not have. {}",
                                     name.from_stage, name.from_shard, name.to_stage, name.to_shard, advice(plan)));
  for (const auto& [id, name] : journal.shards())
    if (!shards.contains(id))
      if (const auto left = left_in_shard(journal, id))
        throw StorageError(fmt::format("the journal holds {} of {}/{}, which this topology does not have. {}", *left, name.first,
                                       name.second, advice(plan)));
}

json described(const Schema& schema, unsigned version) {
  auto fields = json::array();
  for (const auto& field : schema.fields) {
    json described_field = {{"name", field.name}, {"type", field.type}};
    if (field.nested) {
      unsigned nested_version = 1;
      for (const auto& nested : field.nested->fields) nested_version = std::max(nested_version, nested.since);
      described_field["nested"] = described(*field.nested, nested_version);
    }
    fields.push_back(std::move(described_field));
  }
  return {{"type", schema.name}, {"version", version}, {"fields", std::move(fields)}};
}

// Whether bytes of a type as it was described can be read: but for fields that came with later versions it is the same.
bool reads(const Schema& schema, const json& before) {
  const auto& fields = before.at("fields");
  const auto version = before.at("version").get<unsigned>();
  std::size_t at = 0;
  for (const auto& field : schema.fields) {
    if (field.since > version) continue;
    if (at == fields.size() || fields[at].at("name") != field.name || fields[at].at("type") != field.type) return false;
    if (field.nested && fields[at].contains("nested") && !reads(*field.nested, fields[at].at("nested"))) return false;
    ++at;
  }
  return at == fields.size();
}

// "count: integer, lines: list of Line {item: text}"
std::string fields_in_words(const json& type) {
  std::string text;
  for (const auto& field : type.at("fields")) {
    if (!text.empty()) text += ", ";
    text += field.at("name").get<std::string>() + ": " + field.at("type").get<std::string>();
    if (field.contains("nested")) text += " {" + fields_in_words(field.at("nested")) + "}";
  }
  return text;
}

// What a stage's keys and states are, as far as what the journal holds of them depends on it.
json identity_of(const Stage& stage) {
  auto identity = json::object();
  if (stage.ordering != Ordering::key) return identity;
  identity["shards"] = stage.shards;
  identity["key"] = json::object();
  for (const auto* type : stage.handles)
    if (const auto& key = stage.keys[type->index()]) identity["key"][type->name()] = key->names;
  return identity;
}

json state_of(const Stage& stage) {
  if (stage.kind != StageKind::actor || !stage.actor->stateful) return nullptr;
  return described(stage.actor->state_schema, stage.actor->state_version);
}

class StageFit {
 public:
  StageFit(const Plan& plan, Journal& journal, const Stage& stage) : plan_(plan), journal_(journal), stage_(stage) {}

  void check() {
    const auto note = journal_.note(note_name());
    const json now = {{"keys", identity_of(stage_)}, {"state", state_of(stage_)}};
    const auto text = now.dump();
    if (note == text) return;
    if (note) {
      const auto before = json::parse(*note);
      if (before.at("keys") != now.at("keys")) refuse_moved_keys(before.at("keys"), now.at("keys"));
      if (before.at("state") != now.at("state")) refuse_unreadable_states(before.at("state"), now.at("state"));
    }
    journal_.set_note(note_name(), text);
  }

 private:
  [[nodiscard]] std::string note_name() const { return "stage " + stage_.name; }

  void refuse_moved_keys(const json& before, const json& now) {
    auto left = left_in_stage();
    for (const auto& [id, name] : journal_.channels())
      if (!left && name.to_stage == stage_.name && undelivered(journal_, id))
        left = fmt::format("undelivered events from {}/{}", name.from_stage, name.from_shard);
    if (!left) return;
    std::string change;
    if (before.empty() || now.empty()) change = "its \"ordering\" has changed";
    else if (before.at("shards") != now.at("shards"))
      change = fmt::format("its keys were spread over {} shards, the topology says {}", before.at("shards").dump(), now.at("shards").dump());
    else
      for (const auto& [type, fields] : before.at("key").items())
        if (const auto changed = now.at("key").find(type); changed != now.at("key").end() && *changed != fields)
          change = fmt::format("its key of {} was {}, the topology says {}", type, fields.dump(), changed->dump());
    if (change.empty()) return;  // it takes other events, too, or some no longer: no key has moved
    throw StorageError(fmt::format("stage '{}': {}, and the journal holds {} that would not be found again. {}", stage_.name, change, *left, advice(plan_)));
  }

  void refuse_unreadable_states(const json& before, const json& now) {
    if (before.is_null() || !holds_states()) return;
    const auto type = before.at("type").get<std::string>();
    if (now.is_null())
      throw StorageError(fmt::format("stage '{}': the journal holds states ({}), and {} keeps none. {}", stage_.name, type,
                                     stage_.actor ? stage_.actor->name : "it", advice(plan_)));
    if (now.at("version") < before.at("version"))
      throw StorageError(fmt::format("stage '{}': the journal's states were written by version {} of {}, and this program has version {}. "
                                     "Run it with the later program",
                                     stage_.name, before.at("version").dump(), type, now.at("version").dump()));
    if (!reads(stage_.actor->state_schema, before))
      throw StorageError(fmt::format("stage '{}': the journal holds states {} ({}), and this program's are {} ({}). Raise the type's MAILROOM_VERSION and name "
                                     "what came with it in MAILROOM_ADDED (docs/guide.md), or give '{}' a new --data directory",
                                     stage_.name, type, fields_in_words(before), now.at("type").get<std::string>(), fields_in_words(now), plan_.topology.name));
  }

  [[nodiscard]] std::optional<std::string> left_in_stage() {
    for (const auto& [id, name] : journal_.shards())
      if (name.first == stage_.name)
        if (auto left = left_in_shard(journal_, id)) return fmt::format("{} ({}/{})", *left, name.first, name.second);
    return std::nullopt;
  }
  [[nodiscard]] bool holds_states() {
    bool any = false;
    for (const auto& [id, name] : journal_.shards())
      if (!any && name.first == stage_.name)
        journal_.scan_state(id, [&](const auto&...) {
          any = true;
          return false;
        });
    return any;
  }

  const Plan& plan_;
  Journal& journal_;
  const Stage& stage_;
};

}  // namespace

void fit_to_journal(const Plan& plan, Journal& journal) {
  for (const auto& stage : plan.topology.stages) StageFit(plan, journal, stage).check();
  refuse_what_is_not_there(plan, journal);
}

}  // namespace mailroom::runtime
