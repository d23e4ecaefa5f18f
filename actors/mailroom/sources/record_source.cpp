#include <mailroom/sources/record_source.hpp>

#include <fmt/format.h>
#include <iterator>

#include <mailroom/errors.hpp>
#include <mailroom/sources/utf8.hpp>

namespace mailroom {
namespace {

constexpr std::size_t content_kept = 4096;

}  // namespace

RecordSource::RecordSource(std::unique_ptr<Input> input, std::unique_ptr<RecordFormat> format, std::size_t max_line)
    : input_(std::move(input)), format_(std::move(format)), max_line_(max_line), lines_(*input_, max_line) {}

ReadStatus RecordSource::read(SourceBatch& batch, std::size_t max_events) {
  const auto taken = [&] { return batch.events.size() + batch.dirty.size(); };
  const auto full = taken() + max_events;
  const auto add_notes = [&] {
    auto notes = input_->take_notes();
    batch.dirty.insert(batch.dirty.end(), std::make_move_iterator(notes.begin()), std::make_move_iterator(notes.end()));
  };
  add_notes();
  // Blank lines make no events: the second bound is for files full of them.
  for (auto looks = 8 * max_events + 1024; taken() < full && looks > 0; --looks) {
    if (!open_) {
      const auto next = input_->next_file();
      add_notes();
      if (next != Input::Next::opened) return next == Input::Next::end ? ReadStatus::end : ReadStatus::idle;
      Input::Place start;
      start.records = records_;
      lines_.start(start);
      open_ = true;
      begun_ = false;
    }
    if (!begun_) {
      begun_ = format_->begin_file(lines_, input_->path());
      if (!begun_) return ReadStatus::idle;
    }
    switch (lines_.next()) {
      case LineReader::Status::wait: add_notes(); return ReadStatus::idle;
      case LineReader::Status::pause: return ReadStatus::more;
      case LineReader::Status::end:
        add_notes();
        open_ = false;
        break;
      case LineReader::Status::too_long:
        ++records_;
        report(batch, fmt::format("the line is longer than {} bytes (\"max_line\")", max_line_));
        break;
      case LineReader::Status::line:
        reason_.clear();
        switch (format_->take(lines_, batch.events, reason_)) {
          case RecordFormat::Taken::event: ++records_; break;
          case RecordFormat::Taken::dirty:
            ++records_;
            report(batch, reason_);
            break;
          case RecordFormat::Taken::blank: break;
          case RecordFormat::Taken::wait: add_notes(); return ReadStatus::idle;
        }
        break;
    }
  }
  return ReadStatus::more;
}

void RecordSource::report(SourceBatch& batch, std::string_view reason) {
  batch.dirty.push_back({fmt::format("{}:{}", as_text(input_->origin()), lines_.line()), as_text(reason), as_text(lines_.record(), content_kept)});
}

nlohmann::json RecordSource::position() const {
  return input_->position({lines_.offset(), lines_.next_line(), std::string(lines_.before()), records_});
}

void RecordSource::seek(const nlohmann::json& position) {
  const auto resumed = input_->seek(position);
  records_ = resumed.place.records;
  open_ = resumed.opened;
  if (!open_) return;
  begun_ = true;
  if (resumed.place.offset == 0 || format_->has_header()) {
    lines_.start({});
    begun_ = format_->begin_file(lines_, input_->path());
  }
  if (resumed.place.offset == 0) return;
  input_->rewind(resumed.place.offset);
  lines_.start(resumed.place);
}

SourceProgress RecordSource::progress() const { return input_->progress(lines_.offset()); }

}  // namespace mailroom
