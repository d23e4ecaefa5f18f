// Opening what a stopped node left behind, for the commands that look into it.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "runtime/journal/journal.hpp"

namespace mailroom::program {

// The journal's own folder, given that or the node's data folder. Throws StorageError if there is none,
// BadValue for an empty name.
std::filesystem::path journal_folder(const std::filesystem::path& given);

// Loads the libraries of the topology that the journal was written with, so that events and states can be shown:
// `topology` if given, else the file noted in the journal, if it is still there. Returns each stage's actor type.
// What can't be loaded is said on stderr and left out.
std::map<std::string, std::string> load_types_for(runtime::Journal& journal, const std::string& topology);

}  // namespace mailroom::program
