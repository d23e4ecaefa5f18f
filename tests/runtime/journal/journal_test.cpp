// The journal over a simulated disk: what is committed is read back, what is lost is noticed.
#include "runtime/journal/journal.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>  // needs gtest before it
#include <thread>

#include "journal_fixture.hpp"
#include "runtime/journal/journal_keys.hpp"
#include "runtime/journal/memory_store.hpp"

namespace mailroom::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class JournalTest : public testing::Test {
 protected:
  std::unique_ptr<Journal> open() { return Journal::open(std::make_unique<MemoryStore>(disk_)); }
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
};

std::vector<std::uint64_t> sequences(Journal& journal, ChannelId channel, std::uint64_t from) {
  std::vector<std::uint64_t> found;
  journal.scan_parcels(channel, from, [&](Parcel parcel) { return found.push_back(parcel.first_sequence), true; });
  return found;
}

TEST_F(JournalTest, NumbersStayWithTheirNames) {
  auto journal = open();
  const auto a = journal->shard_id("orders", 0), b = journal->shard_id("orders", 1);
  const auto channel = journal->channel_id("orders", 1, "ledger", 0);
  EXPECT_NE(a, b);
  EXPECT_NE(channel, 0u) << "0 means no channel";
  EXPECT_EQ(journal->shard_id("orders", 0), a);
  journal->sync();
  journal = open();
  EXPECT_EQ(journal->shard_id("orders", 1), b);
  EXPECT_EQ(journal->channel_id("orders", 1, "ledger", 0), channel);
  EXPECT_NE(journal->shard_id("ledger", 0), b);
  ASSERT_EQ(journal->channels().size(), 1u);
  EXPECT_EQ(journal->channels()[0].second.to_stage, "ledger");
}

TEST_F(JournalTest, ReadsBackWhatWasCommitted) {
  auto journal = open();
  const auto shard = journal->shard_id("ledger", 0);
  const auto channel = journal->channel_id("orders", 0, "ledger", 0);
  auto write = journal->new_write();
  ShardRecord record;
  record.commit = 1;
  record.position = {{"line", 12}};
  write.put_shard(shard, record);
  write.put_parcel(parcel(channel, 1, 10));
  write.put_parcel(parcel(channel, 11, 5));
  write.put_state(shard, "alice", "3");
  write.put_state(shard, "bob", "");
  write.put_held(HeldReason::dead, shard, held(1, "alice", channel));
  EXPECT_FALSE(journal->read_shard(shard)) << "not before the commit";
  const auto number = journal->commit(write);
  EXPECT_EQ(number, journal->last_commit());
  EXPECT_EQ(journal->read_shard(shard)->position["line"], 12);
  EXPECT_EQ(journal->read_state(shard, "alice"), "3");
  EXPECT_EQ(journal->read_state(shard, "bob"), "") << "an empty state is a state";
  EXPECT_EQ(journal->read_state(shard, "carol"), std::nullopt);
  EXPECT_EQ(journal->read_state(shard + 1, "alice"), std::nullopt);
  EXPECT_EQ(journal->read_parcel(channel, 11)->batch->size(), 5u);
  EXPECT_FALSE(journal->read_parcel(channel, 12));
  std::vector<std::string> dead;
  journal->scan_held(HeldReason::dead, shard, [&](HeldEvent event) { return dead.push_back(event.reason), true; });
  EXPECT_THAT(dead, ElementsAre("it broke"));

  write.erase_state(shard, "alice");
  write.erase_parcel(channel, 1);
  write.erase_held(HeldReason::dead, shard, 1);
  EXPECT_EQ(journal->commit(write), number + 1);
  EXPECT_EQ(journal->read_state(shard, "alice"), std::nullopt);
  EXPECT_THAT(sequences(*journal, channel, 11), ElementsAre(11));
}

