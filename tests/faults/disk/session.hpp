// The process under test: its open files below the folder, the points it has passed, the fault when its point comes.
#pragma once

#include <cstdio>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>

#include "disk_model.hpp"
#include "fault_plan.hpp"

namespace disk_faults {

struct OpenFile {
  std::string path;
  NodePointer node;
  bool appends = false;
};

// What a call has to do at its point.
struct Verdict {
  int error = 0;                      // fail with this
  std::optional<std::uint64_t> take;  // write no more than this
  bool changes_are_lost = false;      // of a failed sync
  bool kill_after = false;
};

class Session {
 public:
  // nullptr: the environment names no folder.
  static Session* get();

  // Held through each intercepted call: points are numbered in the order in which things happen.
  std::mutex mutex;

  // Relative to the folder; nullopt: not below it.
  [[nodiscard]] std::optional<std::string> inside(const char* path) const;
  [[nodiscard]] std::optional<std::string> inside(int folder, const char* path) const;
  OpenFile* open_file(int file);
  void opened(int file, OpenFile open);
  void closed(int file) { files_.erase(file); }
  // Ends the test if `path` is below the folder: the model would go wrong.
  void refuse(const char* call, const std::optional<std::string>& path) const;

  Verdict at(const Point& point);
  void after(const Verdict& verdict);
  [[nodiscard]] bool sync_is_planted(const std::string& path) const;
  void at_end();

  DiskModel model;

 private:
  explicit Session(FaultPlan plan);
  void report(const std::string& line) const;
  void show() const;
  [[noreturn]] void die();

  const FaultPlan plan_;
  std::map<int, OpenFile> files_;
  std::mt19937_64 chance_;
  int report_ = -1;
  std::uint64_t points_ = 0;
  bool fired_ = false, full_ = false, ended_ = false, model_is_exact_ = true;
};

}  // namespace disk_faults
