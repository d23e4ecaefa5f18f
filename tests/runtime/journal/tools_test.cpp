// verify, inspect and dead-letters: what an operator does to a stopped node's journal.
#include <gmock/gmock.h>
#include <sstream>

#include <mailroom/batch_codec.hpp>

#include "journal_fixture.hpp"
#include "runtime/journal/dead_letters.hpp"
#include "runtime/journal/inspect_journal.hpp"
#include "runtime/journal/journal_keys.hpp"
#include "runtime/journal/memory_store.hpp"
#include "runtime/journal/record_codec.hpp"
#include "runtime/journal/verify_journal.hpp"

namespace mailroom::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// orders/0 has sent 40 events to ledger/0, which has taken 12: parcels 11-20, 21-30, 31-40 wait.
class ToolsTest : public testing::Test {
 protected:
  ToolsTest() {
    orders_ = journal_->shard_id("orders", 0);
    ledger_ = journal_->shard_id("ledger", 0);
    channel_ = journal_->channel_id("orders", 0, "ledger", 0);
    auto write = journal_->new_write();
    ShardRecord orders;
    orders.commit = 4;
    orders.sent = {{channel_, 40, 40, 0, 0, 0, Timestamp{5}}};
    write.put_shard(orders_, orders);
    consumer_.commit = 2;
    consumer_.next_ordinal = 10;
    consumer_.consumed = {{channel_, 12, {}, Timestamp{4}, 7, 3, 2}};
    write.put_shard(ledger_, consumer_);
    for (const std::uint64_t first : {11, 21, 31}) write.put_parcel(parcel(channel_, first, 10));
    write.put_state(ledger_, "alice", "\x01\x02");
    write.put_held(HeldReason::dead, ledger_, held(1, "alice", channel_, "failed"));
    write.put_held(HeldReason::dead, ledger_, held(2, "bob", channel_, "rejected"));
    HeldEvent dirty;
    dirty.ordinal = 3;
    dirty.kind = "dirty";
    dirty.origin = "orders.csv:17";
    dirty.content = "12;x;\xff";
    dirty.reason = "field price: found x, expected a number";
    write.put_held(HeldReason::dead, ledger_, dirty);
    write.put_held(HeldReason::parked, ledger_, held(4, "carol", channel_, "failed"));
    write.put_held(HeldReason::parked, ledger_, held(5, "dave", channel_, "failed"));
    write.put_held(HeldReason::parked, ledger_, held(6, "carol", channel_, "follows"));
    journal_->commit(write);
    journal_->sync();
  }

  VerifyReport verify() { return verify_journal(journal_->store()); }
  std::vector<std::string> ids(const DeadLetterFilter& filter) {
    std::vector<std::string> list;
    for (const auto& letter : list_dead_letters(*journal_, filter)) list.push_back(letter.id);
    return list;
  }
  std::vector<std::uint64_t> redriven(HeldReason reason) {
    std::vector<std::uint64_t> list;
    journal_->scan_held(reason, ledger_, [&](const HeldEvent& event) {
      if (event.redrive) list.push_back(event.ordinal);
      return true;
    });
    return list;
  }

  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  std::unique_ptr<Journal> journal_ = Journal::open(std::make_unique<MemoryStore>(disk_));
  ShardId orders_ = 0, ledger_ = 0;
  ChannelId channel_ = 0;
  ShardRecord consumer_;
};

TEST_F(ToolsTest, ASoundJournalVerifies) {
  const auto report = verify();
  std::ostringstream text;
  print_report(report, text);
  EXPECT_TRUE(report.sound()) << text.str();
  EXPECT_EQ(report.events_in_mailboxes, 30u);
  EXPECT_EQ(report.rows[static_cast<std::size_t>(Table::dead)], 3u);
}

TEST_F(ToolsTest, VerifyFindsEachMissingParcel) {
  for (const std::uint64_t first : {11, 21, 31}) {
    std::string key;
    parcel_key(key, channel_, first);
    const auto value = journal_->store().get(Table::mailbox, key);
    ASSERT_TRUE(disk_->remove(Table::mailbox, key));
    const auto report = verify();
    ASSERT_EQ(report.findings.size(), 1u) << first;
    EXPECT_THAT(report.findings[0].where, HasSubstr("orders/0 -> ledger/0"));
    EXPECT_THAT(report.findings[0].what, HasSubstr("to " + std::to_string(first + 9))) << "the sequences that are gone";
    const auto write = journal_->store().new_write();
    write->put(Table::mailbox, key, *value);
    journal_->store().write(*write);
  }
  EXPECT_TRUE(verify().sound());
}

