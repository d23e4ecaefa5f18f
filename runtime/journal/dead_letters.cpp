#include "runtime/journal/dead_letters.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ostream.h>
#include <functional>
#include <set>

#include <mailroom/batch_codec.hpp>
#include <mailroom/errors.hpp>

#include "runtime/journal/foreign_text.hpp"
#include "runtime/journal/record_codec.hpp"
#include "runtime/journal/show_event.hpp"

namespace mailroom::runtime {

namespace {

constexpr std::size_t most_of_a_reason_shown = 500;  // bytes; --json shows all that is kept

// One row that the filter chose. `head` is all but the event, whose bytes `batch` are.
struct Chosen {
  ShardId shard_id;
  std::string stage;
  std::uint32_t shard;
  HeldEvent head;
  std::string batch;
  [[nodiscard]] std::string id() const { return fmt::format("{}/{}:{}", stage, shard, head.ordinal); }
};

void check_filter(Journal& journal, const DeadLetterFilter& filter) {
  check_dead_letter_filter(filter);
  if (filter.stage) {
    const auto shards = journal.shards();
    if (std::none_of(shards.begin(), shards.end(),
                     [&](const auto& shard) { return shard.second.first == *filter.stage; })) {
      std::set<std::string> known;
      for (const auto& shard : shards) known.insert(shard.second.first);
      throw BadValue(
          fmt::format("stage \"{}\": not in this journal, which has: {}", *filter.stage, fmt::join(known, ", ")));
    }
  }
}

// Everything of the table that fits the filter. `whole_keys`: a parked event that fits brings its key's whole lot.
std::vector<Chosen> choose(Journal& journal, const DeadLetterFilter& filter, bool whole_keys,
                           std::size_t most = std::numeric_limits<std::size_t>::max()) {
  check_filter(journal, filter);
  const std::set<std::string, std::less<>> ids(filter.ids.begin(), filter.ids.end());
  std::vector<Chosen> chosen;
  std::optional<DeadLetterId> after;
  if (filter.after) after = parse_dead_letter_id(*filter.after);
  auto shards = journal.shards();
  std::sort(shards.begin(), shards.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  for (const auto& [shard_id, name] : shards) {
    if (filter.stage && *filter.stage != name.first) continue;
    if (chosen.size() >= most) break;
    const auto last = after ? std::pair(after->stage, after->shard) : std::pair<std::string, std::uint32_t>();
    if (after && name < last) continue;
    const auto first = after && name == last ? after->ordinal + 1 : 0;
    if (first == 0 && after && name == last) continue;  // behind the highest number of all
    std::set<std::string> keys;
    const auto fits = [&, stage = name.first, shard = name.second](const HeldEvent& head) {
      return (!filter.key || *filter.key == head.key) && (!filter.kind || *filter.kind == head.kind) &&
             (ids.empty() || ids.contains(fmt::format("{}/{}:{}", stage, shard, head.ordinal)));
    };
    const auto reason = filter.parked ? HeldReason::parked : HeldReason::dead;
    if (filter.parked && whole_keys)
      journal.scan_held_heads(reason, shard_id, [&](const HeldEvent& head, std::string_view) {
        if (fits(head)) keys.insert(head.key);
        return true;
      });
    journal.scan_held_heads(
        reason, shard_id,
        [&, id = shard_id, stage = name.first, shard = name.second](HeldEvent head, std::string_view batch) {
          if (keys.contains(head.key) || fits(head))
            chosen.push_back({id, stage, shard, std::move(head), std::string(batch)});
          return chosen.size() < most;
        },
        first);
  }
  return chosen;
}

// What the journal's numbers stand for.
struct Names {
  explicit Names(const Journal& journal) {
    for (const auto& [id, name] : journal.channels()) senders.emplace(id, name.from_stage);
    for (const auto& [id, name] : journal.shards())
      shards.emplace(std::to_string(id), fmt::format("{}/{}", name.first, name.second));
  }
  std::map<ChannelId, std::string> senders;   // stage
  std::map<std::string, std::string> shards;  // a trace's stream: "stage/shard"
};

DeadLetter describe(Chosen row, const Names& names, bool parked) {
  DeadLetter letter;
  letter.id = row.id();
  letter.stage = std::move(row.stage);
  letter.shard = row.shard;
  letter.ordinal = row.head.ordinal;
  letter.parked = parked;
  letter.kind = std::move(row.head.kind);
  letter.reason = std::move(row.head.reason);
  letter.key = std::move(row.head.key);
  letter.attempts = row.head.attempts;
  letter.when = row.head.when;
  letter.redrive = row.head.redrive;
  letter.origin = std::move(row.head.origin);
  if (const auto sender = names.senders.find(row.head.channel); sender != names.senders.end())
    letter.from = sender->second;
  if (row.batch.empty()) {
    letter.payload = std::move(row.head.content);
  } else if (auto event = stored_event_to_json(row.batch); event.contains("unknown")) {
    letter.payload =
        fmt::format("{}: not decodable without the scenario's library", event["unknown"].get<std::string>());
  } else {
    letter.event = event["event"].get<std::string>();
    letter.payload = std::move(event["payload"]);
    letter.origin = event["trace"].get<std::string>();
    const auto colon = letter.origin.find(':');
    letter.trace = make_trace(static_cast<std::uint16_t>(std::stoul(letter.origin.substr(0, colon))),
                              std::stoull(letter.origin.substr(colon + 1)));
    if (const auto source = names.shards.find(letter.origin.substr(0, colon)); source != names.shards.end())
      letter.origin.replace(0, colon, source->second);
  }
  return letter;
}

}  // namespace

DeadLetterId parse_dead_letter_id(std::string_view id) {
  const auto slash = id.rfind('/');
  const auto colon = id.rfind(':');
  const auto read = [](std::string_view text, auto& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return !text.empty() && error == std::errc() && end == text.data() + text.size();
  };
  DeadLetterId parsed;
  if (slash == std::string_view::npos || colon == std::string_view::npos || slash == 0 || colon < slash ||
      !read(id.substr(slash + 1, colon - slash - 1), parsed.shard) || !read(id.substr(colon + 1), parsed.ordinal))
    throw BadValue(
        fmt::format("dead letter id \"{}\": expected stage/shard:number, like orders/2:17, as `list` shows it", id));
  parsed.stage = id.substr(0, slash);
  return parsed;
}

void check_dead_letter_filter(const DeadLetterFilter& filter) {
  for (const auto& id : filter.ids) (void)parse_dead_letter_id(id);
  if (filter.after) try {
      (void)parse_dead_letter_id(*filter.after);
    } catch (const BadValue& error) {
      throw BadValue(fmt::format("after: {}", error.what()));
    }
  if (!filter.kind) return;
  const auto check = [&](const auto& kinds) {
    if (std::find(kinds.begin(), kinds.end(), *filter.kind) != kinds.end()) return;
    throw BadValue(fmt::format("kind \"{}\": expected one of {}", *filter.kind, fmt::join(kinds, ", ")));
  };
  filter.parked ? check(held_kind::parked) : check(held_kind::dead);
}

std::vector<DeadLetter> list_dead_letters(Journal& journal, const DeadLetterFilter& filter, std::size_t most) {
  const Names names(journal);
  std::vector<DeadLetter> letters;
  for (auto& row : choose(journal, filter, false, most)) letters.push_back(describe(std::move(row), names, filter.parked));
  return letters;
}

std::vector<DeadLetter> list_dead_letters(const std::filesystem::path& directory, const DeadLetterFilter& filter) {
  return list_dead_letters(*Journal::open_read_only(directory), filter);
}

std::optional<std::string> why_never_again(const HeldEvent& letter, bool has_event) {
  if (!has_event)
    return fmt::format("dirty input cannot be tried again: mend {} and read it anew, or discard it", letter.origin.empty() ? "the source" : letter.origin);
  if (letter.kind == held_kind::ahead) return "it would move its source's time as far ahead as it is dated: mend it and read it anew, or discard it";
  return std::nullopt;
}

DeadLetterOutcome retry_dead_letters(Journal& journal, const DeadLetterFilter& filter) {
  DeadLetterOutcome outcome;
  const auto chosen = choose(journal, filter, true);
  std::set<std::string> found;
  auto write = journal.new_write();
  for (const auto& row : chosen) {
    found.insert(row.id());
    if (const auto why = why_never_again(row.head, !row.batch.empty()))
      outcome.refused.push_back(fmt::format("{}: {}", row.id(), *why));
    else if (row.head.redrive)
      ++outcome.unchanged;
    else {
      auto marked = row.head;
      marked.redrive = true;
      write.put_held_bytes(filter.parked ? HeldReason::parked : HeldReason::dead, row.shard_id, marked, row.batch);
      ++outcome.changed;
    }
  }
  for (const auto& id : filter.ids)
    if (!found.contains(id))
      throw BadValue(
          fmt::format("{} {}: not there: `list` shows what is", filter.parked ? "parked event" : "dead letter", id));
  if (outcome.changed > 0) {
    journal.commit(write);
    journal.sync();
  }
  return outcome;
}

DeadLetterOutcome discard_dead_letters(Journal& journal, const DeadLetterFilter& filter) {
  DeadLetterOutcome outcome;
  auto write = journal.new_write();
  std::map<ShardId, ShardRecord> records;
  for (const auto& row : choose(journal, filter, false)) {
    write.erase_held(filter.parked ? HeldReason::parked : HeldReason::dead, row.shard_id, row.head.ordinal);
    ++outcome.changed;
    if (!filter.parked || row.head.channel == 0) continue;
    auto record = records.find(row.shard_id);
    if (record == records.end())
      record = records.emplace(row.shard_id, journal.read_shard(row.shard_id).value_or(ShardRecord{})).first;
    for (auto& consumed : record->second.consumed)
      if (consumed.channel == row.head.channel && consumed.parked > 0) {
        --consumed.parked;
        ++consumed.dead_lettered;
      }
  }
  for (const auto& [shard, record] : records) write.put_shard(shard, record);
  if (outcome.changed > 0) {
    journal.commit(write);
    journal.sync();
  }
  return outcome;
}

DeadLetterOutcome retry_dead_letters(const std::filesystem::path& directory, const DeadLetterFilter& filter) {
  list_dead_letters(directory,
                    DeadLetterFilter{});  // refuses a directory that is none, where opening for writing would make one
  return retry_dead_letters(*Journal::open(directory), filter);
}

DeadLetterOutcome discard_dead_letters(const std::filesystem::path& directory, const DeadLetterFilter& filter) {
  list_dead_letters(directory, DeadLetterFilter{});
  return discard_dead_letters(*Journal::open(directory), filter);
}

nlohmann::json to_json(const DeadLetter& letter) {
  return {{"id", letter.id},
          {"stage", letter.stage},
          {"shard", letter.shard},
          {"parked", letter.parked},
          {"kind", letter.kind},
          {"reason", letter.reason},
          {"attempts", letter.attempts},
          {"origin", letter.origin},
          {"from", letter.from},
          {"key", letter.key},
          {"when", time_to_text(letter.when)},
          {"event", letter.event},
          {"trace", letter.trace == 0 ? nlohmann::json() : nlohmann::json(fmt::format("{:x}", letter.trace))},
          {"payload", letter.payload},
          {"retry", letter.redrive}};
}

void print_dead_letters(const std::vector<DeadLetter>& letters, bool json_lines, std::ostream& out) {
  if (json_lines) {
    for (const auto& letter : letters)
      fmt::print(out, "{}\n", to_line(to_json(letter)));
    return;
  }
  if (letters.empty()) {
    fmt::print(out, "none\n");
    return;
  }
  fmt::print(out, "{:<20} {:<9} {:<27} {:>5} {:<16} {:<12} {:<16} {}\n", "ID", "KIND", "WHEN", "TRIES", "KEY", "FROM",
             "ORIGIN", "REASON");
  for (const auto& letter : letters) {
    fmt::print(out, "{:<20} {:<9} {:<27} {:>5} {:<16} {:<12} {:<16} {}{}\n", letter.id, letter.kind,
               time_to_text(letter.when), letter.attempts, without_controls(letter.key), letter.from.empty() ? "-" : letter.from,
               letter.origin.empty() ? "-" : without_controls(letter.origin),
               letter.reason.empty() ? "(no reason given)" : without_controls(cut_text(letter.reason, most_of_a_reason_shown)),
               letter.redrive ? " (to be tried again at the next start)" : "");
    fmt::print(out, "    {} {}\n", letter.event, without_controls(to_line(letter.payload)));
  }
  fmt::print(out, "{} in all\n", letters.size());
}

void print_outcome(const DeadLetterOutcome& outcome, bool discarded, std::ostream& out) {
  for (const auto& refused : outcome.refused) fmt::print(out, "{}\n", refused);
  if (discarded)
    fmt::print(out, "{} discarded\n", outcome.changed);
  else
    fmt::print(out, "{} marked for another try at the next start, {} marked already\n", outcome.changed,
               outcome.unchanged);
}

}  // namespace mailroom::runtime
