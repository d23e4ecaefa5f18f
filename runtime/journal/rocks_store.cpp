#include "runtime/journal/rocks_store.hpp"

#include <array>
#include <atomic>
#include <fmt/format.h>
#include <mutex>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/wal_filter.h>
#include <rocksdb/write_batch.h>
#include <thread>
#include <vector>

#include <mailroom/errors.hpp>
#include <mailroom/safe_folder.hpp>

#include "runtime/journal/acknowledged_mark.hpp"
#include "runtime/journal/directory_lock.hpp"
#include "runtime/journal/manifest_check.hpp"

namespace mailroom::runtime {

namespace {

namespace fs = std::filesystem;

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(const rocksdb::Slice& text) { return {text.data(), text.size()}; }

// Stops replay at the first record that does not continue the one before it. RocksDB checks each record, but a
// log file that ends cleanly too early would go unnoticed when a later file follows it: a hole in the middle.
class ContinuousReplay final : public rocksdb::WalFilter {
 public:
  // meta_only: applies nothing but the rows of `meta`, which is all that a look before the opening needs. It reads
  // and checks the whole log, and is spared the cost of sorting its rows.
  void restart(bool meta_only) {
    next_ = 0;
    meta_only_ = meta_only;
  }
  [[nodiscard]] const char* Name() const override { return "ContinuousReplay"; }
  WalProcessingOption LogRecordFound(unsigned long long, const std::string&, const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch* new_batch, bool* batch_changed) override {
    // A batch begins with its first sequence, 8 bytes little endian.
    const auto& bytes = batch.Data();
    if (bytes.size() < 12) return WalProcessingOption::kCorruptedRecord;
    std::uint64_t sequence = 0;
    for (std::size_t i = 0; i < 8; ++i) sequence |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    if (next_ != 0 && sequence != next_) return WalProcessingOption::kStopReplay;
    next_ = sequence + static_cast<std::uint64_t>(batch.Count());
    if (meta_only_) {
      MetaRows rows(*new_batch);
      if (!batch.Iterate(&rows).ok()) return WalProcessingOption::kCorruptedRecord;
      *batch_changed = true;
    }
    return WalProcessingOption::kContinueProcessing;
  }

 private:
  struct MetaRows final : rocksdb::WriteBatch::Handler {
    explicit MetaRows(rocksdb::WriteBatch& target) : out(target) {}
    rocksdb::Status PutCF(std::uint32_t family, const rocksdb::Slice& key, const rocksdb::Slice& value) override {
      return family == 0 ? out.Put(key, value) : rocksdb::Status::OK();
    }
    rocksdb::Status DeleteCF(std::uint32_t family, const rocksdb::Slice& key) override {
      return family == 0 ? out.Delete(key) : rocksdb::Status::OK();
    }
    rocksdb::WriteBatch& out;
  };
  std::uint64_t next_ = 0;
  bool meta_only_ = false;
};

// RocksDB makes a LOG file unless it is given somewhere else to talk to. It is given this: where its assertions are on
// (Debian), the next line after one that could not be written (disk full) aborts the process.
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// Says when a sync has come through to the file. By then RocksDB has looked whether the file's last write failed: where
// its assertions are on (Debian), a sync that begins right after a failed write aborts the process.
class SyncBegins final : public rocksdb::FileSystemWrapper {
 public:
  using Tell = std::function<void()>;
  explicit SyncBegins(Tell tell) : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()), tell_(std::move(tell)) {}
  [[nodiscard]] const char* Name() const override { return "SyncBegins"; }
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override {
    auto status = target()->NewWritableFile(path, options, file, debug);
    if (status.ok() && path.ends_with(".log")) *file = std::make_unique<File>(std::move(*file), tell_);
    return status;
  }

 private:
  struct File final : rocksdb::FSWritableFileOwnerWrapper {
    File(std::unique_ptr<rocksdb::FSWritableFile> file, const Tell& to)
        : rocksdb::FSWritableFileOwnerWrapper(std::move(file)), tell(to) {}
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      tell();
      return target()->Sync(options, debug);
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      tell();
      return target()->Fsync(options, debug);
    }
    const Tell& tell;
  };
  const Tell tell_;
};

// RocksDB goes on by itself once a full disk has room again. Not here: what failed is unknown, so the node stops.
// (Its attempt writes to the log file that failed, too, which aborts the process where RocksDB has assertions.)
class NoRecovery final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

