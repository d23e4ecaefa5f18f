// The node's durable log: what each shard has consumed, its state, its timers, and the events on their way.
// One atomic write per batch (JournalWrite); recovery reads back a consistent prefix of those writes.
//
// Shards and channels are named in the journal and numbered at open; a number stays the same for the life of
// the directory. Every value carries a CRC32C; positions are checked for contiguity when read.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <mailroom/event_batch.hpp>

#include "runtime/journal/held_kind.hpp"
#include "runtime/journal/store.hpp"

namespace mailroom::runtime {

using ShardId = std::uint32_t;    // given by Journal::shard_id
using ChannelId = std::uint32_t;  // one producing shard -> one consuming shard

// A batch on a channel, with its place there. The sequence counts the channel's events from 1.
struct Parcel {
  ChannelId channel = 0;
  std::uint64_t first_sequence = 1;
  std::uint64_t skipped = 0;  // events shed right before this batch (overflow policy): sequences that never come
  Timestamp watermark = Timestamp::min();  // no event with an earlier time follows on this channel
  std::shared_ptr<const EventBatch> batch;
};

struct ParcelHead;  // record_codec.hpp

// The books of a channel. sent = processed + dead_lettered + dropped + parked + in flight.
struct ChannelBooks {
  std::uint64_t sent = 0;                                              // by the producer, shed events included
  std::uint64_t dropped_oldest = 0, dropped_newest = 0, rejected = 0;  // by overflow policy; counted by the producer
  std::uint64_t processed = 0;                                         // by the consumer
  std::uint64_t dead_lettered = 0;
  std::uint64_t parked = 0;
};

// What a shard has taken from one of its input channels.
struct ConsumedPosition {
  ChannelId channel = 0;
  std::uint64_t sequence = 0;  // all up to this one are done (processed, waiting, parked or dead-lettered)
  std::vector<std::pair<std::uint64_t, std::uint64_t>>
      beyond;  // done ranges [first, last] after that: worker queues only
  Timestamp watermark = Timestamp::min();
  std::uint64_t processed = 0, dead_lettered = 0, parked = 0;
};
struct SentPosition {
  ChannelId channel = 0;
  std::uint64_t sequence = 0;  // last one given out
  std::uint64_t sent = 0, dropped_oldest = 0, dropped_newest = 0, rejected = 0;
  Timestamp watermark = Timestamp::min();
};

// Events in a row that a source refused because their time is too far ahead ("max_ahead").
struct AheadRun {
  std::uint64_t events = 0;
  Timestamp last;  // the last one's time

  bool operator==(const AheadRun&) const = default;
};

// A shard's row, rewritten with each commit.
struct ShardRecord {
  std::uint64_t epoch = 0;         // raised at each open: who may write
  std::uint64_t commit = 0;        // counts this shard's commits, contiguous
  std::uint64_t next_ordinal = 1;  // for timers, waiting, parked and dead records
  std::vector<ConsumedPosition> consumed;
  std::vector<SentPosition> sent;
  Timestamp clock = Timestamp::min();  // "events" only: the stage's time, once its input has ended the last one before
  nlohmann::json position;             // sources: where reading goes on. sinks: what is written. null otherwise
  std::uint64_t sequence = 0;          // sources: events made; sinks: events written
  bool ended = false;                  // sources: the input is read to its end
  AheadRun ahead;                      // sources
};

enum class HeldReason : std::uint8_t { timer, waiting, parked, dead };

// One event that is not in a mailbox: a timer, an event waiting for its retry, a parked one, a dead letter.
struct HeldEvent {
  std::uint64_t ordinal = 0;                // unique in its shard; order of arrival
  std::shared_ptr<const EventBatch> event;  // a batch of one; null for dirty input
  std::string key;
  ChannelId channel = 0;  // where it came from; 0: a timer, or the shard's own input
  std::uint64_t sequence = 0;
  unsigned attempts = 0;
  Timestamp due;         // timers: event-clock or wall time; others: the stage's time when it came
  std::string name;      // timers: the name, if any
  std::string reason;    // dead, parked: what went wrong, in words
  std::string kind;      // one of held_kind; empty: it has been none of them
  Timestamp when;        // dead, parked: wall time of the decision
  std::string origin;    // dirty: "file.csv:12"
  std::string content;   // dirty: the raw text
  std::int64_t since_us = 0;  // in this process: when it came to where it is (steady clock); 0: unknown. Not stored
  bool redrive = false;  // parked, dead: an operator asked for another try; done at the next start
};

// Collects one atomic write of one shard. Not thread-safe; reused after each commit.
class JournalWrite {
 public:
  explicit JournalWrite(std::unique_ptr<StoreWrite> write);
  ~JournalWrite();
  JournalWrite(JournalWrite&&) noexcept;
  JournalWrite& operator=(JournalWrite&&) noexcept;
  void put_shard(ShardId shard, const ShardRecord& record);
  void put_parcel(const Parcel& parcel);
  void erase_parcel(ChannelId channel, std::uint64_t first_sequence);
  void put_state(ShardId shard, std::string_view key, std::string_view bytes);
  void erase_state(ShardId shard, std::string_view key);
  void put_held(HeldReason table, ShardId shard, const HeldEvent& event);
  // The same with the event's bytes as scan_held_heads() gave them; event.event is not looked at.
  void put_held_bytes(HeldReason table, ShardId shard, const HeldEvent& event, std::string_view batch);
  void erase_held(HeldReason table, ShardId shard, std::uint64_t ordinal);
  [[nodiscard]] std::size_t bytes() const;

