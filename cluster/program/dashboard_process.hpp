// The dashboard, a program of its own, started beside a run.
#pragma once

#include <filesystem>
#include <string>
#include <sys/types.h>

namespace mailroom::program {

// mailroom-dashboard beside this program. Throws BadValue: it is not built, and what to do.
std::filesystem::path find_dashboard();
// Whether there is somewhere to show it.
bool has_display();
// Starts it on that address; it lives on when this program ends. Throws StorageError.
class DashboardProcess {
 public:
  explicit DashboardProcess(const std::string& url);
  // Whether it has ended by now, and not because somebody closed it; true once.
  bool has_failed();

 private:
  pid_t child_ = 0;
};

}  // namespace mailroom::program
