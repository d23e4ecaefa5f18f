// Rows as a journal: [table, key length, value length (2), key, value]... Most are sealed here, so that what lies behind the
// checksums is reached; a table's number of 8 to 15 leaves a row as it is.
#include <memory>
#include <sstream>
#include <string>

#include <mailroom/errors.hpp>
#include <mailroom/mailroom.hpp>

#include "runtime/journal/dead_letters.hpp"
#include "runtime/journal/inspect_journal.hpp"
#include "runtime/journal/journal.hpp"
#include "runtime/journal/journal_keys.hpp"
#include "runtime/journal/memory_store.hpp"
#include "runtime/journal/verify_journal.hpp"
#include "tests/fuzz/targets.hpp"

namespace mailroom::fuzz {
namespace {

using namespace mailroom::runtime;

struct Entry {
  std::string key;
  std::int64_t number = 0;
};
MAILROOM_EVENT(Entry, key, number)

void fill(const std::shared_ptr<MemoryDisk>& disk, std::string_view bytes) {
  MemoryStore store(disk);
  const auto write = store.new_write();
  while (bytes.size() >= 4) {
    const auto table = static_cast<unsigned char>(bytes[0]);
    const std::size_t key_size = static_cast<unsigned char>(bytes[1]);
    const std::size_t value_size = static_cast<unsigned char>(bytes[2]) | static_cast<std::size_t>(static_cast<unsigned char>(bytes[3])) << 8;
    bytes.remove_prefix(4);
    const auto key = std::string(bytes.substr(0, key_size));
    bytes.remove_prefix(std::min(bytes.size(), key_size));
    auto value = std::string(bytes.substr(0, value_size));
    bytes.remove_prefix(std::min(bytes.size(), value_size));
    const auto where = static_cast<Table>(table % table_count);
    if (table / table_count != 1) seal(where, key, value);
    write->put(where, key, value);
  }
  store.write(*write);
  store.sync();
}

// What an operation may throw at a journal that it can't read.
template <class Do>
void may_refuse(Do&& action) {
  try {
    action();
  } catch (const CorruptData&) {
  } catch (const StorageError&) {
  } catch (const BadValue&) {
  }
}

}  // namespace

void journal(std::string_view bytes) {
  const auto disk = std::make_shared<MemoryDisk>();
  fill(disk, bytes);
  {
    MemoryStore store(disk);
    const auto report = verify_journal(store);  // never throws damage
    std::ostringstream out;
    print_report(report, out);
    hold(!out.str().empty(), "a report has words");
  }
  may_refuse([&] {
    const auto opened = Journal::open(std::make_unique<MemoryStore>(disk));
    for (const auto& [shard, name] : opened->shards()) {
      may_refuse([&] { (void)opened->read_shard(shard); });
      may_refuse([&] { opened->scan_state(shard, [](std::string_view, std::string_view) { return true; }); });
      for (const auto reason : {HeldReason::timer, HeldReason::waiting, HeldReason::parked, HeldReason::dead})
        may_refuse([&] { opened->scan_held(reason, shard, [](const HeldEvent&) { return true; }); });
    }
    for (const auto& [channel, name] : opened->channels())
      for (const auto from : {0ull, 1ull, 17ull}) may_refuse([&] { opened->scan_parcels(channel, from, [](const Parcel&) { return true; }); });
    DeadLetterFilter parked;
    parked.parked = true;
    may_refuse([&] { (void)list_dead_letters(*opened, {}); });
    may_refuse([&] { (void)list_dead_letters(*opened, parked); });
    may_refuse([&] {
      std::ostringstream out;
      inspect_journal(*opened, {}, out);
    });
    may_refuse([&] { (void)retry_dead_letters(*opened, parked); });
    may_refuse([&] { (void)discard_dead_letters(*opened, {}); });
  });
}

}  // namespace mailroom::fuzz
