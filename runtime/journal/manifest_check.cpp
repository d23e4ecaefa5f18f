#include "runtime/journal/manifest_check.hpp"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <string>

#include <mailroom/batch_codec.hpp>
#include <mailroom/errors.hpp>

namespace mailroom::runtime {

namespace {

// RocksDB's log format: blocks, in each records of checksum (4 bytes), length (2), type (1), payload. A record does not
// cross a block's end; what is too little for a head there is zero. The checksum is of type and payload, masked.
constexpr std::size_t block_size = 32768, head_size = 7;
constexpr unsigned char first_recycled_type = 5, last_recycled_type = 8;

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

std::uint32_t masked(std::uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }

// Whether some shorter length fits the record's checksum.
bool is_whole(std::string_view record) {
  const auto expected = little_endian(record.substr(0, 4));
  auto crc = crc32c(record.substr(head_size - 1, 1));
  for (auto at = head_size;; ++at) {
    if (masked(crc) == expected) return true;
    if (at == record.size()) return false;
    crc = crc32c(record.substr(at, 1), crc);
  }
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

std::size_t find_false_end(std::string_view manifest) {
  for (std::size_t block = 0; block < manifest.size(); block += block_size) {
    const auto bytes = manifest.substr(block, block_size);
    for (std::size_t at = 0; at + head_size <= bytes.size();) {
      const auto length = little_endian(bytes.substr(at + 4, 2));
      const auto type = static_cast<unsigned char>(bytes[at + 6]);
      if (type >= first_recycled_type && type <= last_recycled_type) return block + at;
      if (at + head_size + length > bytes.size())
        return is_whole(bytes.substr(at)) ? block + at : std::string_view::npos;
      at += head_size + length;
    }
  }
  return std::string_view::npos;
}

void check_manifest(const std::filesystem::path& store) {
  auto name = read_file(store / "CURRENT");
  if (name.empty() || name.back() != '\n') return;
  name.pop_back();
  const auto at = find_false_end(read_file(store / name));
  if (at == std::string_view::npos) return;
  throw CorruptData(fmt::format(
      "{}: damaged: the record at byte {} has a wrong length or type, and what follows would be lost. Restore the "
      "journal's directory from a copy",
      (store / name).string(), at));
}

}  // namespace mailroom::runtime