TEST_F(ToolsTest, VerifyTakesDoneRangesForDone) {
  auto write = journal_->new_write();
  consumer_.consumed[0].beyond = {{21, 30}};
  write.put_shard(ledger_, consumer_);
  write.erase_parcel(channel_, 21);
  journal_->commit(write);
  EXPECT_TRUE(verify().sound());
}

TEST_F(ToolsTest, VerifyFindsDamagedRowsOfEveryTable) {
  std::vector<std::pair<Table, std::string>> rows;
  for (std::size_t i = 0; i < table_count; ++i)
    journal_->store().scan(static_cast<Table>(i), {}, [&](std::string_view key, std::string_view) {
      return rows.emplace_back(static_cast<Table>(i), key), true;
    });
  ASSERT_GT(rows.size(), 12u);
  for (const auto& [table, key] : rows) {
    ASSERT_TRUE(disk_->flip_bit(table, key, 5));
    EXPECT_FALSE(verify().sound()) << describe_key(table, key);
    ASSERT_TRUE(disk_->flip_bit(table, key, 5));
  }
  EXPECT_TRUE(verify().sound());
}

// One damaged row takes the names of many: what follows from it is counted, not told row by row.
TEST_F(ToolsTest, VerifyTellsTheCauseAndCountsWhatFollowsFromIt) {
  auto write = journal_->new_write();
  for (int n = 0; n < 1000; ++n) write.put_state(ledger_, "key" + std::to_string(n), "x");
  journal_->commit(write);
  std::string key;
  meta_key(key, 's', ledger_);
  ASSERT_TRUE(disk_->flip_bit(Table::meta, key, 5));
  const auto report = verify();
  std::ostringstream text;
  print_report(report, text);
  EXPECT_LT(report.finding_count, 10u) << text.str();
  EXPECT_THAT(report.findings.at(0).where, HasSubstr("meta")) << "the cause comes first";
  EXPECT_THAT(text.str(), HasSubstr("1001 rows belong to shard " + std::to_string(ledger_) + ", which has no name"));
  // A shard's own row, too.
  ASSERT_TRUE(disk_->flip_bit(Table::meta, key, 5));
  shard_key(key, ledger_);
  ASSERT_TRUE(disk_->flip_bit(Table::shards, key, 5));
  std::ostringstream second;
  print_report(verify(), second);
  EXPECT_THAT(second.str(), testing::AllOf(HasSubstr("3 rows"), testing::Not(HasSubstr("not given out this ordinal"))));
}

