#include "disk_model.hpp"

#include <algorithm>
#include <dirent.h>
#include <set>
#include <sstream>
#include <utility>

#include "real_calls.hpp"

namespace disk_faults {

namespace {

constexpr std::size_t page = 4096;

void make(const Change& change, std::string& bytes) {
  if (change.kind == Change::Kind::resize) {
    bytes.resize(change.at);
    return;
  }
  if (bytes.size() < change.at + change.bytes.size()) bytes.resize(change.at + change.bytes.size());
  bytes.replace(change.at, change.bytes.size(), change.bytes);
}

bool coin(std::mt19937_64& chance) { return chance() % 2 == 0; }

// The pages of a write that reached the disk: the system writes them back in any order.
void apply_some_pages(const Change& change, std::string& bytes, std::mt19937_64& chance) {
  if (change.kind == Change::Kind::resize) {
    if (coin(chance)) make(change, bytes);
    return;
  }
  for (std::size_t from = 0; from < change.bytes.size();) {
    const auto to = std::min(change.bytes.size(), from + page - (change.at + from) % page);
    if (coin(chance)) make({Change::Kind::write, change.at + from, change.bytes.substr(from, to - from)}, bytes);
    from = to;
  }
}

// The first changes, and of the next one the first sectors.
void apply_prefix(const std::vector<Change>& changes, std::string& bytes, std::mt19937_64& chance) {
  const auto whole = chance() % (changes.size() + 1);
  for (std::size_t i = 0; i < whole; ++i) make(changes[i], bytes);
  if (whole == changes.size() || changes[whole].kind != Change::Kind::write || !coin(chance)) return;
  auto torn = changes[whole];
  const auto end = torn.at + chance() % (torn.bytes.size() + 1);
  const auto cut = end / sector * sector;
  if (cut <= torn.at) return;
  torn.bytes.resize(cut - torn.at);
  make(torn, bytes);
}

std::string bytes_after_cut(const Node& node, Keep keep, std::mt19937_64& chance) {
  auto bytes = node.safe;
  if (keep == Keep::none || node.pending.empty()) return bytes;
  switch (chance() % 3) {
    case 0: apply_prefix(node.pending, bytes, chance); break;
    case 1:
      for (const auto& change : node.pending) apply_some_pages(change, bytes, chance);
      break;
    default: bytes = live_bytes(node);
  }
  return bytes;
}

}  // namespace

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

std::string live_bytes(const Node& node) {
  auto bytes = node.safe;
  for (const auto& change : node.pending) make(change, bytes);
  return bytes;
}

DiskModel::DiskModel(std::string folder, const std::string& left) : root_(std::move(folder)) {
  live_[""] = std::make_shared<Node>(Node{true, {}, {}, 0});
  scan("");
  safe_ = live_;
  if (!left.empty() && ::access((left + "/index").c_str(), F_OK) == 0) load(left);
}

void DiskModel::scan(const std::string& relative) {
  DIR* const folder = ::opendir(full(relative).c_str());
  if (folder == nullptr) real::give_up("can't read the folder " + full(relative));
  std::vector<std::string> folders;
  while (const auto* entry = ::readdir(folder)) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    const auto path = relative.empty() ? name : relative + "/" + name;
    struct stat about {};
    if (::lstat(full(path).c_str(), &about) != 0) real::give_up("can't look at " + full(path));
    const bool is_folder = S_ISDIR(about.st_mode);
    const auto bytes = is_folder ? std::string() : real::read_file(full(path));
    live_[path] = std::make_shared<Node>(Node{is_folder, bytes, {}, bytes.size()});
    if (is_folder) folders.push_back(path);
  }
  ::closedir(folder);
  for (const auto& path : folders) scan(path);
}

// index: a line a name, "<names it is in: l, s, ls> <number of the file of safe bytes, or -> <path>".
void DiskModel::save(const std::string& left) const {
  real::mkdir(left.c_str(), 0777);
  std::ostringstream index;
  std::size_t number = 0;
  const auto put = [&](const char* where, const std::string& path, const Node& node) {
    if (path.empty()) return;
    index << where << ' ';
    if (node.folder) {
      index << '-';
    } else {
      real::write_file(left + "/" + std::to_string(++number), node.safe);
      index << number;
    }
    index << ' ' << path << '\n';
  };
  for (const auto& [path, node] : live_) {
    const auto found = safe_.find(path);
    put(found != safe_.end() && found->second == node ? "ls" : "l", path, *node);
  }
  for (const auto& [path, node] : safe_) {
    const auto found = live_.find(path);
    if (found == live_.end() || found->second != node) put("s", path, *node);
  }
  real::write_file(left + "/index", index.str());
}

