// The journal on a real disk: killed processes, flipped bits, cut files, a full disk.
#include "runtime/journal/rocks_store.hpp"

#include <csignal>
#include <fmt/format.h>
#include <fstream>
#include <gmock/gmock.h>
#include <random>
#include <rocksdb/db.h>
#include <sstream>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal_fixture.hpp"
#include "runtime/journal/accept_log.hpp"
#include "runtime/journal/journal.hpp"
#include "runtime/journal/manifest_check.hpp"
#include "runtime/journal/verify_journal.hpp"

namespace mailroom::runtime {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr ShardId shard = 1;
constexpr ChannelId channel = 1;

// Gives shard and channel above their names.
void name_them(Journal& journal) {
  if (journal.shard_id("orders", 0) != shard || journal.channel_id("orders", 0, "ledger", 0) != channel)
    throw StorageError("other numbers");
}

// One commit as an engine makes it: a shard's row, a parcel, states. Everything in it is derived from `number`.
void commit_numbered(Journal& journal, JournalWrite& write, std::uint64_t number) {
  ShardRecord record;
  record.commit = number;
  record.sent = {{channel, number, number, 0, 0, 0, {}}};
  write.put_shard(shard, record);
  write.put_parcel(parcel(channel, number, 1));
  for (int i = 0; i < 20; ++i) write.put_state(shard, "key" + std::to_string(i), std::to_string(number));
  journal.commit(write);
}

// How many of the numbered commits the journal holds: fails unless it is a prefix of them, each whole.
std::uint64_t whole_commits(Journal& journal) {
  const auto record = journal.read_shard(shard);
  const auto last = record ? record->commit : 0;
  std::uint64_t expected = 1;
  journal.scan_parcels(channel, 0, [&](const Parcel& parcel) {
    EXPECT_EQ(parcel.first_sequence, expected);
    EXPECT_EQ(note_number(*parcel.batch, 0), static_cast<std::int64_t>(expected));
    ++expected;
    return true;
  });
  EXPECT_EQ(expected, last + 1) << "the parcels end where the shard's row says";
  for (int i = 0; last > 0 && i < 20; ++i)
    EXPECT_EQ(journal.read_state(shard, "key" + std::to_string(i)), std::to_string(last));
  return last;
}

std::unique_ptr<Journal> open_small(const fs::path& directory) {
  // Memtables of a few commits, so that flushes and new log files happen all the time.
  return Journal::open(
      RocksStore::open(directory, {.memory_bytes = 256 << 10, .cache_bytes = 1 << 20, .log_bytes = 256 << 10}));
}

// The process that is killed. It is this program again and not a fork: RocksDB's threads do not survive a fork.
struct Child {
  pid_t pid;
  int reports;  // the number of each acknowledged commit, 8 bytes
};

struct ChildWork {
  std::string directory;
  bool small = false;
  std::uint64_t first = 1, last = 0;  // last 0: for ever
  std::uint64_t sync_every = 3;       // commits
};

Child start_child(const ChildWork& work) {
  int ends[2];
  if (::pipe(ends) != 0) throw StorageError("no pipe");
  const auto variable = fmt::format("MAILROOM_JOURNAL_CHILD={} {} {} {} {} {}", ends[1], work.small, work.first,
                                    work.last, work.sync_every, work.directory);
  const char* const arguments[] = {"journal-child", "--gtest_filter=JournalChild.*", "--gtest_also_run_disabled_tests",
                                   "--gtest_brief=1", nullptr};
  const char* const environment[] = {variable.c_str(), nullptr};
  const auto pid = ::fork();
  if (pid == 0) {
    ::close(ends[0]);
    ::execve("/proc/self/exe", const_cast<char* const*>(arguments), const_cast<char* const*>(environment));
    ::_exit(127);
  }
  ::close(ends[1]);
  return {pid, ends[0]};
}

// No test: what start_child() runs.
TEST(JournalChild, DISABLED_CommitsUntilItIsKilled) {
  const char* const text = std::getenv("MAILROOM_JOURNAL_CHILD");
  if (text == nullptr) GTEST_SKIP() << "only for start_child()";
  std::istringstream in(text);
  int reports = -1;
  ChildWork work;
  in >> reports >> std::boolalpha >> work.small >> work.first >> work.last >> work.sync_every >> work.directory;
  ASSERT_TRUE(in);
  auto journal = work.small ? open_small(work.directory) : Journal::open(work.directory);
  name_them(*journal);
  auto write = journal->new_write();
  for (auto number = work.first;; ++number) {
    commit_numbered(*journal, write, number);
    if (number % work.sync_every != 0 && number != work.last) continue;
    journal->sync();
    ASSERT_EQ(::write(reports, &number, sizeof number), static_cast<ssize_t>(sizeof number));
    if (number == work.last) ::pause();
  }
}

TEST(RocksStore, OpensWhereACrashCutItsMakingShort) {
  const ScratchDirectory scratch;
  {
    // RocksDB makes a new store with one table, and the others after it: this is what a crash in between leaves.
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* made = nullptr;
    fs::create_directories(scratch.path() / "store");
    ASSERT_TRUE(rocksdb::DB::Open(options, scratch.path() / "store", &made).ok());
    delete made;
  }
  const auto journal =
      Journal::open(RocksStore::open(scratch.path(), {}, [](Store&) { FAIL() << "there is nothing in it to accept"; }));
  name_them(*journal);
  EXPECT_EQ(whole_commits(*journal), 0u);
}

TEST(RocksStore, EverythingAcknowledgedSurvivesKill9) {
  const ScratchDirectory scratch;
  std::minstd_rand random(7);
  std::uint64_t before = 0;
  for (int round = 0; round < 20; ++round) {
    const auto child = start_child({scratch.path().string(), round % 2 == 0, before + 1});
    // Killed after a random number of reports: at any point of its work, but never before it has begun.
    std::uint64_t acknowledged = 0;
    for (auto reports = 1 + random() % 60; reports > 0; --reports)
      ASSERT_EQ(::read(child.reports, &acknowledged, sizeof acknowledged), static_cast<ssize_t>(sizeof acknowledged))
          << "round " << round;
    ::kill(child.pid, SIGKILL);
    for (std::uint64_t more = 0; ::read(child.reports, &more, sizeof more) == sizeof more;) acknowledged = more;
    ::close(child.reports);
    ::waitpid(child.pid, nullptr, 0);

    const auto report = verify_journal(scratch.path());
    ASSERT_TRUE(report.sound()) << report.findings[0].where << ": " << report.findings[0].what;
    const auto journal = Journal::open(scratch.path());
    const auto found = whole_commits(*journal);
    ASSERT_GE(found, acknowledged) << "round " << round;
    before = found;
  }
}

// A journal of `commits`, all acknowledged, that was killed: the rows are in the write-ahead log.
void make_killed_journal(const fs::path& directory, std::uint64_t commits, bool small = false) {
  const auto child = start_child({directory.string(), small, 1, commits, commits});
  std::uint64_t done = 0;
  ASSERT_EQ(::read(child.reports, &done, sizeof done), static_cast<ssize_t>(sizeof done));
  ::kill(child.pid, SIGKILL);
  ::close(child.reports);
  ::waitpid(child.pid, nullptr, 0);
}

fs::path log_file(const fs::path& directory) {
  fs::path found;
  for (const auto& entry : fs::directory_iterator(directory / "store"))
    if (entry.path().extension() == ".log" && (found.empty() || entry.file_size() > fs::file_size(found)))
      found = entry.path();
  return found;
}

std::map<std::string, std::string> contents(const fs::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_regular_file()) {
      std::ifstream in(entry.path(), std::ios::binary);
      files[entry.path().string()] = std::string(std::istreambuf_iterator<char>(in), {});
    }
  return files;
}

