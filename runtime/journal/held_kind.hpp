// Why an event is held: HeldEvent::kind, by these words in the journal, the API and the commands.
#pragma once

#include <array>
#include <string_view>

namespace mailroom::runtime::held_kind {

// Dead letters. The events of "failed" and "follows" may be parked, too.
inline constexpr std::string_view rejected = "rejected";  // the handler refused it; not tried again by itself
inline constexpr std::string_view failed = "failed";      // its handler threw until its retries were used up
inline constexpr std::string_view dirty = "dirty";        // input that is no event: its text is `content`
inline constexpr std::string_view ahead = "ahead";        // dated further beyond its source's watermark than "max_ahead"
inline constexpr std::string_view overflow = "overflow";  // the full mailbox of stage `origin` rejected it: its sender has it
inline constexpr std::string_view expired = "expired";    // no worker could begin it before its deadline
inline constexpr std::array dead{rejected, failed, dirty, ahead, overflow, expired};

// Parked events: "failed", and
inline constexpr std::string_view follows = "follows";  // an earlier event of its key is parked
inline constexpr std::array parked{failed, follows};

// Events that wait:
inline constexpr std::string_view redriven = "redriven";  // an operator asked for another try of a dead letter

}  // namespace mailroom::runtime::held_kind