void DiskModel::load(const std::string& left) {
  std::istringstream index(real::read_file(left + "/index"));
  Names safe{{"", live_[""]}};
  std::map<std::string, EntryChange> changes;  // by path, parents first
  std::string where, number, path;
  while (index >> where >> number && std::getline(index >> std::ws, path)) {
    const bool is_folder = number == "-";
    const auto bytes = is_folder ? std::string() : real::read_file(left + "/" + number);
    const auto found = live_.find(path);
    if (where == "s" || found == live_.end()) {
      safe[path] = std::make_shared<Node>(Node{is_folder, bytes, {}, bytes.size()});
      if (found == live_.end()) changes[path] = {parent_of(path), {{path, nullptr}}};
      continue;
    }
    auto& node = *found->second;
    if (!is_folder && node.safe != bytes) {
      const auto now = std::exchange(node.safe, bytes);
      node.pending.push_back({Change::Kind::write, 0, now});
      node.pending.push_back({Change::Kind::resize, now.size(), {}});
    }
    if (where == "ls")
      safe[path] = found->second;
    else
      changes[path] = {parent_of(path), {{path, found->second}}};
  }
  safe_ = std::move(safe);
  for (auto& [name, change] : changes) pending_.push_back(std::move(change));
}

void DiskModel::apply(const EntryChange& change, Names& names) {
  for (const auto& [path, node] : change.names)
    if (node)
      names[path] = node;
    else
      names.erase(path);
}

void DiskModel::change(EntryChange change) {
  apply(change, live_);
  pending_.push_back(std::move(change));
}

NodePointer DiskModel::find(const std::string& path) const {
  const auto found = live_.find(path);
  return found == live_.end() ? nullptr : found->second;
}

NodePointer DiskModel::created(const std::string& path, bool folder) {
  auto node = std::make_shared<Node>(Node{folder, {}, {}, 0});
  change({parent_of(path), {{path, node}}});
  return node;
}

void DiskModel::renamed(const std::string& from, const std::string& to) {
  const auto node = find(from);
  if (!node || node->folder || parent_of(from) != parent_of(to))
    real::give_up("renaming " + from + " to " + to + " is not modelled: files within one folder only");
  change({parent_of(from), {{from, nullptr}, {to, node}}});
}

void DiskModel::removed(const std::string& path) { change({parent_of(path), {{path, nullptr}}}); }

void DiskModel::written(Node& node, std::uint64_t offset, std::string_view bytes) {
  node.pending.push_back({Change::Kind::write, offset, std::string(bytes)});
  node.length = std::max(node.length, offset + bytes.size());
}

void DiskModel::resized(Node& node, std::uint64_t length) {
  node.pending.push_back({Change::Kind::resize, length, {}});
  node.length = length;
}

void DiskModel::synced(const NodePointer& node) {
  if (!node->folder) {
    for (const auto& change : node->pending) make(change, node->safe);
    node->pending.clear();
    return;
  }
  for (auto change = pending_.begin(); change != pending_.end();) {
    if (find(change->folder) == node) {
      apply(*change, safe_);
      change = pending_.erase(change);
    } else {
      ++change;
    }
  }
}

void DiskModel::cut(Keep keep, std::mt19937_64& chance) {
  // A file system's own journal keeps the order of the names in a folder.
  std::map<std::string, std::size_t> kept;
  for (const auto& change : pending_) ++kept[change.folder];
  for (auto& [folder, count] : kept) count = keep == Keep::none ? 0 : chance() % (count + 1);
  auto names = safe_;
  for (const auto& change : pending_)
    if (auto& left = kept[change.folder]; left > 0) {
      --left;
      apply(change, names);
    }
  for (auto name = names.begin(); name != names.end();)  // in order: a folder is before what is in it
    name = name->first.empty() || names.contains(parent_of(name->first)) ? std::next(name) : names.erase(name);

  for (auto name = live_.rbegin(); name != live_.rend(); ++name) {
    if (names.contains(name->first)) continue;
    if (name->second->folder)
      real::rmdir(full(name->first).c_str());
    else
      real::unlink(full(name->first).c_str());
  }
  for (const auto& [path, node] : names) {
    if (node->folder)
      real::mkdir(full(path).c_str(), 0777);
    else
      real::write_file(full(path), bytes_after_cut(*node, keep, chance));
  }
}

std::string DiskModel::first_difference() const {
  for (const auto& [path, node] : live_)
    if (!node->folder && real::read_file(full(path)) != live_bytes(*node)) return path;
  return {};
}

}  // namespace disk_faults
