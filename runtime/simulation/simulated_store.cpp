#include "runtime/simulation/simulated_store.hpp"

#include <fmt/format.h>
#include <vector>

#include <mailroom/errors.hpp>

#include "runtime/journal/journal_keys.hpp"
#include "runtime/journal/record_codec.hpp"

namespace mailroom::runtime {
namespace {

// Remembers the rows that the laws are about, besides handing all of them on.
class WatchedWrite final : public StoreWrite {
 public:
  explicit WatchedWrite(std::unique_ptr<StoreWrite> inner) : inner_(std::move(inner)) {}
  void put(Table table, std::string_view key, std::string_view value) override {
    inner_->put(table, key, value);
    if (table == Table::shards || table == Table::mailbox) seen.push_back({table, std::string(key), std::string(value)});
  }
  void erase(Table table, std::string_view key) override { inner_->erase(table, key); }
  void clear() override {
    inner_->clear();
    seen.clear();
  }
  [[nodiscard]] std::size_t bytes() const override { return inner_->bytes(); }
  [[nodiscard]] StoreWrite& inner() { return *inner_; }

  struct Put {
    Table table;
    std::string key, value;
  };
  std::vector<Put> seen;

 private:
  std::unique_ptr<StoreWrite> inner_;
};

}  // namespace

SimulatedStore::SimulatedStore(std::shared_ptr<MemoryDisk> disk, World& world) : world_(world), store_(std::move(disk)) {}

std::unique_ptr<StoreWrite> SimulatedStore::new_write() { return std::make_unique<WatchedWrite>(store_.new_write()); }

void SimulatedStore::fail(const Fault& fault, const char* what) {
  failed_ = true;
  world_.crash_now = fault;
  world_.say([&] { return fmt::format("the disk: {}", what); });
  throw StorageError(fmt::format("the simulated disk: {}", what));
}

void SimulatedStore::write(StoreWrite& write) {
  check_power();
  if (failed_) throw StorageError("the simulated disk: closed after a failure");
  ++world_.done.writes;
  ++world_.progress;
  if (recovering_) {
    if (const auto fault = world_.take(FaultKind::recovery_loss, world_.done.writes)) {
      world_.crash_now = fault;
      world_.power_off = true;
      throw PowerLost();
    }
  }
  if (const auto fault = world_.take(FaultKind::write_failure, world_.done.writes)) fail(*fault, "a write fails");
  if (const auto fault = world_.take(FaultKind::disk_full, world_.done.writes)) {
    world_.disk_is_full = true;
    world_.crash_now = fault;
  }
  if (world_.disk_is_full) throw StorageError("the simulated disk: no space is left");
  check_commit(write);
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
      if (!world_.channels_to_sinks.contains(channel)) continue;
      const auto batch = decode_parcel(channel, payload).batch;
      for (std::size_t i = 0; i < batch->size(); ++i)
        world_.unsafe.insert(world_.events.note(batch->type(i), batch->event(i), batch->meta(i).trace));
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
      for (const auto& parcel : parcels[sent.channel]) {
        if (parcel.first_sequence - parcel.skipped != expected + 1 && parcel.first_sequence != expected + 1)
          broken(fmt::format("a batch on channel {} begins at {} and {} was sent last", sent.channel, parcel.first_sequence, expected));
        expected = parcel.first_sequence + parcel.count - 1;
      }
      if (sent.sequence != expected)
        broken(fmt::format("says that {} was sent on channel {}, and its batches end at {}", sent.sequence, sent.channel, expected));
    }
  }
}

void SimulatedStore::sync() {
  check_power();
  if (failed_) throw StorageError("the simulated disk: closed after a failure");
  ++world_.done.syncs;
  if (const auto fault = world_.take(FaultKind::sync_failure, world_.done.syncs)) fail(*fault, "fdatasync fails");
  store_.sync();
  world_.unsafe.clear();
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
