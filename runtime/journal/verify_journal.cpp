#include "runtime/journal/verify_journal.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ostream.h>
#include <optional>
#include <utility>

#include <mailroom/batch_codec.hpp>
#include <mailroom/errors.hpp>

#include "runtime/journal/acknowledged_mark.hpp"
#include "runtime/journal/journal_keys.hpp"
#include "runtime/journal/record_codec.hpp"
#include "runtime/journal/rocks_store.hpp"

namespace mailroom::runtime {

namespace {

class Verifier {
 public:
  Verifier(Store& store, VerifyReport& report) : store_(store), report_(report) {}

  void run() {
    meta();
    shards();
    mailboxes();
    scan(Table::state, [&](std::string_view key, std::string_view) { known_shard(parse_state_key(key).shard); });
    for (const auto reason : {HeldReason::timer, HeldReason::waiting, HeldReason::parked, HeldReason::dead})
      held(held_table(reason));
  }

 private:
  using Ranges = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  struct Channel {
    std::optional<std::uint64_t> sent;   // producer's last sequence
    std::optional<std::uint64_t> taken;  // consumer's position
    Ranges beyond;
    std::uint64_t next = 1;  // first sequence that the parcels seen so far have not covered
  };

  void find(std::string where, std::string what) {
    ++report_.finding_count;
    if (report_.findings.size() < VerifyReport::max_findings)
      report_.findings.push_back({std::move(where), std::move(what)});
  }

  // A row that can't be checked for want of another one: that one is the damage, and this is only counted.
  struct Follows {
    std::string why;
  };

  // Gives each row's payload to `check`, which throws CorruptData if it is wrong, or Follows.
  template <class Check>
  void scan(Table table, Check&& check) {
    std::map<std::string, std::uint64_t> follow;
    try {
      store_.scan(table, {}, [&](std::string_view key, std::string_view value) {
        ++report_.rows[static_cast<std::size_t>(table)];
        try {
          check(key, unseal(table, key, value));
        } catch (const CorruptData& error) {
          find(name_row(table, key), error.what());
        } catch (const Follows& row) {
          ++follow[row.why];
        }
        return true;
      });
    } catch (const CorruptData& error) {
      find(table_name(table), fmt::format("reading stopped: {}", error.what()));
    }
    for (const auto& [why, rows] : follow)
      find(table_name(table), fmt::format("{} {} {}", rows, rows == 1 ? "row belongs" : "rows belong", why));
  }

  std::string name_row(Table table, std::string_view key) {
    auto text = describe_key(table, key);
    if (table == Table::mailbox && key.size() == 12) return text + channel_text(parse_key(table, key).owner);
    if (table != Table::meta && key.size() >= 4)
      if (const auto name = shard_names_.find(parse_state_key(key).shard); name != shard_names_.end())
        text += fmt::format(" ({}/{})", name->second.stage, name->second.index);
    return text;
  }
  std::string channel_text(ChannelId channel) {
    const auto name = channel_names_.find(channel);
    if (name == channel_names_.end()) return {};
    return fmt::format(" ({}/{} -> {}/{})", name->second.from_stage, name->second.from_shard, name->second.to_stage,
                       name->second.to_shard);
  }
  void known_shard(ShardId shard) {
    if (!shard_names_.contains(shard)) throw Follows{fmt::format("to shard {}, which has no name", shard)};
  }
  void known_channel(ChannelId channel) {
    if (!channel_names_.contains(channel)) throw Follows{fmt::format("to channel {}, which has no name", channel)};
  }

  void meta() {
    bool format = false, commit = false;
    report_.acknowledged = store_.acknowledged();
    scan(Table::meta, [&](std::string_view key, std::string_view payload) {
      if (key.empty()) throw CorruptData("an empty key");
      switch (key[0]) {
        case 'f': format = decode_number(payload) > 0; break;
        case 'k': report_.commit = decode_number(payload), commit = true; break;
        case 's': shard_names_.emplace(parse_meta_number(key), decode_shard_name(payload)); break;
        case 'c': channel_names_.emplace(parse_meta_number(key), decode_channel_name(payload)); break;
        case 'n': break;
        default: throw CorruptData("a key of no known kind");
      }
    });
    if (!format) find("meta: format", "missing or damaged");
    if (!commit)
      find("meta: commit", "missing or damaged");
    else if (report_.commit < report_.acknowledged)
      find("log", fmt::format("ends at commit {} but commit {} had been acknowledged: records are missing",
                              report_.commit, report_.acknowledged));
  }

  void shards() {
    scan(Table::shards, [&](std::string_view key, std::string_view payload) {
      const auto shard = parse_key(Table::shards, key).owner;
      const auto record = decode_shard_record(payload);
      next_ordinal_[shard] = record.next_ordinal;
      for (const auto& consumed : record.consumed) {
        auto& channel = channels_[consumed.channel];
        channel.taken = consumed.sequence;
        channel.beyond = consumed.beyond;
        channel.next = consumed.sequence + 1;
      }
      for (const auto& sent : record.sent) channels_[sent.channel].sent = sent.sequence;
      known_shard(shard);
      for (const auto& consumed : record.consumed) known_channel(consumed.channel);
      for (const auto& sent : record.sent) known_channel(sent.channel);
    });
  }

  // Is every sequence in [first, last] done, by the consumer's ranges?
  static bool covered(const Ranges& ranges, std::uint64_t first, std::uint64_t last) {
    for (const auto& [from, to] : ranges)
      if (from <= first && first <= to) {
        if (last <= to) return true;
        first = to + 1;
      }
    return false;
  }

