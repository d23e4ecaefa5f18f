// The production store: RocksDB, one column family per table, in one directory.
//
//   DIR/OWNER          the lock
//   DIR/ACKNOWLEDGED   the last commit known to be synced
//   DIR/store/         RocksDB's own files
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "runtime/journal/store.hpp"

namespace mailroom::runtime {

struct RocksSettings {
  std::size_t memory_bytes = 64u << 20;  // of all memtables together
  std::size_t cache_bytes = 32u << 20;   // of blocks read
  std::size_t log_bytes = 96u << 20;     // write-ahead log kept at most before memtables are flushed: bounds a restart
};

class RocksStore final : public Store {
 public:
  // Opens or creates the store for writing. An existing one is opened read-only first and given to `accept`,
  // which throws if it must not be used: then nothing in the directory has changed. `accept` sees all of `meta`,
  // and of the other tables only what is no longer in the write-ahead log.
  // Throws StorageError (in use, full, not permitted) or CorruptData, both naming directory or file.
  static std::unique_ptr<RocksStore> open(const std::filesystem::path& directory, const RocksSettings& settings = {},
                                          const std::function<void(Store&)>& accept = {});
  // Opens what is there for reading and changes no byte of it. write() and sync() throw.
  // `without_mark`: ACKNOWLEDGED may be missing or damaged; nothing is known to be acknowledged then.
  static std::unique_ptr<RocksStore> open_read_only(const std::filesystem::path& directory, bool without_mark = false);
  ~RocksStore() override;

  [[nodiscard]] std::unique_ptr<StoreWrite> new_write() override;
  void write(StoreWrite& write) override;
  void sync() override;
  [[nodiscard]] std::optional<std::string> get(Table table, std::string_view key) override;
  using Store::scan;
  void scan(Table table, std::string_view prefix, std::string_view first, const Visit& visit) override;
  void acknowledge(std::uint64_t commit) override;
  [[nodiscard]] std::uint64_t acknowledged() const override;
  [[nodiscard]] std::uint64_t disk_bytes() const override;
  [[nodiscard]] std::string name() const override;

  // Reads every file in full against RocksDB's own checksums. What is wrong, in words; nullopt: nothing.
  [[nodiscard]] std::optional<std::string> verify_checksums();

 private:
  struct Impl;
  explicit RocksStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mailroom::runtime
