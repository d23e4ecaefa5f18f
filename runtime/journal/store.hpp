// The smallest key-value store that the journal needs: atomic writes, in one order, synced on demand.
// RocksStore is the one for production; MemoryStore (tests, simulation) can lose every unsynced write.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom::runtime {

enum class Table : std::uint8_t { meta, shards, mailbox, state, timers, waiting, parked, dead };
inline constexpr std::size_t table_count = 8;
[[nodiscard]] constexpr const char* table_name(Table table) noexcept {
  constexpr const char* names[table_count] = {"meta",   "shards",  "mailbox", "state",
                                              "timers", "waiting", "parked",  "dead"};
  return names[static_cast<std::size_t>(table)];
}

// Puts and erases that become visible together or not at all. Reusable after clear().
class StoreWrite {
 public:
  virtual ~StoreWrite() = default;
  virtual void put(Table table, std::string_view key, std::string_view value) = 0;
  virtual void erase(Table table, std::string_view key) = 0;
  virtual void clear() = 0;
  [[nodiscard]] virtual std::size_t bytes() const = 0;
};

class Store {
 public:
  virtual ~Store() = default;
  [[nodiscard]] virtual std::unique_ptr<StoreWrite> new_write() = 0;
  // Applies the write, atomically and in one order with all others, not synced. Any thread.
  // Throws StorageError; after that the store accepts no further write.
  virtual void write(StoreWrite& write) = 0;
  // Everything written before this call began survives power loss once it returns. One thread at a time.
  // Throws StorageError; the outcome is then unknown and the store accepts nothing more (fsync is never retried).
  virtual void sync() = 0;
  // Any thread. Throws CorruptData or StorageError.
  [[nodiscard]] virtual std::optional<std::string> get(Table table, std::string_view key) = 0;
  // Calls `visit` for the pairs whose key begins with `prefix` and is not below `first`, in key order, until it
  // returns false. The views are valid during the call. Throws CorruptData or StorageError.
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;
  virtual void scan(Table table, std::string_view prefix, std::string_view first, const Visit& visit) = 0;
  void scan(Table table, std::string_view prefix, const Visit& visit) { scan(table, prefix, prefix, visit); }

  // A number kept beside the log, which a damaged log cannot take with it: the last commit known to be synced.
  // Call it after sync() has returned. It needs no sync of its own: an older number is always a true one.
  virtual void acknowledge(std::uint64_t commit) = 0;
  [[nodiscard]] virtual std::uint64_t acknowledged() const = 0;  // 0: none known

  // What its files take; 0: it has none. Any thread; costs a look into a folder of a few dozen files.
  [[nodiscard]] virtual std::uint64_t disk_bytes() const { return 0; }

  // What messages call it: "journal DIR".
  [[nodiscard]] virtual std::string name() const { return "journal"; }
};

}  // namespace mailroom::runtime
