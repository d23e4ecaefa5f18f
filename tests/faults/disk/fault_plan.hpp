// Which fault at which point, as the environment says. A point is one call that changes or syncs something below the
// folder; points are numbered from 1.
//
//   DISK_FAULTS_FOLDER   the folder, absolute; without it nothing is intercepted
//   DISK_FAULTS_REPORT   a file that gets a line a point, and one for the fault
//   DISK_FAULTS_KIND     kill-before | kill-after | torn | cut | sync-fails-kept | sync-fails-lost | write-fails |
//                        full | full-short | short
//   DISK_FAULTS_AT       N: at the first point from N on that the kind fits
//   DISK_FAULTS_KEEP     none | some: what a power cut keeps of what is not synced
//   DISK_FAULTS_AT_END   cut: a power cut when the process has ended by itself
//   DISK_FAULTS_SEED     for all that is left to chance
//   DISK_FAULTS_PLANT    pattern: syncs of such files succeed and do nothing
//   DISK_FAULTS_LEFT     a folder: what is not synced when the process is killed, handed on to the next one
//   DISK_FAULTS_SHOW     patterns, ':' between: these files as the process had made them go to REPORT.seen before a cut
#pragma once

#include <cstdint>
#include <string>

#include "disk_model.hpp"

namespace disk_faults {

enum class Fault {
  none,
  kill_before,
  kill_after,
  torn,
  cut,
  sync_fails_kept,
  sync_fails_lost,
  write_fails,
  full,
  full_short,
  shortened
};

struct Point {
  enum class Kind { write, change, sync } kind;  // change: all that changes something and is no write
  const char* call;
  std::string path;
  std::uint64_t size = 0;    // write
  bool needs_space = false;  // it fails on a full disk. A write: it moves the file's end
  std::uint64_t offset = 0;  // write
};

struct FaultPlan {
  std::string folder, report, plant, left, show;
  Fault kind = Fault::none;
  std::uint64_t at = 0, seed = 0;
  Keep keep = Keep::none;
  bool cut_at_end = false;

  static FaultPlan from_environment();
  [[nodiscard]] bool fits(const Point& point) const;
};

}  // namespace disk_faults
