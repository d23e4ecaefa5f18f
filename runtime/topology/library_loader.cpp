#include "runtime/topology/library_loader.hpp"

#include <cstdlib>
#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sstream>

namespace mailroom::runtime {
namespace fs = std::filesystem;

std::optional<std::string> load_library(const std::string& name, const fs::path& topology_folder,
                                        const std::vector<fs::path>& library_path) {
  std::vector<fs::path> candidates;
  if (name.find('/') != std::string::npos) {
    candidates.push_back(topology_folder / name);
  } else {
    const auto file = "lib" + name + ".so";
    candidates.push_back(topology_folder / file);
    for (const auto& folder : library_path) candidates.push_back(folder / file);
    if (const char* path = std::getenv("MAILROOM_LIBRARY_PATH")) {
      std::stringstream folders(path);
      for (std::string folder; std::getline(folders, folder, ':');)
        if (!folder.empty()) candidates.push_back(fs::path(folder) / file);
    }
    std::error_code error;
    if (const auto program = fs::read_symlink("/proc/self/exe", error); !error) {
      candidates.push_back(program.parent_path().parent_path() / "lib" / "mailroom" / file);
      candidates.push_back(program.parent_path().parent_path() / "lib" / file);
    }
  }
  std::vector<std::string> looked;
  for (const auto& candidate : candidates) {
    std::error_code error;
    if (!fs::exists(candidate, error)) {
      looked.push_back(candidate.lexically_normal().string());
      continue;
    }
    try {
      // Never closed: its types live as long as the process.
      if (::dlopen(fs::absolute(candidate).c_str(), RTLD_NOW | RTLD_LOCAL) != nullptr) return std::nullopt;
      return fmt::format("library \"{}\" can't be loaded: {}", name, ::dlerror());
    } catch (const std::exception& failure) {
      return fmt::format("library \"{}\" can't register its types: {}", name, failure.what());
    }
  }
  return fmt::format(
      "library \"{}\" was not found; looked for {}. Build it, or set MAILROOM_LIBRARY_PATH to its folder", name,
      fmt::join(looked, ", "));
}

}  // namespace mailroom::runtime
