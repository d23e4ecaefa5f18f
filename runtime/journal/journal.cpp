#include "runtime/journal/journal.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <mutex>

#include <mailroom/errors.hpp>

#include "runtime/journal/journal_keys.hpp"
#include "runtime/journal/record_codec.hpp"
#include "runtime/journal/rocks_store.hpp"

namespace mailroom::runtime {

namespace {

constexpr std::uint64_t format_version = 2;  // 1: Boost's own archives

std::optional<std::uint64_t> read_number(Store& store, char kind) {
  std::string key;
  meta_key(key, kind);
  const auto value = store.get(Table::meta, key);
  if (!value) return std::nullopt;
  try {
    return decode_number(unseal(Table::meta, key, *value));
  } catch (const CorruptData& error) {
    throw CorruptData(fmt::format("{}: {}: {}", store.name(), describe_key(Table::meta, key), error.what()));
  }
}

// Refuses what this program cannot read, and a log that lost something it had promised to keep.
// Returns the number of the last commit; nullopt: the store is new.
std::optional<std::uint64_t> check_log(Store& store) {
  const auto format = read_number(store, 'f');
  const auto commit = read_number(store, 'k').value_or(0);
  const auto acknowledged = store.acknowledged();
  if (commit < acknowledged)
    throw CorruptData(
        fmt::format("{}: the log ends at commit {} but commit {} had been acknowledged: records are missing. "
                    "Restore the directory from a copy, or look at what is left with `mailroom journal inspect`",
                    store.name(), commit, acknowledged));
  if (!format) {
    for (std::size_t i = 0; i < table_count; ++i)
      store.scan(static_cast<Table>(i), {}, [&](std::string_view key, std::string_view) -> bool {
        throw CorruptData(
            fmt::format("{}: no format is recorded, but there is {}: this is no journal, or its first row is lost",
                        store.name(), describe_key(static_cast<Table>(i), key)));
      });
    return std::nullopt;
  }
  if (*format != format_version)
    throw CorruptData(
        fmt::format("{}: format {}, this program reads format {}: use the version of Mailroom that wrote it",
                    store.name(), *format, format_version));
  return commit;
}

}  // namespace

JournalWrite::JournalWrite(std::unique_ptr<StoreWrite> write) : write_(std::move(write)) {}
JournalWrite::~JournalWrite() = default;
JournalWrite::JournalWrite(JournalWrite&&) noexcept = default;
JournalWrite& JournalWrite::operator=(JournalWrite&&) noexcept = default;

void JournalWrite::put_sealed(Table table) {
  seal(table, key_, value_);
  write_->put(table, key_, value_);
}

void JournalWrite::put_shard(ShardId shard, const ShardRecord& record) {
  shard_key(key_, shard);
  value_.clear();
  encode_shard_record(record, value_);
  put_sealed(Table::shards);
}

void JournalWrite::put_parcel(const Parcel& parcel) {
  parcel_key(key_, parcel.channel, parcel.first_sequence);
  value_.clear();
  encode_parcel(parcel, value_);
  put_sealed(Table::mailbox);
}

void JournalWrite::erase_parcel(ChannelId channel, std::uint64_t first_sequence) {
  parcel_key(key_, channel, first_sequence);
  write_->erase(Table::mailbox, key_);
}

void JournalWrite::put_state(ShardId shard, std::string_view key, std::string_view bytes) {
  state_key(key_, shard, key);
  value_.assign(bytes);
  put_sealed(Table::state);
}

void JournalWrite::erase_state(ShardId shard, std::string_view key) {
  state_key(key_, shard, key);
  write_->erase(Table::state, key_);
}

void JournalWrite::put_held(HeldReason table, ShardId shard, const HeldEvent& event) {
  held_key(key_, shard, event.ordinal);
  value_.clear();
  encode_held(event, value_);
  put_sealed(held_table(table));
}

void JournalWrite::put_held_bytes(HeldReason table, ShardId shard, const HeldEvent& event, std::string_view batch) {
  held_key(key_, shard, event.ordinal);
  value_.clear();
  encode_held_head(event, !batch.empty(), value_);
  value_.append(batch);
  put_sealed(held_table(table));
}

void JournalWrite::erase_held(HeldReason table, ShardId shard, std::uint64_t ordinal) {
  held_key(key_, shard, ordinal);
  write_->erase(held_table(table), key_);
}

std::size_t JournalWrite::bytes() const { return write_->bytes(); }

struct Journal::Impl {
  std::unique_ptr<Store> store;
  // A commit's number and its place in the log are given together. The mutex costs no parallelism: the store's
  // memtables take one writer at a time anyway; encoding and checksums are done before it.
  std::mutex commit_mutex;
  std::mutex syncing;  // held for a whole sync: the acknowledged number never goes back
  std::atomic<std::uint64_t> committed{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> synced{0};
  std::string commit_key, commit_value;  // reused, under commit_mutex

  mutable std::mutex names_mutex;  // ids are given out before the shards run; names are read at any time
  std::map<std::pair<std::string, std::uint32_t>, ShardId> shard_ids;
  std::map<ShardId, ShardName> shard_names;
  std::map<std::tuple<std::string, std::uint32_t, std::string, std::uint32_t>, ChannelId> channel_ids;
  std::map<ChannelId, ChannelName> channel_names;

  void load();
  std::string row(Table table, std::string_view key) const;

  // Unseals and decodes a row; damage is reported with the row's name.
  template <class Decode>
  auto read(Table table, std::string_view key, std::string_view value, Decode&& decode) const {
    try {
      return decode(unseal(table, key, value));
    } catch (const CorruptData& error) {
      throw CorruptData(fmt::format("{}: {}: {}", store->name(), row(table, key), error.what()));
    }
  }
  bool consumer_is_done_with(ChannelId channel, std::uint64_t first, std::uint64_t last) const;
};

void Journal::Impl::load() {
  const auto commit = check_log(*store);
  if (!commit) {
    std::string key, value;
    const auto write = store->new_write();
    const auto put = [&](char kind, std::uint64_t number) {
      meta_key(key, kind);
      value.clear();
      encode_number(number, value);
      seal(Table::meta, key, value);
      write->put(Table::meta, key, value);
    };
    put('f', format_version);
    put('k', 0);
    store->write(*write);
    store->sync();
    return;
  }
  committed = *commit;
  synced = store->acknowledged();
  store->scan(Table::meta, "s", [&](std::string_view key, std::string_view value) {
    auto name = read(Table::meta, key, value, decode_shard_name);
    const auto id = parse_meta_number(key);
    shard_ids.emplace(std::pair(name.stage, name.index), id);
    shard_names.emplace(id, std::move(name));
    return true;
  });
  store->scan(Table::meta, "c", [&](std::string_view key, std::string_view value) {
    auto name = read(Table::meta, key, value, decode_channel_name);
    const auto id = parse_meta_number(key);
    channel_ids.emplace(std::tuple(name.from_stage, name.from_shard, name.to_stage, name.to_shard), id);
    channel_names.emplace(id, std::move(name));
    return true;
  });
}

std::string Journal::Impl::row(Table table, std::string_view key) const {
  auto text = describe_key(table, key);
  const std::lock_guard lock(names_mutex);
  if (table == Table::mailbox && key.size() == 12) {
    if (const auto name = channel_names.find(parse_key(table, key).owner); name != channel_names.end())
      text += fmt::format(" ({}/{} -> {}/{})", name->second.from_stage, name->second.from_shard, name->second.to_stage,
                          name->second.to_shard);
  } else if (table != Table::meta && key.size() >= 4) {
    const auto shard = parse_state_key(key).shard;  // a shard's number leads in all these tables
    if (const auto name = shard_names.find(shard); name != shard_names.end())
      text += fmt::format(" ({}/{})", name->second.stage, name->second.index);
  }
  return text;
}

Journal::Journal(std::unique_ptr<Store> store) : impl_(std::make_unique<Impl>()) {
  impl_->store = std::move(store);
  meta_key(impl_->commit_key, 'k');
  impl_->load();
}

Journal::~Journal() = default;

std::unique_ptr<Journal> Journal::open(const std::filesystem::path& directory) {
  return open(RocksStore::open(directory, {}, [](Store& store) { check_log(store); }));
}

std::unique_ptr<Journal> Journal::open(std::unique_ptr<Store> store) {
  return std::unique_ptr<Journal>(new Journal(std::move(store)));
}

std::unique_ptr<Journal> Journal::open_read_only(const std::filesystem::path& directory) {
  return open(RocksStore::open_read_only(directory));
}

ShardId Journal::shard_id(std::string_view stage, std::uint32_t index) {
  ShardId id = 0;
  {
    const std::lock_guard lock(impl_->names_mutex);
    const auto [found, added] = impl_->shard_ids.try_emplace(std::pair(std::string(stage), index), 0);
    if (!added) return found->second;
    id = found->second = impl_->shard_names.empty() ? 1 : impl_->shard_names.rbegin()->first + 1;
    impl_->shard_names.emplace(id, ShardName{std::string(stage), index});
  }
  std::string key, value;
  meta_key(key, 's', id);
  encode_shard_name(stage, index, value);
  put_meta(key, std::move(value));
  return id;
}

ChannelId Journal::channel_id(std::string_view from_stage, std::uint32_t from_shard, std::string_view to_stage,
                              std::uint32_t to_shard) {
  ChannelId id = 0;
  const ChannelName name{std::string(from_stage), from_shard, std::string(to_stage), to_shard};
  {
    const std::lock_guard lock(impl_->names_mutex);
    const auto [found, added] =
        impl_->channel_ids.try_emplace(std::tuple(name.from_stage, from_shard, name.to_stage, to_shard), 0);
    if (!added) return found->second;
    id = found->second = impl_->channel_names.empty() ? 1 : impl_->channel_names.rbegin()->first + 1;
    impl_->channel_names.emplace(id, name);
  }
  std::string key, value;
  meta_key(key, 'c', id);
  encode_channel_name(name, value);
  put_meta(key, std::move(value));
  return id;
}

std::vector<std::pair<ShardId, std::pair<std::string, std::uint32_t>>> Journal::shards() const {
  const std::lock_guard lock(impl_->names_mutex);
  std::vector<std::pair<ShardId, std::pair<std::string, std::uint32_t>>> list;
  for (const auto& [id, name] : impl_->shard_names) list.emplace_back(id, std::pair(name.stage, name.index));
  return list;
}

std::vector<std::pair<ChannelId, Journal::ChannelName>> Journal::channels() const {
  const std::lock_guard lock(impl_->names_mutex);
  return {impl_->channel_names.begin(), impl_->channel_names.end()};
}

std::optional<std::string> Journal::note(std::string_view name) const {
  std::string key;
  meta_key(key, 'n', name);
  const auto value = impl_->store->get(Table::meta, key);
  if (!value) return std::nullopt;
  return impl_->read(Table::meta, key, *value, [](std::string_view payload) { return std::string(payload); });
}

void Journal::set_note(std::string_view name, std::string_view value) {
  std::string key;
  meta_key(key, 'n', name);
  put_meta(key, std::string(value));
}

void Journal::put_meta(const std::string& key, std::string value) {
  auto write = new_write();
  seal(Table::meta, key, value);
  write.write_->put(Table::meta, key, value);
  commit(write);
}

JournalWrite Journal::new_write() { return JournalWrite(impl_->store->new_write()); }

std::uint64_t Journal::commit(JournalWrite& write) {
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(impl_->commit_mutex);
    number = impl_->committed.load(std::memory_order_relaxed) + 1;
    impl_->commit_value.clear();
    encode_number(number, impl_->commit_value);
    seal(Table::meta, impl_->commit_key, impl_->commit_value);
    write.write_->put(Table::meta, impl_->commit_key, impl_->commit_value);
    impl_->store->write(*write.write_);
    impl_->bytes.store(impl_->bytes.load(std::memory_order_relaxed) + write.write_->bytes(), std::memory_order_relaxed);
    impl_->committed.store(number, std::memory_order_release);
  }
  write.write_->clear();
  return number;
}

Journal::Synced Journal::sync() {
  const std::lock_guard lock(impl_->syncing);
  const auto number = impl_->committed.load(std::memory_order_acquire);
  if (number == impl_->synced.load(std::memory_order_relaxed)) return {number, false};
  impl_->store->sync();
  impl_->store->acknowledge(number);
  impl_->synced.store(number, std::memory_order_relaxed);
  return {number, true};
}

std::uint64_t Journal::committed_bytes() const { return impl_->bytes.load(std::memory_order_relaxed); }

std::uint64_t Journal::last_commit() const { return impl_->committed.load(std::memory_order_acquire); }

std::optional<ShardRecord> Journal::read_shard(ShardId shard) {
  std::string key;
  shard_key(key, shard);
  const auto value = impl_->store->get(Table::shards, key);
  if (!value) return std::nullopt;
  return impl_->read(Table::shards, key, *value, decode_shard_record);
}

std::optional<std::string> Journal::read_state(ShardId shard, std::string_view name) {
  std::string key;
  state_key(key, shard, name);
  auto value = impl_->store->get(Table::state, key);
  if (!value) return std::nullopt;
  impl_->read(Table::state, key, *value, [](std::string_view) { return 0; });
  value->resize(value->size() - seal_size);
  return value;
}

void Journal::scan_state(ShardId shard, const std::function<bool(std::string_view, std::string_view)>& visit) {
  std::string prefix;
  shard_key(prefix, shard);
  impl_->store->scan(Table::state, prefix, [&](std::string_view key, std::string_view value) {
    const auto bytes = impl_->read(Table::state, key, value, [](std::string_view payload) { return payload; });
    return visit(parse_state_key(key).name, bytes);
  });
}

bool Journal::Impl::consumer_is_done_with(ChannelId channel, std::uint64_t first, std::uint64_t last) const {
  std::string key;
  {
    const std::lock_guard lock(names_mutex);
    const auto name = channel_names.find(channel);
    if (name == channel_names.end()) return true;  // written without names (a test): nobody to ask
    const auto shard = shard_ids.find(std::pair(name->second.to_stage, name->second.to_shard));
    if (shard == shard_ids.end()) return true;
    shard_key(key, shard->second);
  }
  const auto value = store->get(Table::shards, key);
  if (!value) return true;
  const auto record = read(Table::shards, key, *value, decode_shard_record);
  for (const auto& consumed : record.consumed) {
    if (consumed.channel != channel) continue;
    auto done = consumed.sequence;
    for (const auto& [from, to] : consumed.beyond)
      if (from <= std::max(done + 1, first)) done = std::max(done, to);
    return last <= done;
  }
  return false;
}

void Journal::scan_parcels(ChannelId channel, std::uint64_t from_sequence, const std::function<bool(Parcel)>& visit) {
  std::string prefix, first;
  shard_key(prefix, channel);                     // channel numbers lead, as shard numbers do
  const auto reach = EventBatch::max_events - 1;  // a parcel that ends at from_sequence begins at most this far before
  parcel_key(first, channel, from_sequence > reach ? from_sequence - reach : 0);
  auto next = from_sequence;
  impl_->store->scan(Table::mailbox, prefix, first, [&](std::string_view key, std::string_view value) {
    auto parcel = impl_->read(Table::mailbox, key, value, [&](std::string_view payload) {
      const auto head = decode_parcel_head(payload);
      if (head.first_sequence != parse_key(Table::mailbox, key).number)
        throw CorruptData("its head names another sequence");
      if (head.first_sequence + head.count - 1 < from_sequence) return Parcel{};
      const auto begins = head.first_sequence - std::min<std::uint64_t>(head.skipped, head.first_sequence - 1);
      if (begins > next && !impl_->consumer_is_done_with(channel, next, begins - 1))
        throw CorruptData(fmt::format("sequences {} to {} before it are missing", next, begins - 1));
      if (head.first_sequence < next && next != from_sequence)
        throw CorruptData(fmt::format("begins before sequence {}, where the parcel before it ends", next));
      return decode_parcel(channel, payload);
    });
    if (!parcel.batch) return true;
    next = parcel.first_sequence + parcel.batch->size();
    return visit(std::move(parcel));
  });
}

std::optional<Parcel> Journal::read_parcel(ChannelId channel, std::uint64_t first_sequence) {
  std::string key;
  parcel_key(key, channel, first_sequence);
  const auto value = impl_->store->get(Table::mailbox, key);
  if (!value) return std::nullopt;
  return impl_->read(Table::mailbox, key, *value,
                     [&](std::string_view payload) { return decode_parcel(channel, payload); });
}

void Journal::scan_held(HeldReason reason, ShardId shard, const std::function<bool(HeldEvent)>& visit) {
  const auto table = held_table(reason);
  std::string prefix;
  shard_key(prefix, shard);
  impl_->store->scan(table, prefix, [&](std::string_view key, std::string_view value) {
    return visit(impl_->read(table, key, value, [&](std::string_view payload) {
      return decode_held(parse_key(table, key).number, payload);
    }));
  });
}

void Journal::scan_parcel_heads(ChannelId channel, const std::function<bool(const ParcelHead&)>& visit) {
  std::string prefix;
  shard_key(prefix, channel);
  impl_->store->scan(Table::mailbox, prefix, [&](std::string_view key, std::string_view value) {
    return visit(impl_->read(Table::mailbox, key, value, decode_parcel_head));
  });
}

void Journal::scan_held_heads(HeldReason reason, ShardId shard,
                              const std::function<bool(HeldEvent, std::string_view)>& visit, std::uint64_t from_ordinal) {
  const auto table = held_table(reason);
  std::string prefix, first;
  shard_key(prefix, shard);
  held_key(first, shard, from_ordinal);
  impl_->store->scan(table, prefix, first, [&](std::string_view key, std::string_view value) {
    std::string_view batch;
    auto held = impl_->read(table, key, value, [&](std::string_view payload) {
      return decode_held_head(parse_key(table, key).number, payload, batch);
    });
    return visit(std::move(held), batch);
  });
}

Store& Journal::store() { return *impl_->store; }

}  // namespace mailroom::runtime