TEST_F(ToolsTest, AListDrivesNoTerminalAndShowsAReasonInShort) {
  auto write = journal_->new_write();
  auto odd = held(7, "e\x1b[31mve", channel_);
  odd.reason = "first\nsecond\x1b]0;title\x07\xc2\x9b" + std::string(5'000'000, 'x');
  write.put_held(HeldReason::dead, ledger_, odd);
  auto silent = held(8, "erin", channel_, "rejected");
  silent.reason.clear();
  write.put_held(HeldReason::dead, ledger_, silent);
  journal_->commit(write);
  DeadLetterFilter filter;
  filter.ids = {"ledger/0:7", "ledger/0:8"};
  const auto letters = list_dead_letters(*journal_, filter);
  ASSERT_EQ(letters.size(), 2u);
  EXPECT_LE(letters[0].reason.size(), 4096u + 30) << "cut where it is stored";
  std::ostringstream text;
  print_dead_letters(letters, false, text);
  EXPECT_THAT(text.str(), testing::AllOf(HasSubstr("first\\nsecond\\x1b]0;title\\x07\\u009b"), HasSubstr("e\\x1b[31mve"), HasSubstr("(no reason given)")));
  EXPECT_EQ(text.str().find('\x1b'), std::string::npos);
  EXPECT_LT(text.str().size(), 3'000u);
}

TEST_F(ToolsTest, AListGoesOnAfterALetter) {
  DeadLetterFilter filter;
  filter.after = "ledger/0:1";
  EXPECT_THAT(ids(filter), ElementsAre("ledger/0:2", "ledger/0:3"));
  filter.after = "ledger/0:9";
  EXPECT_THAT(ids(filter), ElementsAre());
  filter.after = "feed/3:9";
  EXPECT_THAT(ids(filter), ElementsAre("ledger/0:1", "ledger/0:2", "ledger/0:3"));
  filter.after = "nonsense";
  EXPECT_THROW(ids(filter), BadValue);
}

TEST_F(ToolsTest, AnUnknownTypeIsNoDamage) {
  std::string key, value;
  held_key(key, ledger_, 7);
  encode_held(held(7, "erin", channel_), value);
  // The schema's id is the first thing after the batch's head of 18 bytes; its checksum is made right again.
  const auto batch = value.find(batch_magic);
  ASSERT_NE(batch, std::string::npos);
  value[batch + 18] = static_cast<char>(value[batch + 18] ^ 0x55);
  const auto crc = crc32c(std::string_view(value).substr(batch + 12));
  for (std::size_t i = 0; i < 4; ++i) value[batch + 8 + i] = static_cast<char>(crc >> (8 * i));
  seal(Table::dead, key, value);
  const auto write = journal_->store().new_write();
  write->put(Table::dead, key, value);
  journal_->store().write(*write);

  const auto report = verify();
  EXPECT_TRUE(report.sound());
  EXPECT_EQ(report.undecoded.size(), 1u);
  const auto letters = list_dead_letters(*journal_, {});
  ASSERT_EQ(letters.size(), 4u);
  EXPECT_THAT(letters[3].payload.get<std::string>(), HasSubstr("without the scenario's library"));
  // It can be tried again without being understood, and keeps its bytes.
  DeadLetterFilter filter;
  filter.ids = {"ledger/0:7"};
  EXPECT_EQ(retry_dead_letters(*journal_, filter).changed, 1u);
  EXPECT_TRUE(verify().sound());
  EXPECT_TRUE(list_dead_letters(*journal_, filter)[0].redrive);
}

TEST_F(ToolsTest, InspectShowsShardsChannelsEventsAndStates) {
  std::ostringstream tables;
  inspect_journal(*journal_, {}, tables);
  EXPECT_THAT(tables.str(), testing::ContainsRegex("orders/0 -> ledger/0 +40 +12 +28 +7 +3 +2 +0"));
  EXPECT_THAT(tables.str(), testing::ContainsRegex("ledger/0 +0 +2 +0 +1 +0 +0 +3 +3"));

  InspectOptions options;
  options.stage = "ledger";
  options.parcels = true;
  std::ostringstream events;
  inspect_journal(*journal_, options, events);
  std::istringstream lines(events.str());
  std::uint64_t expected = 11;
  for (std::string line; std::getline(lines, line); ++expected) {
    const auto event = nlohmann::json::parse(line);
    EXPECT_EQ(event["sequence"], expected);
    EXPECT_EQ(event["payload"]["number"], expected);
  }
  EXPECT_EQ(expected, 41u);

  options.parcels = false;
  options.states = true;
  std::ostringstream states;
  inspect_journal(*journal_, options, states);
  EXPECT_EQ(nlohmann::json::parse(states.str())["hex"], "0102");

  options.stage = "ledgers";
  EXPECT_THAT(message_of<BadValue>([&] { inspect_journal(*journal_, options, states); }), HasSubstr("ledger"));
}

TEST_F(ToolsTest, ListsByStageKeyKindAndId) {
  EXPECT_THAT(ids({}), ElementsAre("ledger/0:1", "ledger/0:2", "ledger/0:3"));
  DeadLetterFilter filter;
  filter.key = "bob";
  EXPECT_THAT(ids(filter), ElementsAre("ledger/0:2"));
  filter = {};
  filter.kind = "dirty";
  EXPECT_THAT(ids(filter), ElementsAre("ledger/0:3"));
  filter.kind = "dirtier";
  EXPECT_THROW(ids(filter), BadValue);
  filter = {};
  filter.stage = "orders";
  EXPECT_THAT(ids(filter), ElementsAre());
  filter.stage = "order";
  EXPECT_THROW(ids(filter), BadValue);
  filter = {};
  filter.ids = {"ledger/0"};
  EXPECT_THROW(ids(filter), BadValue);
  filter = {};
  filter.parked = true;
  EXPECT_THAT(ids(filter), ElementsAre("ledger/0:4", "ledger/0:5", "ledger/0:6"));

  std::ostringstream json;
  print_dead_letters(list_dead_letters(*journal_, {}), true, json);
  std::istringstream lines(json.str());
  std::string line;
  std::getline(lines, line);
  const auto first = nlohmann::json::parse(line);
  EXPECT_EQ(first["event"], "JournalNote");
  EXPECT_EQ(first["payload"]["number"], 1);
  EXPECT_EQ(first["from"], "orders");
  EXPECT_EQ(first["origin"], "orders/0:1");
  EXPECT_EQ(first["when"], "2010-12-01T08:26:00Z");
  std::ostringstream table;
  print_dead_letters(list_dead_letters(*journal_, {}), false, table);
  EXPECT_THAT(table.str(), testing::AllOf(HasSubstr("orders.csv:17"), HasSubstr("3 in all")));
}

TEST_F(ToolsTest, RetryMarksOnceAndRefusesDirtyInput) {
  const auto first = retry_dead_letters(*journal_, {});
  EXPECT_EQ(first.changed, 2u);
  ASSERT_EQ(first.refused.size(), 1u);
  EXPECT_THAT(first.refused[0], HasSubstr("orders.csv:17"));
  disk_->crash();  // it was synced
  journal_ = Journal::open(std::make_unique<MemoryStore>(disk_));
  EXPECT_THAT(redriven(HeldReason::dead), ElementsAre(1, 2));
  const auto second = retry_dead_letters(*journal_, {});
  EXPECT_EQ(second.changed, 0u);
  EXPECT_EQ(second.unchanged, 2u);
  DeadLetterFilter filter;
  filter.ids = {"ledger/0:99"};
  EXPECT_THAT(message_of<BadValue>([&] { retry_dead_letters(*journal_, filter); }), HasSubstr("ledger/0:99"));
}

TEST_F(ToolsTest, AParkedKeyIsRetriedWhole) {
  DeadLetterFilter filter;
  filter.parked = true;
  filter.ids = {"ledger/0:6"};
  EXPECT_EQ(retry_dead_letters(*journal_, filter).changed, 2u);
  EXPECT_THAT(redriven(HeldReason::parked), ElementsAre(4, 6));
}

TEST_F(ToolsTest, DiscardErasesAndTheBooksStillBalance) {
  EXPECT_EQ(discard_dead_letters(*journal_, {}).changed, 3u);
  EXPECT_THAT(ids({}), ElementsAre());
  EXPECT_EQ(journal_->read_shard(ledger_)->consumed[0].dead_lettered, 3u) << "they stay counted";
  EXPECT_EQ(discard_dead_letters(*journal_, {}).changed, 0u);

  DeadLetterFilter parked;
  parked.parked = true;
  parked.key = "dave";
  EXPECT_EQ(discard_dead_letters(*journal_, parked).changed, 1u);
  const auto consumed = journal_->read_shard(ledger_)->consumed[0];
  EXPECT_EQ(consumed.parked, 1u);
  EXPECT_EQ(consumed.dead_lettered, 4u);
  EXPECT_EQ(consumed.processed, 7u);
  EXPECT_TRUE(verify().sound());
}

TEST(ToolsOnDirectories, SayWhatIsWrongWithTheDirectory) {
  const ScratchDirectory scratch;
  const auto missing = scratch.path() / "nothing";
  EXPECT_THAT(message_of<StorageError>([&] { verify_journal(missing); }), HasSubstr("no journal here"));
  EXPECT_THAT(message_of<StorageError>([&] { retry_dead_letters(missing, {}); }), HasSubstr("no journal here"));
  EXPECT_FALSE(std::filesystem::exists(missing)) << "looking makes nothing";
  const auto running = Journal::open(scratch.path() / "node");
  EXPECT_THAT(message_of<StorageError>([&] { list_dead_letters(scratch.path() / "node", {}); }), HasSubstr("in use"));
}

}  // namespace
}  // namespace mailroom::runtime
