#include "cluster/program/dashboard_process.hpp"

#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <spawn.h>
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

void start_dashboard(const std::string& url) {
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
  pid_t child = 0;
  const auto error = posix_spawn(&child, program.c_str(), nullptr, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) throw StorageError(fmt::format("{} can't be started: {}", program, std::strerror(error)));
}

}  // namespace mailroom::program
