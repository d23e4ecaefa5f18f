// The key of an event at hand: its hash at once, its text when someone asks for it.
#pragma once

#include <cstdint>
#include <string_view>

#include <mailroom/event_type.hpp>
#include <mailroom/key_hash.hpp>

namespace mailroom {

// Refers to the event or the text that it was made from; not copied, because its text may be inside it.
class EventKey {
 public:
  // The whole key, as text. Without a hash: it is made here.
  EventKey(std::string_view text, std::uint64_t hash) noexcept : text_(text), hash_(hash), has_text_(true) {}
  explicit EventKey(std::string_view text) noexcept : EventKey(text, hash_key(text)) {}
  // One field of an event.
  EventKey(const KeyReader& reader, const void* event, std::uint64_t hash) noexcept
      : reader_(&reader), event_(event), hash_(hash) {}
  EventKey(const EventKey&) = delete;
  EventKey& operator=(const EventKey&) = delete;

  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
  // Of two keys that are integers, the hash says all: no two have the same (key_hash.hpp).
  [[nodiscard]] bool is_integer() const noexcept {
    return reader_ != nullptr && reader_->integer != nullptr && reader_->integer(event_);
  }
  [[nodiscard]] std::string_view text() const {
    if (!has_text_) {
      text_ = reader_->text(event_, scratch_);
      has_text_ = true;
    }
    return text_;
  }

 private:
  const KeyReader* reader_ = nullptr;
  const void* event_ = nullptr;
  mutable std::string_view text_;
  std::uint64_t hash_;
  mutable KeyScratch scratch_;
  mutable bool has_text_ = false;
};

}  // namespace mailroom
