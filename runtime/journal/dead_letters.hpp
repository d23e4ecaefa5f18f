// `mailroom dead-letters list|retry|discard DIR`: what an operator does about events that were given up on, or
// parked, while the node is stopped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "runtime/journal/journal.hpp"

namespace mailroom::runtime {

// What is chosen. All that is given must fit.
struct DeadLetterFilter {
  bool parked = false;           // look at the parking lots, instead of the dead letters
  std::vector<std::string> ids = {};  // "orders/2:17"; empty: any
  std::optional<std::string> stage = std::nullopt;
  std::optional<std::string> key = std::nullopt;
  std::optional<std::string> kind = std::nullopt;  // one of held_kind::dead; parked: of held_kind::parked
  std::optional<std::string> after = std::nullopt;  // an id: only what comes behind it in order, whether it is there or not
};

struct DeadLetter {
  std::string id;  // stage/shard:ordinal
  std::string stage;
  std::uint32_t shard = 0;
  std::uint64_t ordinal = 0;
  bool parked = false;
  std::string kind, reason, key;
  unsigned attempts = 0;
  std::string origin;  // dirty: "file.csv:12"; others: the source's event, "stage/shard:sequence"
  std::string from;    // the stage that sent it; empty: a timer, or the shard's own input
  Timestamp when = Timestamp::min();
  std::string event;       // type; empty: dirty input, or a type of a library that is not loaded
  TraceId trace = 0;       // 0: none
  nlohmann::json payload;  // dirty: the raw text
  bool redrive = false;    // marked: it is tried again at the next start
};

struct DeadLetterOutcome {
  std::uint64_t changed = 0;
  std::uint64_t unchanged = 0;       // marked already
  std::vector<std::string> refused;  // "orders/0:4: dirty input ..."
};

// In order of stage, shard, ordinal. Throws StorageError (no journal, in use: the node must be stopped), CorruptData,
// BadValue (an id that is not written like one, a stage or kind that does not exist).
// At most so many of the first. A running node's journal can be listed from any thread.
std::vector<DeadLetter> list_dead_letters(Journal& journal, const DeadLetterFilter& filter,
                                          std::size_t most = std::numeric_limits<std::size_t>::max());
std::vector<DeadLetter> list_dead_letters(const std::filesystem::path& directory, const DeadLetterFilter& filter);

// Why a dead letter can never be tried again as it is, with what to do instead; nullopt: nothing speaks against it.
// `has_event`: what became a dead letter was an event, and not input that is none.
std::optional<std::string> why_never_again(const HeldEvent& letter, bool has_event);

// Marks the chosen ones to be tried again at the next start, in one atomic write, synced. Parked events go by whole
// keys: choosing one chooses its key's whole lot. Doing it twice changes nothing more.
// Throws BadValue, too, if an id is not there.
DeadLetterOutcome retry_dead_letters(Journal& journal, const DeadLetterFilter& filter);
DeadLetterOutcome retry_dead_letters(const std::filesystem::path& directory, const DeadLetterFilter& filter);

// Erases the chosen ones for good, in one atomic write, synced. The books keep them as dead-lettered; a parked
// event that is discarded moves from "parked" to "dead-lettered". Ids that are gone already are passed over.
DeadLetterOutcome discard_dead_letters(Journal& journal, const DeadLetterFilter& filter);
DeadLetterOutcome discard_dead_letters(const std::filesystem::path& directory, const DeadLetterFilter& filter);

// "orders/2:17". Throws BadValue.
struct DeadLetterId {
  std::string stage;
  std::uint32_t shard = 0;
  std::uint64_t ordinal = 0;
};
DeadLetterId parse_dead_letter_id(std::string_view id);
// Throws BadValue for an id that is not written like one and for a kind that does not exist.
void check_dead_letter_filter(const DeadLetterFilter& filter);
nlohmann::json to_json(const DeadLetter& letter);

// As text: a line for each and one for its event, reasons in short, without anything that could drive a terminal.
void print_dead_letters(const std::vector<DeadLetter>& letters, bool json_lines, std::ostream& out);
// "3 marked for another try at the next start, 1 was marked already"
void print_outcome(const DeadLetterOutcome& outcome, bool discarded, std::ostream& out);

}  // namespace mailroom::runtime
