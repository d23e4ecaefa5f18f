#include "runtime/journal/memory_store.hpp"

#include <mailroom/errors.hpp>

namespace mailroom::runtime {

namespace {

class MemoryWrite final : public StoreWrite {
 public:
  struct Change {
    Table table;
    std::string key;
    std::optional<std::string> value;
  };

  void put(Table table, std::string_view key, std::string_view value) override {
    bytes_ += key.size() + value.size();
    changes.push_back({table, std::string(key), std::string(value)});
  }
  void erase(Table table, std::string_view key) override {
    bytes_ += key.size();
    changes.push_back({table, std::string(key), std::nullopt});
  }
  void clear() override {
    bytes_ = 0;
    changes.clear();
  }
  [[nodiscard]] std::size_t bytes() const override { return bytes_; }

  std::vector<Change> changes;

 private:
  std::size_t bytes_ = 0;
};

}  // namespace

void MemoryDisk::crash(std::size_t keep) {
  const std::lock_guard lock(mutex_);
  while (unsynced_.size() > keep) {
    auto& write = unsynced_.back();
    for (auto before = write.rbegin(); before != write.rend(); ++before) {
      if (before->value)
        rows(before->table).insert_or_assign(std::move(before->key), std::move(*before->value));
      else
        rows(before->table).erase(before->key);
    }
    unsynced_.pop_back();
  }
  unsynced_.clear();
  fail_write_ = fail_sync_ = false;
  ++generation_;
}

void MemoryDisk::kill() {
  const std::lock_guard lock(mutex_);
  fail_write_ = fail_sync_ = false;
  ++generation_;
}

std::size_t MemoryDisk::unsynced_writes() const {
  const std::lock_guard lock(mutex_);
  return unsynced_.size();
}

bool MemoryDisk::flip_bit(Table table, std::string_view key, std::size_t bit) {
  const std::lock_guard lock(mutex_);
  const auto row = rows(table).find(key);
  if (row == rows(table).end() || row->second.size() * 8 <= bit) return false;
  row->second[bit / 8] = static_cast<char>(row->second[bit / 8] ^ (1 << (bit % 8)));
  return true;
}

std::optional<std::pair<Table, std::string>> MemoryDisk::pick_row(std::uint64_t choice) const {
  const std::lock_guard lock(mutex_);
  std::size_t all = 0;
  for (const auto& rows : tables_) all += rows.size();
  if (all == 0) return std::nullopt;
  auto number = choice % all;
  for (std::size_t table = 0;; ++table) {
    if (number >= tables_[table].size()) {
      number -= tables_[table].size();
      continue;
    }
    return std::pair(static_cast<Table>(table), std::next(tables_[table].begin(), static_cast<std::ptrdiff_t>(number))->first);
  }
}

bool MemoryDisk::remove(Table table, std::string_view key) {
  const std::lock_guard lock(mutex_);
  const auto row = rows(table).find(key);
  if (row == rows(table).end()) return false;
  rows(table).erase(row);
  return true;
}

MemoryStore::MemoryStore(std::shared_ptr<MemoryDisk> disk) : disk_(std::move(disk)) {
  const std::lock_guard lock(disk_->mutex_);
  generation_ = disk_->generation_;
}

std::unique_ptr<StoreWrite> MemoryStore::new_write() { return std::make_unique<MemoryWrite>(); }

void MemoryStore::check_open() const {
  if (failed_ || generation_ != disk_->generation_)
    throw StorageError("memory store: closed for writes after an earlier failure");
}

void MemoryStore::write(StoreWrite& write) {
  const std::lock_guard lock(disk_->mutex_);
  check_open();
  if (disk_->fail_write_) {
    disk_->fail_write_ = false;
    failed_ = true;
    throw StorageError("memory store: write failed, as asked");
  }
  std::vector<MemoryDisk::Before> undo;
  for (const auto& change : dynamic_cast<MemoryWrite&>(write).changes) {
    auto& rows = disk_->rows(change.table);
    const auto row = rows.find(change.key);
    undo.push_back({change.table, change.key, row == rows.end() ? std::nullopt : std::optional(row->second)});
    if (change.value)
      rows.insert_or_assign(change.key, *change.value);
    else if (row != rows.end())
      rows.erase(row);
  }
  disk_->unsynced_.push_back(std::move(undo));
}

void MemoryStore::sync() {
  const std::lock_guard lock(disk_->mutex_);
  check_open();
  if (disk_->fail_sync_) {
    disk_->fail_sync_ = false;
    failed_ = true;
    throw StorageError("memory store: sync failed, as asked");
  }
  disk_->unsynced_.clear();
}

std::optional<std::string> MemoryStore::get(Table table, std::string_view key) {
  const std::lock_guard lock(disk_->mutex_);
  const auto& rows = disk_->rows(table);
  const auto row = rows.find(key);
  return row == rows.end() ? std::nullopt : std::optional(row->second);
}

void MemoryStore::scan(Table table, std::string_view prefix, std::string_view first, const Visit& visit) {
  std::string key(first < prefix ? prefix : first), value;
  for (bool inclusive = true;; inclusive = false) {
    {
      // One row at a time, so that the visitor may read and write.
      const std::lock_guard lock(disk_->mutex_);
      const auto& rows = disk_->rows(table);
      const auto row = inclusive ? rows.lower_bound(key) : rows.upper_bound(key);
      if (row == rows.end() || !std::string_view(row->first).starts_with(prefix)) return;
      key = row->first;
      value = row->second;
    }
    if (!visit(key, value)) return;
  }
}

void MemoryStore::acknowledge(std::uint64_t commit) {
  const std::lock_guard lock(disk_->mutex_);
  check_open();
  disk_->acknowledged_ = commit;
}

std::uint64_t MemoryStore::acknowledged() const {
  const std::lock_guard lock(disk_->mutex_);
  return disk_->acknowledged_;
}

}  // namespace mailroom::runtime
