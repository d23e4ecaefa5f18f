#include <mailroom/sinks/console_sink.hpp>

#include <cerrno>
#include <poll.h>
#include <unistd.h>

#include <mailroom/file_handle.hpp>

namespace mailroom {

void ConsoleSink::write(const SinkEvent& event) {
  lines_.append(event, buffer_);
  if (buffer_.size() >= 64 * 1024) print();
}

nlohmann::json ConsoleSink::flush() {
  print();
  return nullptr;
}

void ConsoleSink::print() {
  std::size_t done = 0;
  while (done < buffer_.size()) {
    const auto took = ::write(STDOUT_FILENO, buffer_.data() + done, buffer_.size() - done);
    if (took >= 0) {
      done += static_cast<std::size_t>(took);
    } else if (errno == EAGAIN) {
      // A terminal that another program has made non-blocking.
      pollfd full{STDOUT_FILENO, POLLOUT, 0};
      ::poll(&full, 1, 1000);
    } else if (errno != EINTR) {
      throw storage_error("standard output", "can't be written", errno);
    }
  }
  buffer_.clear();
}

}  // namespace mailroom