rocksdb::DBOptions db_options(const RocksSettings& settings, bool read_only) {
  rocksdb::DBOptions options;
  options.create_if_missing = !read_only;
  options.create_missing_column_families = !read_only;
  options.paranoid_checks = true;
  // Recovers a prefix of the log, always, where kTolerateCorruptedTailRecords would step over the torn end of
  // one log file into the next. Whether that prefix holds all that was acknowledged is the journal's check.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.track_and_verify_wals_in_manifest = true;
  options.db_write_buffer_size = settings.memory_bytes;
  options.max_total_wal_size = settings.log_bytes;
  options.max_background_jobs = 2;
  options.allow_concurrent_memtable_write = false;  // what the hashed memtable of `state` asks for
  options.bytes_per_sync = 1 << 20;
  options.max_open_files = 512;
  options.max_bgerror_resume_count = 0;
  options.listeners.push_back(std::make_shared<NoRecovery>());
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.skip_stats_update_on_db_open = true;
  options.info_log = std::make_shared<NoLog>();
  return options;
}

rocksdb::ColumnFamilyOptions table_options(Table table, const RocksSettings& settings,
                                           const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = std::max<std::size_t>(settings.memory_bytes / 2, 64 << 10);
  options.max_write_buffer_number = 3;
  options.compression = rocksdb::kNoCompression;  // rows are small and mostly short-lived
  options.level_compaction_dynamic_level_bytes = true;
  rocksdb::BlockBasedTableOptions blocks;
  blocks.block_cache = cache;
  blocks.format_version = 5;
  if (table == Table::state) {
    blocks.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    // Small memtables: each is sorted at its flush, and they bound the replay at a restart.
    options.write_buffer_size = std::min<std::size_t>(options.write_buffer_size, 8 << 20);
    options.max_write_buffer_number = 4;
    // States are put and got by whole key, and in order only by tools and by the flush in the background. Hashing
    // takes up to 2.5 times as many random puts as the ordered memtable (measured on one core: 480 k/s against 190
    // k/s).
    options.prefix_extractor.reset(rocksdb::NewNoopTransform());
    options.memtable_factory.reset(
        rocksdb::NewHashLinkListRepFactory(options.write_buffer_size / 64, 0, 4096, false, 256));
  }
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(blocks));
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> families(const RocksSettings& settings) {
  const auto cache = rocksdb::NewLRUCache(settings.cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> list;
  for (std::size_t i = 0; i < table_count; ++i) {
    const auto table = static_cast<Table>(i);
    // RocksDB insists on a family "default": it is the first table.
    list.emplace_back(i == 0 ? rocksdb::kDefaultColumnFamilyName : table_name(table),
                      table_options(table, settings, cache));
  }
  return list;
}

// Whether the making of the store came to its end. A crash in the middle of it leaves some of the families with
// nothing in them: opening it for writing makes the rest, and before that there is nothing to check.
bool is_made(const RocksSettings& settings, const fs::path& store) {
  if (!fs::exists(store / "CURRENT")) return false;
  std::vector<std::string> names;
  const auto status = rocksdb::DB::ListColumnFamilies(db_options(settings, true), store.string(), &names);
  return !status.ok() || names.size() >= table_count;
}

class RocksWrite final : public StoreWrite {
 public:
  explicit RocksWrite(const std::vector<rocksdb::ColumnFamilyHandle*>& tables) : tables_(tables) {}
  void put(Table table, std::string_view key, std::string_view value) override {
    check(batch.Put(tables_[static_cast<std::size_t>(table)], slice(key), slice(value)));
  }
  void erase(Table table, std::string_view key) override {
    check(batch.Delete(tables_[static_cast<std::size_t>(table)], slice(key)));
  }
  void clear() override { batch.Clear(); }
  [[nodiscard]] std::size_t bytes() const override { return batch.GetDataSize(); }

  rocksdb::WriteBatch batch;

 private:
  static void check(const rocksdb::Status& status) {
    if (!status.ok()) throw StorageError("journal: a row is too large: " + status.ToString());
  }
  const std::vector<rocksdb::ColumnFamilyHandle*>& tables_;
};

// What RocksDB says, in the words of the person who has to act on it.
[[noreturn]] void raise(const fs::path& directory, const char* doing, const rocksdb::Status& status) {
  const auto text = status.ToString();
  const auto where = fmt::format("journal {}: {}: ", directory.string(), doing);
  if (status.IsNoSpace() || text.find("No space left") != std::string::npos ||
      text.find("File too large") != std::string::npos || text.find("Disk quota exceeded") != std::string::npos)
    throw StorageError(where + "disk full: free space there, then start again: nothing acknowledged is lost (" + text +
                       ")");
  if (status.IsCorruption())
    throw CorruptData(where + "the files are damaged: " + text +
                      ". Restore the directory from a copy; `mailroom journal verify` says what is readable");
  if (text.find("Permission denied") != std::string::npos)
    throw StorageError(where + "not permitted: let this user write there (" + text + ")");
  if (text.find("lock hold by current process") != std::string::npos ||
      text.find("Resource temporarily unavailable") != std::string::npos)
    throw StorageError(where + "in use by another process: stop it first (" + text + ")");
  if (status.IsIOError())
    throw StorageError(where + "the disk failed: look at it (dmesg), then start again: nothing acknowledged is lost (" +
                       text + ")");
  throw StorageError(where + text);
}

}  // namespace