TEST_F(JournalTest, AScanBeginsWithTheParcelThatHoldsTheSequence) {
  auto journal = open();
  auto write = journal->new_write();
  for (const std::uint64_t first : {1, 101, 201, 301}) write.put_parcel(parcel(4, first, 100));
  write.put_parcel(parcel(5, 1, 100));
  journal->commit(write);
  EXPECT_THAT(sequences(*journal, 4, 0), ElementsAre(1, 101, 201, 301));
  EXPECT_THAT(sequences(*journal, 4, 200), ElementsAre(101, 201, 301));
  EXPECT_THAT(sequences(*journal, 4, 201), ElementsAre(201, 301));
  EXPECT_THAT(sequences(*journal, 4, 401), ElementsAre());
}

TEST_F(JournalTest, AMissingParcelIsNoticed) {
  auto journal = open();
  const auto consumer = journal->shard_id("ledger", 0);
  const auto channel = journal->channel_id("orders", 0, "ledger", 0);
  auto write = journal->new_write();
  ShardRecord record;
  record.consumed = {{channel, 0, {}, Timestamp::min(), 0, 0, 0}};
  write.put_shard(consumer, record);
  for (const std::uint64_t first : {1, 11, 21}) write.put_parcel(parcel(channel, first, 10));
  journal->commit(write);
  std::string key;
  parcel_key(key, channel, 11);
  ASSERT_TRUE(disk_->remove(Table::mailbox, key));
  EXPECT_THAT(message_of<CorruptData>([&] { sequences(*journal, channel, 1); }),
              testing::AllOf(HasSubstr("orders/0 -> ledger/0"), HasSubstr("11 to 20")));
  // A worker queue that is done with them has erased them: nothing is missing then.
  record.consumed[0].beyond = {{11, 20}};
  write.put_shard(consumer, record);
  journal->commit(write);
  EXPECT_THAT(sequences(*journal, channel, 1), ElementsAre(1, 21));
}

TEST_F(JournalTest, ShedEventsLeaveNoHole) {
  auto journal = open();
  const auto channel = journal->channel_id("orders", 0, "ledger", 0);
  auto write = journal->new_write();
  ShardRecord record;
  record.consumed = {{channel, 0, {}, Timestamp::min(), 0, 0, 0}};
  write.put_shard(journal->shard_id("ledger", 0), record);
  write.put_parcel(parcel(channel, 1, 10));
  write.put_parcel(parcel(channel, 31, 10, 20));
  journal->commit(write);
  EXPECT_THAT(sequences(*journal, channel, 1), ElementsAre(1, 31));
}

TEST_F(JournalTest, DamageIsReportedWithTableAndKey) {
  auto journal = open();
  const auto shard = journal->shard_id("ledger", 2);
  auto write = journal->new_write();
  write.put_state(shard, "alice", "balance");
  journal->commit(write);
  std::string key;
  state_key(key, shard, "alice");
  ASSERT_TRUE(disk_->flip_bit(Table::state, key, 3));
  EXPECT_THAT(message_of<CorruptData>([&] { static_cast<void>(journal->read_state(shard, "alice")); }),
              testing::AllOf(HasSubstr("state"), HasSubstr("\"alice\""), HasSubstr("ledger/2"), HasSubstr("checksum")));
}

TEST_F(JournalTest, ALogThatLostAcknowledgedCommitsIsRefused) {
  auto journal = open();
  journal->set_note("topology", "bank");
  const auto [acknowledged, synced] = journal->sync();
  EXPECT_EQ(acknowledged, journal->last_commit());
  EXPECT_TRUE(synced);
  EXPECT_FALSE(journal->sync().synced) << "there was nothing more to sync";
  // What a store does that silently cuts its log: the last commit's rows are gone, the mark is not.
  ASSERT_TRUE(disk_->remove(Table::meta, "k"));
  EXPECT_THAT(message_of<CorruptData>([&] { open(); }),
              HasSubstr("commit " + std::to_string(acknowledged) + " had been acknowledged"));
}