  void mailboxes() {
    scan(Table::mailbox, [&](std::string_view key, std::string_view payload) {
      const auto [id, sequence] = parse_key(Table::mailbox, key);
      auto& channel = channels_[id];
      const auto parcel = decode_parcel_head(payload);
      if (parcel.first_sequence != sequence)
        throw CorruptData(fmt::format("its head names sequence {}", parcel.first_sequence));
      const auto last = parcel.first_sequence + parcel.count - 1;
      const auto begins = parcel.first_sequence - std::min<std::uint64_t>(parcel.skipped, parcel.first_sequence - 1);
      const auto expected = std::exchange(channel.next, std::max(channel.next, last + 1));
      report_.events_in_mailboxes += parcel.count;
      if (last <= channel.taken.value_or(0)) throw CorruptData("all its events are done with, but it was not erased");
      if (begins > expected && !covered(channel.beyond, expected, begins - 1))
        throw CorruptData(fmt::format("sequences {} to {} before it are missing", expected, begins - 1));
      if (sequence < expected && expected != channel.taken.value_or(0) + 1)
        throw CorruptData(fmt::format("begins before sequence {}, where the parcel before it ends", expected));
      check_batch(parcel.batch, parcel.count);
      known_channel(id);
    });
    for (const auto& [id, channel] : channels_) {
      const auto where = [&, number = id] { return fmt::format("channel {}{}", number, channel_text(number)); };
      const auto sent = channel.sent.value_or(0);
      if (channel.taken && *channel.taken > sent)
        find(where(), fmt::format("its consumer has taken {} events of the {} that were sent", *channel.taken, sent));
      else if (channel.next <= sent && !covered(channel.beyond, channel.next, sent))
        find(where(), fmt::format("sequences {} to {} were sent and are missing", channel.next, sent));
      else if (channel.next > sent + 1)
        find(where(), fmt::format("holds events up to sequence {}, its producer has sent {}", channel.next - 1, sent));
    }
  }

  void held(Table table) {
    scan(table, [&](std::string_view key, std::string_view payload) {
      const auto [shard, ordinal] = parse_key(table, key);
      std::string_view batch;
      const auto event = decode_held_head(ordinal, payload, batch);
      if (!batch.empty())
        check_batch(batch, 1);
      else if (table != Table::dead)
        throw CorruptData("its event is missing");
      known_shard(shard);
      if (event.channel != 0) known_channel(event.channel);
      const auto next = next_ordinal_.find(shard);
      if (next == next_ordinal_.end()) throw Follows{fmt::format("to shard {}, whose own row is not there", shard)};
      if (ordinal >= next->second)
        throw CorruptData("its shard has not given out this ordinal yet");
    });
  }

  void check_batch(std::string_view bytes, std::size_t count) {
    if (auto unknown = unknown_schema(bytes); !unknown.empty()) {
      ++report_.undecoded[std::move(unknown)];
      return;
    }
    const auto batch = decode_batch(bytes);
    if (batch.size() != count) throw CorruptData(fmt::format("{} events, its head says {}", batch.size(), count));
  }

  Store& store_;
  VerifyReport& report_;
  std::map<ShardId, ShardName> shard_names_;
  std::map<ChannelId, Journal::ChannelName> channel_names_;
  std::map<ShardId, std::uint64_t> next_ordinal_;
  std::map<ChannelId, Channel> channels_;
};

}  // namespace

VerifyReport verify_journal(Store& store) {
  VerifyReport report;
  Verifier(store, report).run();
  return report;
}

VerifyReport verify_journal(const std::filesystem::path& directory) {
  try {
    const auto store = RocksStore::open_read_only(directory, AcknowledgedMark::what_is_wrong(directory).has_value());
    auto report = verify_journal(*store);
    if (const auto wrong = AcknowledgedMark::what_is_wrong(directory)) {
      ++report.finding_count;
      report.findings.insert(report.findings.begin(), {"ACKNOWLEDGED", *wrong});
    }
    if (const auto damage = store->verify_checksums()) {
      ++report.finding_count;
      report.findings.insert(report.findings.begin(), {"files", *damage});
    }
    return report;
  } catch (const CorruptData& error) {
    VerifyReport report;
    report.findings.push_back({"files", error.what()});
    report.finding_count = 1;
    return report;
  }
}

void print_report(const VerifyReport& report, std::ostream& out) {
  for (std::size_t i = 0; i < table_count; ++i)
    fmt::print(out, "{:<10}{:>12} rows\n", table_name(static_cast<Table>(i)), report.rows[i]);
  fmt::print(out, "commit {}, acknowledged {}, {} events in mailboxes\n", report.commit, report.acknowledged,
             report.events_in_mailboxes);
  for (const auto& [schema, rows] : report.undecoded)
    fmt::print(out, "{} rows hold {}: not decodable without the scenario's library (checksums are right)\n", rows,
               schema);
  for (const auto& finding : report.findings) fmt::print(out, "DAMAGE {}: {}\n", finding.where, finding.what);
  if (report.finding_count > report.findings.size())
    fmt::print(out, "... and {} more\n", report.finding_count - report.findings.size());
  fmt::print(
      out, "{}\n",
      report.sound() ? "sound" : fmt::format("{} finding{}: restore this directory from a copy", report.finding_count, report.finding_count == 1 ? "" : "s"));
}

}  // namespace mailroom::runtime
