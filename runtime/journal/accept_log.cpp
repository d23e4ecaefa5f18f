#include "runtime/journal/accept_log.hpp"

#include <fmt/format.h>

#include <mailroom/errors.hpp>

#include "runtime/journal/acknowledged_mark.hpp"
#include "runtime/journal/directory_lock.hpp"
#include "runtime/journal/rocks_store.hpp"
#include "runtime/journal/verify_journal.hpp"

namespace mailroom::runtime {

std::uint64_t accept_log(const std::filesystem::path& directory) {
  std::uint64_t commit = 0;
  {
    const auto store = RocksStore::open_read_only(directory, true);
    if (!AcknowledgedMark::what_is_wrong(directory))
      throw BadValue(fmt::format("{}: is there and whole: there is nothing to accept", (directory / "ACKNOWLEDGED").string()));
    const auto report = verify_journal(*store);
    const auto damage = store->verify_checksums();
    if (damage || !report.sound())
      throw CorruptData(fmt::format("journal {}: is damaged beyond its mark ({}), and is not accepted: restore it from a copy; "
                                    "`mailroom journal verify` says all that is wrong",
                                    directory.string(), damage ? *damage : report.findings.front().where + ": " + report.findings.front().what));
    commit = report.commit;
  }
  // Nobody can have opened it in between: without a mark nobody can.
  const DirectoryLock lock(directory, DirectoryLock::Mode::write);
  std::filesystem::remove(directory / "ACKNOWLEDGED");
  AcknowledgedMark(directory, AcknowledgedMark::Mode::make).set(commit);
  return commit;
}

}  // namespace mailroom::runtime
