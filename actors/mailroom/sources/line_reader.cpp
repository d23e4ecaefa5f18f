#include <mailroom/sources/line_reader.hpp>

#include <algorithm>
#include <cstring>

namespace mailroom {
namespace {

constexpr std::size_t block = 256 * 1024;
constexpr std::size_t skipped_in_one_call = 16 * 1024 * 1024;

}  // namespace

LineReader::LineReader(Input& input, std::size_t max_line) : input_(input), max_line_(max_line), data_(2 * block) {}

void LineReader::start(const Input::Place& place) {
  std::copy(place.before.begin(), place.before.end(), data_.begin());
  begin_ = first_end_ = end_ = filled_ = place.before.size();
  base_ = place.offset - place.before.size();
  line_ = place.line;
  lines_ = 0;
  at_end_ = long_line_ = skipping_ = false;
}

LineReader::Status LineReader::next() {
  if (skipping_) return skip();
  begin_ = end_;
  line_ += lines_;
  lines_ = 0;
  long_line_ = false;
  const auto status = find_line(max_line_);
  first_end_ = end_;
  if (status != Status::too_long) return status;
  skip_offset_ = base_ + begin_;
  skip_before_ = before();
  skipped_.assign(data_.data() + begin_, std::min(filled_ - begin_, kept_of_long_line));
  skipping_ = true;
  return skip();
}

LineReader::Status LineReader::extend(std::size_t max_record) { return find_line(max_record); }

LineReader::Status LineReader::find_line(std::size_t max_record) {
  auto searched = end_;
  for (;;) {
    if (const auto* found = static_cast<const char*>(std::memchr(data_.data() + searched, '\n', filled_ - searched))) {
      const auto line_end = static_cast<std::size_t>(found - data_.data()) + 1;
      if (line_end - 1 - begin_ > max_record) return Status::too_long;
      end_ = line_end;
      ++lines_;
      return Status::line;
    }
    searched = filled_;
    if (filled_ - begin_ > max_record) return Status::too_long;
    if (at_end_) {
      if (filled_ == end_) return Status::end;
      end_ = filled_;
      ++lines_;
      return Status::line;
    }
    if (fill(searched) == Input::Got::wait) return Status::wait;
  }
}

LineReader::Status LineReader::skip() {
  std::size_t skipped = 0;
  for (;;) {
    const auto* found = static_cast<const char*>(std::memchr(data_.data() + end_, '\n', filled_ - end_));
    if (found != nullptr || at_end_) {
      end_ = found != nullptr ? static_cast<std::size_t>(found - data_.data()) + 1 : filled_;
      begin_ = first_end_ = end_;
      lines_ = 1;
      skipping_ = false;
      long_line_ = true;
      return Status::too_long;
    }
    skipped += filled_ - end_;
    begin_ = first_end_ = end_ = filled_;
    if (skipped > skipped_in_one_call) return Status::pause;
    if (fill(end_) == Input::Got::wait) return Status::wait;
  }
}

Input::Got LineReader::fill(std::size_t& index) {
  if (data_.size() - filled_ < block) {
    const auto drop = begin_ - std::min(begin_, kept_before);
    std::memmove(data_.data(), data_.data() + drop, filled_ - drop);
    base_ += drop;
    // `index` may be one of these members itself.
    const auto moved = index - drop;
    begin_ -= drop;
    first_end_ -= std::min(first_end_, drop);
    end_ -= drop;
    filled_ -= drop;
    index = moved;
    if (data_.size() - filled_ < block) data_.resize(data_.size() * 2);
  }
  std::size_t count = 0;
  const auto got = input_.read(data_.data() + filled_, data_.size() - filled_, count);
  filled_ += count;
  if (got == Input::Got::end) at_end_ = true;
  return got;
}

void LineReader::keep_first_line() {
  end_ = first_end_;
  lines_ = 1;
}

void LineReader::unread() {
  end_ = begin_;
  lines_ = 0;
}

std::string_view LineReader::record() const noexcept {
  if (long_line_) return skipped_;
  std::string_view text(data_.data() + begin_, end_ - begin_);
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

std::string_view LineReader::before() const noexcept {
  if (skipping_) return skip_before_;
  const auto length = std::min(end_, kept_before);
  return {data_.data() + end_ - length, length};
}

}  // namespace mailroom
