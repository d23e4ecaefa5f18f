// SIGINT and SIGTERM as something to be read.
#pragma once

#include <csignal>
#include <stdexcept>
#include <sys/signalfd.h>
#include <unistd.h>

namespace mailroom::program {

// SIGINT and SIGTERM as something to be read, so that no code runs in a signal handler.
class StopSignals {
 public:
  // Before any thread is made: they inherit the mask.
  StopSignals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, &before_);
    descriptor_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (descriptor_ < 0) throw std::runtime_error("signalfd failed: signals can't be received");
    // A write beyond a file-size limit is an error to be reported, not a reason to die.
    std::signal(SIGXFSZ, SIG_IGN);
    std::signal(SIGPIPE, SIG_IGN);
  }
  ~StopSignals() {
    ::close(descriptor_);
    // What comes now comes too late to change anything, and must not take the place of the exit code.
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGTERM, SIG_IGN);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  [[nodiscard]] int take() {
    signalfd_siginfo info{};
    return ::read(descriptor_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  int descriptor_ = -1;
  sigset_t before_{};
};

}  // namespace mailroom::program
