// Folders whose names survive a power cut: the fsync of a file keeps its bytes, only that of its folder keeps its name.
#pragma once

#include <filesystem>

namespace mailroom {

// Both throw StorageError naming the folder.
void sync_folder(const std::filesystem::path& folder);
// Makes the folder and those above it that are missing. One that is there is synced, too: whoever made it may have been
// killed before it could.
void make_safe_folder(const std::filesystem::path& folder);

}  // namespace mailroom
