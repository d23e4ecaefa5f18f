#include "runtime/journal/inspect_journal.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ostream.h>
#include <vector>

#include <mailroom/actor_type.hpp>
#include <mailroom/batch_codec.hpp>
#include <mailroom/errors.hpp>

#include "runtime/journal/record_codec.hpp"
#include "runtime/journal/show_event.hpp"

namespace mailroom::runtime {

namespace {

std::uint64_t count_held(Journal& journal, HeldReason reason, ShardId shard) {
  std::uint64_t count = 0;
  journal.scan_held_heads(reason, shard, [&](const HeldEvent&, std::string_view) { return ++count, true; });
  return count;
}

void print_shards(Journal& journal, const InspectOptions& options, std::ostream& out) {
  fmt::print(out, "{:<24} {:>5} {:>9} {:>12} {:>9} {:>8} {:>8} {:>8} {:>8}  {}\n", "SHARD", "EPOCH", "COMMITS",
             "SEQUENCE", "KEYS", "TIMERS", "WAITING", "PARKED", "DEAD", "POSITION");
  for (const auto& [id, name] : journal.shards()) {
    if (options.stage && *options.stage != name.first) continue;
    const auto record = journal.read_shard(id).value_or(ShardRecord{});
    std::uint64_t keys = 0;
    journal.scan_state(id, [&](std::string_view, std::string_view) { return ++keys, true; });
    fmt::print(out, "{:<24} {:>5} {:>9} {:>12} {:>9} {:>8} {:>8} {:>8} {:>8}  {}\n",
               fmt::format("{}/{}", name.first, name.second), record.epoch, record.commit, record.sequence, keys,
               count_held(journal, HeldReason::timer, id), count_held(journal, HeldReason::waiting, id),
               count_held(journal, HeldReason::parked, id), count_held(journal, HeldReason::dead, id),
               (record.position.is_null() ? "-" : to_line(record.position)) + (record.ended ? " (ended)" : ""));
  }
}

void print_channels(Journal& journal, const InspectOptions& options, std::ostream& out) {
  std::map<ChannelId, ConsumedPosition> consumed;
  std::map<ChannelId, SentPosition> sent;
  for (const auto& [id, name] : journal.shards())
    if (auto record = journal.read_shard(id)) {
      for (auto& position : record->consumed) consumed[position.channel] = std::move(position);
      for (auto& position : record->sent) sent[position.channel] = position;
    }
  fmt::print(out, "\n{:<40} {:>12} {:>12} {:>9} {:>12} {:>8} {:>8} {:>8}  {}\n", "CHANNEL", "SENT", "TAKEN TO",
             "IN FLIGHT", "PROCESSED", "DEAD", "PARKED", "DROPPED", "WATERMARK");
  for (const auto& [id, name] : journal.channels()) {
    if (options.stage && *options.stage != name.to_stage) continue;
    const auto& taken = consumed[id];
    const auto& given = sent[id];
    std::uint64_t in_flight = 0;
    journal.scan_parcel_heads(id, [&](const ParcelHead& parcel) {
      for (auto sequence = std::max(parcel.first_sequence, taken.sequence + 1);
           sequence < parcel.first_sequence + parcel.count; ++sequence)
        if (std::none_of(taken.beyond.begin(), taken.beyond.end(),
                         [&](const auto& range) { return range.first <= sequence && sequence <= range.second; }))
          ++in_flight;
      return true;
    });
    fmt::print(out, "{:<40} {:>12} {:>12} {:>9} {:>12} {:>8} {:>8} {:>8}  {}\n",
               fmt::format("{}/{} -> {}/{}", name.from_stage, name.from_shard, name.to_stage, name.to_shard),
               given.sent, taken.sequence, in_flight, taken.processed, taken.dead_lettered, taken.parked,
               given.dropped_oldest + given.dropped_newest + given.rejected, time_to_text(given.watermark));
  }
}

void print_parcels(Journal& journal, const InspectOptions& options, std::ostream& out) {
  for (const auto& [id, name] : journal.channels()) {
    if (options.stage && *options.stage != name.to_stage) continue;
    journal.scan_parcel_heads(id, [&](const ParcelHead& parcel) {
      nlohmann::json line{{"from", fmt::format("{}/{}", name.from_stage, name.from_shard)},
                          {"to", fmt::format("{}/{}", name.to_stage, name.to_shard)}};
      if (auto unknown = unknown_schema(parcel.batch); !unknown.empty()) {
        line.update({{"sequence", parcel.first_sequence},
                     {"events", parcel.count},
                     {"event", nullptr},
                     {"unknown", std::move(unknown)}});
        fmt::print(out, "{}\n", to_line(line));
        return true;
      }
      const auto batch = decode_batch(parcel.batch);
      for (std::size_t i = 0; i < batch.size(); ++i) {
        line["sequence"] = parcel.first_sequence + i;
        line.update(event_to_json(batch, i));
        fmt::print(out, "{}\n", to_line(line));
      }
      return true;
    });
  }
}

void print_states(Journal& journal, const InspectOptions& options, std::ostream& out) {
  for (const auto& [id, name] : journal.shards()) {
    if (options.stage && *options.stage != name.first) continue;
    const auto actor = options.stage_actors.find(name.first);
    const auto* type = actor == options.stage_actors.end() ? nullptr : ActorTypes::find(actor->second);
    journal.scan_state(id, [&](std::string_view key, std::string_view bytes) {
      nlohmann::json line{{"shard", fmt::format("{}/{}", name.first, name.second)}, {"key", key}};
      if (type && type->state_to_json)
        line["state"] = type->state_to_json(bytes);
      else
        line["hex"] = to_hex(bytes);
      fmt::print(out, "{}\n", to_line(line));
      return true;
    });
  }
}

}  // namespace

void inspect_journal(const std::filesystem::path& directory, const InspectOptions& options, std::ostream& out) {
  inspect_journal(*Journal::open_read_only(directory), options, out);
}

void inspect_journal(Journal& journal, const InspectOptions& options, std::ostream& out) {
  if (options.stage) {
    std::string known;
    bool found = false;
    for (const auto& [id, name] : journal.shards()) {
      found = found || name.first == *options.stage;
      if (name.second == 0) known += (known.empty() ? "" : ", ") + name.first;
    }
    if (!found)
      throw BadValue(fmt::format("stage \"{}\": not in this journal, which has: {}", *options.stage,
                                 known.empty() ? "none" : known));
  }
  if (options.parcels) print_parcels(journal, options, out);
  if (options.states) print_states(journal, options, out);
  if (options.parcels || options.states) return;
  fmt::print(out, "last commit {}, acknowledged {}\n\n", journal.last_commit(), journal.store().acknowledged());
  print_shards(journal, options, out);
  print_channels(journal, options, out);
}

}  // namespace mailroom::runtime
