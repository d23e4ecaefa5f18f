#include "cluster/program/dashboard_process.hpp"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mailroom/errors.hpp>

namespace mailroom::program {

std::filesystem::path find_dashboard() {
  const auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "mailroom-dashboard";
  if (std::filesystem::exists(program)) return program;
  throw BadValue(fmt::format("{} is not there: the dashboard is not built. `cmake --build --preset release --target mailroom-dashboard` "
                             "builds it; without it: --listen 7070, and `mailroom top 7070`",
                             program.string()));
}

bool has_display() {
  for (const auto* name : {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"})
    if (const auto* value = std::getenv(name); value != nullptr && *value != '\0') return true;
  return false;
}

DashboardProcess::DashboardProcess(const std::string& url) {
  const auto program = find_dashboard().string();
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // Signals are blocked here to be read; there they are not. A group of its own: Ctrl-C is for the run.
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  auto name = program, address = url;
  char* arguments[] = {name.data(), address.data(), nullptr};
  // What Qt says of a missing display (its plugins, an abort) helps nobody here.
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  const auto error = posix_spawn(&child_, program.c_str(), &files, &attributes, arguments, environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) throw StorageError(fmt::format("could not start ({}: {})", program, std::strerror(error)));
}

bool DashboardProcess::has_failed() {
  int status = 0;
  if (child_ == 0 || ::waitpid(child_, &status, WNOHANG) != child_) return false;
  child_ = 0;
  return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

}  // namespace mailroom::program
