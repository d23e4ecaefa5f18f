// The dashboard, a program of its own, started beside a run.
#pragma once

#include <filesystem>
#include <string>

namespace mailroom::program {

// mailroom-dashboard beside this program. Throws BadValue: it is not built, and what to do.
std::filesystem::path find_dashboard();
// Starts it on that address; it lives on when this program ends. Throws StorageError.
void start_dashboard(const std::string& url);

}  // namespace mailroom::program
