// `mailroom journal accept DIR`: goes on with a journal whose ACKNOWLEDGED is missing or damaged.
#pragma once

#include <cstdint>
#include <filesystem>

namespace mailroom::runtime {

// Takes the log as it is for all that was acknowledged: writes the mark anew and returns its commit. What the log may have
// lost at its end before that is not known and not looked for any more.
// Throws BadValue where the mark is there and whole, CorruptData where what is left does not verify, StorageError.
std::uint64_t accept_log(const std::filesystem::path& directory);

}  // namespace mailroom::runtime
