// `mailroom journal inspect DIR`: what a stopped node's journal holds, for people. Changes nothing.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>

#include "runtime/journal/journal.hpp"

namespace mailroom::runtime {

struct InspectOptions {
  std::optional<std::string> stage;  // only this stage's shards and the channels that lead to it
  bool parcels = false;              // JSON lines: the events in the stage's mailboxes, instead of the tables
  bool states = false;               // JSON lines: the stage's states by key, instead of the tables
  std::map<std::string, std::string>
      stage_actors;  // stage -> actor type: states of these are shown as JSON, others in hex
};

// Throws StorageError (no journal, in use), CorruptData (then `verify` tells more), BadValue (no such stage).
void inspect_journal(const std::filesystem::path& directory, const InspectOptions& options, std::ostream& out);
void inspect_journal(Journal& journal, const InspectOptions& options, std::ostream& out);

}  // namespace mailroom::runtime