TEST(RocksStore, AFlippedBitLosesNothingSilently) {
  const ScratchDirectory scratch;
  constexpr std::uint64_t commits = 60;
  make_killed_journal(scratch.path() / "whole", commits);
  const auto size = fs::file_size(log_file(scratch.path() / "whole"));
  ASSERT_GT(size, 10'000u);
  std::minstd_rand random(11);
  int refused = 0, opened = 0;
  for (int round = 0; round < 80; ++round) {
    const auto copy = scratch.path() / "copy";
    fs::remove_all(copy);
    fs::copy(scratch.path() / "whole", copy, fs::copy_options::recursive);
    const auto at = round < 8 ? round : random() % size;  // the first record's head, and anywhere
    {
      std::fstream file(log_file(copy), std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(static_cast<std::streamoff>(at));
      const auto byte = static_cast<char>(file.get() ^ (1 << (random() % 8)));
      file.seekp(static_cast<std::streamoff>(at));
      file.put(byte);
    }
    const auto before = contents(copy);
    try {
      const auto journal = Journal::open(copy);
      EXPECT_EQ(whole_commits(*journal), commits) << "offset " << at;
      ++opened;
    } catch (const CorruptData& error) {
      ++refused;
      EXPECT_EQ(contents(copy).size(), before.size()) << "offset " << at;
      for (const auto& [path, bytes] : contents(copy))
        EXPECT_TRUE(path.ends_with("OWNER") || bytes == before.at(path))
            << path << " changed, offset " << at << ": " << error.what();
      EXPECT_FALSE(verify_journal(copy).sound()) << "offset " << at;
    }
  }
  EXPECT_GT(refused, 50) << "opened " << opened;
}

TEST(RocksStore, ALogCutBelowWhatWasAcknowledgedIsRefused) {
  const ScratchDirectory scratch;
  make_killed_journal(scratch.path() / "whole", 60);
  const auto size = fs::file_size(log_file(scratch.path() / "whole"));
  for (const auto left : {size - 1, size - 1000, size / 2, std::uintmax_t{10}, std::uintmax_t{0}}) {
    const auto copy = scratch.path() / "copy";
    fs::remove_all(copy);
    fs::copy(scratch.path() / "whole", copy, fs::copy_options::recursive);
    fs::resize_file(log_file(copy), left);
    EXPECT_THAT(message_of<CorruptData>([&] { Journal::open(copy); }), HasSubstr("had been acknowledged"))
        << "cut to " << left;
  }
  // Without the mark the same log would open, as a prefix: that is what the mark is for, and why it must be there.
  const auto copy = scratch.path() / "copy";
  fs::remove_all(copy);
  fs::copy(scratch.path() / "whole", copy, fs::copy_options::recursive);
  fs::resize_file(log_file(copy), size / 2);
  for (const bool cut : {false, true}) {
    if (cut) std::ofstream(copy / "ACKNOWLEDGED") << "MRACK1";
    else fs::remove(copy / "ACKNOWLEDGED");
    const auto before = contents(copy);
    EXPECT_THAT(message_of<CorruptData>([&] { Journal::open(copy); }), testing::AllOf(HasSubstr("ACKNOWLEDGED"), HasSubstr("mailroom journal accept")));
    EXPECT_EQ(contents(copy).size(), before.size()) << "nothing is made";
    const auto report = verify_journal(copy);
    ASSERT_FALSE(report.sound());
    EXPECT_THAT(report.findings[0].where, HasSubstr("ACKNOWLEDGED"));
    EXPECT_LT(whole_commits(*Journal::open_read_only(copy)), 60u) << "what is left can be looked at";
  }
  // Somebody takes it as it is.
  const auto commit = accept_log(copy);
  const auto found = whole_commits(*Journal::open(copy));
  EXPECT_GT(found, 0u);
  EXPECT_LT(found, 60u);
  EXPECT_GE(commit, found);
  EXPECT_THAT(message_of<BadValue>([&] { accept_log(copy); }), HasSubstr("nothing to accept"));
}

// The mark is made before the store: a crash in between leaves a mark and nothing else, a whole one or a part of it.
TEST(RocksStore, AMarkWithoutAStoreIsABeginning) {
  for (const auto* bytes : {"", "MRACK1"}) {
    const ScratchDirectory scratch;
    std::ofstream(scratch.path() / "ACKNOWLEDGED") << bytes;
    EXPECT_NO_THROW(name_them(*Journal::open(scratch.path())));
    EXPECT_NO_THROW(Journal::open(scratch.path()));
  }
}

// A log of several files: a hole in an older one must not be stepped over into the next.
TEST(RocksStore, AHoleInAnOlderLogFileIsRefused) {
  const ScratchDirectory scratch;
  constexpr std::uint64_t commits = 900;
  make_killed_journal(scratch.path() / "whole", commits, true);
  std::vector<fs::path> logs;
  for (const auto& entry : fs::directory_iterator(scratch.path() / "whole" / "store"))
    if (entry.path().extension() == ".log" && entry.file_size() > 0) logs.push_back(entry.path().filename());
  std::sort(logs.begin(), logs.end());
  ASSERT_GT(logs.size(), 1u);
  int refused = 0;
  for (std::size_t log = 0; log + 1 < logs.size(); ++log) {
    const auto size = fs::file_size(scratch.path() / "whole" / "store" / logs[log]);
    for (std::uintmax_t cut = 0; cut < 10; ++cut) {
      const auto copy = scratch.path() / "copy";
      fs::remove_all(copy);
      fs::copy(scratch.path() / "whole", copy, fs::copy_options::recursive);
      fs::resize_file(copy / "store" / logs[log], size * cut / 10);
      try {
        EXPECT_EQ(whole_commits(*Journal::open(copy)), commits) << logs[log] << " cut to " << cut << " tenths";
      } catch (const CorruptData&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(RocksStore, ADamagedMarkIsRefused) {
  const ScratchDirectory scratch;
  Journal::open(scratch.path());
  std::ofstream(scratch.path() / "ACKNOWLEDGED", std::ios::in | std::ios::binary).seekp(9).put('x');
  EXPECT_THAT(message_of<CorruptData>([&] { Journal::open(scratch.path()); }), HasSubstr("ACKNOWLEDGED"));
}

TEST(RocksStore, ASecondOpenerIsRefused) {
  const ScratchDirectory scratch;
  auto journal = Journal::open(scratch.path());
  EXPECT_THAT(
      message_of<StorageError>([&] { Journal::open(scratch.path()); }),
      testing::AllOf(HasSubstr(scratch.path().string()), HasSubstr("in use"), HasSubstr(std::to_string(::getpid()))));
  journal.reset();
  auto reader = Journal::open_read_only(scratch.path());
  EXPECT_NO_THROW(Journal::open_read_only(scratch.path())) << "any number may read";
  EXPECT_THAT(message_of<StorageError>([&] { Journal::open(scratch.path()); }), HasSubstr("in use"));
  auto write = reader->new_write();
  write.put_state(1, "a", "1");
  EXPECT_THROW(reader->commit(write), StorageError);
}

TEST(RocksStore, ReadingChangesNoByte) {
  const ScratchDirectory scratch;
  make_killed_journal(scratch.path(), 5);
  const auto before = contents(scratch.path());
  EXPECT_EQ(whole_commits(*Journal::open_read_only(scratch.path())), 5u);
  verify_journal(scratch.path());
  EXPECT_EQ(contents(scratch.path()), before);
}

TEST(RocksStore, AFlippedBitInTheManifestIsRefused) {
  const ScratchDirectory scratch;
  make_killed_journal(scratch.path(), 5);
  fs::path manifest;
  for (const auto& entry : fs::directory_iterator(scratch.path() / "store"))
    if (entry.path().filename().string().starts_with("MANIFEST")) manifest = entry.path();
  const auto whole = contents(scratch.path()).at(manifest.string());
  EXPECT_EQ(find_false_end(whole), std::string::npos);
  // A length with bit 6 leads past the end of the file, which RocksDB takes for a record cut by a crash. A type with bit
  // 2 is one of files that are used again, which it takes for what is left of the earlier use.
  for (std::size_t i = 0; i < whole.size(); ++i)
    for (const int bit : {2, 6}) {
      auto bytes = whole;
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
      std::ofstream(manifest, std::ios::binary) << bytes;
      EXPECT_THROW(Journal::open_read_only(scratch.path()), std::runtime_error) << "byte " << i << ", bit " << bit;
    }
  // A record that a crash did cut short is none of this.
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(find_false_end(std::string_view(whole).substr(0, size)), std::string::npos) << size;
}

TEST(RocksStore, AFullDiskStopsTheNodeAndLosesNothingAcknowledged) {
  const ScratchDirectory scratch;
  const auto disk = scratch.path() / "disk";
  fs::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=3m") != 0)
    GTEST_SKIP() << "needs the right to mount a small disk";
  std::uint64_t acknowledged = 0;
  {
    auto journal = open_small(disk / "data");
    auto write = journal->new_write();
    const auto message = message_of<StorageError>([&] {
      for (std::uint64_t number = 1; number < 100'000; ++number) {
        commit_numbered(*journal, write, number);
        if (number % 5 == 0) {
          journal->sync();
          acknowledged = number;
        }
      }
    });
    EXPECT_THAT(message, testing::AllOf(HasSubstr("disk full"), HasSubstr("free space")));
    write = journal->new_write();
    write.put_state(1, "a", "1");
    EXPECT_THROW(journal->commit(write), StorageError) << "closed for writes";
  }
  EXPECT_GT(acknowledged, 0u);
  ::mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, "size=64m");
  {
    const auto journal = Journal::open(disk / "data");
    EXPECT_GE(whole_commits(*journal), acknowledged);
  }
  ::umount(disk.c_str());
}

std::uint64_t bytes_in(const fs::path& directory) {
  std::uint64_t bytes = 0;
  for (const auto& file : fs::recursive_directory_iterator(directory))
    if (file.is_regular_file()) bytes += file.file_size();
  return bytes;
}

TEST(RocksStore, ADrainedMailboxGivesItsDiskBackAtTheEnd) {
  const ScratchDirectory directory;
  constexpr std::uint64_t rows = 1'000;
  const auto key = [](std::uint64_t n) { return fmt::format("{:08}", n); };
  std::mt19937_64 random(1);
  const auto erase = [&](std::uint64_t first, std::uint64_t last) {
    const auto store = RocksStore::open(directory.path());
    const auto write = store->new_write();
    for (auto n = first; n < last; ++n) write->erase(Table::mailbox, key(n));
    store->write(*write);
  };
  {
    const auto store = RocksStore::open(directory.path(), {.memory_bytes = 4u << 20, .log_bytes = 4u << 20});
    for (std::uint64_t n = 0; n < rows; ++n) {
      std::string spilled(64 << 10, ' ');
      for (auto& byte : spilled) byte = static_cast<char>(random());
      const auto write = store->new_write();
      write->put(Table::mailbox, key(n), spilled);
      store->write(*write);
    }
  }
  EXPECT_GT(bytes_in(directory.path()), rows * (64 << 10));
  erase(0, rows - 1);
  EXPECT_GT(bytes_in(directory.path()), rows * (32 << 10)) << "there was one left: the files should not be rewritten";
  {
    const auto store = RocksStore::open(directory.path());
    EXPECT_TRUE(store->get(Table::mailbox, key(rows - 1)));
  }
  erase(rows - 1, rows);
  EXPECT_LT(bytes_in(directory.path()), rows * (8 << 10));
}

TEST(RocksStore, ScansAreOrderedWhateverIsInMemoryOrOnDisk) {
  const ScratchDirectory scratch;
  auto store =
      RocksStore::open(scratch.path(), {.memory_bytes = 128 << 10, .cache_bytes = 1 << 20, .log_bytes = 128 << 10});
  const auto write = store->new_write();
  std::map<std::string, std::string> model;
  std::minstd_rand random(3);
  for (int i = 0; i < 5000; ++i) {
    const auto key = "k" + std::to_string(random() % 1000);
    if (random() % 4 == 0) {
      write->erase(Table::state, key);
      model.erase(key);
    } else {
      write->put(Table::state, key, std::to_string(i));
      model[key] = std::to_string(i);
    }
    store->write(*write);
    write->clear();
  }
  std::map<std::string, std::string> found;
  std::string last;
  store->scan(Table::state, "k", [&](std::string_view key, std::string_view value) {
    EXPECT_LT(last, key);
    last = key;
    return found.emplace(key, value), true;
  });
  EXPECT_EQ(found, model);
  for (int i = 0; i < 1000; ++i) {
    const auto key = "k" + std::to_string(i);
    const auto value = store->get(Table::state, key);
    EXPECT_EQ(value, model.contains(key) ? std::optional(model[key]) : std::nullopt);
  }
  std::size_t from_k5 = 0;
  store->scan(Table::state, "k", "k5", [&](std::string_view key, std::string_view) {
    EXPECT_GE(key, "k5");
    return ++from_k5, true;
  });
  EXPECT_EQ(from_k5, static_cast<std::size_t>(std::distance(model.lower_bound("k5"), model.end())));
}

}  // namespace
}  // namespace mailroom::runtime
