// A store in memory over a simulated disk: crashes drop what was not synced, writes and syncs can be made to
// fail. For tests and simulation. Makes no thread and touches no file; any thread may call.
//
//   auto disk = std::make_shared<MemoryDisk>();
//   auto journal = Journal::open(std::make_unique<MemoryStore>(disk));
//   ...
//   disk->crash();                                               // the journal above is now useless: destroy it
//   journal = Journal::open(std::make_unique<MemoryStore>(disk));
#pragma once

#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/journal/store.hpp"

namespace mailroom::runtime {

// What survives the process. Shared by the stores that are opened on it one after another.
class MemoryDisk {
 public:
  // Power loss: of the writes since the last sync the first `keep` survive, the others never happened.
  // Stores opened before fail from now on.
  void crash(std::size_t keep = 0);
  // The process dies and the machine goes on: every write is still there, and can still be lost to a crash.
  void kill();
  [[nodiscard]] std::size_t unsynced_writes() const;
  // The next write (or sync) throws StorageError, and the store is closed for writes.
  void fail_next_write() {
    with_lock([&] { fail_write_ = true; });
  }
  void fail_next_sync() {
    with_lock([&] { fail_sync_ = true; });
  }
  // Changes one bit of a stored value, as a bad disk does. Returns false if there is no such key.
  bool flip_bit(Table table, std::string_view key, std::size_t bit);
  // Some row of all that are kept; nullopt if there is none.
  [[nodiscard]] std::optional<std::pair<Table, std::string>> pick_row(std::uint64_t choice) const;
  // Takes a row away, past all writes. Returns false if there is no such key.
  bool remove(Table table, std::string_view key);

 private:
  friend class MemoryStore;
  using Rows = std::map<std::string, std::string, std::less<>>;
  struct Before {  // what a write replaced
    Table table;
    std::string key;
    std::optional<std::string> value;
  };
  template <class Do>
  void with_lock(Do&& action) {
    const std::lock_guard lock(mutex_);
    action();
  }
  Rows& rows(Table table) { return tables_[static_cast<std::size_t>(table)]; }

  mutable std::mutex mutex_;
  std::array<Rows, table_count> tables_;
  std::vector<std::vector<Before>> unsynced_;  // one entry per write since the last sync, to undo it
  std::uint64_t acknowledged_ = 0;
  std::uint64_t generation_ = 0;  // raised by crash()
  bool fail_write_ = false, fail_sync_ = false;
};

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(std::shared_ptr<MemoryDisk> disk = std::make_shared<MemoryDisk>());

  [[nodiscard]] std::unique_ptr<StoreWrite> new_write() override;
  void write(StoreWrite& write) override;
  void sync() override;
  [[nodiscard]] std::optional<std::string> get(Table table, std::string_view key) override;
  using Store::scan;
  void scan(Table table, std::string_view prefix, std::string_view first, const Visit& visit) override;
  void acknowledge(std::uint64_t commit) override;
  [[nodiscard]] std::uint64_t acknowledged() const override;

  [[nodiscard]] MemoryDisk& disk() noexcept { return *disk_; }

 private:
  void check_open() const;  // under the disk's lock

  std::shared_ptr<MemoryDisk> disk_;
  std::uint64_t generation_;
  bool failed_ = false;
};

}  // namespace mailroom::runtime