 private:
  friend class Journal;
  void put_sealed(Table table);
  std::unique_ptr<StoreWrite> write_;
  std::string key_, value_;  // reused
};

class Journal {
 public:
  // Opens or creates the journal in `directory`. Refuses a log that ends before what was acknowledged. Throws
  // StorageError (locked by another process, unreadable, full) or CorruptData (fails its checks: says which record of
  // which file; nothing is changed).
  static std::unique_ptr<Journal> open(const std::filesystem::path& directory);
  // Over a given store (tests, simulation). A store that is open for reading must hold a journal already.
  static std::unique_ptr<Journal> open(std::unique_ptr<Store> store);
  // What is there, for operators: no byte of the directory changes, and every write throws StorageError.
  static std::unique_ptr<Journal> open_read_only(const std::filesystem::path& directory);
  ~Journal();

  // Numbers for names, allocated and written at first use. Call before the shards run.
  ShardId shard_id(std::string_view stage, std::uint32_t index);
  ChannelId channel_id(std::string_view from_stage, std::uint32_t from_shard, std::string_view to_stage,
                       std::uint32_t to_shard);
  // The highest commit number in the log: at open, that of the last commit recovered.
  [[nodiscard]] std::uint64_t last_commit() const;
  // Written by commits since the journal was opened, without what the store adds. Any thread.
  [[nodiscard]] std::uint64_t committed_bytes() const;
  // Names of all shards / channels ever numbered here: to refuse a topology that lost one with events in it.
  struct ChannelName {
    std::string from_stage;
    std::uint32_t from_shard;
    std::string to_stage;
    std::uint32_t to_shard;
  };
  [[nodiscard]] std::vector<std::pair<ShardId, std::pair<std::string, std::uint32_t>>> shards() const;
  [[nodiscard]] std::vector<std::pair<ChannelId, ChannelName>> channels() const;

  // Free-form node settings kept with the journal ("topology" name, format, when finished, ...).
  [[nodiscard]] std::optional<std::string> note(std::string_view name) const;
  void set_note(std::string_view name, std::string_view value);

  [[nodiscard]] JournalWrite new_write();
  // Writes all that was collected, atomically, and empties `write`. Returns the commit's number, rising from 1
  // in the order of the log. Any thread. Throws StorageError: the node must stop.
  std::uint64_t commit(JournalWrite& write);
  // Makes everything committed so far safe. Any thread: the syncer's, and whoever ends the node; one waits for the other.
  struct Synced {
    std::uint64_t commit = 0;  // the highest that is safe now
    bool synced = false;       // false: all was safe already, and the disk was left alone
  };
  Synced sync();

  // Recovery and operators. Throw CorruptData with table, key and what is wrong.
  [[nodiscard]] std::optional<ShardRecord> read_shard(ShardId shard);
  [[nodiscard]] std::optional<std::string> read_state(ShardId shard, std::string_view key);  // any thread
  // Scans read what is there when they begin; `visit` returns false to end one early.
  void scan_state(ShardId shard, const std::function<bool(std::string_view key, std::string_view bytes)>& visit);
  // The parcels on a channel in order, from the first that ends at or after `from_sequence`. Throws CorruptData
  // where a sequence is missing that the consumer is not done with, too.
  void scan_parcels(ChannelId channel, std::uint64_t from_sequence, const std::function<bool(Parcel)>& visit);
  [[nodiscard]] std::optional<Parcel> read_parcel(ChannelId channel, std::uint64_t first_sequence);
  void scan_held(HeldReason table, ShardId shard, const std::function<bool(HeldEvent)>& visit);
  // The same without the events, whose bytes are given instead: works without the scenario's library.
  void scan_parcel_heads(ChannelId channel, const std::function<bool(const ParcelHead&)>& visit);
  void scan_held_heads(HeldReason table, ShardId shard,
                       const std::function<bool(HeldEvent, std::string_view batch)>& visit,
                       std::uint64_t from_ordinal = 0);
  // The rows themselves: for tools that must go on where these reads throw.
  [[nodiscard]] Store& store();

 private:
  explicit Journal(std::unique_ptr<Store> store);
  void put_meta(const std::string& key, std::string value);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mailroom::runtime
