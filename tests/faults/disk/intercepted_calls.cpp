// The C library's calls that change or sync a file, in front of the real ones (LD_PRELOAD). Each passes its point, does
// what the verdict says, and tells the model what has been done.
#include <cstdarg>
#include <cstring>
#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "real_calls.hpp"
#include "session.hpp"

namespace {

using namespace disk_faults;
using Lock = std::lock_guard<std::mutex>;

int fail(int error) {
  errno = error;
  return -1;
}

// The next definition of a function that this library stands in front of.
template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

int open_at(int folder, const char* path, int flags, mode_t mode) {
  auto* const session = Session::get();
  if (session == nullptr) return real::openat(folder, path, flags, mode);
  const Lock lock(session->mutex);
  const auto inside = session->inside(folder, path);
  if (!inside) return real::openat(folder, path, flags, mode);
  if ((flags & O_TMPFILE) == O_TMPFILE) session->refuse("open with O_TMPFILE", inside);
  auto node = session->model.find(*inside);
  const bool creates = !node && (flags & O_CREAT) != 0;
  const bool empties = node && (flags & O_TRUNC) != 0 && (flags & O_ACCMODE) != O_RDONLY;
  Verdict verdict;
  if (creates || empties) {
    verdict = session->at({Point::Kind::change, creates ? "create" : "empty", *inside, 0, creates});
    if (verdict.error != 0) return fail(verdict.error);
  }
  const int file = real::openat(folder, path, flags, mode);
  if (file < 0) return file;
  if (creates) node = session->model.created(*inside, false);
  if (empties) DiskModel::resized(*node, 0);
  session->opened(file, {*inside, node, (flags & O_APPEND) != 0});
  session->after(verdict);
  return file;
}

// Write: (bytes, size) -> what the system took.
template <class Write>
ssize_t write_at(Session& session, OpenFile& file, const char* call, off_t offset, std::string_view bytes,
                 Write&& write) {
  const auto from = static_cast<std::uint64_t>(offset);
  const bool grows = from + bytes.size() > file.node->length;
  const auto verdict = session.at({Point::Kind::write, call, file.path, bytes.size(), grows, from});
  if (verdict.error != 0) return fail(verdict.error);
  if (verdict.take) bytes = bytes.substr(0, *verdict.take);
  const ssize_t taken = write(bytes.data(), bytes.size());
  if (taken > 0) DiskModel::written(*file.node, from, bytes.substr(0, static_cast<std::size_t>(taken)));
  session.after(verdict);
  return taken;
}

ssize_t write_here(int file, const char* call, std::string_view bytes) {
  auto* const session = Session::get();
  if (session == nullptr) return real::write(file, bytes.data(), bytes.size());
  const Lock lock(session->mutex);
  auto* const open = session->open_file(file);
  if (open == nullptr) return real::write(file, bytes.data(), bytes.size());
  const auto offset = ::lseek(file, 0, open->appends ? SEEK_END : SEEK_CUR);
  return write_at(*session, *open, call, offset, bytes,
                  [&](const char* from, std::size_t size) { return real::write(file, from, size); });
}

ssize_t write_there(int file, const char* call, std::string_view bytes, off_t offset) {
  auto* const session = Session::get();
  if (session == nullptr) return real::pwrite(file, bytes.data(), bytes.size(), offset);
  const Lock lock(session->mutex);
  auto* const open = session->open_file(file);
  if (open == nullptr) return real::pwrite(file, bytes.data(), bytes.size(), offset);
  return write_at(*session, *open, call, offset, bytes,
                  [&](const char* from, std::size_t size) { return real::pwrite(file, from, size, offset); });
}

std::string joined(const iovec* parts, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  return bytes;
}

template <class Sync>
int sync_file(int file, const char* call, Sync&& sync) {
  auto* const session = Session::get();
  if (session == nullptr) return sync();
  const Lock lock(session->mutex);
  auto* const open = session->open_file(file);
  if (open == nullptr) return sync();
  const auto verdict = session->at({Point::Kind::sync, call, open->path});
  if (verdict.error != 0) {
    if (verdict.changes_are_lost) DiskModel::lost(*open->node);
    return fail(verdict.error);
  }
  // sync_file_range promises nothing about power cuts, and the model is all that a power cut sees: nothing need go to
  // the real disk.
  if (std::strcmp(call, "sync_file_range") != 0 && !session->sync_is_planted(open->path))
    session->model.synced(open->node);
  session->after(verdict);
  return 0;
}

// A change of one open file that is no write. Do: the real call.
template <class Do, class Tell>
int change_file(int file, const char* call, bool needs_space, Do&& act, Tell&& tell) {
  auto* const session = Session::get();
  if (session == nullptr) return act();
  const Lock lock(session->mutex);
  auto* const open = session->open_file(file);
  if (open == nullptr) return act();
  const auto verdict = session->at({Point::Kind::change, call, open->path, 0, needs_space});
  if (verdict.error != 0) return fail(verdict.error);
  const int result = act();
  if (result == 0) tell(*open->node);
  session->after(verdict);
  return result;
}

template <class Do, class Tell>
int change_name(const char* path, const char* call, bool needs_space, Do&& act, Tell&& tell) {
  auto* const session = Session::get();
  if (session == nullptr) return act();
  const Lock lock(session->mutex);
  const auto inside = session->inside(path);
  if (!inside) return act();
  const bool creates = std::strcmp(call, "mkdir") == 0;
  if (creates == static_cast<bool>(session->model.find(*inside))) return act();  // it will fail, and change nothing
  const auto verdict = session->at({Point::Kind::change, call, *inside, 0, needs_space});
  if (verdict.error != 0) return fail(verdict.error);
  const int result = act();
  if (result == 0) tell(session->model, *inside);
  session->after(verdict);
  return result;
}

void refuse(const char* call, const char* path, int folder = AT_FDCWD) {
  if (auto* const session = Session::get()) {
    const Lock lock(session->mutex);
    session->refuse(call, session->inside(folder, path));
  }
}

mode_t mode_of(int flags, va_list more) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(more, int)) : 0;
}

