// Loads a scenario's shared library; its types register themselves as it is loaded.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mailroom::runtime {

// `name` with a '/': a path, relative to `topology_folder`. Else lib<name>.so, searched in `topology_folder`,
// `library_path`, MAILROOM_LIBRARY_PATH (folders separated by ':'), and lib/mailroom and lib beside the program's
// folder. Returns what went wrong, in words; nothing if it is loaded (or was before).
std::optional<std::string> load_library(const std::string& name, const std::filesystem::path& topology_folder,
                                        const std::vector<std::filesystem::path>& library_path);

}  // namespace mailroom::runtime
