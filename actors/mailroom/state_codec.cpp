#include <cstring>
#include <fmt/format.h>

#include <mailroom/batch_codec.hpp>
#include <mailroom/errors.hpp>
#include <mailroom/state_codec.hpp>

namespace mailroom::detail {

void seal_state(std::string& bytes, std::size_t begin, std::uint32_t schema, std::uint16_t version) {
  const auto archive = std::string_view(bytes).substr(begin + state_header);
  const auto length = static_cast<std::uint32_t>(archive.size());
  char* at = bytes.data() + begin;
  std::memcpy(at, &schema, 4);
  std::memcpy(at + 4, &version, 2);
  std::memcpy(at + 6, &length, 4);
  const auto crc = crc32c(archive, crc32c(std::string_view(at, 10)));
  std::memcpy(at + 10, &crc, 4);
}

StateBytes open_state(std::string_view bytes, std::string_view state_name, std::uint32_t schema,
                      std::uint16_t version) {
  if (bytes.size() < state_header)
    throw CorruptData(fmt::format("a state of {} has {} bytes, fewer than its header", state_name, bytes.size()));
  std::uint32_t found_schema = 0, length = 0, crc = 0;
  std::uint16_t found_version = 0;
  std::memcpy(&found_schema, bytes.data(), 4);
  std::memcpy(&found_version, bytes.data() + 4, 2);
  std::memcpy(&length, bytes.data() + 6, 4);
  std::memcpy(&crc, bytes.data() + 10, 4);
  const auto archive = bytes.substr(state_header);
  if (length != archive.size() || crc != crc32c(archive, crc32c(bytes.substr(0, 10))))
    throw CorruptData(fmt::format("a state of {} fails its length or checksum", state_name));
  if (found_schema != schema)
    throw CorruptData(fmt::format("a state was written by another actor, not as {}", state_name));
  if (found_version > version)
    throw CorruptData(
        fmt::format("a state of {} was written as version {} and this program knows version {}; run the newer program",
                    state_name, found_version, version));
  return {archive, found_version};
}

}  // namespace mailroom::detail
