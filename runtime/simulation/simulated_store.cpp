#include "runtime/simulation/simulated_store.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

#include <mailroom/batch_codec.hpp>
#include <mailroom/errors.hpp>

#include "runtime/journal/journal_keys.hpp"
#include "runtime/journal/record_codec.hpp"

namespace mailroom::runtime {
namespace {

// Remembers the rows that the laws are about, besides handing all of them on.
class WatchedWrite final : public StoreWrite {
 public:
  WatchedWrite(std::unique_ptr<StoreWrite> inner, bool told) : inner_(std::move(inner)), told_(told) {}
  void put(Table table, std::string_view key, std::string_view value) override {
    inner_->put(table, key, value);
    if (table == Table::shards || table == Table::mailbox) {
      forget(table, key);
      seen.push_back({table, std::string(key), std::string(value)});
    }
    if (told_) changes.push_back({table, std::string(key), true});
  }
  void erase(Table table, std::string_view key) override {
    inner_->erase(table, key);
    if (table == Table::mailbox) forget(table, key);
    if (told_) changes.push_back({table, std::string(key), false});
  }
  void clear() override {
    inner_->clear();
    seen.clear();
    changes.clear();
  }
  [[nodiscard]] std::size_t bytes() const override { return inner_->bytes(); }
  [[nodiscard]] StoreWrite& inner() { return *inner_; }

  struct Put {
    Table table;
    std::string key, value;
  };
  std::vector<Put> seen;  // of shards and mailboxes, as they are once all of it is done
  struct Change {
    Table table;
    std::string key;
    bool put;
  };
  std::vector<Change> changes;  // only where somebody reads