struct RocksStore::Impl {
  static constexpr std::uint64_t drained_bytes_worth_it = 16 << 20;

  Impl(fs::path path, DirectoryLock held) : directory(std::move(path)), lock(std::move(held)) {}
  ~Impl() { close(); }

  void open_database(const RocksSettings& settings, bool read_only, bool meta_only = false) {
    auto options = db_options(settings, read_only);
    replay.restart(meta_only);
    options.wal_filter = &replay;
    options.env = environment.get();
    rocksdb::DB* opened = nullptr;
    const auto path = (directory / "store").string();
    const auto status = read_only ? rocksdb::DB::OpenForReadOnly(options, path, families(settings), &tables, &opened)
                                  : rocksdb::DB::Open(options, path, families(settings), &tables, &opened);
    if (!status.ok()) raise(directory, read_only ? "cannot be read" : "cannot be opened", status);
    database.reset(opened);
  }
  void close() {
    if (!database) return;
    if (!failed.load(std::memory_order_acquire)) give_back_drained_mailboxes();
    for (auto* table : tables) database->DestroyColumnFamilyHandle(table);
    tables.clear();
    database->Close().PermitUncheckedError();  // a destructor's path: what failed has been reported before
    database.reset();
  }
  // What was spilled and is long done still fills the files: its erasures are few and small, and nothing makes RocksDB
  // merge them soon. Once nothing is left, that costs no more than reading them.
  void give_back_drained_mailboxes() {
    auto* mailbox = family(Table::mailbox);
    std::uint64_t bytes = 0;
    if (!database->GetIntProperty(mailbox, rocksdb::DB::Properties::kTotalSstFilesSize, &bytes) ||
        bytes < drained_bytes_worth_it)
      return;
    {
      const std::unique_ptr<rocksdb::Iterator> rows(database->NewIterator(rocksdb::ReadOptions(), mailbox));
      rows->SeekToFirst();
      if (rows->Valid() || !rows->status().ok()) return;
    }
    // A store opened for reading refuses, and a disk that fails now fails at the next start: nothing is lost by it.
    database->CompactRange(rocksdb::CompactRangeOptions(), mailbox, nullptr, nullptr).PermitUncheckedError();
  }
  void sync_has_begun() {
    if (syncing.load() != std::this_thread::get_id()) return;  // RocksDB's own
    syncing = std::thread::id();
    entry.unlock();
  }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* family(Table table) const {
    return tables[static_cast<std::size_t>(table)];
  }
  void check_open() {
    if (!failed.load(std::memory_order_acquire)) return;
    const std::lock_guard guard(failure_mutex);
    throw StorageError(fmt::format("{} (closed for writes since)", failure));
  }
  [[noreturn]] void fail(const char* doing, const rocksdb::Status& status) {
    try {
      // Corruption found while writing is a matter of this disk now, not of the rows read at start.
      if (status.IsCorruption())
        throw StorageError(fmt::format("journal {}: {}: {}", directory.string(), doing, status.ToString()));
      raise(directory, doing, status);
    } catch (const std::exception& error) {
      const std::lock_guard guard(failure_mutex);
      if (failure.empty()) failure = error.what();
      failed.store(true, std::memory_order_release);
      throw;
    }
  }

  fs::path directory;
  DirectoryLock lock;
  ContinuousReplay replay;  // RocksDB keeps its address
  std::mutex entry;         // a write, or the beginning of a sync: never a sync between a write's failure and `failed`
  std::atomic<std::thread::id> syncing;  // who holds `entry` to sync
  const std::unique_ptr<rocksdb::Env> environment =
      rocksdb::NewCompositeEnv(std::make_shared<SyncBegins>([this] { sync_has_begun(); }));
  std::optional<AcknowledgedMark> mark;
  std::unique_ptr<rocksdb::DB> database;
  std::vector<rocksdb::ColumnFamilyHandle*> tables;
  std::atomic<bool> failed = false;
  std::mutex failure_mutex;
  std::string failure;
};

