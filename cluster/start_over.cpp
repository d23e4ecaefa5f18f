#include "cluster/start_over.hpp"

#include <fmt/format.h>
#include <memory>
#include <optional>

#include <mailroom/errors.hpp>

#include "runtime/journal/directory_lock.hpp"
#include "runtime/journal/journal.hpp"

namespace mailroom::cluster {
namespace fs = std::filesystem;
using namespace mailroom::runtime;

namespace {

constexpr const char* lock_file = "OWNER";  // DirectoryLock's: what makes a folder a journal's

bool is_inside(const fs::path& file, const fs::path& folder) {
  const auto relative = fs::absolute(file).lexically_normal().lexically_relative(fs::absolute(folder).lexically_normal());
  return !relative.empty() && *relative.begin() != "..";
}

bool writes_file(const Stage& stage) { return stage.kind == StageKind::sink && (stage.sink->name == "jsonl" || stage.sink->name == "csv"); }

// Null: it is damaged, or holds nothing yet.
std::unique_ptr<Journal> read_if_it_can_be(const fs::path& directory) {
  try {
    return Journal::open_read_only(directory);
  } catch (const StorageError&) {
  } catch (const CorruptData&) {
  }
  return nullptr;
}

std::set<std::string> empty_journal(const fs::path& directory, const Topology& topology) {
  std::set<std::string> known;
  std::error_code error;
  const fs::directory_iterator files(directory, error);
  if (error == std::errc::no_such_file_or_directory || (!error && files == fs::directory_iterator())) return known;
  if (!fs::exists(directory / lock_file, error))
    throw StorageError(fmt::format("{}: there are files and no journal in it, and --fresh removes only what Mailroom has made; move them away, "
                                   "or give another folder with --data",
                                   directory.string()));
  { const DirectoryLock not_in_use(directory, DirectoryLock::Mode::write); }
  if (const auto journal = read_if_it_can_be(directory)) {
    if (const auto owner = journal->note("topology"); owner && *owner != topology.name)
      throw StorageError(fmt::format("{} belongs to the topology '{}', not to '{}', and --fresh would remove it; give another folder with --data",
                                     directory.string(), *owner, topology.name));
    for (const auto& [id, name] : journal->shards()) known.insert(name.first);
  }
  // The lock's file stays: who waits for it must not get another one.
  const DirectoryLock held(directory, DirectoryLock::Mode::write);
  for (const auto& file : fs::directory_iterator(directory)) {
    if (file.path().filename() == lock_file) continue;
    fs::remove_all(file.path(), error);
    if (error) throw StorageError(fmt::format("can't remove {}: {}", file.path().string(), error.message()));
  }
  return known;
}

}  // namespace

std::set<std::string> start_over(const fs::path& data, const Topology& topology) {
  auto known = empty_journal(data / "journal", topology);
  for (const auto& stage : topology.stages) {
    if (stage.kind != StageKind::sink || stage.path.empty() || !is_inside(stage.path, data / "output")) continue;
    std::error_code error;
    if (fs::is_regular_file(stage.path, error) && !fs::remove(stage.path, error))
      throw StorageError(fmt::format("can't remove {}: {}", stage.path, error.message()));
  }
  return known;
}

void refuse_files_of_others(const fs::path& data, const Topology& topology, const std::set<std::string>& known) {
  for (const auto& stage : topology.stages) {
    if (!writes_file(stage) || known.contains(stage.name) || is_inside(stage.path, data / "output")) continue;
    std::error_code error;
    const auto size = fs::is_regular_file(stage.path, error) ? fs::file_size(stage.path, error) : 0;
    if (!error && size > 0)
      throw StorageError(fmt::format("stage '{}': {} is there already, with {} bytes that no run of {} has written, and the sink would overwrite it; "
                                     "move it away, or give the sink another \"path\"",
                                     stage.name, stage.path, size, (data / "journal").string()));
  }
}

}  // namespace mailroom::cluster
