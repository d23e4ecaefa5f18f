#include <mailroom/sources/stream_input.hpp>

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <mailroom/saved_position.hpp>

namespace mailroom {

StreamInput::StreamInput(int fd) : name_(fd == 0 ? "stdin" : fmt::format("file descriptor {}", fd)), file_(::fcntl(fd, F_DUPFD_CLOEXEC, 3)) {
  if (!file_) throw storage_error(name_, "can't be read", errno);
}

Input::Got StreamInput::read(char* to, std::size_t room, std::size_t& count) {
  // The file may be in blocking mode, which it shares with other processes: so ask first, and read what is there.
  pollfd asked{file_.get(), POLLIN, 0};
  const auto ready = ::poll(&asked, 1, 0);
  if (ready < 0 && errno != EINTR) throw storage_error(name_, "can't be read", errno);
  if (ready <= 0) return Got::wait;
  const auto got = read_some(file_, name_, to, room);
  if (got < 0) return Got::wait;
  count = static_cast<std::size_t>(got);
  return got > 0 ? Got::bytes : Got::end;
}

Input::Resumed StreamInput::seek(const nlohmann::json& position) {
  Resumed resumed;
  resumed.place.records = saved_number(position, "records", name_);
  return resumed;
}

SourceProgress StreamInput::progress(std::uint64_t offset) const {
  SourceProgress progress;
  progress.done = offset;
  return progress;
}

}  // namespace mailroom