TEST_F(JournalTest, AnotherFormatIsRefused) {
  open();
  ASSERT_TRUE(disk_->remove(Table::meta, "f"));
  MemoryStore store(disk_);
  std::string value{1, 9};
  value = std::string("\x01\x09", 2);
  seal(Table::meta, "f", value);
  const auto write = store.new_write();
  write->put(Table::meta, "f", value);
  store.write(*write);
  EXPECT_THAT(message_of<CorruptData>([&] { open(); }), HasSubstr("format 9"));
}

TEST_F(JournalTest, NotesAreKept) {
  auto journal = open();
  EXPECT_EQ(journal->note("topology"), std::nullopt);
  journal->set_note("topology", "bank");
  journal->set_note("topology", "bank 2");
  journal->sync();
  disk_->crash();
  EXPECT_EQ(open()->note("topology"), "bank 2");
}

TEST_F(JournalTest, NothingIsAcceptedAfterAFailure) {
  auto journal = open();
  auto write = journal->new_write();
  write.put_state(1, "a", "1");
  journal->commit(write);
  disk_->fail_next_sync();
  EXPECT_THROW(journal->sync(), StorageError);
  EXPECT_THROW(journal->sync(), StorageError) << "a failed sync is never tried again";
  write.put_state(1, "a", "2");
  EXPECT_THROW(journal->commit(write), StorageError);
  disk_->crash();
  EXPECT_EQ(open()->read_state(1, "a"), std::nullopt) << "it was never acknowledged";
}

TEST_F(JournalTest, CommitsOfManyThreadsAreNumberedInTheOrderOfTheLog) {
  auto journal = open();
  constexpr int per_thread = 200;
  std::vector<std::vector<std::uint64_t>> numbers(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : numbers)
      threads.emplace_back([&] {
        auto write = journal->new_write();
        for (int i = 0; i < per_thread; ++i) {
          write.put_state(1, std::to_string(i), "x");
          mine.push_back(journal->commit(write));
        }
      });
  }
  std::vector<std::uint64_t> all;
  for (const auto& mine : numbers) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::sort(all.begin(), all.end());
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], i + 1);
}

// The law of the store: a crash keeps a prefix of the writes, never less than what was synced.
RC_GTEST_PROP(MemoryStore, ACrashKeepsAPrefix, ()) {
  const auto disk = std::make_shared<MemoryDisk>();
  std::map<std::string, std::string> model;
  std::vector<std::map<std::string, std::string>> history{model};
  std::size_t synced = 0;
  {
    MemoryStore store(disk);
    const auto write = store.new_write();
    for (auto steps = *rc::gen::inRange(0, 40); steps > 0; --steps) {
      if (*rc::gen::inRange(0, 6) == 0) {
        store.sync();
        synced = history.size() - 1;
        continue;
      }
      for (auto changes = *rc::gen::inRange(1, 4); changes > 0; --changes) {
        const auto key = std::to_string(*rc::gen::inRange(0, 5));
        if (*rc::gen::arbitrary<bool>()) {
          const auto value = *rc::gen::arbitrary<std::string>();
          write->put(Table::state, key, value);
          model[key] = value;
        } else {
          write->erase(Table::state, key);
          model.erase(key);
        }
      }
      store.write(*write);
      write->clear();
      history.push_back(model);
    }
  }
  const auto keep = *rc::gen::inRange<std::size_t>(0, disk->unsynced_writes() + 1);
  disk->crash(keep);
  std::map<std::string, std::string> found;
  MemoryStore(disk).scan(Table::state, {},
                         [&](std::string_view key, std::string_view value) { return found.emplace(key, value), true; });
  RC_ASSERT(found == history[synced + keep]);
}

TEST(MemoryStore, AStoreFromBeforeTheCrashIsFenced) {
  const auto disk = std::make_shared<MemoryDisk>();
  MemoryStore before(disk);
  disk->crash();
  const auto write = before.new_write();
  write->put(Table::state, "a", "1");
  EXPECT_THROW(before.write(*write), StorageError);
  EXPECT_EQ(MemoryStore(disk).get(Table::state, "a"), std::nullopt);
}

}  // namespace
}  // namespace mailroom::runtime
