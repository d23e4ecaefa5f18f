// What a power cut would leave of a folder: for each file the bytes that are safe and the changes that are not yet,
// for each folder the names that are safe and those that are not.
//
// It is as strict as POSIX lets a file system be: fsync of a file keeps its bytes and not its name; a name is kept by
// the fsync of its folder; what was not synced may be kept or lost, a page or a name at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace disk_faults {

inline constexpr std::size_t sector = 512;  // written whole or not at all

struct Change {
  enum class Kind { write, resize } kind;
  std::uint64_t at;   // write: the offset. resize: the length
  std::string bytes;  // write
};

struct Node {
  bool folder = false;
  std::string safe;
  std::vector<Change> pending;
  std::uint64_t length = 0;  // as the process sees it
};
using NodePointer = std::shared_ptr<Node>;

enum class Keep { none, some };  // of what is not synced

class DiskModel {
 public:
  // All that is in the folder counts as safe, but for what `left` (written by save()) knows better; empty: nothing.
  DiskModel(std::string folder, const std::string& left);

  // Paths are relative to the folder. All these describe what the process has just done.
  NodePointer created(const std::string& path, bool folder);
  void renamed(const std::string& from, const std::string& to);
  void removed(const std::string& path);
  static void written(Node& node, std::uint64_t offset, std::string_view bytes);
  static void resized(Node& node, std::uint64_t length);
  void synced(const NodePointer& node);
  // A failed sync: the system has dropped the changes, and no later sync can save them.
  static void lost(Node& node) { node.pending.clear(); }

  [[nodiscard]] NodePointer find(const std::string& path) const;
  [[nodiscard]] const std::map<std::string, NodePointer>& live() const noexcept { return live_; }

  // Makes the folder what it would be after a power cut.
  void cut(Keep keep, std::mt19937_64& chance);
  // For the next process: a killed process leaves its changes with the system, not with the disk.
  void save(const std::string& left) const;
  // The first file whose bytes are not what the model says: a call that this library does not know. Empty: none.
  [[nodiscard]] std::string first_difference() const;

 private:
  struct EntryChange {
    std::string folder;
    std::vector<std::pair<std::string, NodePointer>> names;  // null: removed. Together or not at all
  };
  using Names = std::map<std::string, NodePointer>;
  void change(EntryChange change);
  static void apply(const EntryChange& change, Names& names);
  void scan(const std::string& relative);
  void load(const std::string& left);
  [[nodiscard]] std::string full(const std::string& path) const { return path.empty() ? root_ : root_ + "/" + path; }

  const std::string root_;
  Names live_, safe_;  // the folder itself is ""
  std::vector<EntryChange> pending_;
};

std::string parent_of(const std::string& path);
std::string live_bytes(const Node& node);

}  // namespace disk_faults
