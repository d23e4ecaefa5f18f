#include "session.hpp"

#include <algorithm>
#include <filesystem>
#include <fnmatch.h>
#include <sstream>

#include "real_calls.hpp"

namespace disk_faults {

Session* Session::get() {
  // Never destroyed: the process may still write while its statics go.
  static Session* const session = [] {
    auto plan = FaultPlan::from_environment();
    return plan.folder.empty() ? nullptr : new Session(std::move(plan));
  }();
  return session;
}

Session::Session(FaultPlan plan)
    : model(plan.folder, plan.left), plan_(std::move(plan)), chance_(plan_.seed) {
  if (plan_.report.empty()) return;
  report_ = real::open(plan_.report, O_WRONLY | O_CREAT | O_APPEND);
  if (report_ < 0) real::give_up("can't write the report " + plan_.report);
}

std::optional<std::string> Session::inside(const char* path) const {
  if (path == nullptr) return std::nullopt;
  auto text = std::filesystem::absolute(path).lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  if (text == plan_.folder) return "";
  if (!text.starts_with(plan_.folder + "/")) return std::nullopt;
  return text.substr(plan_.folder.size() + 1);
}

std::optional<std::string> Session::inside(int folder, const char* path) const {
  if (folder == AT_FDCWD || path == nullptr || path[0] == '/') return inside(path);
  const auto found = files_.find(folder);
  if (found == files_.end()) return std::nullopt;
  return inside((plan_.folder + "/" + found->second.path + "/" + path).c_str());
}

OpenFile* Session::open_file(int file) {
  const auto found = files_.find(file);
  return found == files_.end() ? nullptr : &found->second;
}

void Session::opened(int file, OpenFile open) {
  if (!open.node) real::give_up(open.path + " was made by a call that is not intercepted");
  files_[file] = std::move(open);
}

void Session::refuse(const char* call, const std::optional<std::string>& path) const {
  if (path) real::give_up(std::string(call) + "(" + *path + ") is not modelled; teach intercepted_calls.cpp to");
}

Verdict Session::at(const Point& point) {
  if (ended_) real::give_up(std::string(point.call) + "(" + point.path + ") after the end");
  ++points_;
  const auto line = std::to_string(points_) + " " + point.call + " " + std::to_string(point.size) + " " + point.path;
  report(line);
  Verdict verdict;
  if (full_ && point.needs_space) {
    verdict.error = ENOSPC;
    return verdict;
  }
  if (fired_ || plan_.at == 0 || points_ < plan_.at || !plan_.fits(point)) return verdict;
  fired_ = true;
  report("fault " + line);
  // A new end can be anywhere; within a file a disk writes whole sectors.
  const auto part = [&] {
    if (point.needs_space) return 1 + chance_() % (point.size - 1);
    const auto end = (point.offset + chance_() % (point.size + sector)) / sector * sector;
    return end > point.offset && end < point.offset + point.size ? end - point.offset : point.size;
  };
  switch (plan_.kind) {
    case Fault::none: break;
    case Fault::kill_before: die();
    case Fault::kill_after: verdict.kill_after = true; break;
    case Fault::torn:
      verdict.take = part();
      verdict.kill_after = true;
      break;
    case Fault::cut:
      show();
      model.cut(plan_.keep, chance_);
      real::kill_self();
    case Fault::sync_fails_kept: verdict.error = EIO; break;
    case Fault::sync_fails_lost:
      verdict.error = EIO;
      verdict.changes_are_lost = true;
      model_is_exact_ = false;
      break;
    case Fault::write_fails: verdict.error = EIO; break;
    case Fault::full:
      full_ = true;
      verdict.error = ENOSPC;
      break;
    case Fault::full_short:
      full_ = true;
      verdict.take = part();
      break;
    case Fault::shortened: verdict.take = part(); break;
  }
  return verdict;
}

void Session::after(const Verdict& verdict) {
  if (verdict.kill_after) die();
}

bool Session::sync_is_planted(const std::string& path) const {
  return !plan_.plant.empty() && ::fnmatch(plan_.plant.c_str(), path.c_str(), 0) == 0;
}

void Session::at_end() {
  if (ended_) return;
  ended_ = true;
  if (const auto path = model_is_exact_ ? model.first_difference() : std::string(); !path.empty())
    real::give_up(path + " holds other bytes than were seen being written: a call is not intercepted");
  if (!plan_.cut_at_end) return;
  report("cut at the end");
  show();
  model.cut(plan_.keep, chance_);
}

void Session::report(const std::string& line) const {
  if (report_ < 0) return;
  const auto text = line + "\n";
  real::write(report_, text.data(), text.size());
}

void Session::show() const {
  std::istringstream patterns(plan_.show);
  for (std::string pattern; std::getline(patterns, pattern, ':');)
    for (const auto& [path, node] : model.live()) {
      if (node->folder || ::fnmatch(pattern.c_str(), path.c_str(), 0) != 0) continue;
      auto name = path;
      std::replace(name.begin(), name.end(), '/', '_');
      real::mkdir((plan_.report + ".seen").c_str(), 0777);
      real::write_file(plan_.report + ".seen/" + name, real::read_file(plan_.folder + "/" + path));
    }
}

void Session::die() {
  if (!plan_.left.empty()) model.save(plan_.left);
  real::kill_self();
}

}  // namespace disk_faults
