// `mailroom journal verify DIR`: reads everything that a stopped node's journal holds and says what is wrong.
// Changes nothing.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "runtime/journal/store.hpp"

namespace mailroom::runtime {

struct JournalFinding {
  std::string where;  // "mailbox: channel 3 (orders/0 -> ledger/2), from sequence 17"
  std::string what;
};

struct VerifyReport {
  static constexpr std::size_t max_findings = 200;

  std::vector<JournalFinding> findings;  // the first max_findings
  std::uint64_t finding_count = 0;
  // Events of types that this program does not know: "schema 1a2b3c4d" -> rows. No damage: their scenario's
  // library would decode them. Their checksums were checked like all others.
  std::map<std::string, std::uint64_t> undecoded;
  std::array<std::uint64_t, table_count> rows{};
  std::uint64_t commit = 0, acknowledged = 0;
  std::uint64_t events_in_mailboxes = 0;

  [[nodiscard]] bool sound() const noexcept { return finding_count == 0; }
};

// Throws StorageError if the directory is no journal, or in use. Damage is never thrown but reported.
VerifyReport verify_journal(const std::filesystem::path& directory);
VerifyReport verify_journal(Store& store);

void print_report(const VerifyReport& report, std::ostream& out);

}  // namespace mailroom::runtime
