// The system's own calls, past the C library: what this library does itself must not be intercepted and counted.
#pragma once

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace disk_faults::real {

inline int openat(int folder, const char* path, int flags, mode_t mode) {
  return static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode));
}
inline int open(const std::string& path, int flags, mode_t mode = 0666) {
  return openat(AT_FDCWD, path.c_str(), flags | O_CLOEXEC, mode);
}
inline int close(int file) { return static_cast<int>(::syscall(SYS_close, file)); }
inline ssize_t write(int file, const void* bytes, std::size_t size) {
  return ::syscall(SYS_write, file, bytes, size);
}
inline ssize_t pwrite(int file, const void* bytes, std::size_t size, off_t offset) {
  return ::syscall(SYS_pwrite64, file, bytes, size, offset);
}
inline int fsync(int file) { return static_cast<int>(::syscall(SYS_fsync, file)); }
inline int fdatasync(int file) { return static_cast<int>(::syscall(SYS_fdatasync, file)); }
inline int sync_file_range(int file, off_t offset, off_t size, unsigned flags) {
  return static_cast<int>(::syscall(SYS_sync_file_range, file, offset, size, flags));
}
inline int ftruncate(int file, off_t size) { return static_cast<int>(::syscall(SYS_ftruncate, file, size)); }
inline int fallocate(int file, int mode, off_t offset, off_t size) {
  return static_cast<int>(::syscall(SYS_fallocate, file, mode, offset, size));
}
inline int rename(const char* from, const char* to) { return static_cast<int>(::syscall(SYS_rename, from, to)); }
inline int unlink(const char* path) { return static_cast<int>(::syscall(SYS_unlink, path)); }
inline int mkdir(const char* path, mode_t mode) { return static_cast<int>(::syscall(SYS_mkdir, path, mode)); }
inline int rmdir(const char* path) { return static_cast<int>(::syscall(SYS_rmdir, path)); }
[[noreturn]] inline void kill_self() {
  ::syscall(SYS_kill, ::getpid(), SIGKILL);
  for (;;) ::pause();
}

inline std::string read_file(const std::string& path) {
  std::string bytes;
  const int file = open(path, O_RDONLY);
  if (file < 0) return bytes;
  char part[65536];
  for (ssize_t size = 0; (size = ::syscall(SYS_read, file, part, sizeof part)) > 0;)
    bytes.append(part, static_cast<std::size_t>(size));
  close(file);
  return bytes;
}
// Whatever goes wrong here would make a test say something untrue.
[[noreturn]] inline void give_up(const std::string& why) {
  const auto line = "disk-faults: " + why + "\n";
  write(STDERR_FILENO, line.data(), line.size());
  ::syscall(SYS_exit_group, 99);
  for (;;) ::pause();
}
inline void write_file(const std::string& path, std::string_view bytes) {
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (file < 0) give_up("can't write " + path);
  for (std::size_t done = 0; done < bytes.size();) {
    const auto size = write(file, bytes.data() + done, bytes.size() - done);
    if (size <= 0) give_up("can't write " + path);
    done += static_cast<std::size_t>(size);
  }
  close(file);
}

}  // namespace disk_faults::real