RocksStore::RocksStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksStore::~RocksStore() = default;

std::unique_ptr<RocksStore> RocksStore::open(const fs::path& directory, const RocksSettings& settings,
                                             const std::function<void(Store&)>& accept) {
  auto impl = std::make_unique<Impl>(directory, DirectoryLock(directory, DirectoryLock::Mode::write));
  check_manifest(directory / "store");
  const bool made = is_made(settings, directory / "store");
  if (made) impl->mark.emplace(directory, AcknowledgedMark::Mode::write);
  if (made && accept) {
    impl->open_database(settings, true, true);
    RocksStore reader(std::move(impl));
    accept(reader);
    impl = std::move(reader.impl_);
    impl->close();
  }
  if (!made) impl->mark.emplace(directory, AcknowledgedMark::Mode::make);
  make_safe_folder(directory / "store");  // RocksDB would make it, and sync what is in it, but not its name
  impl->open_database(settings, false);
  return std::unique_ptr<RocksStore>(new RocksStore(std::move(impl)));
}

std::unique_ptr<RocksStore> RocksStore::open_read_only(const fs::path& directory, bool without_mark) {
  auto impl = std::make_unique<Impl>(directory, DirectoryLock(directory, DirectoryLock::Mode::read));
  if (!without_mark) impl->mark.emplace(directory, AcknowledgedMark::Mode::read);
  check_manifest(directory / "store");
  impl->open_database({}, true);
  impl->failure = fmt::format("journal {}: opened for reading", directory.string());
  impl->failed = true;
  return std::unique_ptr<RocksStore>(new RocksStore(std::move(impl)));
}

std::unique_ptr<StoreWrite> RocksStore::new_write() { return std::make_unique<RocksWrite>(impl_->tables); }

void RocksStore::write(StoreWrite& write) {
  const std::lock_guard guard(impl_->entry);
  impl_->check_open();
  const auto status = impl_->database->Write(rocksdb::WriteOptions(), &static_cast<RocksWrite&>(write).batch);
  if (!status.ok()) impl_->fail("cannot be written", status);
}

void RocksStore::sync() {
  impl_->entry.lock();
  impl_->syncing = std::this_thread::get_id();
  rocksdb::Status status;
  try {
    impl_->check_open();
    status = impl_->database->SyncWAL();
  } catch (...) {
    impl_->sync_has_begun();
    throw;
  }
  impl_->sync_has_begun();  // where there was nothing to sync
  if (!status.ok()) impl_->fail("cannot be synced", status);
}

std::optional<std::string> RocksStore::get(Table table, std::string_view key) {
  std::string value;
  const auto status = impl_->database->Get(rocksdb::ReadOptions(), impl_->family(table), slice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) raise(impl_->directory, "cannot be read", status);
  return value;
}

void RocksStore::scan(Table table, std::string_view prefix, std::string_view first, const Visit& visit) {
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  const std::unique_ptr<rocksdb::Iterator> rows(impl_->database->NewIterator(options, impl_->family(table)));
  for (rows->Seek(slice(first < prefix ? prefix : first)); rows->Valid() && view(rows->key()).starts_with(prefix);
       rows->Next())
    if (!visit(view(rows->key()), view(rows->value()))) return;
  if (!rows->status().ok()) raise(impl_->directory, "cannot be read", rows->status());
}

void RocksStore::acknowledge(std::uint64_t commit) {
  impl_->check_open();
  try {
    impl_->mark->set(commit);
  } catch (const StorageError& error) {
    impl_->fail("cannot be acknowledged", rocksdb::Status::IOError(error.what()));
  }
}

std::uint64_t RocksStore::acknowledged() const { return impl_->mark ? impl_->mark->commit() : 0; }

std::uint64_t RocksStore::disk_bytes() const {
  std::uint64_t bytes = 0;
  std::error_code gone;  // a file that is merged away meanwhile
  for (auto entry = fs::directory_iterator(impl_->directory / "store", gone); !gone && entry != fs::directory_iterator(); entry.increment(gone)) {
    std::error_code ignored;
    if (const auto size = entry->file_size(ignored); !ignored) bytes += size;
  }
  return bytes;
}

std::string RocksStore::name() const { return "journal " + impl_->directory.string(); }

std::optional<std::string> RocksStore::verify_checksums() {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  const auto status = impl_->database->VerifyChecksum(options);
  return status.ok() ? std::nullopt : std::optional(status.ToString());
}

}  // namespace mailroom::runtime
