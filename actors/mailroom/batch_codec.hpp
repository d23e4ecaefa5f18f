// The bytes of a batch: one form for the journal, for spilled mailboxes and for the wire.
//
//   magic "MRB3" | total length u32 | CRC32C u32 of all that follows | event count u32 | column count u16
//   per column: schema id u32, schema version u16, event count u32, byte length u32, archive (archive.hpp)
//   metas (time i64, trace u64, key hash u64, column u16, row u16, behind u32), little endian
//
// Length and CRC are checked before Boost sees a byte.
#pragma once

#include <string>
#include <string_view>

#include <mailroom/event_batch.hpp>

namespace mailroom {

inline constexpr std::string_view batch_magic = "MRB3";

// Appends the batch to `out`.
void encode_batch(const EventBatch& batch, std::string& out);
// Throws CorruptData: a wrong magic, length, CRC, count or unknown schema, or a schema version newer than
// this program's (the message says so and names the type and both versions).
EventBatch decode_batch(std::string_view bytes);

// CRC32C (Castagnoli), as in RFC 3720; hardware instruction where the CPU has it.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0) noexcept;

}  // namespace mailroom
