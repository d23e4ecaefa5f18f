// What the journal's tests share: an event type, batches of it, directories that go away.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <gmock/gmock.h>
#include <memory>
#include <string>
#include <string_view>

#include <mailroom/errors.hpp>
#include <mailroom/mailroom.hpp>

#include "runtime/journal/journal.hpp"

struct JournalNote {
  std::int64_t number = 0;
  std::string text;
};
MAILROOM_EVENT(JournalNote, number, text)

namespace mailroom::runtime {

inline std::shared_ptr<EventBatch> notes(std::int64_t first, std::size_t count, std::string_view text = "note") {
  auto batch = std::make_shared<EventBatch>();
  for (std::size_t i = 0; i < count; ++i) {
    JournalNote note{first + static_cast<std::int64_t>(i), std::string(text)};
    EventMeta meta;
    meta.time = Timestamp{1'000'000 * note.number};
    meta.trace = make_trace(1, static_cast<std::uint64_t>(note.number));
    batch->append_move(event_type_of<JournalNote>(), &note, meta);
  }
  return batch;
}

inline std::int64_t note_number(const EventBatch& batch, std::size_t i) {
  return static_cast<const JournalNote*>(batch.event(i))->number;
}

inline Parcel parcel(ChannelId channel, std::uint64_t first, std::size_t count, std::uint64_t skipped = 0) {
  return {channel, first, skipped, Timestamp{7}, notes(static_cast<std::int64_t>(first), count)};
}

inline HeldEvent held(std::uint64_t ordinal, std::string key, ChannelId channel, std::string kind = "failed") {
  HeldEvent event;
  event.ordinal = ordinal;
  event.event = notes(static_cast<std::int64_t>(ordinal), 1);
  event.key = std::move(key);
  event.channel = channel;
  event.sequence = ordinal;
  event.attempts = 3;
  event.kind = std::move(kind);
  event.reason = "it broke";
  event.when = Timestamp{1'291'191'960'000'000};
  return event;
}

class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "mailroom-journal-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw StorageError("no scratch directory");
    path_ = name;
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

// Runs `action` and gives back the text of the E it throws; fails the test if it throws none.
template <class E, class Action>
std::string message_of(Action&& action) {
  try {
    action();
  } catch (const E& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing of the expected kind was thrown";
  return {};
}

}  // namespace mailroom::runtime
