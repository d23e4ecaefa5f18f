#include "fault_plan.hpp"

#include <array>
#include <cstdlib>
#include <utility>

#include "real_calls.hpp"

namespace disk_faults {

namespace {

constexpr std::array<std::pair<const char*, Fault>, 10> names{{{"kill-before", Fault::kill_before},
                                                               {"kill-after", Fault::kill_after},
                                                               {"torn", Fault::torn},
                                                               {"cut", Fault::cut},
                                                               {"sync-fails-kept", Fault::sync_fails_kept},
                                                               {"sync-fails-lost", Fault::sync_fails_lost},
                                                               {"write-fails", Fault::write_fails},
                                                               {"full", Fault::full},
                                                               {"full-short", Fault::full_short},
                                                               {"short", Fault::shortened}}};

std::string text(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::uint64_t number(const char* name) { return std::strtoull(text(name).c_str(), nullptr, 10); }

}  // namespace

FaultPlan FaultPlan::from_environment() {
  FaultPlan plan;
  plan.folder = text("DISK_FAULTS_FOLDER");
  plan.report = text("DISK_FAULTS_REPORT");
  plan.plant = text("DISK_FAULTS_PLANT");
  plan.left = text("DISK_FAULTS_LEFT");
  plan.show = text("DISK_FAULTS_SHOW");
  plan.at = number("DISK_FAULTS_AT");
  plan.seed = number("DISK_FAULTS_SEED");
  plan.keep = text("DISK_FAULTS_KEEP") == "some" ? Keep::some : Keep::none;
  plan.cut_at_end = text("DISK_FAULTS_AT_END") == "cut";
  const auto kind = text("DISK_FAULTS_KIND");
  for (const auto& [name, fault] : names)
    if (kind == name) plan.kind = fault;
  if (!kind.empty() && plan.kind == Fault::none) real::give_up("DISK_FAULTS_KIND=" + kind + " is no kind of fault");
  return plan;
}

bool FaultPlan::fits(const Point& point) const {
  switch (kind) {
    case Fault::none: return false;
    case Fault::kill_before:
    case Fault::kill_after:
    case Fault::cut: return true;
    case Fault::sync_fails_kept:
    case Fault::sync_fails_lost: return point.kind == Point::Kind::sync;
    case Fault::write_fails: return point.kind != Point::Kind::sync;
    case Fault::full: return point.needs_space;
    case Fault::full_short: return point.needs_space && point.size > 1;
    case Fault::torn:
    case Fault::shortened: return point.kind == Point::Kind::write && point.size > 1;
  }
  return false;
}

}  // namespace disk_faults