__attribute__((destructor)) void at_end() {
  if (auto* const session = Session::get()) {
    const Lock lock(session->mutex);
    session->at_end();
  }
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = mode_of(flags, more);
  va_end(more);
  return open_at(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = mode_of(flags, more);
  va_end(more);
  return open_at(AT_FDCWD, path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = mode_of(flags, more);
  va_end(more);
  return open_at(folder, path, flags, mode);
}
int openat64(int folder, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = mode_of(flags, more);
  va_end(more);
  return open_at(folder, path, flags, mode);
}
int creat(const char* path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char* path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int close(int file) {
  auto* const session = Session::get();
  if (session == nullptr) return real::close(file);
  const Lock lock(session->mutex);
  session->closed(file);
  return real::close(file);
}

ssize_t write(int file, const void* bytes, size_t size) {
  return write_here(file, "write", {static_cast<const char*>(bytes), size});
}
ssize_t writev(int file, const iovec* parts, int count) { return write_here(file, "writev", joined(parts, count)); }
ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) {
  return write_there(file, "pwrite", {static_cast<const char*>(bytes), size}, offset);
}
ssize_t pwrite64(int file, const void* bytes, size_t size, off_t offset) {
  return write_there(file, "pwrite", {static_cast<const char*>(bytes), size}, offset);
}
ssize_t pwritev(int file, const iovec* parts, int count, off_t offset) {
  return write_there(file, "pwritev", joined(parts, count), offset);
}
ssize_t pwritev64(int file, const iovec* parts, int count, off_t offset) {
  return write_there(file, "pwritev", joined(parts, count), offset);
}

int fsync(int file) {
  return sync_file(file, "fsync", [&] { return real::fsync(file); });
}
int fdatasync(int file) {
  return sync_file(file, "fdatasync", [&] { return real::fdatasync(file); });
}
int sync_file_range(int file, off64_t offset, off64_t size, unsigned flags) {
  if (flags == 0) return real::sync_file_range(file, offset, size, flags);  // a question whether the system has it
  return sync_file(file, "sync_file_range", [&] { return real::sync_file_range(file, offset, size, flags); });
}

int ftruncate(int file, off_t size) noexcept {
  return change_file(
      file, "ftruncate", false, [&] { return real::ftruncate(file, size); },
      [&](Node& node) { DiskModel::resized(node, static_cast<std::uint64_t>(size)); });
}
int ftruncate64(int file, off64_t size) noexcept { return ftruncate(file, size); }
int fallocate(int file, int mode, off_t offset, off_t size) {
  // Space that changes no length is not really taken: it would be memory where the folder is a tmpfs.
  const auto act = [&] { return mode == FALLOC_FL_KEEP_SIZE ? 0 : real::fallocate(file, mode, offset, size); };
  return change_file(
      file, "fallocate", true, act,
      [&](Node& node) {
        if ((mode & ~FALLOC_FL_KEEP_SIZE) != 0) real::give_up("fallocate with a mode that is not modelled");
        const auto end = static_cast<std::uint64_t>(offset + size);
        if (mode == 0 && end > node.length) DiskModel::resized(node, end);
      });
}
int fallocate64(int file, int mode, off64_t offset, off64_t size) { return fallocate(file, mode, offset, size); }
int posix_fallocate(int file, off_t offset, off_t size) {
  return fallocate(file, 0, offset, size) == 0 ? 0 : errno;
}
int posix_fallocate64(int file, off64_t offset, off64_t size) { return posix_fallocate(file, offset, size); }

int rename(const char* from, const char* to) noexcept {
  return change_name(
      from, "rename", false, [&] { return real::rename(from, to); },
      [&](DiskModel& model, const std::string& path) {
        const auto target = Session::get()->inside(to);
        if (!target) real::give_up("rename(" + path + ") leaves the folder");
        model.renamed(path, *target);
      });
}
int unlink(const char* path) noexcept {
  return change_name(
      path, "unlink", false, [&] { return real::unlink(path); },
      [](DiskModel& model, const std::string& inside) { model.removed(inside); });
}
int mkdir(const char* path, mode_t mode) noexcept {
  return change_name(
      path, "mkdir", true, [&] { return real::mkdir(path, mode); },
      [](DiskModel& model, const std::string& inside) { model.created(inside, true); });
}

void _exit(int code) {
  at_end();
  ::syscall(SYS_exit_group, code);
  for (;;) ::pause();
}
void _Exit(int code) noexcept { _exit(code); }

// Nothing here is used below the folder. Should that change, the tests must not quietly miss it.
void* mmap(void* address, size_t size, int protection, int flags, int file, off_t offset) noexcept {
  if (file >= 0 && (protection & PROT_WRITE) != 0 && (flags & MAP_PRIVATE) == 0)
    if (auto* const session = Session::get()) {
      const Lock lock(session->mutex);
      if (const auto* open = session->open_file(file)) session->refuse("mmap for writing", open->path);
    }
  return reinterpret_cast<void*>(::syscall(SYS_mmap, address, size, protection, flags, file, offset));
}
int link(const char* from, const char* to) noexcept {
  refuse("link", to);
  return next<int(const char*, const char*)>("link")(from, to);
}
int truncate(const char* path, off_t size) noexcept {
  refuse("truncate", path);
  return next<int(const char*, off_t)>("truncate")(path, size);
}
int truncate64(const char* path, off64_t size) noexcept { return truncate(path, size); }
int rmdir(const char* path) noexcept {
  refuse("rmdir", path);
  return next<int(const char*)>("rmdir")(path);
}
int remove(const char* path) noexcept {
  refuse("remove", path);
  return next<int(const char*)>("remove")(path);
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  refuse("unlinkat", path, folder);
  return next<int(int, const char*, int)>("unlinkat")(folder, path, flags);
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  refuse("renameat", to, to_folder);
  return next<int(int, const char*, int, const char*)>("renameat")(from_folder, from, to_folder, to);
}
FILE* fopen(const char* path, const char* mode) {
  if (std::strpbrk(mode, "wa+") != nullptr) refuse("fopen for writing", path);
  return next<FILE*(const char*, const char*)>("fopen")(path, mode);
}
FILE* fopen64(const char* path, const char* mode) {
  if (std::strpbrk(mode, "wa+") != nullptr) refuse("fopen for writing", path);
  return next<FILE*(const char*, const char*)>("fopen64")(path, mode);
}

}  // extern "C"