 private:
  void forget(Table table, std::string_view key) {
    std::erase_if(seen, [&](const Put& put) { return put.table == table && put.key == key; });
  }
  std::unique_ptr<StoreWrite> inner_;
  const bool told_;
};

std::string events(std::uint64_t count) { return count == 1 ? "1 event" : fmt::format("{} events", count); }
// "2 dead letters"; of one: "1 dead letter".
std::string counted(std::size_t count, std::string_view one, std::string_view more) { return fmt::format("{} {}", count, count == 1 ? one : more); }

}  // namespace

SimulatedStore::SimulatedStore(std::shared_ptr<MemoryDisk> disk, World& world) : world_(world), store_(std::move(disk)) {}

std::unique_ptr<StoreWrite> SimulatedStore::new_write() { return std::make_unique<WatchedWrite>(store_.new_write(), static_cast<bool>(world_.narrate)); }

void SimulatedStore::fail(const Fault& fault, const char* what) {
  failed_ = true;
  world_.crash_now = fault;
  world_.say(fault);
  throw StorageError(fmt::format("the simulated disk: {}", what));
}

void SimulatedStore::write(StoreWrite& write) {
  check_power();
  if (failed_) throw StorageError("the simulated disk: closed after a failure");
  ++world_.done.writes;
  ++world_.progress;
  if (recovering_) {
    if (const auto fault = world_.take(FaultKind::recovery_loss, world_.done.writes)) {
      world_.say(*fault);
      world_.crash_now = fault;
      world_.power_off = true;
      throw PowerLost();
    }
  }
  if (const auto fault = world_.take(FaultKind::write_failure, world_.done.writes)) fail(*fault, "a write fails");
  if (const auto fault = world_.take(FaultKind::disk_full, world_.done.writes)) {
    world_.say(*fault);
    world_.disk_is_full = true;
    world_.crash_now = fault;
  }
  if (world_.disk_is_full) throw StorageError("the simulated disk: no space is left");
  check_commit(write);
  if (world_.narrate) tell(write);
  store_.write(dynamic_cast<WatchedWrite&>(write).inner());
}

// What one commit must look like after the one before it, as the disk has that.
void SimulatedStore::check_commit(const StoreWrite& write) {
  const auto& watched = dynamic_cast<const WatchedWrite&>(write);
  std::map<ChannelId, std::vector<ParcelHead>> parcels;
  for (const auto& put : watched.seen)
    if (put.table == Table::mailbox) {
      const auto channel = parse_key(put.table, put.key).owner;
      const auto payload = unseal(put.table, put.key, put.value);
      parcels[channel].push_back(decode_parcel_head(payload));
      if (const auto log = world_.channels_to_job_logs.find(channel); log != world_.channels_to_job_logs.end()) {
        const auto batch = decode_batch(parcels[channel].back().batch);
        std::vector<EventId> jobs;
        for (std::size_t i = 0; i < batch.size(); ++i) jobs.push_back(world_.events.note(batch.type(i), batch.event(i), batch.meta(i).trace));
        world_.job_logs[log->second].came(channel, parcels[channel].back().first_sequence, jobs, world_.lives);
      }
      if (!world_.channels_to_sinks.contains(channel)) continue;
      const auto& head = parcels[channel].back();
      for (std::uint64_t i = 0; i < head.count; ++i) world_.unsafe.emplace(channel, head.first_sequence + i);
    }
  for (const auto& put : watched.seen) {
    if (put.table != Table::shards) continue;
    const auto shard = parse_key(put.table, put.key).owner;
    const auto now = decode_shard_record(unseal(put.table, put.key, put.value));
    ShardRecord before;
    if (const auto row = store_.get(Table::shards, put.key)) before = decode_shard_record(unseal(Table::shards, put.key, *row));
    const auto broken = [&](std::string text) {
      world_.violate("the journal's commits", fmt::format("shard {} of the journal, commit {}: {}", shard, now.commit, text));
    };
    const bool opens = now.epoch != before.epoch;
    if (opens && now.epoch != before.epoch + 1) broken(fmt::format("epoch {} after epoch {}", now.epoch, before.epoch));
    if (!opens && now.commit != before.commit + 1) broken(fmt::format("follows on commit {}", before.commit));
    if (opens && now.commit != before.commit) broken(fmt::format("an open after commit {}", before.commit));
    if (now.sequence < before.sequence) broken(fmt::format("counts {} events after {}", now.sequence, before.sequence));
    for (const auto& old : before.consumed)
      for (const auto& next : now.consumed)
        if (next.channel == old.channel && next.sequence < old.sequence)
          broken(fmt::format("has consumed up to {} of channel {}, after {}", next.sequence, old.channel, old.sequence));
    std::map<ChannelId, std::uint64_t> sent_before;
    for (const auto& sent : before.sent) sent_before[sent.channel] = sent.sequence;
    for (const auto& sent : now.sent) {
      auto expected = sent_before[sent.channel];
      auto& new_ones = parcels[sent.channel];
      // One that was sent before is written again to say that the one before it was shed.
      std::erase_if(new_ones, [&](const ParcelHead& parcel) { return parcel.first_sequence <= expected; });
      std::sort(new_ones.begin(), new_ones.end(), [](const auto& a, const auto& b) { return a.first_sequence < b.first_sequence; });
      for (const auto& parcel : new_ones) {
        if (parcel.first_sequence - std::min<std::uint64_t>(parcel.skipped, parcel.first_sequence) > expected + 1)
          broken(fmt::format("a batch on channel {} begins at {}, {} before it were shed, and {} was sent last", sent.channel, parcel.first_sequence,
                             parcel.skipped, expected));
        expected = parcel.first_sequence + parcel.count - 1;
      }
      if (sent.sequence != expected)
        broken(fmt::format("says that {} was sent on channel {}, and its batches end at {}", sent.sequence, sent.channel, expected));
    }
  }
}

// What a shard's commit holds, in words.
void SimulatedStore::tell(const StoreWrite& write) {
  const auto& watched = dynamic_cast<const WatchedWrite&>(write);
  for (const auto& put : watched.seen) {
    if (put.table != Table::shards) continue;
    const auto shard = parse_key(put.table, put.key).owner;
    const auto name = world_.shard_names.contains(shard) ? world_.shard_names.at(shard) : fmt::format("shard {}", shard);
    const auto now = decode_shard_record(unseal(put.table, put.key, put.value));
    ShardRecord before;
    if (const auto row = store_.get(Table::shards, put.key)) before = decode_shard_record(unseal(Table::shards, put.key, *row));
    if (now.epoch != before.epoch) continue;  // opens
    std::vector<std::string> parts;
    for (const auto& next : now.consumed) {
      std::uint64_t old = 0;
      for (const auto& one : before.consumed)
        if (one.channel == next.channel) old = one.sequence;
      if (next.sequence == old) continue;
      const auto from = world_.channel_names.find(next.channel);
      parts.push_back(fmt::format("{} of {} done (up to number {})", events(next.sequence - old),
                                  from == world_.channel_names.end() ? "a sender" : from->second.first, next.sequence));
    }
    if (now.position != before.position && now.position.contains("event"))
      parts.push_back(fmt::format("its place in the input, event {}", now.position.at("event").dump()));
    if (now.position != before.position && now.position.contains("rows"))
      parts.push_back(counted(now.position.at("rows").get<std::size_t>(), "row written in all", "rows written in all"));
    std::vector<std::string> keys;
    for (const auto& [table, key, is_put] : watched.changes)
      if (table == Table::state && is_put) keys.push_back(fmt::format("'{}'", parse_state_key(key).name));
    if (keys.size() > 6) {
      const auto more = keys.size() - 5;
      keys.resize(5);
      keys.push_back(fmt::format("and {} more", more));
    }
    if (!keys.empty()) parts.push_back(fmt::format("state of {}", fmt::join(keys, ", ")));
    for (const auto& parcel : watched.seen) {
      if (parcel.table != Table::mailbox) continue;
      const auto channel = parse_key(parcel.table, parcel.key).owner;
      const auto head = decode_parcel_head(unseal(parcel.table, parcel.key, parcel.value));
      const auto to = world_.channel_names.find(channel);
      parts.push_back(fmt::format("{} for {} (from number {})", events(head.count), to == world_.channel_names.end() ? "a receiver" : to->second.second,
                                  head.first_sequence));
    }
    // An event may be put and erased in one commit, or put again: what counts is what it is afterwards.
    const auto held = [&](Table table, std::string_view one_in, std::string_view more_in, std::string_view one_out, std::string_view more_out) {
      std::map<std::string, bool> kept;
      for (const auto& [where, key, is_put] : watched.changes)
        if (where == table) kept[key] = is_put;
      std::size_t in = 0, out = 0;
      for (const auto& [key, is_put] : kept) {
        const bool there = store_.get(table, key).has_value();
        in += is_put && !there ? 1 : 0;
        out += !is_put && there ? 1 : 0;
      }
      if (in > 0) parts.push_back(counted(in, one_in, more_in));
      if (out > 0) parts.push_back(counted(out, one_out, more_out));
    };
    held(Table::timers, "timer set", "timers set", "timer fired or cancelled", "timers fired or cancelled");
    held(Table::waiting, "event begins to wait", "events begin to wait", "event waits no longer", "events wait no longer");
    held(Table::parked, "event parked", "events parked", "parked event goes back", "parked events go back");
    held(Table::dead, "dead letter", "dead letters", "dead letter goes back", "dead letters go back");
    if (parts.empty()) parts.emplace_back("nothing new");
    world_.say(name, [&] { return fmt::format("commit {}: {}", now.commit, fmt::join(parts, "; ")); });
    world_.unsynced.push_back(fmt::format("{}'s commit {}", name, now.commit));
  }
}

void SimulatedStore::sync() {
  check_power();
  if (failed_) throw StorageError("the simulated disk: closed after a failure");
  ++world_.done.syncs;
  if (const auto fault = world_.take(FaultKind::sync_failure, world_.done.syncs)) fail(*fault, "fdatasync fails");
  store_.sync();
  world_.unsafe.clear();
  if (!world_.unsynced.empty())
    world_.say("the disk", [&] {
      return fmt::format("fdatasync: all that is committed is safe ({} since the last)",
                         world_.unsynced.size() == 1 ? "1 commit" : fmt::format("{} commits", world_.unsynced.size()));
    });
  world_.unsynced.clear();
}

std::optional<std::string> SimulatedStore::get(Table table, std::string_view key) {
  check_power();
  return store_.get(table, key);
}

void SimulatedStore::scan(Table table, std::string_view prefix, std::string_view first, const Visit& visit) {
  check_power();
  store_.scan(table, prefix, first, visit);
}

void SimulatedStore::acknowledge(std::uint64_t commit) {
  check_power();
  store_.acknowledge(commit);
}

}  // namespace mailroom::runtime
